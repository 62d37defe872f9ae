"""File formats: which ending means which, and the bytes of each turned into raw cells."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import json
import re
import zlib
from collections.abc import Collection, Iterator
from pathlib import PurePath

import polars as pl

from chainrule.data.headers import holds_data, repaired_names
from chainrule.data.memory import flattened, renamed
from chainrule.data.silence import quiet_panic
from chainrule.data.table import Reading
from chainrule.data.values import clean
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
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1f]")
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


def parse(data: bytes, format: str, place: str, as_text: Collection[str] = ()) -> Reading:
    """Turn the bytes of a file into a clean frame, with notes on what was guessed or repaired.

    Parameters
    ----------
    data
        The whole file; a text format may be packed with gzip.
    format
        One of ``"csv"``, ``"tsv"``, ``"jsonl"``, ``"parquet"``, ``"arrow"``.
    place
        What messages call the file.
    as_text
        Columns whose text stays text; see `clean`.

    Raises
    ------
    DataError
        If the bytes are empty, damaged, no text, or ragged; the message names the line.
    """
    if format not in ENDINGS.values():
        raise DataError(f"unknown table format {format!r}: use {listing(set(ENDINGS.values()))}")
    notes: tuple[str, ...] = ()
    if format in TEXT:
        data, notes = _text(data, place)
        if not data.strip():
            raise DataError(f"{place} is empty")
    if format in ("csv", "tsv"):
        asked, data = _announced_separator(data)
        separator = "\t" if format == "tsv" else asked or _separator(data)
        named = _separated(data, separator, place)
        frame = clean(named.frame, decimal_comma=separator == ";", as_text=as_text)
    else:
        raw = _json_lines(data, place) if format == "jsonl" else _binary(data, format, place)
        named = renamed(flattened(raw))
        frame = clean(named.frame, as_text=as_text)
    return Reading(frame, notes + named.notes)


def decoded_text(data: bytes, place: str) -> tuple[str, tuple[str, ...]]:
    """Give the text of a file's bytes, packed with gzip or not, in whatever encoding.

    Returns
    -------
    The text, all lines ended by line feeds, and notes on what was guessed.

    Raises
    ------
    DataError
        If the bytes are damaged, or no text; the message says where, and calls the file `place`.
    """
    plain, notes = _text(data, place)
    return plain.decode().replace("\r\n", "\n"), notes


def _binary(data: bytes, format: str, place: str) -> pl.DataFrame:
    if not data:
        raise DataError(f"{place} is empty")
    try:
        with quiet_panic():
            if format == "parquet":
                return pl.read_parquet(io.BytesIO(data))
            if data.startswith(b"ARROW1"):
                return pl.read_ipc(io.BytesIO(data))
            return pl.read_ipc_stream(io.BytesIO(data))
    except _POLARS_ERRORS as error:
        raise DataError(f"{place} is not a readable {format} file: {_first(error)}") from error


def _text(data: bytes, place: str) -> tuple[bytes, tuple[str, ...]]:
    """Unpack gzip, and turn other encodings and old line ends into UTF-8 with line feeds."""
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
    data, notes = _utf8(data.removeprefix(codecs.BOM_UTF8), place)
    return data if b"\n" in data else data.replace(b"\r", b"\n"), notes


def _utf8(data: bytes, place: str) -> tuple[bytes, tuple[str, ...]]:
    """Check UTF-8; what is not is taken for Windows-1252, if it is text in that at all."""
    try:
        data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        where = f"{place}, line {line}: byte {data[error.start]:#04x} is not UTF-8"
        if _CONTROL.search(data):
            raise DataError(f"{where}, and the file is no text: save it as UTF-8") from error
        try:
            data = data.decode("cp1252").encode()
        except UnicodeDecodeError:
            raise DataError(f"{where}; save the file as UTF-8") from error
        return data, (f"{where}: read as Windows-1252; save the file as UTF-8 if that is wrong",)
    return data, ()


def _announced_separator(data: bytes) -> tuple[str | None, bytes]:
    """Take away the line ``sep=;`` that some spreadsheets put first."""
    announced = re.match(rb"sep=(.)\r?\n", data, re.IGNORECASE)
    return (announced[1].decode(), data[announced.end() :]) if announced else (None, data)


def _separator(data: bytes) -> str:
    """Guess what separates the cells: what cuts the first lines into equally many."""
    head = data[: 1 << 16].decode(errors="replace").splitlines()[:_SNIFFED_LINES]
    widths = {}
    for separator in _SEPARATORS:
        seen = {len(row) for row in csv.reader(head, delimiter=separator) if row}
        widths[separator] = seen.pop() if len(seen) == 1 else 0
    best = max(_SEPARATORS, key=lambda separator: widths[separator])
    return best if widths[best] > 1 else ","


def _separated(data: bytes, separator: str, place: str) -> Reading:
    """Read separated values fast; on any doubt, again with care."""
    try:
        # Without a header and without types polars keeps every cell, and every name, as it is.
        with quiet_panic():
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


def _carefully(data: bytes, separator: str, place: str) -> Reading:
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


def _under_header(frame: pl.DataFrame, header: list[str]) -> Reading:
    if holds_data(header):
        names = [f"column_{place}" for place in range(1, frame.width + 1)]
        notes: tuple[str, ...] = (
            "the first line holds numbers, so it is taken for data: the columns are called "
            f"{names[0]!r} to {names[-1]!r}; put a line of names first if you have them",
        )
    else:
        names, notes = repaired_names(header)
        frame = frame[1:]
    return Reading(frame.rename(dict(zip(frame.columns, names, strict=True))), notes)


def _rows(data: bytes, separator: str, place: str) -> Iterator[tuple[int, list[str]]]:
    """Yield each row that is not blank, with the number of its last line."""
    reader = csv.reader(io.StringIO(data.decode(), newline=""), delimiter=separator, strict=False)
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
        with quiet_panic():
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
