"""Predictions, what one would predict without a model, and how the two compare with the truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chainrule.data import TargetEncoder
from chainrule.data.scores import (
    confusion,
    label_counts,
    residuals,
    score_classes,
    score_label_sets,
    score_numbers,
)


class Predictions(NamedTuple):
    """What a model says about the rows of a table, in their order.

    Attributes
    ----------
    values
        Labels [n] as they were in the training table, or numbers [n] in the target's unit;
        [n, columns] if there are several targets.
    probabilities
        Floats [n, classes] in the order of the target's classes, of label sets each by itself;
        None for numbers.
    notes
        What a user should know: columns ignored, levels that training did not see.
    """

    values: NDArray[Any]
    probabilities: NDArray[Any] | None
    notes: tuple[str, ...] = ()


def decoded(
    target: TargetEncoder, outputs: NDArray[Any], notes: tuple[str, ...] = ()
) -> Predictions:
    """Make predictions of outputs: probabilities [n, classes], or encoded numbers."""
    if not target.classes:
        return Predictions(target.decode(outputs), None, notes)
    taken = outputs > 0.5 if target.task == "multilabel" else np.argmax(outputs, axis=1)
    return Predictions(target.decode(taken), outputs, notes)


def guess(target: TargetEncoder, shares: Sequence[float], rows: int) -> Predictions:
    """Predict every row alike, by the shares of the classes in training, or by the mean."""
    if target.task == "multioutput":
        return Predictions(np.tile(target.means, (rows, 1)), None)
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
    """Score predictions against the encoded target [n] or [n, outputs].

    Returns
    -------
    ``scores`` (see `chainrule.data.scores`), and what went wrong. For classes: ``confusion``,
    counts with a row for each true class. For label sets: ``labels``, for each the counts of the
    rows that have it, that were said to, and both. For a number: ``residuals``. For several
    numbers ``scores`` is the mean of their R squared, and ``outputs`` holds the scores of each.
    Plain JSON values.
    """
    shares = predictions.probabilities
    if shares is None:
        numbers = target.restore(truth)
        if target.task == "multioutput":
            return _many_numbers(target.names, numbers, predictions.values)
        return {
            "scores": score_numbers(numbers, predictions.values),
            "residuals": residuals(numbers, predictions.values),
        }
    if target.task == "multilabel":
        return {
            "scores": score_label_sets(truth, shares),
            "labels": label_counts(truth, shares).tolist(),
        }
    return {
        "scores": score_classes(truth, shares),
        "confusion": confusion(truth, np.argmax(shares, axis=1), len(target.classes)).tolist(),
    }


def _many_numbers(
    names: Sequence[str], numbers: NDArray[Any], predicted: NDArray[Any]
) -> dict[str, Any]:
    outputs = {name: score_numbers(numbers[:, i], predicted[:, i]) for i, name in enumerate(names)}
    known = [scores["r2"] for scores in outputs.values() if scores["r2"] is not None]
    return {"scores": {"r2": float(np.mean(known)) if known else None}, "outputs": outputs}


def scores_in(report: Mapping[str, Any]) -> dict[str, float]:
    """Give the test scores of a report, as far as they are numbers.

    A model file may come from a stranger, who may have written anything.
    """
    test = report.get("test")
    scores = test.get("scores") if isinstance(test, Mapping) else None
    found = scores.items() if isinstance(scores, Mapping) else ()
    return {name: float(x) for name, x in found if isinstance(x, int | float)}
