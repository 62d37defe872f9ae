"""Losses of classifiers, from raw outputs (logits)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

import chainrule.numpy as cnp
from chainrule.errors import DataError, ParameterError, ShapeError
from chainrule.ir import ArrayType
from chainrule.nn.losses.accuracy import Accuracy
from chainrule.nn.losses.loss import Loss
from chainrule.nn.losses.measure import Measure, paired, per_example, shown


@dataclass(frozen=True, kw_only=True)
class CrossEntropy(Loss):
    """Cross-entropy of classes, from logits: minus the logarithm of the right class's softmax.

    Stable for logits of any size: nothing overflows, and no probability is rounded to 0 before
    its logarithm is taken.

    Parameters
    ----------
    label_smoothing
        Share of each target that is spread evenly over all classes, in [0, 1) (Szegedy and
        others, "Rethinking the Inception architecture", 2016).
    class_weight
        None, or one number per class: how much its examples count. As in PyTorch, the mean
        divides by the weights of the targets.
    ignore
        None, or a label that stands for no label, such as -1 where sequences are padded: these
        places cost nothing, carry no gradient, and do not count in the mean, as with
        `ignore_index` in PyTorch. A batch that holds nothing else costs 0.
    focus
        0, or at least 1: each class's part is multiplied by ``(1 - p) ** focus`` for its
        probability p, so that examples that are nearly right count less (the focal loss: Lin and
        others, "Focal loss for dense object detection", 2017, where 2 is usual).

    Predictions are logits (batch, ..., classes). Targets are labels (batch, ...) from 0 to
    classes - 1, or probabilities of the shape of the predictions (one-hot is a special case).

    >>> round(float(CrossEntropy()([[0.0, 0.0]], [1])), 6)
    0.693147
    >>> float(CrossEntropy()([[1000.0, 0.0]], [1]))
    1000.0
    >>> float(CrossEntropy(ignore=-1)([[[8.0, 0.0], [9.0, 9.0]]], [[1, -1]])) > 8
    True
    """

    label_smoothing: float = 0.0
    class_weight: Sequence[float] | None = None
    ignore: int | None = None
    focus: float = 0.0
    classifies: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Check the settings."""
        Measure.__post_init__(self)
        if not 0 <= self.label_smoothing < 1:
            raise ParameterError(f"label_smoothing lies in [0, 1), received {self.label_smoothing}")
        _check_focus(self.focus)
        if self.class_weight is not None:
            object.__setattr__(self, "class_weight", tuple(map(float, self.class_weight)))

    @property
    def textbook(self) -> str:
        """The loss of one row as textbooks write it; nothing where a setting changes it."""
        if self != CrossEntropy(reduction=self.reduction):
            return ""
        return (
            "for a row with the label t, textbooks write L = −ln(p[t]) and δ = p − [t = j], where "
            "p = softmax(z)"
        )

    def terms(self, predictions: Any, targets: Any) -> tuple[Any, Any]:
        """Give the cross-entropy of each example, and the weight of its class."""
        classes = predictions.shape[-1]
        if targets.ndim == predictions.ndim - 1:
            chosen = cnp.one_hot(targets, classes, dtype="bool")
            goal = cnp.astype(chosen, predictions.dtype)
        elif targets.ndim == predictions.ndim:
            goal = cnp.astype(targets, predictions.dtype)
        else:
            raise ShapeError(
                f"targets {shown(targets)} must be labels, one axis less than the logits "
                f"{shown(predictions)}, or probabilities of their shape"
            )
        labelled = targets.ndim == predictions.ndim - 1
        counted = targets != self.ignore if labelled and self.ignore is not None else None
        weights = None if counted is None else cnp.astype(counted, predictions.dtype)
        if self.class_weight is not None:
            table = np.asarray(self.class_weight, predictions.dtype)
            shares = cnp.sum(goal * table, axis=-1)
            weights = shares if weights is None else weights * shares
        if self.label_smoothing:
            goal = (1 - self.label_smoothing) * goal + self.label_smoothing / classes
        logs = cnp.log_softmax(predictions)
        # A class of probability zero costs nothing, even where its logarithm is -inf.
        parts = goal * cnp.where(goal == 0, 0.0, logs)
        if self.focus:
            # 1 - p as -expm1(ln p) keeps its digits where p is nearly 1.
            parts = cnp.power(-cnp.expm1(logs), self.focus) * parts
        if self.class_weight is not None:
            parts = parts * table
        values = -cnp.sum(parts, axis=-1)
        return values if counted is None else cnp.where(counted, values, 0.0), weights

    def prepare(self, targets: Any, outputs: ArrayType) -> Any:
        """Check labels or probabilities and give them as int32 or floats."""
        array = np.asarray(targets)
        if not outputs.shape or outputs.shape[-1] == 1:
            raise ShapeError(
                "CrossEntropy needs one output for each of at least two classes; for one output "
                "and two classes use BinaryCrossEntropy"
            )
        classes = outputs.shape[-1]
        if self.class_weight is not None and len(self.class_weight) != classes:
            raise ParameterError(
                f"class_weight has {len(self.class_weight)} numbers for {classes} classes"
            )
        if array.ndim == len(outputs.shape):
            if array.shape[-1] != classes:
                raise ShapeError(
                    f"targets have {array.shape[-1]} entries per example, the network {classes} "
                    "outputs: give labels (batch,), or one probability for each class"
                )
            return Measure.prepare(self, array, outputs)
        if array.dtype.kind not in "biu":
            raise DataError(
                f"labels must be whole numbers from 0 to {int(classes) - 1}, received "
                f"{array.dtype}: use y.astype(int), or numpy.unique(y, return_inverse=True)"
            )
        outside = (array < 0) | (array >= classes)
        if self.ignore is not None:
            outside &= array != self.ignore
        if outside.any():
            raise DataError(
                f"label {array[outside].ravel()[0]} lies outside of 0 to {int(classes) - 1}: the "
                f"network has {classes} outputs"
            )
        return array.astype(np.int32)

    def accuracy(self) -> Accuracy:
        """Give the metric that compares the largest output's place with the label."""
        return Accuracy(ignore=self.ignore)

    def predict(self, outputs: Any) -> Any:
        """Give the label (int32) of the largest output."""
        return cnp.argmax(outputs, axis=outputs.ndim - 1)

    def probabilities(self, outputs: Any) -> Any:
        """Give softmax of the outputs."""
        return cnp.softmax(outputs)


@dataclass(frozen=True, kw_only=True)
class BinaryCrossEntropy(Loss):
    """Cross-entropy of yes-or-no outputs, from logits z.

    For a target t: ``-t ln sigmoid(z) - (1 - t) ln(1 - sigmoid(z))``, computed as softplus of z or
    -z, so that it is exact for logits of any size. With several outputs, the mean over them.

    Parameters
    ----------
    positive_weight
        Factor of the first term: above 1, a missed yes costs more.
    class_weight
        None, or two numbers: how much examples with target 0 and 1 count; the mean divides by
        them, too.
    focus
        As for `CrossEntropy`; p is the probability of the right answer.

    Predictions and targets are (batch,) or (batch, outputs); targets lie between 0 and 1.

    >>> round(float(BinaryCrossEntropy()([0.0], [1])), 6)
    0.693147
    >>> float(BinaryCrossEntropy()([-1000.0], [1]))
    1000.0
    """

    positive_weight: float = 1.0
    class_weight: Sequence[float] | None = None
    focus: float = 0.0
    classifies: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Check the settings."""
        Measure.__post_init__(self)
        _check_focus(self.focus)
        if self.class_weight is not None:
            if len(self.class_weight) != 2:
                raise ParameterError(f"class_weight needs two numbers, has {self.class_weight}")
            object.__setattr__(self, "class_weight", tuple(map(float, self.class_weight)))

    @property
    def textbook(self) -> str:
        """The loss of one row as textbooks write it; nothing where a setting changes it."""
        if self != BinaryCrossEntropy(reduction=self.reduction):
            return ""
        return (
            "for a row, textbooks write L = −t·ln(σ(z)) − (1 − t)·ln(1 − σ(z)) and δ = σ(z) − t, "
            "the same in a form that can overflow"
        )

    def terms(self, predictions: Any, targets: Any) -> tuple[Any, Any]:
        """Give the cross-entropy of each example, and the weight of its class."""
        z, t = paired(predictions, targets)
        yes, no = self.positive_weight * t, 1 - t
        # yes * softplus(-z) + no * softplus(z) with one softplus, by softplus(z) =
        # softplus(-z) + z: for targets 0 and 1 the other term is an exact zero.
        likely = t > 0.5
        rest = cnp.where(likely, no, -yes) * z
        values = (yes + no) * cnp.softplus(cnp.where(likely, -z, z)) + rest
        if self.focus:
            wrong = t * cnp.sigmoid(-z) + (1 - t) * cnp.sigmoid(z)
            values = cnp.power(wrong, self.focus) * values
        if self.class_weight is None:
            return per_example(values), None
        zero, one = self.class_weight
        weights = zero + (one - zero) * t
        return per_example(weights * values), per_example(weights)

    def prepare(self, targets: Any, outputs: ArrayType) -> Any:
        """Check that targets lie between 0 and 1 and give them as floats."""
        array = Measure.prepare(self, targets, outputs)
        if array.size and (array.min() < 0 or array.max() > 1):
            wrong = array[(array < 0) | (array > 1)].ravel()[0]
            raise DataError(f"targets of BinaryCrossEntropy lie between 0 and 1, received {wrong}")
        return array

    def accuracy(self) -> Accuracy:
        """Give the metric that takes a positive logit for a yes."""
        return Accuracy(threshold=0.0)

    def predict(self, outputs: Any) -> Any:
        """Give 1 (int32) for a positive logit, else 0."""
        return cnp.astype(outputs > 0, "int32")

    def probabilities(self, outputs: Any) -> Any:
        """Give sigmoid of the outputs."""
        return cnp.sigmoid(outputs)


@dataclass(frozen=True, kw_only=True)
class Hinge(Loss):
    """The hinge loss of margin classifiers.

    With one output z and a sign s, which is +1 for targets above 0 and -1 for others:
    ``max(0, margin - s z)``. With one output per class and labels: ``max(0, margin + best other
    output - right output)`` (Crammer and Singer, 2001). At the kink the gradient is halved.

    Parameters
    ----------
    margin
        How far the right output has to lead before an example costs nothing.
    squared
        Whether to square what each example costs, which takes the kink away.

    >>> Hinge(reduction="none")([0.25, -2.0], [1, 1]).tolist()
    [0.75, 3.0]
    >>> float(Hinge()([[0.0, 3.0, 2.5]], [1]))
    0.5
    """

    margin: float = 1.0
    squared: bool = False
    classifies: ClassVar[bool] = True

    def terms(self, predictions: Any, targets: Any) -> tuple[Any, Any]:
        """Give the hinge loss of each example."""
        if predictions.ndim == targets.ndim + 1 and predictions.shape[-1] != 1:
            chosen = cnp.one_hot(targets, predictions.shape[-1], dtype="bool")
            other = cnp.max(cnp.where(chosen, -np.inf, predictions), axis=-1)
            lead = cnp.sum(cnp.where(chosen, predictions, 0.0), axis=-1) - other
            return self._cost(lead), None
        z, t = paired(predictions, targets)
        lead = cnp.where(t > 0, z, -z)
        return per_example(self._cost(lead)), None

    def _cost(self, lead: Any) -> Any:
        short = cnp.maximum(self.margin - lead, 0.0)
        return cnp.square(short) if self.squared else short

    def prepare(self, targets: Any, outputs: ArrayType) -> Any:
        """Check labels, or give signs as floats."""
        if np.ndim(targets) == len(outputs.shape) - 1 and outputs.shape[-1] != 1:
            return CrossEntropy().prepare(targets, outputs)
        return Measure.prepare(self, targets, outputs)

    def accuracy(self) -> Accuracy:
        """Give the metric that takes a positive output for a yes."""
        return Accuracy(threshold=0.0)

    def predict(self, outputs: Any) -> Any:
        """Give the label of the largest output, or 1 for a positive single output, else 0."""
        if outputs.ndim > 1 and outputs.shape[-1] != 1:
            return cnp.argmax(outputs, axis=outputs.ndim - 1)
        return cnp.astype(outputs > 0, "int32")


def _check_focus(focus: float) -> None:
    # Below 1 the gradient is infinite where an example is exactly right.
    if not (focus == 0 or focus >= 1):
        raise ParameterError(f"focus is 0 or at least 1, received {focus}")
