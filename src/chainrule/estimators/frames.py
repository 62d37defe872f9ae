"""Raw tables as inputs: text columns, gaps and categories, encoded by `chainrule.data`.

The table library is loaded when the first raw table comes, and not for plain numbers.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.errors import ChainruleWarning

if TYPE_CHECKING:
    from chainrule.data import Encoder


def is_frame(X: Any) -> bool:
    """Tell whether X is a table with named columns: of pandas, polars or Arrow."""
    names = getattr(X, "columns", None)
    names = getattr(X, "column_names", None) if names is None else names
    return names is not None and not isinstance(X, np.ndarray) and hasattr(X, "shape")


def needs_encoding(X: Any) -> bool:
    """Tell whether a table holds anything but numbers, or has gaps."""
    return is_frame(X) and (not all(map(_is_number, _dtypes(X))) or _has_gaps(X))


def fit_encoder(X: Any, kinds: Mapping[str, str] | None) -> Encoder:
    """Fit an encoder to the rows of a raw table.

    Parameters
    ----------
    kinds
        Kinds of columns that the user knows better, as for `chainrule.data.profile`.
    """
    from chainrule.data import Encoder, read_table

    return Encoder.fit(read_table(X), overrides=kinds)


def encode(encoder: Encoder, X: Any, dtype: Any) -> tuple[Any, tuple[str, ...]]:
    """Encode the rows of a raw table as an array, with notes of what a user should know."""
    from chainrule.data import read_table

    if not is_frame(X):
        names = [column.name for column in encoder.columns]
        raise ValueError(
            f"the model was fitted on a table with the columns {names}, so it needs a table "
            f"(a DataFrame) and not {type(X).__name__}"
        )
    encoded = encoder.transform(read_table(X))
    return encoded.numeric.astype(dtype, copy=False), encoded.notes


def encode_and_tell(encoder: Encoder, X: Any, dtype: Any) -> Any:
    """Encode the rows of a raw table as an array; the notes become warnings."""
    rows, notes = encode(encoder, X, dtype)
    for note in notes:
        warnings.warn(note, ChainruleWarning, stacklevel=2)
    return rows


def make_frame(columns: Mapping[str, Any]) -> Any:
    """Make a polars frame of arrays of numbers by name."""
    from chainrule.data import read_table

    return read_table(columns)


def take_rows(X: Any, rows: Any) -> Any:
    """Give some rows of an array, a sparse matrix or a table, by position."""
    if hasattr(X, "iloc"):
        return X.iloc[rows]
    return X.take(rows) if hasattr(X, "column_names") else X[rows]


def _dtypes(X: Any) -> list[Any]:
    if hasattr(X, "dtypes"):
        return list(X.dtypes)
    return list(X.schema.types)


def _is_number(dtype: Any) -> bool:
    if hasattr(dtype, "is_numeric"):  # polars
        return bool(dtype.is_numeric()) or str(dtype) == "Boolean"
    if hasattr(dtype, "kind"):  # NumPy's and pandas' dtypes
        return dtype.kind in "biuf"
    return str(dtype) in ("bool", "float", "double") or "int" in str(dtype)  # Arrow's


def _has_gaps(X: Any) -> bool:
    if hasattr(X, "isna"):
        return bool(np.asarray(X.isna()).any())
    if hasattr(X, "null_count"):
        gaps = sum(np.asarray(X.null_count()).ravel().tolist())
        return bool(gaps) or bool(np.isnan(np.asarray(X, dtype=np.float64)).any())
    return any(column.null_count for column in X.columns)
