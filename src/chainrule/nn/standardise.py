"""What normalisation layers share: entries brought to mean zero and variance one."""

from __future__ import annotations

from typing import Any

import chainrule.numpy as cnp
from chainrule.errors import ParameterError, ShapeError
from chainrule.ir import ArrayType


def standardise(x: Any, axes: tuple[int, ...], epsilon: float) -> Any:
    """Subtract the mean over axes and divide by the standard deviation.

    ``(x - mean) / sqrt(variance + epsilon)``, with the variance around the mean (in a second
    pass, so that a large mean costs no digits), divided by the number of entries.

    >>> standardise(cnp.asarray([1.0, 3.0]), (0,), 0.0).tolist()
    [-1.0, 1.0]
    """
    mean = cnp.mean(x, axis=axes, keepdims=True)
    variance = cnp.var(x, axis=axes, keepdims=True)
    return (x - mean) * (1 / cnp.sqrt(variance + epsilon))


def check_epsilon(epsilon: float) -> None:
    """Raise unless a number can keep a variance away from zero."""
    if not epsilon >= 0:
        raise ParameterError(f"epsilon is a number of at least 0, received {epsilon}")


def feature_axis(layer: str, x: ArrayType, axis: int) -> int:
    """Give the place of an axis of features, which is not the batch and has a known size."""
    if not -x.ndim <= axis < x.ndim or axis % x.ndim == 0:
        raise ShapeError(f"{layer} expects features on axis {axis}, behind the batch; received {x}")
    return axis % x.ndim
