"""Predictions, what one would predict without a model, and how the two compare with the truth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chainrule.data import TargetEncoder
from chainrule.data.scores import confusion, residuals, score_classes, score_numbers

TASKS = ("binary", "multiclass", "regression", "count")
"""What a model can predict: one column; more kinds of targets are for networks in Python."""


class Predictions(NamedTuple):
    """What a model says about the rows of a table, in their order.

    Attributes
    ----------
    values
        Labels [n] as they were in the training table, or numbers [n] in the target's unit.
    probabilities
        Floats [n, classes] in the order of the target's classes; None for numbers.
    notes
        What a user should know: columns ignored, levels that training did not see.
    """

    values: NDArray[Any]
    probabilities: NDArray[Any] | None
    notes: tuple[str, ...] = ()


def decoded(
    target: TargetEncoder, outputs: NDArray[Any], notes: tuple[str, ...] = ()
) -> Predictions:
    """Make predictions of outputs: probabilities [n, classes], or encoded numbers [n]."""
    if not target.classes:
        return Predictions(target.decode(outputs), None, notes)
    return Predictions(target.decode(np.argmax(outputs, axis=1)), outputs, notes)


def guess(target: TargetEncoder, shares: Sequence[float], rows: int) -> Predictions:
    """Predict every row alike, by the shares of the classes in training, or by the mean."""
    if not target.classes:
        return Predictions(np.full(rows, target.mean), None)
    return decoded(target, np.tile(np.asarray(shares, np.float64), (rows, 1)))


def left_out(rows: int, target: str) -> str:
    """Say that rows without a target were left out.

    >>> left_out(1, "income")
    "1 row without a value of 'income' was left out"
    """
    what, was = ("row", "was") if rows == 1 else ("rows", "were")
    return f"{rows:,} {what} without a value of {target!r} {was} left out"


def compare(target: TargetEncoder, truth: NDArray[Any], predictions: Predictions) -> dict[str, Any]:
    """Score predictions against the encoded target [n].

    Returns
    -------
    ``scores`` (see `chainrule.data.scores`), and for classes ``confusion``, counts with a row for
    each true class, or for numbers ``residuals``. Plain JSON values.
    """
    if predictions.probabilities is None:
        numbers = target.restore(truth)
        return {
            "scores": score_numbers(numbers, predictions.values),
            "residuals": residuals(numbers, predictions.values),
        }
    taken = np.argmax(predictions.probabilities, axis=1)
    return {
        "scores": score_classes(truth, predictions.probabilities),
        "confusion": confusion(truth, taken, len(target.classes)).tolist(),
    }
