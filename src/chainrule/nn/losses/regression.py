"""Losses of regression: how far predictions lie from numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

import chainrule.numpy as cnp
from chainrule.errors import DataError, ParameterError
from chainrule.ir import ArrayType
from chainrule.nn.losses.loss import Loss
from chainrule.nn.losses.measure import Measure, paired, per_example


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
