"""A target of numbers: brought near zero and near a bell for training, and mapped back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from chainrule.data.notation import PLAIN, NumberNotation, number_notation
from chainrule.data.scaling import moments
from chainrule.data.stored import Fields
from chainrule.errors import DataError, ParameterError

SHAPES = ("standard", "log", "asinh", "count")
"""What is done to the numbers before they are standardised; ``"count"`` is for counts only."""

UNSCALED = ("plain", "rate")
"""What estimators learn that leave the numbers as they are: these, or the logarithm of a rate."""

# Skew of an exponential distribution; what a few rows show is chance.
_SKEW = 2.0
_FEWEST_FOR_SKEW = 50
# exp of more is no float64.
_FULL = 709.0


@dataclass(frozen=True)
class NumberTarget:
    """A number in each row.

    ============  ==================================================================
    ``standard``  z = (y - mean) / deviation
    ``log``       the same of ln(1 + y / unit), for y of at least 0
    ``asinh``     the same of asinh((y - centre) / unit)
    ``count``     a network's output is ln(rate / mean), the target y / mean
    ``plain``     z = y
    ``rate``      a network's output is ln(rate), the target y
    ============  ==================================================================

    The mean of a logarithm is not the logarithm of the mean: with ``log`` and ``asinh`` a network
    learns something nearer to the median of each row's distribution.

    Parameters
    ----------
    name
        The column's name.
    shape
        One of `SHAPES` or `UNSCALED`.
    mean, deviation
        Of the training values, in the column's unit.
    centre, unit
        Of ``log`` (centre 0) and ``asinh``, in the column's unit; else 0 and 1.
    inner_mean, inner_deviation
        Of the training values after ``log`` or ``asinh``; for ``standard`` mean and deviation.
    low, high
        Of the training values after ``log`` or ``asinh``. What a network puts further outside
        than they are apart is brought back to there, so that no exponential runs away.
    notation
        How the numbers are written, where they are text.
    """

    name: str
    shape: str
    mean: float
    deviation: float
    centre: float = 0.0
    unit: float = 1.0
    inner_mean: float = 0.0
    inner_deviation: float = 1.0
    low: float = 0.0
    high: float = 0.0
    notation: NumberNotation = PLAIN

    @classmethod
    def fit(cls, known: pl.Series, shape: str = "auto") -> NumberTarget:
        """Fit to the cleaned values [n] of the training rows, none missing.

        Parameters
        ----------
        known
            The values.
        shape
            One of `SHAPES`, or ``"auto"``: ``"standard"``, unless at least 50 rows show a skew of
            over 2, which ``"log"`` (of values from 0 on) or else ``"asinh"`` lessens.

        Raises
        ------
        DataError
            If a value is not a finite number, or does not suit the shape.
        """
        if shape not in ("auto", *SHAPES):
            raise ParameterError(f"there is no scaling {shape!r} of a target: use {SHAPES}")
        notation = PLAIN
        if known.dtype == pl.String:
            notation = number_notation(known) or PLAIN
        y = _finite(known, notation)
        if shape == "auto":
            shape = _suitable(y)
        if shape in ("log", "count") and y.min() < 0.0:
            row = int((y < 0.0).argmax())
            raise DataError(
                f"the target {known.name!r}, row {row + 1}: {known[row]!r} is below 0, which "
                f"{shape!r} does not allow"
            )
        if shape == "count" and (y != np.round(y)).any():
            row = int((y != np.round(y)).argmax())
            raise DataError(
                f"the target {known.name!r}, row {row + 1}: {known[row]!r} is no count; use the "
                "task 'regression'"
            )
        return cls.of(y, shape, name=known.name, notation=notation)

    @classmethod
    def of(
        cls, y: np.ndarray, shape: str, *, name: str = "y", notation: NumberNotation = PLAIN
    ) -> NumberTarget:
        """Fit to finite numbers [n] of the training rows that suit one of `SHAPES`, or ``"auto"``.

        With ``"count"`` they need not be whole, but none is below 0.

        >>> NumberTarget.of(np.array([1.0, 3.0]), "auto").describe()
        'y: number; mean 2, deviation 1; standardised'
        """
        if shape == "auto":
            shape = _suitable(y)
        mean, deviation = moments(y)
        centre, unit = _curve(y, shape)
        shaped = _shaped(y, shape, centre, unit)
        inner, low, high = moments(shaped), float(shaped.min()), float(shaped.max())
        if shape == "count":  # exp of an output is a rate in units of the mean
            mean = mean or 1.0
            inner, high = (0.0, 1.0), float(np.log(max(y.max() / mean, 2.0)))
            low = -high
        ends = (low, high)
        return cls(name, shape, mean, deviation, centre, unit, *inner, *ends, notation)

    def knows(self, column: pl.Series) -> np.ndarray:
        """Tell for each row that it can be predicted: any number can, bool [n]."""
        return np.ones(len(column), bool)

    def values(self, column: pl.Series) -> np.ndarray:
        """Read the numbers of a cleaned column, float64 [n], in its unit.

        Raises
        ------
        DataError
            If a cell is not a finite number.
        """
        return _finite(column, self.notation)

    def encode(self, column: pl.Series) -> np.ndarray:
        """Turn numbers into what a network trains on, float32 [n]."""
        y = self.values(column)
        if self.shape == "count" and (y < 0.0).any():
            raise DataError(f"the target {self.name!r} holds a number below 0, but counts")
        return self.scaled(y).astype(np.float32)

    def scaled(self, y: np.ndarray) -> np.ndarray:
        """Turn numbers in the column's unit into what a network trains on, float64 [n].

        >>> NumberTarget.of(np.array([1.0, 3.0]), "standard").scaled(np.array([1.0, 2.0])).tolist()
        [-1.0, 0.0]
        """
        if self.shape in UNSCALED:
            return y
        if self.shape == "count":
            return y / self.mean
        if self.shape == "log":
            # Below 0 the curve goes on as the straight line that it is near 0.
            y = np.maximum(y, -0.999 * self.unit)
        shaped = _shaped(y, self.shape, self.centre, self.unit)
        scaled: np.ndarray = (shaped - self.inner_mean) / self.inner_deviation
        return scaled

    def decode(self, outputs: np.ndarray) -> np.ndarray:
        """Turn a network's outputs [n] into float64 [n] in the column's unit."""
        z = np.asarray(outputs, np.float64)
        if self.shape == "plain":
            return z
        if self.shape == "rate":
            return np.exp(np.minimum(z, _FULL))
        if self.shape == "standard":
            return z * self.deviation + self.mean
        span = self.high - self.low
        inner = np.clip(
            z * self.inner_deviation + self.inner_mean, self.low - span, self.high + span
        )
        if self.shape == "count":
            return self.mean * np.exp(inner)
        if self.shape == "log":
            return self.unit * np.expm1(np.maximum(inner, 0.0))
        numbers: np.ndarray = self.unit * np.sinh(inner) + self.centre
        return numbers

    def restore(self, encoded: np.ndarray) -> np.ndarray:
        """Turn what `encode` gave, [n], into float64 [n] in the column's unit."""
        if self.shape in UNSCALED:
            return np.asarray(encoded, np.float64)
        if self.shape == "count":
            return np.asarray(encoded, np.float64) * self.mean
        return self.decode(encoded)

    def describe(self) -> str:
        """Say in one line what is predicted, and how it is scaled."""
        how = {
            "standard": "standardised",
            "log": f"skewed: ln(1 + y / {self.unit:.6g}), standardised",
            "asinh": f"skewed: asinh((y - {self.centre:.6g}) / {self.unit:.6g}), standardised",
            "count": "a count: the logarithm of its rate is learnt",
            "plain": "as it is",
            "rate": "the logarithm of its rate is learnt",
        }[self.shape]
        text = f"{self.name}: number; mean {self.mean:.6g}, deviation {self.deviation:.6g}; {how}"
        written = self.notation.describe()
        return f"{text}; {written}" if written else text

    def to_dict(self) -> dict[str, object]:
        """Give everything as plain JSON values."""
        return {"kind": "numbers", **vars(self), "notation": self.notation.to_dict()}

    @classmethod
    def from_fields(cls, fields: Fields) -> NumberTarget:
        """Read what `to_dict` gave; raise `ModelFileError` if it is anything else."""
        fields.choice("kind", ("numbers",))
        target = cls(
            fields.text("name"),
            fields.choice("shape", (*SHAPES, *UNSCALED)),
            fields.number("mean"),
            fields.positive("deviation"),
            fields.number("centre"),
            fields.positive("unit"),
            fields.number("inner_mean"),
            fields.positive("inner_deviation"),
            fields.number("low"),
            fields.number("high"),
            NumberNotation.from_fields(fields.inner("notation")),
        )
        fields.end()
        return target


def _suitable(y: np.ndarray) -> str:
    """Choose the shape that makes skewed numbers less so."""
    skew = abs(_skew(y))
    if len(y) < _FEWEST_FOR_SKEW or skew <= _SKEW:
        return "standard"
    shape = "log" if y.min() >= 0.0 else "asinh"
    return shape if abs(_skew(_shaped(y, shape, *_curve(y, shape)))) < skew else "standard"


def _skew(y: np.ndarray) -> float:
    mean, deviation = moments(y)
    return float(np.mean((y / deviation - mean / deviation) ** 3))


def _curve(y: np.ndarray, shape: str) -> tuple[float, float]:
    """Give the centre and the unit of a shape's curve: where it bends."""
    low, centre, high = np.quantile(y, [0.25, 0.5, 0.75]).tolist()
    if shape == "log":
        return 0.0, centre or float(y.mean()) or 1.0
    if shape == "asinh":
        return centre, high - low if 0.0 < high - low < np.inf else moments(y)[1]
    return 0.0, 1.0


def _shaped(y: np.ndarray, shape: str, centre: float, unit: float) -> np.ndarray:
    if shape == "log":
        return np.log1p(y / unit)
    return np.arcsinh((y - centre) / unit) if shape == "asinh" else y


def _finite(column: pl.Series, notation: NumberNotation) -> np.ndarray:
    values = notation.require(column)
    wrong = np.isnan(values)
    if wrong.any():
        row = int(wrong.argmax())
        raise DataError(
            f"the target {column.name!r}, row {row + 1}: {column[row]!r} is not a finite number"
        )
    return values
