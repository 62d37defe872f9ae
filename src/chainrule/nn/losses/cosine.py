"""The angle between predictions and targets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import chainrule.numpy as cnp
from chainrule.nn.losses.loss import Loss
from chainrule.nn.losses.measure import paired


@dataclass(frozen=True, kw_only=True)
class CosineDistance(Loss):
    """One minus the cosine of the angle between vectors: 0 for one direction, 2 for opposite ones.

    Lengths do not matter, and no square of a large number overflows. A vector of zeros has no
    direction: it costs 1 and has no gradient. As PyTorch's ``cosine_embedding_loss`` for pairs that
    belong together.

    Predictions and targets are (batch, ..., features).

    >>> float(CosineDistance()([[3e30, 4e30]], [[-3.0, -4.0]]))
    2.0
    """

    def terms(self, predictions: Any, targets: Any) -> tuple[Any, Any]:
        """Give the distance of each example."""
        y, t = paired(predictions, targets)
        cosine = cnp.sum(_directed(y) * _directed(t), axis=-1)
        distance = 1.0 - cosine
        axes = tuple(range(1, distance.ndim))
        return cnp.mean(distance, axis=axes) if axes else distance, None


def _directed(x: Any) -> Any:
    """The vectors at length 1; zeros stay."""
    largest = cnp.stop_gradient(cnp.max(cnp.abs(x), axis=-1, keepdims=True))
    nothing = largest == 0
    near = cnp.where(nothing, 0.0, x / cnp.where(nothing, 1.0, largest))
    square = cnp.sum(near * near, axis=-1, keepdims=True)
    return near / cnp.sqrt(cnp.where(nothing, 1.0, square))
