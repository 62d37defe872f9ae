"""Anything that holds a table becomes a clean frame."""

from __future__ import annotations

import os
import warnings
from collections.abc import Collection
from pathlib import Path

import polars as pl

from chainrule.data.formats import format_of, parse
from chainrule.data.memory import from_memory
from chainrule.data.sample import load_sample
from chainrule.data.table import Reading
from chainrule.data.values import clean
from chainrule.errors import ChainruleWarning, DataError

_SAMPLE = "sample:"


def read_table(
    source: object, *, format: str | None = None, as_text: Collection[str] = ()
) -> pl.DataFrame:
    """Read a table, with null for every missing cell and a natural type for every column.

    Parameters
    ----------
    source
        A path to a CSV, TSV, JSON-lines, Parquet or Arrow (Feather) file, the text formats also
        packed (``.csv.gz``); ``"sample:adult"`` for a table that comes with the package; or a
        table in memory: see `chainrule.data.memory.from_memory`.
        A ``.csv`` may also be separated by semicolons (then with decimal commas), tabs or bars.
    format
        Read the file as ``"csv"``, ``"tsv"``, ``"jsonl"``, ``"parquet"`` or ``"arrow"``,
        whatever its ending.
    as_text
        Columns whose text stays text, even where it looks like numbers; names that the table
        lacks do not matter. For new rows of a model: see `Encoder.text_columns`.

    Returns
    -------
    polars.DataFrame
        At least one row and one column. Cells such as ``?``, ``NA`` and ``-`` are null; text
        that is all numbers is int64 or float64 (but ``007`` stays text).

    Raises
    ------
    DataError
        If there is no such file, or it is a folder, empty, only a header, ragged, not text,
        damaged, or of an unknown format.

    Warns
    -----
    ChainruleWarning
        If something had to be guessed or repaired; `read_with_notes` gives the notes instead.

    >>> read_table({"age": ["41", " ?"], "member": ["true", "FALSE"]}).rows()
    [(41, True), (None, False)]
    """
    reading = read_with_notes(source, format=format, as_text=as_text)
    for note in reading.notes:
        warnings.warn(note, ChainruleWarning, stacklevel=2)
    return reading.frame


def read_with_notes(
    source: object, *, format: str | None = None, as_text: Collection[str] = ()
) -> Reading:
    """Read a table like `read_table`, and say what a user should know about it."""
    if isinstance(source, str) and source.startswith(_SAMPLE):
        return Reading(load_sample(source.removeprefix(_SAMPLE)).frame)
    if isinstance(source, str | os.PathLike):
        place, reading = repr(os.fspath(source)), _from_file(Path(source), format, as_text)
    else:
        raw = from_memory(source)
        place, reading = "the table", Reading(clean(raw.frame, as_text=as_text), raw.notes)
    if not reading.frame.width:
        raise DataError(f"{place} has no columns")
    if not reading.frame.height:
        raise DataError(f"{place} has column names but no rows")
    return reading


def _from_file(path: Path, format: str | None, as_text: Collection[str]) -> Reading:
    if path.is_dir():
        raise DataError(f"{str(path)!r} is a folder; name a file in it")
    if not path.exists():
        raise DataError(f"there is no file {str(path)!r}")
    kind = format or format_of(path)[0]
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"{str(path)!r} cannot be read: {error.strerror}") from error
    return parse(data, kind, repr(str(path)), as_text)
