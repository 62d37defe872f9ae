"""Anything that holds a table becomes a clean frame."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import polars as pl

from chainrule.data.formats import format_of, parse
from chainrule.data.sample import load_sample
from chainrule.data.values import clean, column_names
from chainrule.errors import DataError

_SAMPLE = "sample:"


def read_table(source: object, *, format: str | None = None) -> pl.DataFrame:
    """Read a table, with null for every missing cell and a natural type for every column.

    Parameters
    ----------
    source
        A path to a CSV, TSV, JSON-lines, Parquet or Arrow (Feather) file, the text formats also
        packed (``.csv.gz``); ``"sample:adult"`` for a table that comes with the package; or a
        table in memory: a polars or pandas frame, an Arrow table, a dictionary of columns.
        A ``.csv`` may also be separated by semicolons (then with decimal commas), tabs or bars.
    format
        Read the file as ``"csv"``, ``"tsv"``, ``"jsonl"``, ``"parquet"`` or ``"arrow"``,
        whatever its ending.

    Returns
    -------
    polars.DataFrame
        At least one row and one column. Cells such as ``?``, ``NA`` and ``-`` are null; text
        that is all numbers is int64 or float64 (but ``007`` stays text).

    Raises
    ------
    DataError
        If there is no such file, or it is a folder, empty, only a header, ragged, not UTF-8,
        damaged, of an unknown format, or has two columns of one name.

    >>> read_table({"age": ["41", " ?"], "member": ["true", "FALSE"]}).rows()
    [(41, True), (None, False)]
    """
    if isinstance(source, str) and source.startswith(_SAMPLE):
        return load_sample(source.removeprefix(_SAMPLE)).frame
    if isinstance(source, str | os.PathLike):
        place, frame = repr(os.fspath(source)), _from_file(Path(source), format)
    else:
        place, frame = "the table", clean(_from_memory(source))
    if not frame.width:
        raise DataError(f"{place} has no columns")
    if not frame.height:
        raise DataError(f"{place} has column names but no rows")
    return frame


def _from_file(path: Path, format: str | None) -> pl.DataFrame:
    if path.is_dir():
        raise DataError(f"{str(path)!r} is a folder; name a file in it")
    if not path.exists():
        raise DataError(f"there is no file {str(path)!r}")
    kind = format or format_of(path)[0]
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"{str(path)!r} cannot be read: {error.strerror}") from error
    return parse(data, kind, repr(str(path)))


def _from_memory(table: Any) -> pl.DataFrame:
    if isinstance(table, pl.DataFrame):
        return table
    if isinstance(table, pl.LazyFrame):
        return table.collect()
    if isinstance(table, Mapping):
        return _from_columns(list(table), list(table.values()))
    library = type(table).__module__.partition(".")[0]
    if library == "pandas" and hasattr(table, "iloc"):
        names = list(table.columns)
        return _from_columns(names, [table.iloc[:, i] for i in range(len(names))])
    if hasattr(table, "__arrow_c_stream__") and hasattr(table, "column_names"):
        column_names(table.column_names)
        return pl.DataFrame(table)
    raise DataError(
        "expected a path or a table (polars, pandas, Arrow, a dictionary of columns), "
        f"received {type(table).__name__}"
    )


def _from_columns(header: list[object], columns: list[Any]) -> pl.DataFrame:
    names = column_names(header)
    lengths = {name: len(column) for name, column in zip(names, columns, strict=True)}
    if len(set(lengths.values())) > 1:
        raise DataError(f"the columns differ in length: {lengths}")
    return pl.DataFrame([_series(n, c) for n, c in zip(names, columns, strict=True)])


def _series(name: str, values: Any) -> pl.Series:
    with suppress(TypeError, ValueError, ImportError, pl.exceptions.PolarsError):
        series = pl.Series(name, values)
        if series.dtype != pl.Object:
            return series
    # Values of several types: as text, which `clean` reads again like a file.
    return pl.Series(name, [str(value) for value in values], dtype=pl.String)
