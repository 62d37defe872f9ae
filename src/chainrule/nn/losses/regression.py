"""Losses of regression: how far predictions lie from numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import chainrule.numpy as cnp
from chainrule.errors import DataError, ParameterError, ShapeError
from chainrule.ir import ArrayType
from chainrule.nn.losses.loss import Loss
from chainrule.nn.losses.measure import Measure, paired, per_example, shown


@dataclass(frozen=True, kw_only=True)
class SquaredError(Loss):
    """The square of the error, as a mean over the outputs: ``mean((y - t)^2)``.

    Predictions and targets are (batch,) or (batch, outputs).

    >>> float(SquaredError()([[1.0, 5.0]], [[2.0, 2.0]]))
    5.0
    """

    def terms(self, predictions: Any, targets: Any) -> tuple[Any, Any]:
        """Give the mean square of each example."""
        y, t = paired(predictions, targets)
        return per_example(cnp.square(y - t)), None


@dataclass(frozen=True, kw_only=True)
class HalfSquaredError(Loss):
    """Half the square of the error, summed over the outputs: ``sum((t - y)^2) / 2``.

    The textbooks' loss: its gradient by an output is simply ``y - t``.

    >>> float(HalfSquaredError()([[1.0, 5.0]], [[2.0, 2.0]]))
    5.0
    """

    def terms(self, predictions: Any, targets: Any) -> tuple[Any, Any]:
        """Give half the sum of squares of each example."""
        y, t = paired(predictions, targets)
        return 0.5 * per_example(cnp.square(y - t), mean=False), None


@dataclass(frozen=True, kw_only=True)
class AbsoluteError(Loss):
    """The size of the error, as a mean over the outputs; the gradient at no error is 0.

    >>> float(AbsoluteError()([[1.0, 5.0]], [[2.0, 2.0]]))
    2.0
    """

    def terms(self, predictions: Any, targets: Any) -> tuple[Any, Any]:
        """Give the mean absolute error of each example."""
        y, t = paired(predictions, targets)
        return per_example(cnp.abs(y - t)), None


@dataclass(frozen=True, kw_only=True)
class Huber(Loss):
    """Half the square of small errors, a straight line for large ones (Huber, 1964).

    For an error r: ``r^2 / 2`` up to |r| = delta, then ``delta (|r| - delta / 2)``; a mean over
    the outputs.

    >>> float(Huber(delta=1.0)([3.0], [0.0]))
    2.5
    """

    delta: float = 1.0

    def __post_init__(self) -> None:
        """Check the settings."""
        Measure.__post_init__(self)
        if not self.delta > 0:
            raise ParameterError(f"delta must be positive, received {self.delta}")

    def terms(self, predictions: Any, targets: Any) -> tuple[Any, Any]:
        """Give the mean Huber loss of each example."""
        y, t = paired(predictions, targets)
        size = cnp.abs(y - t)
        # The part that is squared never exceeds delta, so large errors cannot overflow.
        near = cnp.minimum(size, self.delta)
        return per_example(0.5 * cnp.square(near) + self.delta * (size - near)), None


@dataclass(frozen=True, kw_only=True)
class LogCosh(Loss):
    """The logarithm of the hyperbolic cosine of the error, as a mean over the outputs.

    Nearly half the square of small errors, and |r| - ln 2 for large ones, smooth everywhere.

    >>> round(float(LogCosh()([1000.0], [0.0])), 6)
    999.306853
    """

    def terms(self, predictions: Any, targets: Any) -> tuple[Any, Any]:
        """Give the mean of each example."""
        y, t = paired(predictions, targets)
        r = y - t
        # ln cosh r = r + softplus(-2 r) - ln 2, which is even; of |r| it cannot overflow.
        size = cnp.where(r < 0, -r, r)
        return per_example(size + cnp.softplus(-2.0 * size) - math.log(2.0)), None


@dataclass(frozen=True, kw_only=True)
class Quantile(Loss):
    """The pinball loss, whose smallest mean lies at quantiles of the targets.

    For a level q and an error r = t - y: ``max(q r, (q - 1) r)``: Koenker and Bassett, "Regression
    quantiles", 1978. The mean over the levels.

    Parameters
    ----------
    levels
        Numbers between 0 and 1; (0.05, 0.5, 0.95) gives a median and an interval that holds nine
        targets of ten.

    Predictions are (batch, levels), targets (batch,) or (batch, 1). For one level both are as for
    `SquaredError`. At no error the gradient is the mean of both sides.

    >>> float(Quantile(levels=(0.25,))([2.0, 2.0], [6.0, 0.0]))
    1.25
    """

    levels: Sequence[float] = (0.5,)

    def __post_init__(self) -> None:
        """Check the settings."""
        Measure.__post_init__(self)
        object.__setattr__(self, "levels", tuple(map(float, self.levels)))
        if not self.levels or not all(0 < q < 1 for q in self.levels):
            raise ParameterError(f"levels lie between 0 and 1, received {self.levels}")

    def terms(self, predictions: Any, targets: Any) -> tuple[Any, Any]:
        """Give the mean pinball loss of each example."""
        if len(self.levels) > 1:
            count = len(self.levels)
            if predictions.ndim != 2 or predictions.shape[-1] != count:
                raise ShapeError(
                    f"Quantile needs an output for each of {count} levels, received "
                    f"{shown(predictions)}"
                )
            row = cnp.reshape(targets, (targets.shape[0], 1))
            targets = cnp.broadcast_to(row, predictions.shape)
        y, t = paired(predictions, targets)
        q = np.asarray(self.levels, y.dtype) if len(self.levels) > 1 else self.levels[0]
        r = t - y
        return per_example(cnp.maximum(q * r, (q - 1.0) * r)), None


@dataclass(frozen=True, kw_only=True)
class PoissonNLL(Loss):
    """Minus the logarithm of a Poisson probability, from the logarithm z of the rate.

    ``e^z - t z`` for a count t, a mean over the outputs; the term ln(t!), which depends on
    targets only, is left out, as in PyTorch.

    >>> float(PoissonNLL()([0.0], [3.0]))
    1.0
    """

    def terms(self, predictions: Any, targets: Any) -> tuple[Any, Any]:
        """Give the mean negative log-likelihood of each example."""
        z, t = paired(predictions, targets)
        return per_example(cnp.exp(z) - t * z), None

    def prepare(self, targets: Any, outputs: ArrayType) -> Any:
        """Check that no count is negative."""
        array = Measure.prepare(self, targets, outputs)
        if np.any(array < 0):
            raise DataError(f"counts must not be negative, received {array.min()}")
        return array

    def predict(self, outputs: Any) -> Any:
        """Give the rates."""
        return cnp.exp(outputs)
