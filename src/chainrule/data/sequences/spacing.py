"""Even distances in time: which step lies between the rows of a series, and how it goes on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import DataError

_DAY = 86_400_000_000
"""Microseconds of a day."""

_UNITS = {"second": 1_000_000, "minute": 60_000_000, "hour": 3_600_000_000, "day": _DAY}

# Steps of a season, and of a usual look back, by what the step of the series is.
_SEASONS: Mapping[tuple[str, float], tuple[int, int]] = MappingProxyType(
    {
        ("minute", 15): (96, 192),
        ("minute", 30): (48, 336),
        ("hour", 1): (24, 168),
        ("day", 1): (7, 28),
        ("weekday", 1): (5, 20),
        ("day", 7): (52, 104),
        ("month", 1): (12, 24),
        ("month", 3): (4, 12),
    }
)


@dataclass(frozen=True)
class Spacing:
    """The step of a series.

    Parameters
    ----------
    unit
        "second", "minute", "hour", "day", "weekday" (Monday to Friday) or "month" where times are
        moments; "number" where they are numbers.
    count
        How many of them lie between one row and the next.

    >>> days = np.array(["2024-01-31", "2024-02-29", "2024-03-31"], "datetime64[us]")
    >>> spacing = Spacing.of(days)
    >>> spacing, spacing.following(days[-1], 2).astype("datetime64[D]").tolist()
    (Spacing(unit='month', count=1), [datetime.date(2024, 4, 30), datetime.date(2024, 5, 31)])
    """

    unit: str
    count: float

    @classmethod
    def of(cls, times: NDArray[Any]) -> Spacing:
        """Find the step between rising times, of which some may be missing.

        Parameters
        ----------
        times
            datetime64[us] or float64 [rows], rising, at least two.

        Raises
        ------
        DataError
            If they lie at uneven distances; the message says where.
        """
        if times.dtype.kind != "M":
            return cls("number", float(_commonest(times, np.diff(times), "")))
        between = np.diff(times).astype(np.int64)
        if (between == between[0]).all() and between[0] < 28 * _DAY:
            return cls._of_microseconds(int(between[0]))
        if _monthly(times):
            months = times.astype("datetime64[M]").astype(np.int64)
            return cls("month", int(np.gcd.reduce(np.diff(months))))
        if _weekdays_alone(times):
            return cls("weekday", 1)
        return cls._of_microseconds(int(_commonest(times, between, " seconds")))

    @classmethod
    def _of_microseconds(cls, step: int) -> Spacing:
        unit = next((name for name in reversed(_UNITS) if step % _UNITS[name] == 0), "second")
        return cls(unit, step / _UNITS[unit] if step % _UNITS[unit] else step // _UNITS[unit])

    def places(self, times: NDArray[Any]) -> NDArray[np.int64]:
        """Count the steps from the first of some times to each, int64 [rows]."""
        if self.unit == "month":
            months = times.astype("datetime64[M]").astype(np.int64)
            found = (months - months[0]) // int(self.count)
        elif self.unit == "weekday":
            days = times.astype("datetime64[D]")
            found = np.busday_count(days[0], days)
        elif self.unit == "number":
            found = np.rint((times - times[0]) / self.count)
        else:
            # Clocks may be early by less than `_commonest` minds: that is no step less.
            passed = (times - times[0]).astype(np.int64)
            found = np.rint(passed / (self.count * _UNITS[self.unit]))
        return np.asarray(found, np.int64)

    def following(self, last: Any, count: int) -> NDArray[Any]:
        """Give the times of so many rows behind one."""
        steps = np.arange(1, count + 1)
        if self.unit == "number":
            return np.asarray(last + steps * self.count)
        last = np.datetime64(last, "us")
        if self.unit == "month":
            return _in_months(last, steps * int(self.count))
        if self.unit == "weekday":
            day = last.astype("datetime64[D]")
            return np.asarray(np.busday_offset(day, steps, roll="backward") + (last - day))
        step = np.timedelta64(round(self.count * _UNITS[self.unit]), "us")
        return np.asarray(last + steps * step)

    @property
    def season(self) -> int:
        """Give the usual number of steps after which a series is alike again; 1 for none."""
        return _SEASONS.get((self.unit, self.count), (1, 0))[0]

    @property
    def look_back(self) -> int:
        """Give how many steps are usually worth looking back."""
        return _SEASONS.get((self.unit, self.count), (0, 16))[1]

    def __str__(self) -> str:
        if self.unit == "number":
            return f"{self.count:g}"
        return self.unit if self.count == 1 else f"{self.count:g} {self.unit}s"


def _commonest(times: NDArray[Any], between: NDArray[Any], unit: str) -> Any:
    """Give the commonest distance, of which all others have to be multiples."""
    alike = (between / between.max()).round(9)
    _, places, counts = np.unique(alike, return_index=True, return_counts=True)
    step = between[places[counts.argmax()]]
    if between.dtype.kind == "f":
        step = float(f"{step:.12g}")  # 0.1, where 0.3 - 0.2 is a little less
    steps = between / step
    uneven = np.abs(steps - np.rint(steps)) > 1e-6
    if uneven.any():
        i = int(uneven.argmax())
        scale = 1_000_000 if unit else 1
        raise DataError(
            f"the times are uneven: {times[i + 1]} lies {between[i] / scale:g}{unit} behind "
            f"{times[i]}, but most rows lie {step / scale:g}{unit} apart; a forecast needs rows at "
            "even distances (sums or means of each hour, day or month, say)"
        )
    return step


def _monthly(times: NDArray[Any]) -> bool:
    """Tell whether all times are the same day of a month, or the last."""
    months, days = times.astype("datetime64[M]"), times.astype("datetime64[D]")
    hours = times - days
    day = (days - months).astype(int)
    last = (days + 1).astype("datetime64[M]") > months
    alike = bool((day == day[0]).all() or last.all())
    return alike and bool((hours == hours[0]).all() and (np.diff(months).astype(int) > 0).all())


def _in_months(last: Any, steps: NDArray[Any]) -> NDArray[Any]:
    month, day = last.astype("datetime64[M]"), last.astype("datetime64[D]")
    months = month + steps
    ends = (months + 1).astype("datetime64[D]") - 1
    is_end = (day + 1).astype("datetime64[M]") > month
    days = ends if is_end else np.minimum(months.astype("datetime64[D]") + (day - month), ends)
    return np.asarray(days + (last - day))


def _weekdays_alone(times: NDArray[Any]) -> bool:
    """Tell whether a row stands for each weekday, and none for the days between Friday and Monday.

    Holidays may be missing.
    """
    days = times.astype("datetime64[D]")
    hours = times - days
    if not np.is_busday(days).all() or (hours != hours[0]).any() or len(days) < 6:
        return False
    steps = np.diff(days).astype(int)
    return bool((steps == 1).mean() > 0.5 and (steps == 3).any())
