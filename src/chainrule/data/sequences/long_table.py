"""Sequences out of a long table: one row per step, a column that tells the sequences apart."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from chainrule.data.read import read_with_notes
from chainrule.data.sequences.sequences import Sequences
from chainrule.data.table import Reading
from chainrule.data.timestamps import date_notation
from chainrule.data.values import numbers
from chainrule.data.wording import listing, suggest
from chainrule.errors import DataError

IDS = ("id", "sequence", "sequence_id", "series", "series_id", "case", "case_id", "unique_id")
"""Names that a column of identifiers usually has, in small letters."""

TIMES = ("time", "t", "step", "timestamp", "datetime", "date", "ds", "order")
"""Names that a column of times usually has, in small letters."""


def read_long_table(
    source: object,
    target: str | None = None,
    *,
    id: str | None = None,
    time: str | None = None,
    channels: Sequence[str] | None = None,
) -> Sequences:
    """Read sequences from a table with one row per step.

    Parameters
    ----------
    source
        Anything that `read_table` takes.
    target
        The column of labels, the same in all rows of a sequence; None if there are none.
    id
        The column that tells sequences apart; None: one that is called as in `IDS`.
    time
        The column by whose numbers or dates steps are ordered; None: one that is called as in
        `TIMES`, else the order of the rows.
    channels
        Columns of numbers that are the input; None: all others that hold numbers.

    Raises
    ------
    DataError
        If a column is not there, a label changes within a sequence, or nothing is left to learn
        from.

    >>> rows = {"id": [1, 1, 2], "time": [2, 1, 1], "x": [0.5, 0.25, 7], "label": ["a", "a", "b"]}
    >>> both = read_long_table(rows, "label")
    >>> both[0].tolist(), both.frame.rows()
    ([[0.25], [0.5]], [(1, 'a'), (2, 'b')])
    """
    reading = source if isinstance(source, Reading) else read_with_notes(source)
    frame = reading.frame
    id = _column(frame, id, IDS, "id")
    if id is None:
        raise DataError(
            "the table has no column that tells the sequences apart: name one with id (on the "
            f"command line --id); it has {listing(frame.columns)}"
        )
    time = _column(frame, time, TIMES, "time")
    if target is not None:
        _column(frame, target, (), "target")
    if frame[id].null_count():
        row = frame[id].is_null().arg_max() or 0
        raise DataError(f"row {row + 1}: the column {id!r} of sequences is empty")
    order, names = _order(frame, id, time)
    frame = frame[order]
    starts = np.flatnonzero(np.concatenate([[True], names[1:] != names[:-1]]))
    ends = np.append(starts, frame.height)
    special = [each for each in (id, time, target) if each is not None]
    used, notes = _channels(frame, channels, special)
    values = np.stack([numbers(frame[name]) for name in used], axis=1).astype(np.float32)
    columns = [frame[id][starts]]
    if target is not None:
        columns.append(_labels(frame[target], frame[id], starts, names))
    table = pl.DataFrame(columns)
    return Sequences(table, tuple(used), values, ends.astype(np.int64), reading.notes + notes)


def _column(frame: pl.DataFrame, name: str | None, usual: Sequence[str], role: str) -> str | None:
    """Check a column that the user named, or find one by its usual names."""
    if name is not None:
        if name not in frame.columns:
            raise DataError(f"there is no {role} column {name!r}; {suggest(name, frame.columns)}")
        return name
    by_lower = {column.lower(): column for column in reversed(frame.columns)}
    return next((by_lower[each] for each in usual if each in by_lower), None)


def _order(frame: pl.DataFrame, id: str, time: str | None) -> tuple[np.ndarray, np.ndarray]:
    """Order rows by sequence, as they first appear, and time; number the sequences [rows]."""
    first: dict[object, int] = {}
    names = np.array([first.setdefault(cell, len(first)) for cell in frame[id].to_list()])
    if time is None:
        order = np.argsort(names, kind="stable")
        return order, names[order]
    column = frame[time]
    notation = date_notation(column)
    if notation is not None:
        times = notation.read(column)
    elif column.dtype.is_numeric():
        times = numbers(column)
    else:
        raise DataError(f"the time column {time!r} holds neither dates nor numbers")
    order = np.lexsort((times, names))
    return order, names[order]


def _channels(
    frame: pl.DataFrame, asked: Sequence[str] | None, special: Sequence[str]
) -> tuple[list[str], tuple[str, ...]]:
    numeric = [
        name
        for name in frame.columns
        if name not in special
        and (frame[name].dtype.is_numeric() or frame[name].dtype == pl.Boolean)
    ]
    if asked is not None:
        absent = [name for name in asked if name not in frame.columns]
        if absent:
            raise DataError(
                f"there is no column {absent[0]!r}; {suggest(absent[0], frame.columns)}"
            )
        wrong = [name for name in asked if name not in numeric]
        if wrong:
            raise DataError(f"the column {wrong[0]!r} is no channel: a channel holds numbers")
        return list(asked), ()
    if not numeric:
        raise DataError(
            f"the table has no column of numbers beside {listing(special)} to learn from"
        )
    rest = [name for name in frame.columns if name not in (*numeric, *special)]
    notes = (f"columns that hold no numbers were left out: {listing(rest)}",) if rest else ()
    return numeric, notes


def _labels(labels: pl.Series, ids: pl.Series, starts: np.ndarray, names: np.ndarray) -> pl.Series:
    """Give the label of each sequence, which has to be the same in all its rows."""
    first = labels[starts[names]]
    differs = labels.ne_missing(first)
    if differs.any():
        row = differs.arg_max() or 0
        raise DataError(
            f"the sequence {ids[row]!r} has the labels {first[row]!r} and {labels[row]!r} in "
            f"{labels.name!r}: a label belongs to a whole sequence"
        )
    return labels[starts]
