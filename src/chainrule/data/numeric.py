"""One numeric column: its scaling, and a flag where the value is missing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from chainrule.data.scaling import (
    Scaling,
    choose_scaling,
    scaling_from_dict,
    scaling_to_dict,
)
from chainrule.data.stored import Fields
from chainrule.data.values import numbers
from chainrule.data.wording import percent
from chainrule.errors import DataError


@dataclass(frozen=True)
class NumericColumn:
    """How the numbers of one column become inputs.

    Parameters
    ----------
    name
        The column's name.
    minimum, maximum
        Of the training part, in the column's unit.
    missing_share
        Share of training rows without a value. If there were any, one more input says so with 1.
    scaling
        What is done to the numbers. A missing one becomes 0, which is the mean.
    """

    name: str
    minimum: float
    maximum: float
    missing_share: float
    scaling: Scaling

    @classmethod
    def fit(cls, column: pl.Series) -> NumericColumn:
        """Fit to a cleaned column [n] of the training part."""
        values = numbers(column)
        known = values[np.isfinite(values)]
        if not len(known):
            raise DataError(f"column {column.name!r} has no number in any training row")
        missing = 1.0 - len(known) / len(values)
        scaling = choose_scaling(known)
        return cls(column.name, float(known.min()), float(known.max()), missing, scaling)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Name the inputs that the column gives."""
        names = self.scaling.names(self.name)
        return (*names, f"{self.name}=(missing)") if self.missing_share else names

    def transform(self, column: pl.Series) -> tuple[np.ndarray, tuple[str, ...]]:
        """Give the inputs, float32 [n, len(feature_names)], and what a user should know.

        Raises
        ------
        DataError
            If a cell is not a number.
        """
        values = numbers(column)
        inputs = np.nan_to_num(self.scaling.apply(values), nan=0.0)
        missing = ~np.isfinite(values)
        notes: tuple[str, ...] = ()
        if self.missing_share:
            inputs = np.column_stack([inputs, missing])
        elif missing.any():
            notes = (
                f"column {self.name!r}: {missing.sum()} missing values, though the training rows "
                "had none; the mean stands in",
            )
        return inputs.astype(np.float32), notes

    def describe(self) -> str:
        """Say in one line what is done to the column."""
        text = f"{self.name}: number; {self.scaling.describe()}"
        if self.missing_share:
            text += f"; missing ({percent(self.missing_share)}) -> mean, and flagged"
        return text

    def to_dict(self) -> dict[str, object]:
        """Give everything as plain JSON values."""
        return {
            "kind": "numeric",
            "name": self.name,
            "minimum": self.minimum,
            "maximum": self.maximum,
            "missing_share": self.missing_share,
            "scaling": scaling_to_dict(self.scaling),
        }

    @classmethod
    def from_fields(cls, fields: Fields) -> NumericColumn:
        """Read what `to_dict` gave; raise `ModelFileError` if it is anything else."""
        fields.choice("kind", ("numeric",))
        column = cls(
            fields.text("name"),
            fields.number("minimum"),
            fields.number("maximum"),
            fields.share("missing_share"),
            scaling_from_dict(fields.inner("scaling")),
        )
        fields.end()
        return column
