"""One column of dates or times: how long since, and where in the year, month, week and day."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from chainrule.data.overrides import Override
from chainrule.data.scaling import Scaling, fit_scaling, scaling_from_dict, scaling_to_dict
from chainrule.data.stored import Fields
from chainrule.data.timestamps import DateNotation
from chainrule.data.wording import percent
from chainrule.errors import DataError, ModelFileError

PARTS = ("year", "month", "week", "day")
"""What a moment has a place in: the year, the month, the week, the day."""

_NAMES = {
    "year": ("year sin", "year cos"),
    "month": ("month sin", "month cos"),
    "week": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
    "day": ("time sin", "time cos"),
}
_DAY, _MICROSECONDS = np.timedelta64(1, "D"), 86_400_000_000
_THURSDAY = 3  # 1970-01-01, counted from Monday


@dataclass(frozen=True)
class DateColumn:
    """How the moments of one column become inputs.

    Parameters
    ----------
    name
        The column's name.
    notation
        How the dates are written.
    elapsed
        What is done to the days since 1970-01-01; None for times of the day.
    parts
        Those of `PARTS` that differ in the training rows. The place in the year, the month and
        the day is a point on a circle (sine and cosine), so that December lies beside January;
        each day of the week has an input of its own.
    missing_share
        Share of training rows without a date. If there were any, one more input says so with 1,
        and all others are 0.
    """

    name: str
    notation: DateNotation
    elapsed: Scaling | None
    parts: tuple[str, ...]
    missing_share: float

    @classmethod
    def fit(
        cls, column: pl.Series, *, notation: DateNotation | None, asked: Override | None = None
    ) -> DateColumn:
        """Fit to a cleaned column [n] of the training part; `notation` as `date_notation` gave."""
        if notation is None:
            raise DataError(f"column {column.name!r} holds no dates that can be read")
        if asked and asked.order:
            notation = replace(notation, order=asked.order)
        moments = notation.require(column)
        known = moments[~np.isnat(moments)]
        if not len(known):
            raise DataError(f"column {column.name!r} has no date in any training row")
        days = known.astype("datetime64[D]")
        months = days.astype("datetime64[M]")
        differ = {
            "year": len(np.unique(months.astype(int) % 12)) > 1,
            "month": len(np.unique((days - months).astype(int))) > 1,
            "week": len(np.unique(days.astype(int) % 7)) > 1,
            "day": len(np.unique(known - days)) > 1,
        }
        parts = tuple(part for part in PARTS if differ[part])
        elapsed = None if notation.clock else fit_scaling(_days(known))
        missing = 1.0 - len(known) / len(moments)
        return cls(column.name, notation, elapsed, parts, missing)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Name the inputs that the column gives."""
        names = self.elapsed.names(self.name) if self.elapsed else ()
        names += tuple(f"{self.name}: {name}" for part in self.parts for name in _NAMES[part])
        return names + ((f"{self.name}=(missing)",) if self.missing_share else ())

    def transform(self, column: pl.Series) -> tuple[np.ndarray, tuple[str, ...]]:
        """Give the inputs, float32 [n, len(feature_names)], and what a user should know.

        Raises
        ------
        DataError
            If a cell is not a date, though in training all were.
        """
        moments = self.notation.require(column)
        missing = np.isnat(moments)
        notes: tuple[str, ...] = ()
        if missing.any() and not self.missing_share:
            notes = (
                f"column {self.name!r}: {missing.sum()} missing dates, though the training rows "
                "had none; their inputs are 0",
            )
        some = np.where(missing, np.datetime64(0, "us"), moments)
        blocks = [] if self.elapsed is None else [self.elapsed.apply(_days(some))]
        blocks += [_place(some, part) for part in self.parts]
        inputs = np.concatenate([np.empty((len(some), 0)), *blocks], axis=1, dtype=np.float32)
        inputs[missing] = 0.0
        if self.missing_share:
            inputs = np.column_stack([inputs, missing.astype(np.float32)])
        return inputs, notes

    def describe(self) -> str:
        """Say in one line what is done to the column."""
        kind = "time of day" if self.notation.clock else "date"
        shown = {"year": "place in the year", "month": "in the month", "week": "day of the week"}
        shown["day"] = "time of day"
        said = ["days elapsed"] if self.elapsed else []
        said += [shown[part] for part in self.parts]
        count = len(self.feature_names)
        text = f"{self.name}: {kind}; {', '.join(said)}: {count} input{'s' if count > 1 else ''}"
        if self.missing_share:
            text += f"; missing ({percent(self.missing_share)}) flagged"
        return text

    def to_dict(self) -> dict[str, object]:
        """Give everything as plain JSON values."""
        return {
            "kind": "date",
            "name": self.name,
            "notation": self.notation.to_dict(),
            "elapsed": None if self.elapsed is None else scaling_to_dict(self.elapsed),
            "parts": list(self.parts),
            "missing_share": self.missing_share,
        }

    @classmethod
    def from_fields(cls, fields: Fields) -> DateColumn:
        """Read what `to_dict` gave; raise `ModelFileError` if it is anything else."""
        fields.choice("kind", ("date",))
        elapsed = fields.optional_inner("elapsed")
        column = cls(
            fields.text("name"),
            DateNotation.from_fields(fields.inner("notation")),
            None if elapsed is None else scaling_from_dict(elapsed),
            fields.texts("parts"),
            fields.share("missing_share"),
        )
        fields.end()
        if not set(column.parts) <= set(PARTS):
            raise ModelFileError(f"{fields.place}: parts should be some of {', '.join(PARTS)}")
        return column


def _days(moments: np.ndarray) -> np.ndarray:
    days: np.ndarray = moments.astype(np.int64) / _MICROSECONDS
    return days


def _place(moments: np.ndarray, part: str) -> np.ndarray:
    """Give the place in a part of the calendar: two inputs on a circle, or one per weekday."""
    days = moments.astype("datetime64[D]")
    if part == "week":
        return np.eye(7)[(days.astype(np.int64) + _THURSDAY) % 7]
    if part == "day":
        share = (moments - days) / _DAY
    else:
        start = days.astype(f"datetime64[{part[0].upper()}]")
        length = (start + 1).astype("datetime64[D]") - start.astype("datetime64[D]")
        share = (days - start) / length
    angle = 2.0 * np.pi * share
    return np.stack([np.sin(angle), np.cos(angle)], axis=1)
