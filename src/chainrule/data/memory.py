"""Tables that a program already holds, of any library, as raw columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np
import polars as pl

from chainrule.data.headers import column_names, repaired_names
from chainrule.data.table import Reading
from chainrule.errors import DataError


def from_memory(table: Any) -> Reading:
    """Turn a table in memory into raw columns.

    Parameters
    ----------
    table
        A polars or pandas frame or column; anything else that speaks the Arrow PyCapsule protocol
        (tables of PyArrow, DuckDB, Ibis, Modin, ...); a dictionary of columns; a list of
        dictionaries, one per row; a NumPy array: structured (a column per field), [n, d] (columns
        ``x0``, ``x1``, ..., as scikit-learn names them) or [n]; a sparse matrix.

    Raises
    ------
    DataError
        If it is something else, or its columns differ in length.
    """
    if isinstance(table, pl.DataFrame):
        return renamed(flattened(table))
    if isinstance(table, pl.LazyFrame):
        return renamed(flattened(table.collect()))
    if isinstance(table, pl.Series):
        return renamed(table.to_frame())
    if isinstance(table, Mapping):
        return _from_columns(list(table), list(table.values()))
    if hasattr(table, "iloc"):  # pandas and those that follow it
        if not hasattr(table, "columns"):
            return _from_columns([table.name], [table])
        names = list(table.columns)
        return _from_columns(names, [table.iloc[:, i] for i in range(len(names))])
    if hasattr(table, "__arrow_c_stream__"):
        if not hasattr(table, "column_names"):
            return renamed(flattened(pl.DataFrame(table)))
        # polars would refuse two columns of one name, so each is taken on its own.
        names = list(table.column_names)
        return _from_columns(names, [table.column(i) for i in range(len(names))])
    if hasattr(table, "toarray"):  # a sparse matrix
        table = table.toarray()
    if isinstance(table, np.ndarray):
        return _from_array(table)
    if isinstance(table, Sequence) and not isinstance(table, str | bytes) and len(table):
        if all(isinstance(row, Mapping) for row in table):
            names = list(dict.fromkeys(name for row in table for name in row))
            return _from_columns(names, [[row.get(name) for row in table] for name in names])
        if all(
            isinstance(row, Sequence | np.ndarray) and not isinstance(row, str) for row in table
        ):
            return _from_rows(table)
    raise DataError(
        "expected a path or a table (polars, pandas, Arrow, NumPy, a dictionary of columns, a list "
        f"of rows), received {type(table).__name__}"
    )


def _from_array(array: np.ndarray) -> Reading:
    if array.dtype.names:
        fields = [array[name] for name in array.dtype.names]
        if array.ndim != 1 or any(field.ndim != 1 for field in fields):
            raise DataError(
                f"a structured array should have one axis and plain fields, received {array.dtype} "
                f"of shape {array.shape}"
            )
        return _from_columns(list(array.dtype.names), fields)
    if array.ndim not in (1, 2):
        raise DataError(
            f"expected an array [rows, columns], received one of shape {array.shape}; "
            "reshape it, or name the columns in a dictionary"
        )
    columns = array[:, None] if array.ndim == 1 else array
    return _from_columns([f"x{i}" for i in range(columns.shape[1])], [*columns.T])


def _from_rows(rows: Sequence[Any]) -> Reading:
    widths = {len(row) for row in rows}
    if len(widths) > 1:
        raise DataError(f"the rows differ in length: they have {sorted(widths)} cells")
    (width,) = widths
    columns = [[row[i] for row in rows] for i in range(width)]
    return _from_columns([f"x{i}" for i in range(width)], columns)


def _from_columns(header: list[object], columns: list[Any]) -> Reading:
    names, notes = repaired_names(header)
    lengths = {name: len(column) for name, column in zip(names, columns, strict=True)}
    if len(set(lengths.values())) > 1:
        raise DataError(f"the columns differ in length: {lengths}")
    frame = pl.DataFrame([_series(n, c) for n, c in zip(names, columns, strict=True)])
    return Reading(flattened(frame), notes)


def _series(name: str, values: Any) -> pl.Series:
    if getattr(getattr(values, "dtype", None), "kind", "") == "c":
        raise DataError(f"column {name!r} holds complex numbers: give their two parts instead")
    if isinstance(values, np.ndarray):
        values = _polars_array(values)
    for given in (lambda: values, lambda: _cells(values)):
        with suppress(
            TypeError, ValueError, ImportError, NotImplementedError, pl.exceptions.PolarsError
        ):
            series = pl.Series(name, given())
            if _is_known(series.dtype):
                return series
    # Values of several types: as text, which `clean` reads again like a file.
    texts = [None if cell is None else str(cell) for cell in _cells(values)]
    return pl.Series(name, texts, dtype=pl.String)


def _is_known(dtype: pl.DataType) -> bool:
    """Tell whether a type is polars' own: not Python's objects, nor an extension of Arrow's."""
    plain = dtype.is_numeric() or dtype.is_temporal() or dtype.is_nested()
    others = (pl.Boolean, pl.String, pl.Categorical, pl.Enum, pl.Binary, pl.Null)
    return plain or dtype in others


def _cells(values: Any) -> list[Any]:
    """Give the cells as Python objects, None where pandas has one of its missing values."""
    if not hasattr(values, "isna"):
        return list(values)
    missing = np.asarray(values.isna())
    return [None if gone else cell for cell, gone in zip(values, missing, strict=True)]


def _polars_array(values: np.ndarray) -> np.ndarray:
    """Turn what polars does not know into what it does: bytes, short floats, coarse times."""
    if values.dtype.kind == "S":
        return np.char.decode(values, "utf-8", "replace")
    if values.dtype == np.float16:
        return values.astype(np.float32)
    if values.dtype.kind in "mM":
        return values.astype(f"{values.dtype.kind}8[us]")
    return values


def flattened(frame: pl.DataFrame) -> pl.DataFrame:
    """Make the fields of structs columns of their own.

    >>> flattened(pl.DataFrame({"home": [{"city": "Rome", "zip": 1}]})).columns
    ['home.city', 'home.zip']
    """
    while pl.Struct in [dtype.base_type() for dtype in frame.dtypes]:
        parts: list[pl.Series] = []
        for column in frame:
            if column.dtype == pl.Struct:
                fields = column.struct.unnest()
                parts += [field.alias(f"{column.name}.{field.name}") for field in fields]
            else:
                parts.append(column)
        names = column_names(part.name for part in parts)
        frame = pl.DataFrame([part.alias(n) for part, n in zip(parts, names, strict=True)])
    return frame


def renamed(frame: pl.DataFrame) -> Reading:
    """Give a frame usable names, and say which were not."""
    names, notes = repaired_names(frame.columns)
    return Reading(frame.rename(dict(zip(frame.columns, names, strict=True))), notes)
