"""One numeric column: its scaling, and flags where there is no number."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from chainrule.data.levels import rare_below
from chainrule.data.notation import PLAIN, NumberNotation, words_among
from chainrule.data.overrides import Override
from chainrule.data.scaling import Plain, Scaling, fit_scaling, scaling_from_dict, scaling_to_dict
from chainrule.data.stored import Fields
from chainrule.data.wording import listing, percent
from chainrule.errors import DataError

# A word that stands among numbers in this many rows is a level of its own.
_FEWEST_ROWS_OF_WORD = 5
_MOST_WORDS = 16


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
        Share of training rows without a number. If there were any, one more input says so with 1.
    scaling
        What is done to the numbers. A missing one becomes 0, which is the mean.
    notation
        How the numbers are written, where they are text.
    words
        Texts among the numbers that are frequent enough for an input of their own, sorted.
    absent
        Numbers that stand for no value.
    """

    name: str
    minimum: float
    maximum: float
    missing_share: float
    scaling: Scaling
    notation: NumberNotation = PLAIN
    words: tuple[str, ...] = ()
    absent: tuple[float, ...] = ()

    @classmethod
    def fit(
        cls,
        column: pl.Series,
        *,
        notation: NumberNotation | None = None,
        asked: Override | None = None,
        scaling: str = "auto",
    ) -> NumericColumn:
        """Fit to a cleaned column [n] of the training part.

        Parameters
        ----------
        column
            The cells.
        notation
            How the numbers are written.
        asked
            What the user says about the column.
        scaling
            How to scale, unless the user says it for this column; see `fit_scaling`.
        """
        notation = notation or PLAIN
        asked = asked or Override("numeric")
        words: tuple[str, ...] = ()
        if notation.words:
            enough = max(_FEWEST_ROWS_OF_WORD, rare_below(len(column)))
            counted = words_among(column, notation)
            frequent = [word for word, count in counted.items() if count >= enough]
            words = tuple(sorted(frequent[:_MOST_WORDS]))
        values = _without(notation.require(column), asked.missing)
        known = values[~np.isnan(values)]
        if not len(known):
            raise DataError(f"column {column.name!r} has no number in any training row")
        missing = 1.0 - len(known) / len(values)
        fitted = fit_scaling(known, asked.scaling or scaling)
        low, high = float(known.min()), float(known.max())
        return cls(column.name, low, high, missing, fitted, notation, words, asked.missing)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Name the inputs that the column gives."""
        names = self.scaling.names(self.name)
        names += (f"{self.name}=(missing)",) if self.missing_share else ()
        return names + tuple(f"{self.name}={word}" for word in self.words)

    def transform(self, column: pl.Series) -> tuple[np.ndarray, tuple[str, ...]]:
        """Give the inputs, float32 [n, len(feature_names)], and what a user should know.

        Raises
        ------
        DataError
            If a cell is not a number, though in training all were; or is missing where numbers are
        taken as they are.
        """
        values = _without(self.notation.require(column), self.absent)
        scaled = self.scaling.apply(values)
        missing = np.isnan(values)
        if missing.any() and isinstance(self.scaling, Plain):
            row = int(missing.argmax())
            raise DataError(
                f"column {self.name!r}, row {row + 1}: {column[row]!r} is no finite number, and "
                "nothing stands in for it, since the model learnt from plain numbers"
            )
        scaled[missing] = 0.0
        notes: tuple[str, ...] = ()
        if missing.any() and not self.missing_share:
            notes = (
                f"column {self.name!r}: {missing.sum()} missing values, though the training rows "
                "had none; the mean stands in",
            )
        inputs = np.empty((len(values), len(self.feature_names)), np.float32)
        width = scaled.shape[1]
        inputs[:, :width] = scaled
        if self.missing_share:
            inputs[:, width] = missing
            width += 1
        for place, word in enumerate(self.words, start=width):
            inputs[:, place] = column.dtype == pl.String and (column == word).fill_null(False)
        return inputs, notes

    def describe(self) -> str:
        """Say in one line what is done to the column."""
        text = f"{self.name}: number; {self.scaling.describe()}"
        written = self.notation.describe()
        if written:
            text += f"; {written}"
        if self.absent:
            text += f"; {', '.join(f'{value:g}' for value in self.absent)} counts as missing"
        if self.missing_share:
            text += f"; missing ({percent(self.missing_share)}) -> mean, and flagged"
        if self.words:
            text += f"; {listing(self.words)} flagged, too"
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
            "notation": self.notation.to_dict(),
            "words": list(self.words),
            "absent": list(self.absent),
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
            NumberNotation.from_fields(fields.inner("notation")),
            fields.texts("words"),
            fields.numbers("absent"),
        )
        fields.end()
        return column


def _without(values: np.ndarray, absent: tuple[float, ...]) -> np.ndarray:
    return np.where(np.isin(values, absent), np.nan, values) if absent else values
