"""How dates and times are written, and reading them.

A cell tells by itself in which of the usual forms it is written, so a column may mix them. Only
``03/04/2024`` leaves open what is the day: that is found out once, from the training table, and
travels with the model.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from chainrule.data.stored import Fields
from chainrule.errors import DataError

ORDERS = ("dmy", "mdy")
"""What comes first where all parts are short numbers: the day, or the month."""

_SHARE, _ASKED_SHARE = 0.9, 0.5
_SAMPLE, _SAMPLING_ERROR = 200, 0.1
_FEWEST_WHOLE = 5
# Two digits of a year from here on are of the last century, as POSIX has it.
_LAST_CENTURY = 69
# What systems write for "never" and "always"; as dates they would dwarf all others.
_EARLIEST, _LATEST = np.datetime64("1000-01-01", "us"), np.datetime64("2900-01-01", "us")

_CLOCK = r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,](?P<fraction>\d{1,9}))?)?"
_HALF = r"\s*(?P<half>[AaPp])?(?:\.?[Mm]\.?)?"
_ZONE = r"\s*(?:(?P<zone>[+-]\d{2}:?\d{2})|Z|UTC|GMT)?"
_TIME = rf"(?:(?:[T ]|, ?){_CLOCK}{_HALF}{_ZONE})?$"
_WEEKDAY = r"(?:(?i:mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?,? )?"
_MONTH = r"(?P<name>[A-Za-z]{3,9})\.?"
_BETWEEN = r"(?:[-/. ]|, ?|\. )"
_FORMS = (
    rf"^(?P<year>\d{{4}})[-/. ](?P<month>\d{{1,2}})[-/. ](?P<day>\d{{1,2}}){_TIME}",
    rf"^{_WEEKDAY}(?P<first>\d{{1,2}})[-/. ](?P<next>\d{{1,2}})[-/. ](?P<year>\d{{4}}|\d{{2}})"
    rf"{_TIME}",
    r"^(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})"
    r"(?:T?(?P<hour>\d{2})(?P<minute>\d{2})(?P<second>\d{2})?)?$",
    rf"^{_WEEKDAY}(?P<day>\d{{1,2}})(?:st|nd|rd|th|\.)?{_BETWEEN}?{_MONTH}{_BETWEEN}?"
    rf"(?P<year>\d{{4}}|\d{{2}}){_TIME}",
    rf"^{_WEEKDAY}{_MONTH}{_BETWEEN}(?P<day>\d{{1,2}})(?:st|nd|rd|th)?{_BETWEEN}(?P<year>\d{{4}})"
    rf"{_TIME}",
    r"^(?P<year>\d{4})[-/](?P<month>\d{1,2})$",
    rf"^{_MONTH}{_BETWEEN}(?P<year>\d{{4}})$",
    rf"^{_CLOCK}{_HALF}$",
)
_MONTHS = (
    *("january", "february", "march", "april", "may", "june", "july", "august", "september"),
    *("october", "november", "december"),
)
_MONTH_NUMBERS = {
    name: number
    for number, full in enumerate(_MONTHS, start=1)
    for name in ({full, full[:3]} | ({"sept"} if number == 9 else set()))
}
# Whole numbers beyond the first are milliseconds; beyond the second, none is meant as a date.
_MILLISECONDS, _FARTHEST, _FAR = 10**11, 10**14, 1e18


@dataclass(frozen=True)
class DateNotation:
    """How the dates of one column are written.

    Parameters
    ----------
    order
        One of `ORDERS`. A cell that has a thirteenth month in this order is read in the other.
    words
        Whether other texts stand among the dates. They count as missing.
    clock
        Whether cells are times of the day, without a date.
    seconds
        Whether whole numbers count seconds (beyond 10^11 milliseconds) since 1970; else they are
        read as ``20240229``.
    """

    order: str = "dmy"
    words: bool = False
    clock: bool = False
    seconds: bool = False

    def read(self, column: pl.Series) -> np.ndarray:
        """Read cells as moments: datetime64[us] [n], UTC where a zone is given, NaT if unknown.

        Times of the day are moments of 1970-01-01.

        Raises
        ------
        DataError
            If the column holds something that can be no date, such as fractions.
        """
        return _without_placeholders(self._moments(column))

    def require(self, column: pl.Series) -> np.ndarray:
        """Read cells as moments, like `read`, but words only if training had some.

        Raises
        ------
        DataError
            If a cell is no date; the message names the column, the row and the value.
        """
        moments = self._moments(column)
        wrong = np.flatnonzero(np.isnat(moments) & column.is_not_null().to_numpy())
        if len(wrong) and not self.words:
            more = f" ({len(wrong)} such rows)" if len(wrong) > 1 else ""
            raise DataError(
                f"column {column.name!r}, row {wrong[0] + 1}: {column[int(wrong[0])]!r} is not a "
                f"{'time' if self.clock else 'date'}{more}; correct it, or leave the cell empty if "
                "it is unknown"
            )
        return _without_placeholders(moments)

    def _moments(self, column: pl.Series) -> np.ndarray:
        dtype = column.dtype
        if dtype == pl.Null:
            return np.full(len(column), np.datetime64("NaT", "us"))
        if dtype == pl.String:
            cells = column.unique().drop_nulls()
            if 2 * len(cells) > len(column):
                return _parse(column, self)
            column = column.replace_strict(
                cells,
                pl.Series(_parse(cells, self)),
                default=None,
                return_dtype=pl.Datetime("us"),
            )
        elif isinstance(dtype, pl.Datetime) and dtype.time_zone:
            column = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
        elif dtype == pl.Time:
            column = column.cast(pl.Int64) // 1000
        elif _is_whole(column):
            whole = column.cast(pl.Int64)
            return _from_seconds(whole) if self.seconds else _parse(whole.cast(pl.String), self)
        elif dtype not in (pl.Date, pl.Datetime):
            raise DataError(f"column {column.name!r} should hold dates, but holds {dtype}")
        return column.cast(pl.Datetime("us")).to_numpy().astype("datetime64[us]")

    def to_dict(self) -> dict[str, object]:
        """Give everything as plain JSON values."""
        return vars(self).copy()

    @classmethod
    def from_fields(cls, fields: Fields) -> DateNotation:
        """Read what `to_dict` gave; raise `ModelFileError` if it is anything else."""
        flags = [fields.flag(name) for name in ("words", "clock", "seconds")]
        notation = cls(fields.choice("order", ORDERS), *flags)
        fields.end()
        return notation


def date_notation(
    column: pl.Series, order: str | None = None, *, asked: bool = False
) -> DateNotation | None:
    """Find out how the dates of a column are written; None if it does not hold dates.

    Parameters
    ----------
    column
        Cleaned cells [n]. Whole numbers are taken for dates if all look like ``20240229``.
    order
        One of `ORDERS`, if it is known.
    asked
        Whether the user says that these are dates: then half of the cells are enough, and whole
        numbers may also count seconds.

    >>> date_notation(pl.Series(["1/31/2024", "2/1/2024"]))
    DateNotation(order='mdy', words=False, clock=False, seconds=False)
    """
    known = column.drop_nulls()
    if known.is_empty():
        return None
    found = DateNotation(order or "dmy", clock=known.dtype == pl.Time)
    if known.dtype.is_temporal() and known.dtype != pl.Duration:
        return found
    if _is_whole(known):
        if _are_day_numbers(known.cast(pl.Int64)):
            return found
        return replace(found, seconds=True) if asked else None
    if known.dtype != pl.String:
        return None
    share, sample = _ASKED_SHARE if asked else _SHARE, known.head(_SAMPLE)
    found = replace(found, clock=_share(sample, replace(found, clock=True)) >= 0.5)
    if _share(sample, found) < share - _SAMPLING_ERROR:
        return None
    counted = known.value_counts(name="rows")
    cells, rows = counted.to_series(0), counted.to_series(1).to_numpy()
    found = replace(found, order=order or _order(cells))
    good = _readable(cells, found)
    if rows[good].sum() < share * rows.sum():
        return None
    return replace(found, words=not bool(good.all()))


def is_order_open(column: pl.Series) -> bool:
    """Tell whether a column's dates could be read with the day or the month first.

    >>> is_order_open(pl.Series(["1/2/2024"])), is_order_open(pl.Series(["1/2/2024", "1/31/24"]))
    (True, False)
    """
    if column.dtype != pl.String:
        return False
    days_first, months_first, differ = _short_forms(column.drop_nulls().unique())
    return differ > 0 and not days_first and not months_first


def _order(cells: pl.Series) -> str:
    """Find the order of which there is more evidence."""
    days_first, months_first, _ = _short_forms(cells)
    return "mdy" if months_first > days_first else "dmy"


def _short_forms(cells: pl.Series) -> tuple[int, int, int]:
    """Count cells whose first number can be no month, or their second, or that differ at all."""
    short = cells.str.extract_groups(_FORMS[1]).struct.unnest()
    first, following = (short[name].cast(pl.Int64) for name in ("first", "next"))
    pairs = (first > 12, following > 12, first != following)
    first_over, next_over, differ = (int(pair.sum()) for pair in pairs)
    return first_over, next_over, differ


def _is_whole(column: pl.Series) -> bool:
    """Tell whether a column holds whole numbers; pandas has floats where some are missing."""
    if not column.dtype.is_float():
        return column.dtype.is_integer()
    for cells in (column.head(_SAMPLE), column):  # most measurements show it at once
        values = cells.to_numpy()
        values = values[~np.isnan(values)]
        if not ((values == np.round(values)) & (np.abs(values) < _FAR)).all():
            return False
    return True


def _are_day_numbers(column: pl.Series) -> bool:
    """Tell whether whole numbers are days written like 20240229."""
    if not column.is_between(1900_01_01, 2099_12_31).all() or column.n_unique() < _FEWEST_WHOLE:
        return False
    return bool(_readable(column.cast(pl.String), DateNotation()).all())


def _from_seconds(column: pl.Series) -> np.ndarray:
    """Read whole numbers as seconds, or milliseconds, since 1970."""
    number = column.fill_null(0).to_numpy()
    factor = np.where(np.abs(number) > _MILLISECONDS, 1_000, 1_000_000)
    # Beyond what 64 bits hold no date is meant.
    moments: np.ndarray = (np.clip(number, -_FARTHEST, _FARTHEST) * factor).astype("datetime64[us]")
    moments[column.is_null().to_numpy()] = np.datetime64("NaT")
    return moments


def _without_placeholders(moments: np.ndarray) -> np.ndarray:
    strange = (moments < _EARLIEST) | (moments >= _LATEST)
    return np.where(strange, np.datetime64("NaT", "us"), moments)


def _share(cells: pl.Series, notation: DateNotation) -> float:
    return float(_readable(cells, notation).mean())


def _readable(cells: pl.Series, notation: DateNotation) -> np.ndarray:
    readable: np.ndarray = ~np.isnat(_parse(cells, notation))
    return readable


def _parse(cells: pl.Series, notation: DateNotation) -> np.ndarray:
    """Read texts as moments, each by the first form that fits it; NaT where none does."""
    moments = np.full(len(cells), np.datetime64("NaT", "us"))
    rest = np.arange(len(cells))
    for form in _FORMS[-1:] if notation.clock else _FORMS[:-1]:
        parts = cells.gather(rest).str.extract_groups(form).struct.unnest()
        fits = parts.to_series(0).is_not_null()
        moments[rest[fits.to_numpy()]] = _assemble(parts.filter(fits), notation.order)
        rest = rest[~fits.to_numpy()]
        if not len(rest):
            break
    return moments


def _assemble(parts: pl.DataFrame, order: str) -> np.ndarray:
    """Put the parts of dates together; NaT for the 30th of February."""

    def number(name: str, default: int) -> np.ndarray:
        if name not in parts.columns:
            return np.full(parts.height, default, np.int64)
        return parts[name].cast(pl.Int64).fill_null(default).to_numpy()

    year, month, day = number("year", 1970), number("month", 1), number("day", 1)
    if "year" in parts.columns:
        short = (parts["year"].str.len_bytes() == 2).to_numpy()
        year = year + short * np.where(year >= _LAST_CENTURY, 1900, 2000)
    if "name" in parts.columns:
        names = parts["name"].str.to_lowercase()
        month = names.replace_strict(_MONTH_NUMBERS, default=0, return_dtype=pl.Int64).to_numpy()
    if "first" in parts.columns:
        first, following = number("first", 0), number("next", 0)
        swapped = (following <= 12) & (first > 12) if order == "mdy" else (following > 12)
        month_first = (order == "mdy") ^ swapped
        month = np.where(month_first, first, following)
        day = np.where(month_first, following, first)
    hour, minute, second = number("hour", 0), number("minute", 0), number("second", 0)
    if "half" in parts.columns:
        half = parts["half"].str.to_lowercase().fill_null("").to_numpy()
        twelve = np.where((hour >= 1) & (hour <= 12), hour % 12 + 12 * (half == "p"), 99)
        hour = np.where(half == "", hour, twelve)
    months = (year - 1970).astype("datetime64[Y]").astype("datetime64[M]") + (month - 1)
    days = months.astype("datetime64[D]") + (day - 1)
    valid = (month >= 1) & (month <= 12) & (day >= 1) & (days.astype("datetime64[M]") == months)
    valid &= (hour <= 23) & (minute <= 59) & (second <= 60)
    moments = days.astype("datetime64[us]") + ((hour * 60 + minute) * 60 + second) * 1_000_000
    if "fraction" in parts.columns:
        fraction = parts["fraction"].fill_null("").str.slice(0, 6).str.pad_end(6, "0")
        moments = moments + fraction.cast(pl.Int64).to_numpy()
    if "zone" in parts.columns:
        zone = parts["zone"].str.replace(":", "").cast(pl.Int64).fill_null(0).to_numpy()
        moments = moments - np.sign(zone) * (abs(zone) // 100 * 60 + abs(zone) % 100) * 60_000_000
    return np.where(valid, moments, np.datetime64("NaT", "us"))
