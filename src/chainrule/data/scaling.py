"""Ways to turn one column of numbers into inputs near zero.

A network learns fast from inputs of mean zero and deviation one. `Standard` gives them that. A
heavy tail would leave nearly all rows in one corner of such a scale: `Asinh` pulls the tail in.
And a column that has one value in most rows and many others in the rest (a gain that is mostly
zero) says different things in each range: `Ramps` lets a first layer treat each on its own.
These are chosen by themselves; `Robust` and `Quantile` are there for those who ask.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

import numpy as np

from chainrule.data.stored import Fields
from chainrule.data.wording import listing
from chainrule.errors import ModelFileError, ParameterError

# Limits of what counts as a bell: an exponential distribution has skew 2.
_SKEW = 2.0
_FARTHEST = 10.0
# Adult's capital gain and loss (92 and 95 % zeros): 32 ramps gave AUC .921, 16 gave .918, and
# standardising .907. On California housing, whose tails are heavy but hold no spike, ramps
# raised the RMSE from .53 to .55; asinh did no harm. (scikit-learn's MLP, 64-32 and 64-64.)
_SPIKE_SHARE = 0.5
_MOST_RAMPS = 32
_VALUES_FOR_RAMPS = 32
_ROWS_PER_RAMP = 10
# Beyond this many, a straight line between knots is as good as the curve.
_MOST_KNOTS = 200
# float32 must not overflow, and no answer is to be had a hundred deviations outside.
_BOUND = 100.0


@dataclass(frozen=True)
class Standard:
    """(x - mean) / deviation: one input.

    Parameters
    ----------
    mean, deviation
        Of the training part, in the column's unit; the deviation is positive.
    """

    mean: float
    deviation: float

    method: ClassVar[str] = "standard"

    def names(self, column: str) -> tuple[str, ...]:
        """Name the inputs of a column."""
        return (column,)

    def apply(self, x: np.ndarray) -> np.ndarray:
        """Map values [n] to inputs [n, 1]; NaN stays NaN."""
        return _bounded(x, self.mean, self.deviation)[:, None]

    def describe(self) -> str:
        """Say what is done, in a phrase."""
        return f"standardised (mean {self.mean:.6g}, deviation {self.deviation:.6g})"


@dataclass(frozen=True)
class Asinh:
    """asinh((x - centre) / unit), then standardised: one input.

    Linear near the centre, logarithmic in both tails, and it loses nothing: its inverse is sinh.

    Parameters
    ----------
    centre, unit
        Median and distance between the quartiles of the training part.
    mean, deviation
        Of the training part after asinh.
    """

    centre: float
    unit: float
    mean: float
    deviation: float

    method: ClassVar[str] = "asinh"

    def names(self, column: str) -> tuple[str, ...]:
        """Name the inputs of a column."""
        return (column,)

    def apply(self, x: np.ndarray) -> np.ndarray:
        """Map values [n] to inputs [n, 1]; NaN stays NaN."""
        pulled = np.arcsinh(_difference(x, self.centre, self.unit))
        return _bounded(pulled, self.mean, self.deviation)[:, None]

    def describe(self) -> str:
        """Say what is done, in a phrase."""
        return f"heavy tail: asinh of (x - {self.centre:.6g}) / {self.unit:.6g}, standardised"


@dataclass(frozen=True)
class Ramps:
    """One input per range between two knots: 0 below it, 1 above it, a straight line inside.

    The piecewise linear encoding of Gorishniy, Rubachev and Babenko, On Embeddings for Numerical
    Features in Tabular Deep Learning (NeurIPS 2022), section 3.1; here the knots are quantiles
    of the *different* values, so that a spike does not use them up, and inputs are centred.

    Parameters
    ----------
    knots
        [k + 1] rising values, in the column's unit.
    means
        [k] means of the ramps over the training part.
    """

    knots: tuple[float, ...]
    means: tuple[float, ...]

    method: ClassVar[str] = "ramps"

    def names(self, column: str) -> tuple[str, ...]:
        """Name the inputs of a column, each by the knot where its ramp starts."""
        return tuple(f"{column}>{knot:.6g}" for knot in self.knots[:-1])

    def apply(self, x: np.ndarray) -> np.ndarray:
        """Map values [n] to inputs [n, k]; NaN stays NaN."""
        centred: np.ndarray = _ramps(x, np.array(self.knots)) - np.array(self.means)
        return centred

    def describe(self) -> str:
        """Say what is done, in a phrase."""
        low, high = self.knots[0], self.knots[-1]
        return f"one value in most rows: {len(self.means)} ramps from {low:.6g} to {high:.6g}"


@dataclass(frozen=True)
class Robust:
    """(x - median) / distance between the quartiles: one input, as scikit-learn's RobustScaler.

    Parameters
    ----------
    centre, unit
        Median and distance between the quartiles of the training part, in the column's unit.
    """

    centre: float
    unit: float

    method: ClassVar[str] = "robust"

    def names(self, column: str) -> tuple[str, ...]:
        """Name the inputs of a column."""
        return (column,)

    def apply(self, x: np.ndarray) -> np.ndarray:
        """Map values [n] to inputs [n, 1]; NaN stays NaN."""
        return _bounded(x, self.centre, self.unit)[:, None]

    def describe(self) -> str:
        """Say what is done, in a phrase."""
        return f"robust: (x - median {self.centre:.6g}) / quartile distance {self.unit:.6g}"


@dataclass(frozen=True)
class Quantile:
    """The place among the training values, as a point of the normal distribution: one input.

    Whatever their distribution, training values become a bell. As scikit-learn's
    QuantileTransformer with a normal output, but for the ends: the outermost training values stay
    where a sample of this size has them, instead of going five deviations out.

    Parameters
    ----------
    knots
        [k] rising values, in the column's unit.
    places
        [k] points of the normal distribution, rising; between knots a straight line is drawn.
    """

    knots: tuple[float, ...]
    places: tuple[float, ...]

    method: ClassVar[str] = "quantile"

    def names(self, column: str) -> tuple[str, ...]:
        """Name the inputs of a column."""
        return (column,)

    def apply(self, x: np.ndarray) -> np.ndarray:
        """Map values [n] to inputs [n, 1]; NaN stays NaN."""
        size = max(map(abs, self.knots)) or 1.0  # dividing keeps differences of 1e308 finite
        knots = np.array(self.knots) / size
        inside = np.clip(x, self.knots[0], self.knots[-1])  # NaN stays NaN
        return np.where(np.isnan(x), np.nan, np.interp(inside / size, knots, self.places))[:, None]

    def describe(self) -> str:
        """Say what is done, in a phrase."""
        return f"quantiles mapped to a normal distribution, {len(self.knots)} knots"


@dataclass(frozen=True)
class Plain:
    """x as it is, one input, for numbers that somebody has scaled already.

    Without a mean to stand in, a missing number is an error.
    """

    method: ClassVar[str] = "plain"

    def names(self, column: str) -> tuple[str, ...]:
        """Name the inputs of a column."""
        return (column,)

    def apply(self, x: np.ndarray) -> np.ndarray:
        """Map values [n] to inputs [n, 1], within float32; NaN stays NaN."""
        most = float(np.finfo(np.float32).max)
        bounded: np.ndarray = np.clip(x, -most, most)
        return bounded[:, None]

    def describe(self) -> str:
        """Say what is done, in a phrase."""
        return "as it is"


Scaling = Standard | Asinh | Ramps | Robust | Quantile | Plain

METHODS = ("standard", "robust", "quantile", "asinh", "ramps")
"""Ways to scale that can be asked for; ``"auto"`` chooses."""


def fit_scaling(x: np.ndarray, method: str = "auto") -> Scaling:
    """Fit a scaling to values.

    Parameters
    ----------
    x
        Finite values [n] of the training part, n at least 1.
    method
        One of `METHODS`, or ``"auto"``: see `choose_scaling`. Where ramps find too few different
        values, it is ``"standard"``.

    Raises
    ------
    ParameterError
        If there is no such method.

    >>> fit_scaling(np.array([1.0, 2.0, 3.0, 4.0, 90.0]), "robust")
    Robust(centre=3.0, unit=2.0)
    """
    if method == "auto":
        return choose_scaling(x)
    if method == "robust":
        centre, unit = _quartiles(x)
        return Robust(centre, unit)
    if method == "quantile":
        return _fit_quantile(x)
    if method == "asinh":
        return _fit_asinh(x)
    if method == "ramps":
        return _fit_ramps(np.unique(x), x, min(_MOST_RAMPS, len(x) // _ROWS_PER_RAMP)) or Standard(
            *moments(x)
        )
    if method == "standard":
        return Standard(*moments(x))
    raise ParameterError(f"there is no scaling {method!r}: use {listing(('auto', *METHODS))}")


def choose_scaling(x: np.ndarray) -> Scaling:
    """Fit the scaling that suits the values.

    Parameters
    ----------
    x
        Finite values [n] of the training part, n at least 1.

    Returns
    -------
    Scaling
        `Ramps` if over half of the rows hold one value and the others are many; else `Asinh` if
        the skew is over 2 or a value lies over 10 deviations from the mean; else `Standard`.

    >>> choose_scaling(np.array([1.0, 3.0]))
    Standard(mean=2.0, deviation=1.0)
    """
    mean, deviation = moments(x)
    z = _difference(x, mean, deviation)
    if abs(np.mean(z**3)) <= _SKEW and np.max(np.abs(z)) <= _FARTHEST:
        return Standard(mean, deviation)
    values, counts = np.unique(x, return_counts=True)
    if counts.max() > _SPIKE_SHARE * len(x) and len(values) > _VALUES_FOR_RAMPS:
        others = len(x) - int(counts.max())
        ramps = _fit_ramps(values, x, min(_MOST_RAMPS, others // _ROWS_PER_RAMP))
        if ramps:
            return ramps
    return _fit_asinh(x)


def _fit_ramps(values: np.ndarray, x: np.ndarray, count: int) -> Ramps | None:
    """Fit ramps to different values; None if there are too few for more than one."""
    if count < 2:
        return None
    knots = np.unique(np.quantile(values, np.linspace(0.0, 1.0, count + 1)))
    if len(knots) < 3:
        return None
    means = _ramps(x, knots).mean(axis=0)
    return Ramps(tuple(knots.tolist()), tuple(means.tolist()))


def _fit_asinh(x: np.ndarray) -> Asinh:
    centre, unit = _quartiles(x)
    mean, deviation = moments(np.arcsinh(_difference(x, centre, unit)))
    return Asinh(centre, unit, mean, deviation)


def _fit_quantile(x: np.ndarray) -> Quantile:
    # Imported here because only this one way to scale needs it, and only when it is fitted.
    from scipy.special import ndtri

    values, counts = np.unique(x, return_counts=True)
    # The middle of the ranks that equal values share.
    shares = (np.cumsum(counts) - 0.5 * counts) / len(x)
    if len(values) > _MOST_KNOTS:
        chosen = np.interp(np.linspace(shares[0], shares[-1], _MOST_KNOTS), shares, values)
        chosen = np.unique(chosen)
        shares, values = np.interp(chosen, values, shares), chosen
    return Quantile(tuple(values.tolist()), tuple(ndtri(shares).tolist()))


def _quartiles(x: np.ndarray) -> tuple[float, float]:
    """Give the median, and the distance between the quartiles or what comes closest to it."""
    low, centre, high = np.quantile(x, [0.25, 0.5, 0.75]).tolist()
    unit = high - low
    return centre, unit if 0.0 < unit < np.inf else moments(x)[1]


def scaling_to_dict(scaling: Scaling) -> dict[str, object]:
    """Give the fitted numbers as plain JSON values."""
    fitted = {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in vars(scaling).items()
    }
    return {"method": scaling.method, **fitted}


def scaling_from_dict(fields: Fields) -> Scaling:
    """Read what `scaling_to_dict` gave; raise `ModelFileError` if it is anything else."""
    method = fields.choice("method", (*METHODS, Plain.method))
    scaling: Scaling
    if method == "ramps":
        scaling = Ramps(fields.numbers("knots"), fields.numbers("means"))
        _require_knots(fields, scaling.knots, scaling.means, "means", one_more=True)
    elif method == "quantile":
        scaling = Quantile(fields.numbers("knots"), fields.numbers("places"))
        _require_knots(fields, scaling.knots, scaling.places, "places", one_more=False)
        if max(map(abs, scaling.places)) > _BOUND:
            raise ModelFileError(f"{fields.place}: places should lie within {_BOUND:g} of zero")
    elif method == "plain":
        scaling = Plain()
    elif method == "robust":
        scaling = Robust(fields.number("centre"), fields.positive("unit"))
    elif method == "asinh":
        scaling = Asinh(
            fields.number("centre"),
            fields.positive("unit"),
            fields.number("mean"),
            fields.positive("deviation"),
        )
    else:
        scaling = Standard(fields.number("mean"), fields.positive("deviation"))
    fields.end()
    return scaling


def _require_knots(
    fields: Fields,
    knots: tuple[float, ...],
    values: tuple[float, ...],
    name: str,
    *,
    one_more: bool,
) -> None:
    rising = all(a < b for a, b in pairwise(knots))
    if not values or len(knots) != len(values) + one_more or not rising:
        many = "one more than" if one_more else "as many as"
        raise ModelFileError(
            f"{fields.place}: expected rising knots, {many} {name}; received {len(knots)} knots "
            f"and {len(values)} {name}"
        )


def moments(x: np.ndarray) -> tuple[float, float]:
    """Give mean and deviation of finite values [n], without overflow.

    A deviation that is zero, or as small as rounding makes it, counts as one.

    >>> moments(np.array([1e308, -1e308])), moments(np.array([0.1, 0.1, 0.1]))[1]
    ((0.0, 1e+308), 1.0)
    """
    size = float(np.max(np.abs(x))) or 1.0
    scaled = x / size
    deviation = float(scaled.std()) * size
    return float(scaled.mean()) * size, deviation if deviation > 1e-12 * size else 1.0


def _difference(x: np.ndarray, centre: float, unit: float) -> np.ndarray:
    # Dividing first keeps 1e308 - (-1e308) finite.
    with np.errstate(over="ignore"):
        difference: np.ndarray = np.clip(x / unit - centre / unit, -1e300, 1e300)
    return difference


def _bounded(x: np.ndarray, mean: float, deviation: float) -> np.ndarray:
    bounded: np.ndarray = np.clip(_difference(x, mean, deviation), -_BOUND, _BOUND)
    return bounded


def _ramps(x: np.ndarray, knots: np.ndarray) -> np.ndarray:
    low, high = knots[:-1], knots[1:]
    ramps: np.ndarray = np.clip((x[:, None] - low) / (high - low), 0.0, 1.0)
    return ramps
