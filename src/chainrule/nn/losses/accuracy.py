"""Accuracy: the share of examples that are classified correctly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

import chainrule.numpy as cnp
from chainrule.ir import ArrayType
from chainrule.nn.losses.measure import Measure, paired


@dataclass(frozen=True, kw_only=True)
class Accuracy(Measure):
    """The share of examples that are classified correctly.

    Parameters
    ----------
    threshold
        None: the class is the place of the largest output along the last axis, and targets are
        labels (batch, ...) or one entry per class. A number: each output is a yes above it, each
        target a yes above one half, and an example is correct if all its outputs are.
    ignore
        None, or a label that stands for no label: these places do not count.

    >>> float(Accuracy()([[0.1, 0.9], [0.8, 0.2]], [1, 1]))
    0.5
    >>> float(Accuracy(threshold=0.0)([1.5, -0.5], [1, 0]))
    1.0
    >>> float(Accuracy(ignore=-1)([[[0.1, 0.9], [0.8, 0.2]]], [[1, -1]]))
    1.0
    """

    threshold: float | None = None
    ignore: int | None = None
    larger_is_better: ClassVar[bool] = True

    def terms(self, predictions: Any, targets: Any) -> tuple[Any, Any]:
        """Give 1 for each example that is correct, else 0."""
        weights = None
        if self.threshold is None:
            labels = targets
            if targets.ndim == predictions.ndim:
                labels = cnp.argmax(targets, axis=targets.ndim - 1)
            right = cnp.argmax(predictions, axis=predictions.ndim - 1) == labels
            if self.ignore is not None:
                counted = labels != self.ignore
                right = right & counted
                weights = cnp.astype(counted, predictions.dtype)
        else:
            predictions, targets = paired(predictions, targets)
            right = (predictions > self.threshold) == (targets > 0.5)
            if right.ndim > 1:
                right = cnp.all(right, axis=tuple(range(1, right.ndim)))
        return cnp.astype(right, predictions.dtype), weights

    def prepare(self, targets: Any, outputs: ArrayType) -> Any:
        """Bring targets to the dtype that `terms` expects."""
        array = np.asarray(targets)
        if self.threshold is None and array.dtype.kind in "biu":
            return array.astype(np.int32)
        return Measure.prepare(self, targets, outputs)
