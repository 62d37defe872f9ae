"""What is averaged over examples: the form that losses and metrics share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

import chainrule.numpy as cnp
from chainrule.errors import DataError, ParameterError, ShapeError
from chainrule.ir import ArrayType
from chainrule.tracing import Array, as_array, dtype_name

REDUCTIONS = ("mean", "sum", "none")


@dataclass(frozen=True, kw_only=True)
class Measure(ABC):
    """A number per example, and how the numbers of many examples become one.

    Parameters
    ----------
    reduction
        "mean": the mean over examples, each with its weight; "sum": the sum of weight times
        number; "none": the array of weight times number, one entry per example.
    """

    reduction: str = "mean"
    larger_is_better: ClassVar[bool] = False

    def __post_init__(self) -> None:
        """Check the reduction."""
        if self.reduction not in REDUCTIONS:
            raise ParameterError(
                f"unknown reduction {self.reduction!r}; expected one of {', '.join(REDUCTIONS)}"
            )

    @abstractmethod
    def terms(self, predictions: Any, targets: Any) -> tuple[Any, Any]:
        """Give the numbers of the examples, and what each counts.

        Parameters
        ----------
        predictions
            Floats (batch, ...): what the network returned.
        targets
            What it should have, as `targets` of the class describes.

        Returns
        -------
        Numbers (batch, ...), and either None or weights of the same shape: the mean divides the
        sum of the numbers by the sum of the weights. Numbers hold their weights already.
        """

    def totals(self, predictions: Any, targets: Any, sample_weight: Any = None) -> tuple[Any, Any]:
        """Give the weighted sum over the examples, and the sum of their weights.

        Both are floats without axes, so that parts of a table can be added up.
        """
        values, weights = self.terms(predictions, targets)
        if sample_weight is not None:
            share = _aligned(sample_weight, values)
            weights = share if weights is None else share * weights
            values = share * values
        total = cnp.sum(values)
        return total, _count_of(values, total) if weights is None else cnp.sum(weights)

    def reduce(self, total: Any, weight: Any) -> Any:
        """Make one number of the two that `totals` gives; 0 where all weights are 0."""
        if self.reduction == "sum":
            return total
        return total / cnp.where(weight == 0, 1.0, weight)

    def __call__(self, predictions: Any, targets: Any, sample_weight: Any = None) -> Any:
        """Compute the measure of a batch.

        Parameters
        ----------
        predictions
            Floats (batch, ...): what the network returned.
        targets
            What it should have returned.
        sample_weight
            None, or floats (batch,), not negative: how much each example counts.
        """
        predictions = _floats(predictions)
        if not isinstance(targets, Array):
            kind = ArrayType(tuple(predictions.shape), dtype_name(predictions.dtype))
            targets = self.prepare(targets, kind)
        if self.reduction == "none":
            values, _ = self.terms(predictions, targets)
            return values if sample_weight is None else _aligned(sample_weight, values) * values
        return self.reduce(*self.totals(predictions, targets, sample_weight))

    def prepare(self, targets: Any, outputs: ArrayType) -> Any:
        """Check concrete targets and bring them to the dtype that `terms` expects.

        Parameters
        ----------
        targets
            As the user gave them.
        outputs
            The type of the network's output; the batch size may be symbolic.
        """
        array = np.asarray(targets)
        if array.dtype.kind not in "biuf":
            raise DataError(
                f"targets must be numbers, received {array.dtype}: encode them first, for "
                "example by numpy.unique(y, return_inverse=True)"
            )
        fit = array.astype(outputs.dtype)
        if not np.isfinite(fit).all():
            row = int(np.argwhere(~np.isfinite(fit))[0][0])
            raise DataError(f"targets hold NaN or infinity, first in row {row}")
        return fit


def paired(predictions: Any, targets: Any) -> tuple[Any, Any]:
    """Bring predictions and float targets to one shape; (batch, 1) also meets (batch,)."""
    predictions = _floats(predictions)
    targets = cnp.astype(_array(targets), predictions.dtype)
    if predictions.ndim == targets.ndim + 1 and predictions.shape[-1] == 1:
        targets = cnp.expand_dims(targets, -1)
    elif targets.ndim == predictions.ndim + 1 and targets.shape[-1] == 1:
        predictions = cnp.expand_dims(predictions, -1)
    if tuple(predictions.shape) != tuple(targets.shape):
        raise ShapeError(
            f"predictions {shown(predictions)} and targets {shown(targets)} must have one shape"
        )
    return predictions, targets


def per_example(values: Any, mean: bool = True) -> Any:
    """Mean or sum over every axis but the first."""
    axes = tuple(range(1, values.ndim))
    if not axes:
        return values
    return cnp.mean(values, axis=axes) if mean else cnp.sum(values, axis=axes)


def shown(x: Any) -> str:
    """Write a shape as people do."""
    return f"({', '.join(map(str, x.shape))}{',' if x.ndim == 1 else ''})"


def _aligned(sample_weight: Any, values: Any) -> Any:
    """Weights of examples, with axes of size 1 behind the batch."""
    weight = cnp.astype(_array(sample_weight), values.dtype)
    if weight.ndim != 1 or values.ndim == 0 or weight.shape[0] != values.shape[0]:
        raise ShapeError(
            f"sample_weight must have one number per example, received {shown(weight)} for "
            f"{shown(values)}"
        )
    return cnp.reshape(weight, (weight.shape[0], *(1 for _ in values.shape[1:])))


def _count_of(values: Any, like: Any) -> Any:
    return cnp.zeros_like(like) + values.size


def _array(x: Any) -> Any:
    return x if isinstance(x, Array) else as_array(x)


def _floats(x: Any) -> Any:
    x = _array(x)
    return x if x.dtype.kind == "f" else cnp.astype(x, "float32")
