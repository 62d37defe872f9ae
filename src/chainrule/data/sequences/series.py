"""One long series out of a table: a row for each step, at even distances in time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from chainrule.data.read import read_with_notes
from chainrule.data.sequences.long_table import TIMES
from chainrule.data.sequences.spacing import Spacing
from chainrule.data.table import Reading
from chainrule.data.timestamps import date_notation
from chainrule.data.values import numbers
from chainrule.data.wording import counted, listing, suggest
from chainrule.errors import DataError

_LARGEST = 1e150  # the square of a number beyond has no place in float64
_MOST_MISSING = 0.5  # of the steps; beyond, what stands between the rows would be invented


@dataclass(frozen=True, eq=False)
class Series:
    """Numbers at even distances in time.

    Make one with `read_series`.

    Parameters
    ----------
    channels
        Names of what was measured, those that are forecast first.
    values
        float64 [steps, channels], without gaps.
    time
        The column of times; empty if the order of the rows is all there is.
    times
        datetime64[us] or float64 [steps]; None without times.
    spacing
        The step; None without times.
    notes
        What a user should know: gaps that were filled, columns that were left out.
    """

    channels: tuple[str, ...]
    values: NDArray[np.float64]
    time: str = ""
    times: NDArray[Any] | None = None
    spacing: Spacing | None = None
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.values)

    @property
    def frame(self) -> pl.DataFrame:
        """Give a table with a row for each step: time, then channels."""
        columns = {} if self.times is None else {self.time: as_cells(self.times)}
        return pl.DataFrame(columns | dict(zip(self.channels, self.values.T, strict=True)))


def as_cells(times: NDArray[Any]) -> pl.Series:
    """Give times as a column: dates where all are midnights, whole numbers where all are whole."""
    if times.dtype.kind != "M":
        whole = (times == np.rint(times)).all()
        return pl.Series(times.astype(np.int64) if whole else times)
    column = pl.Series(times.astype("datetime64[us]"))
    midnights = (times.astype("datetime64[D]") == times).all()
    return column.cast(pl.Date) if midnights else column


def read_series(
    source: object,
    targets: Sequence[str],
    *,
    time: str | None = None,
    channels: Sequence[str] | None = None,
) -> Series:
    """Read a series from a table with a row for each step.

    Rows are put into the order of their times. Steps without a row, and empty cells, get the last
    number before them (the first one, where none comes before), and a note says how many.

    Parameters
    ----------
    source
        Anything that `read_table` takes.
    targets
        Columns to forecast.
    time
        The column of dates or numbers that orders the rows; None: one with a usual name, such as
        "time" or "date", else the order of the rows.
    channels
        All columns that are seen, targets included; None: targets and all others with numbers.

    Raises
    ------
    DataError
        If a column is not there or holds no numbers, two rows have one time, or times are uneven.

    >>> days = ["2024-03-01", "2024-03-02", "2024-03-04"]
    >>> series = read_series({"date": days, "sold": [3, 4, 6]}, ["sold"])
    >>> series.values.ravel().tolist(), series.notes
    ([3.0, 4.0, 4.0, 6.0], ('1 step without a row was filled with the last row before it',))
    """
    reading = source if isinstance(source, Reading) else read_with_notes(source)
    frame, notes = reading.frame, list(reading.notes)
    if not frame.height:
        raise DataError("the series has no rows")
    time = _time_column(frame, time)
    for name in (*targets, *(channels or ())):
        if name not in frame.columns:
            raise DataError(f"there is no column {name!r}; {suggest(name, frame.columns)}")
    if time in targets:
        raise DataError(f"the column {time!r} orders the rows; it cannot be forecast")
    names, left = _channels(frame, targets, channels, time)
    if left:
        notes.append(f"columns that hold no numbers were left out: {listing(left)}")
    values = np.stack([_numbers(frame, name) for name in names], axis=1)
    series = Series(tuple(names), values, notes=tuple(notes))
    if time is not None:
        series = _in_time(series, frame[time])
    return _filled(series, int(np.isnan(values).sum()))


def _time_column(frame: pl.DataFrame, asked: str | None) -> str | None:
    if asked is not None:
        if asked not in frame.columns:
            raise DataError(f"there is no time column {asked!r}; {suggest(asked, frame.columns)}")
        return asked
    by_lower = {column.lower(): column for column in reversed(frame.columns)}
    usual = next((by_lower[each] for each in (*TIMES, "month") if each in by_lower), None)
    if usual is not None:
        return usual
    dates = [each for each in frame.columns if date_notation(frame[each]) is not None]
    return dates[0] if len(dates) == 1 else None


def _channels(
    frame: pl.DataFrame, targets: Sequence[str], asked: Sequence[str] | None, time: str | None
) -> tuple[list[str], list[str]]:
    """Give the columns that are seen, and those that were left out."""
    if asked is not None:
        return list(asked), []
    others = [name for name in frame.columns if name not in (*targets, time)]
    numeric = [
        name for name in others if frame[name].dtype.is_numeric() or frame[name].dtype == pl.Boolean
    ]
    return [*targets, *numeric], [name for name in others if name not in numeric]


def _numbers(frame: pl.DataFrame, name: str) -> NDArray[np.float64]:
    values = numbers(frame[name])
    if not np.isfinite(values).any():
        raise DataError(f"the column {name!r} holds no number")
    if np.nanmax(np.abs(values)) > _LARGEST:
        raise DataError(f"the column {name!r} holds numbers beyond {_LARGEST:g}: divide them")
    return values


def _in_time(series: Series, column: pl.Series) -> Series:
    """Order rows by their times, and put a row without numbers where a step has none."""
    notation = date_notation(column, asked=column.dtype == pl.String)
    if notation is not None:
        times: NDArray[Any] = notation.require(column)
        unknown = np.isnat(times)
    elif column.dtype.is_numeric():
        times = numbers(column)
        unknown = np.isnan(times)
    else:
        raise DataError(f"the time column {column.name!r} holds neither dates nor numbers")
    if unknown.any():
        raise DataError(f"row {int(unknown.argmax()) + 1}: the time in {column.name!r} is empty")
    order = np.argsort(times, kind="stable")
    times = times[order]
    same = times[1:] == times[:-1]
    if same.any():
        raise DataError(
            f"two rows have the {column.name} {times[int(same.argmax())]}: a forecast is of one "
            "series with one row for each step; of a table with several keep one"
        )
    if len(times) < 2:
        return replace(series, time=column.name, times=times, spacing=Spacing("number", 1.0))
    spacing = Spacing.of(times)
    places = spacing.places(times)
    count = int(places[-1]) + 1
    missing = count - len(places)
    if missing > _MOST_MISSING * count:
        raise DataError(
            f"{missing:,} of {count:,} steps of {spacing} have no row: a forecast needs rows at "
            "even distances (sums or means of each hour, day or month, say)"
        )
    values = np.full((count, series.values.shape[1]), np.nan)
    values[places] = series.values[order]
    whole = np.concatenate([times[:1], spacing.following(times[0], count - 1)])
    whole[places] = times
    notes = series.notes
    if missing:
        were, it = ("were", "them") if missing > 1 else ("was", "it")
        steps = counted(missing, "step")
        notes += (f"{steps} without a row {were} filled with the last row before {it}",)
    return Series(series.channels, values, column.name, whole, spacing, notes)


def _filled(series: Series, cells: int) -> Series:
    """Fill gaps with the last number before them; so many of them were cells of the table."""
    empty = np.isnan(series.values)
    if not empty.any():
        return series
    step = np.arange(len(series))[:, None]
    last = np.maximum.accumulate(np.where(empty, -1, step), axis=0)
    first = (~empty).argmax(axis=0)
    values = np.take_along_axis(series.values, np.where(last < 0, first, last), axis=0)
    notes = series.notes
    if cells:
        were = "were" if cells > 1 else "was"
        notes += (f"{counted(cells, 'empty cell')} {were} filled with the last number before",)
    return replace(series, values=values, notes=notes)
