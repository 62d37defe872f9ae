"""File formats: which ending means which, and the bytes of each turned into raw cells."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import json
import zlib
from collections.abc import Iterator
from pathlib import PurePath

import polars as pl

from chainrule.data.values import clean, column_names
from chainrule.data.wording import listing
from chainrule.errors import DataError

ENDINGS = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".arrow": "arrow",
    ".feather": "arrow",
    ".ipc": "arrow",
}
"""File endings and the format that each stands for."""

TEXT = ("csv", "tsv", "jsonl")
"""Formats that are text, and may therefore be packed with gzip (``.csv.gz``)."""

_GZIP, _ZIP = b"\x1f\x8b", b"PK\x03\x04"
_SEPARATORS = (",", ";", "\t", "|")
_SNIFFED_LINES = 20
# A PanicException is polars' own bug on a malformed file; it is no subclass of Exception.
_POLARS_ERRORS = (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError)


def format_of(path: PurePath) -> tuple[str, bool]:
    """Tell the format that a file's ending stands for, and whether it is packed with gzip.

    Raises
    ------
    DataError
        If the ending is not one of `ENDINGS`, or packs a format that has its own compression.

    >>> format_of(PurePath("customers.CSV.gz"))
    ('csv', True)
    """
    endings = [ending.lower() for ending in path.suffixes]
    packed = endings[-1:] == [".gz"]
    ending = "".join(endings[:-1][-1:] if packed else endings[-1:])
    format = ENDINGS.get(ending)
    if format is None or (packed and format not in TEXT):
        raise DataError(
            f"{str(path)!r}: the ending {''.join(endings[-2:] if packed else endings[-1:])!r} "
            f"stands for no table format; use one of {', '.join(ENDINGS)}, and .gz after "
            f"{', '.join(e for e, f in ENDINGS.items() if f in TEXT)}"
        )
    return format, packed


def parse(data: bytes, format: str, place: str) -> pl.DataFrame:
    """Turn the bytes of a file into a clean frame.

    Parameters
    ----------
    data
        The whole file; a text format may be packed with gzip.
    format
        One of ``"csv"``, ``"tsv"``, ``"jsonl"``, ``"parquet"``, ``"arrow"``.
    place
        What the error messages call the file.

    Raises
    ------
    DataError
        If the bytes are empty, damaged, not UTF-8 (or UTF-16 with a mark), or ragged; the
        message names the line.
    """
    if format not in ENDINGS.values():
        raise DataError(f"unknown table format {format!r}: use {listing(set(ENDINGS.values()))}")
    if format not in TEXT:
        return clean(_binary(data, format, place))
    data = _text(data, place)
    if not data.strip():
        raise DataError(f"{place} is empty")
    if format == "jsonl":
        return clean(_json_lines(data, place))
    separator = "\t" if format == "tsv" else _separator(data)
    frame = _separated(data, separator, place)
    return clean(frame, decimal_comma=separator == ";")


def _binary(data: bytes, format: str, place: str) -> pl.DataFrame:
    if not data:
        raise DataError(f"{place} is empty")
    try:
        if format == "parquet":
            return pl.read_parquet(io.BytesIO(data))
        if data.startswith(b"ARROW1"):
            return pl.read_ipc(io.BytesIO(data))
        return pl.read_ipc_stream(io.BytesIO(data))
    except _POLARS_ERRORS as error:
        raise DataError(f"{place} is not a readable {format} file: {_first(error)}") from error


def _text(data: bytes, place: str) -> bytes:
    """Unpack gzip, and turn UTF-16 and old line ends into UTF-8 with line feeds."""
    if data.startswith(_GZIP):
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError, zlib.error) as error:
            raise DataError(f"{place} is damaged: its gzip data cannot be unpacked") from error
    if data.startswith(_ZIP):
        raise DataError(
            f"{place} is a zip archive or a spreadsheet, not text: save the sheet as CSV"
        )
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        data = data.decode("utf-16", errors="replace").encode()
    data = data.removeprefix(codecs.BOM_UTF8)
    return data if b"\n" in data else data.replace(b"\r", b"\n")


def _separator(data: bytes) -> str:
    """Guess what separates the cells: what cuts the first lines into equally many."""
    head = data[: 1 << 16].decode(errors="replace").splitlines()[:_SNIFFED_LINES]
    widths = {}
    for separator in _SEPARATORS:
        seen = {len(row) for row in csv.reader(head, delimiter=separator) if row}
        widths[separator] = seen.pop() if len(seen) == 1 else 0
    best = max(_SEPARATORS, key=lambda separator: widths[separator])
    return best if widths[best] > 1 else ","


def _separated(data: bytes, separator: str, place: str) -> pl.DataFrame:
    """Read separated values fast; on any doubt, again with care."""
    try:
        # Without a header and without types polars keeps every cell, and every name, as it is.
        frame = pl.read_csv(
            io.BytesIO(data), separator=separator, has_header=False, infer_schema=False
        )
    except _POLARS_ERRORS:
        return _carefully(data, separator, place)
    # polars fills a line that is too short with nulls, so the last cell tells; and it reads a
    # blank line as a row of nulls.
    if frame.width > 1 and frame.to_series(-1).null_count():
        return _carefully(data, separator, place)
    return _under_header(frame, ["" if name is None else name for name in frame.row(0)])


def _carefully(data: bytes, separator: str, place: str) -> pl.DataFrame:
    """Read separated values row by row, so that the first wrong line is known."""
    rows: list[list[str]] = []
    for line, row in _rows(data, separator, place):
        if rows and len(row) != len(rows[0]):
            raise DataError(
                f"{place}, line {line}: {_cells(len(row))}, but the header has "
                f"{_cells(len(rows[0]))} (separator {separator!r})"
            )
        rows.append(row)
    columns = [pl.Series(cells, dtype=pl.String) for cells in zip(*rows, strict=True)]
    frame = pl.DataFrame([c.alias(f"column_{i}") for i, c in enumerate(columns)])
    return _under_header(frame, rows[0])


def _under_header(frame: pl.DataFrame, header: list[str]) -> pl.DataFrame:
    return frame[1:].rename(dict(zip(frame.columns, column_names(header), strict=True)))


def _rows(data: bytes, separator: str, place: str) -> Iterator[tuple[int, list[str]]]:
    """Yield each row that is not blank, with the number of its last line."""
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{place}, line {line}: byte {data[error.start]:#04x} is not UTF-8 text "
            "(perhaps Latin-1 or Windows-1252); save the file as UTF-8"
        ) from error
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=False)
    try:
        for row in reader:
            if row:
                yield reader.line_num, row
    except csv.Error as error:
        raise DataError(f"{place}, line {reader.line_num}: {error}") from error


def _cells(count: int) -> str:
    return "1 cell" if count == 1 else f"{count} cells"


def _json_lines(data: bytes, place: str) -> pl.DataFrame:
    try:
        return pl.read_ndjson(io.BytesIO(data), infer_schema_length=None)
    except _POLARS_ERRORS as error:
        for number, line in enumerate(data.splitlines(), start=1):
            _check_json(line, f"{place}, line {number}")
        raise DataError(f"{place} is not readable as JSON lines: {_first(error)}") from error


def _check_json(line: bytes, where: str) -> None:
    if not line.strip():
        return
    try:
        value = json.loads(line)
    except ValueError as error:
        raise DataError(f"{where}: not JSON ({error})") from error
    if not isinstance(value, dict):
        raise DataError(f'{where}: expected an object like {{"age": 41}}, received {value!r}')


def _first(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
