"""A frame becomes a file: whole, or not at all."""

from __future__ import annotations

import contextlib
import gzip
import io
import os
from collections.abc import Mapping
from pathlib import Path
from typing import IO

import polars as pl
from numpy.typing import ArrayLike

from chainrule.data.formats import format_of
from chainrule.errors import DataError


def write_table(
    table: pl.DataFrame | Mapping[str, ArrayLike], path: str | os.PathLike[str]
) -> None:
    """Write a table in the format that the path's ending stands for.

    The file appears under its name only when it is complete; whatever was there before stays
    until then, and stays if writing fails.

    Parameters
    ----------
    table
        A polars frame, or columns by name. Missing cells are empty in CSV and TSV, and null in
        the other formats.
    path
        Ends in ``.csv``, ``.tsv``, ``.jsonl``, ``.parquet`` or ``.arrow`` (or a synonym; see
        `chainrule.data.formats.ENDINGS`); ``.gz`` may follow the first three.

    Raises
    ------
    DataError
        If the ending is unknown, the folder is not there, or the disk is full.
    """
    path = Path(path)
    frame = table if isinstance(table, pl.DataFrame) else pl.DataFrame(dict(table))
    format, packed = format_of(path)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with partial.open("xb") as file:
            _write(frame, file, format, packed)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except (OSError, pl.exceptions.PolarsError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise DataError(f"{str(path)!r} was not written, nor changed: {why}") from error
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)


def _write(frame: pl.DataFrame, file: IO[bytes], format: str, packed: bool) -> None:
    if packed:
        # Without a time in its header the same table gives the same bytes.
        with gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0) as pack:
            pack.write(_bytes(frame, format))
    else:
        file.write(_bytes(frame, format))


def _bytes(frame: pl.DataFrame, format: str) -> bytes:
    """Give the file's bytes; Python writes them, because its errors tell a full disk."""
    memory = io.BytesIO()
    if format == "csv":
        frame.write_csv(memory)
    elif format == "tsv":
        frame.write_csv(memory, separator="\t")
    elif format == "jsonl":
        frame.write_ndjson(memory)
    elif format == "parquet":
        frame.write_parquet(memory)
    else:
        frame.write_ipc(memory)
    return memory.getvalue()
