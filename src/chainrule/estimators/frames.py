"""Raw tables as inputs: text columns, gaps and categories, encoded by `chainrule.data`.

The table library is loaded when the first raw table comes, and not for plain numbers.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils.validation import validate_data

from chainrule.errors import ChainruleWarning, DataError

if TYPE_CHECKING:
    from chainrule.data import Encoder
    from chainrule.data.table import Table


# What scikit-learn says of arrays that hold more than numbers.
_NOT_PLAIN = ("contains NaN", "could not convert string to float", "arrays of bytes/strings")


def is_table(X: Any) -> bool:
    """Tell whether X has named columns: a frame of pandas, polars or Arrow, a structured array.

    Raises
    ------
    DataError
        If X is a lazy frame, whose rows are not there yet, or a dictionary.
    """
    if isinstance(X, np.ndarray):
        return X.dtype.names is not None
    if isinstance(X, Mapping) and not hasattr(X, "shape"):  # sparse matrices may be mappings
        raise DataError(
            "X is a dictionary, which has no rows: make it a table, as polars.DataFrame(X) or "
            "pandas.DataFrame(X) does"
        )
    names = getattr(X, "column_names", None)
    if hasattr(X, "collect") and not hasattr(X, "shape"):
        raise DataError(f"X is a {type(X).__name__}, whose rows are not computed yet: collect() it")
    return hasattr(X, "shape") and (names is not None or hasattr(X, "columns"))


def needs_encoding(X: Any) -> bool:
    """Tell whether a table holds anything but finite numbers, or has a name twice or no column."""
    if not is_table(X):
        return False
    if isinstance(X, np.ndarray):
        return True
    names = _names(X)
    if not 0 < len({*names}) == len(names):
        return True
    return not all(map(_is_number, _dtypes(X))) or not _is_finite(X)


def read(X: Any) -> Table:
    """Read a table, or an array as a table; what had to be repaired becomes a warning."""
    from chainrule.data.read import read_with_notes

    reading = read_with_notes(X)
    _warn(reading.notes)
    return reading.frame


def look_at(model: Any, X: Any) -> Any:
    """Decide at a first fit whether X has to be encoded; if so, read it as a table.

    The model remembers the decision as `_encodes`, whether X had names as `_named`, and what
    scikit-learn remembers of every X.
    """
    model.__dict__.pop("encoder_", None)
    asked = bool(model.column_kinds) or model.scaling != "auto"
    if model.encode is False and asked:
        raise ValueError("column_kinds and scaling are for encoded columns, but encode=False")
    model._encodes = model.encode is True or (
        model.encode == "auto" and (asked or needs_encoding(X))
    )
    if not model._encodes:
        return X
    model._named, table = is_table(X), read(X)
    # A frame of pandas may name its columns by numbers; the table's names are texts.
    asked_kinds = {str(name): kind for name, kind in (model.column_kinds or {}).items()}
    model._kinds = {**_kinds_by_type(X, table), **asked_kinds}
    # Its names are usable, which those of X need not be.
    validate_data(model, table if model._named else X, skip_check_array=True, reset=True)
    return table


@contextmanager
def telling_of_encoding() -> Iterator[None]:
    """Add to scikit-learn's errors about gaps and texts what helps here."""
    try:
        yield
    except ValueError as error:
        if any(mark in str(error) for mark in _NOT_PLAIN):
            error.add_note(
                "With encode=True this estimator takes such rows: gaps are filled and flagged, "
                "texts become levels."
            )
        raise


def fit_encoder(model: Any, table: Table, rows: Any) -> Encoder:
    """Fit the encoder of a model to some rows of a table.

    Parameters
    ----------
    table
        What `look_at` gave.
    rows
        Numbers of the rows to learn from; None for all.
    """
    from chainrule.data import Encoder

    return Encoder.fit(table, overrides=model._kinds, scaling=model.scaling, rows=rows)


def look_again(model: Any, X: Any) -> None:
    """Check raw rows that a fitted model is to predict: a table if it learnt from one."""
    if not model._named:
        validate_data(model, X, skip_check_array=True, reset=False)
    elif not is_table(X):
        names = [column.name for column in model.encoder_.columns]
        raise ValueError(
            f"the model was fitted on a table with the columns {names}, so it needs a table "
            f"(a DataFrame) and not {type(X).__name__}"
        )


def encode(encoder: Encoder, X: Any, dtype: Any, *, tell: bool = False) -> Any:
    """Encode the rows of a raw table as an array (n, inputs).

    Parameters
    ----------
    tell
        Whether what a user should know, such as levels that training did not see, becomes
        warnings. While fitting, rows to validate on may well have them.
    """
    reading = encoder.read(X)
    encoded = encoder.transform(reading.frame)
    if tell:
        _warn(reading.notes + encoded.notes)
    return encoded.numeric.astype(dtype, copy=False)


def make_frame(columns: Mapping[str, Any]) -> Table:
    """Make a polars frame of arrays of numbers by name."""
    from chainrule.data import read_table

    return read_table(columns)


def _warn(notes: tuple[str, ...]) -> None:
    for note in notes:
        warnings.warn(note, ChainruleWarning, stacklevel=2)


def _names(X: Any) -> list[Any]:
    return list(X.column_names if hasattr(X, "column_names") else X.columns)


def _dtypes(X: Any) -> list[Any]:
    if hasattr(X, "dtypes"):
        return list(X.dtypes)
    return list(X.schema.types)


def _is_number(dtype: Any) -> bool:
    if hasattr(dtype, "is_numeric"):  # polars
        return bool(dtype.is_numeric()) or str(dtype) == "Boolean"
    if hasattr(dtype, "kind"):  # NumPy's and pandas' dtypes
        return dtype.kind in "biuf"
    return bool(re.fullmatch(r"bool|float|double|u?int\d+", str(dtype)))  # Arrow's


def _is_finite(X: Any) -> bool:
    """Tell whether a table of numbers has no gap and no infinity."""
    if hasattr(X, "column_names"):
        columns = [np.asarray(column, np.float64) for column in X.columns]
    elif hasattr(X, "iloc"):
        columns = [X.to_numpy(dtype=np.float64, na_value=np.nan)]
    else:
        columns = [column.to_numpy().astype(np.float64) for column in X]
    return all(bool(np.isfinite(column).all()) for column in columns)


def _kinds_by_type(X: Any, table: Table) -> dict[str, str]:
    """Find the columns whose type says that they are levels, whatever these look like."""
    if isinstance(X, np.ndarray) or not is_table(X) or table.width != len(_names(X)):
        return {}
    types = zip(table, map(str, _dtypes(X)), strict=True)
    return {
        column.name: "categorical"
        for column, dtype in types
        if dtype.startswith(("category", "Categorical", "Enum", "dictionary"))
        and column.drop_nulls().n_unique() > 1
    }
