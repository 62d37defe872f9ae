"""How good predictions are: the usual scores, a table of confusions, and the spread of errors.

The definitions are scikit-learn's, and the tests compare with it. They are written out here
because importing its metrics takes longer than training on a small table does.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import DataError


def score_classes(truth: NDArray[Any], probabilities: NDArray[Any]) -> dict[str, float | None]:
    """Score probabilities of classes.

    Parameters
    ----------
    truth
        Class of each row, whole numbers [n] from 0 to classes - 1.
    probabilities
        Floats [n, classes], each row adding up to 1.

    Returns
    -------
    ``accuracy``; ``auc``, the area under the ROC curve (for more than two classes the plain mean
    over each class against the rest; None unless every class occurs); and ``log_loss``, in nats.

    Raises
    ------
    DataError
        If there is no row.

    >>> score_classes(np.array([0, 1]), np.array([[0.75, 0.25], [0.5, 0.5]]))["auc"]
    1.0
    """
    _need_rows(truth)
    count = probabilities.shape[1]
    shares = probabilities.astype(np.float64)
    area = None
    if len(np.unique(truth)) == count:
        # Of two classes one area tells both.
        chosen = range(1, 2) if count == 2 else range(count)
        area = float(np.mean([_area(truth == k, shares[:, k]) for k in chosen]))
    likely = shares[np.arange(len(truth)), truth] / shares.sum(axis=1)
    # A probability of zero would make one wrong row infinitely bad: take the smallest step to 1.
    likely = np.maximum(likely, np.finfo(np.float64).eps)
    return {
        "accuracy": float(np.mean(np.argmax(shares, axis=1) == truth)),
        "auc": area,
        "log_loss": float(-np.mean(np.log(likely))),
    }


def score_numbers(truth: NDArray[Any], predicted: NDArray[Any]) -> dict[str, float | None]:
    """Score predicted numbers.

    Parameters
    ----------
    truth, predicted
        Floats [n], in the target's unit.

    Returns
    -------
    ``r2``, the share of the variance that is explained (None where the truth does not vary);
    ``rmse``, the root of the mean square error; and ``mae``, the mean size of the error.

    Raises
    ------
    DataError
        If there is no row.

    >>> score_numbers(np.array([0.0, 2.0]), np.array([1.0, 1.0]))
    {'r2': 0.0, 'rmse': 1.0, 'mae': 1.0}
    """
    _need_rows(truth)
    errors = np.asarray(predicted, np.float64) - truth
    square = float(np.mean(errors**2))
    variance = float(np.var(truth))
    return {
        "r2": 1.0 - square / variance if variance else None,
        "rmse": float(np.sqrt(square)),
        "mae": float(np.mean(np.abs(errors))),
    }


def score_label_sets(truth: NDArray[Any], shares: NDArray[Any]) -> dict[str, float | None]:
    """Score probabilities of labels of which each row may have any number.

    Parameters
    ----------
    truth
        Marks [n, labels], 1 where a row has the label, else 0.
    shares
        Floats [n, labels], the probability of each label by itself.

    Returns
    -------
    ``exact``, the share of rows with every label right; ``label_accuracy``, the share of labels
    that are right; ``f1``, of all labels of all rows together (None where there is none, nor one
    was predicted); ``auc``, the plain mean over the labels that some rows have and some have not
    (None if there is no such label); and ``log_loss``, the mean over rows and labels, in nats.

    Raises
    ------
    DataError
        If there is no row.

    >>> found = score_label_sets(np.array([[1, 0], [1, 1]]), np.array([[0.9, 0.2], [0.8, 0.4]]))
    >>> found["exact"], found["label_accuracy"], found["f1"], found["auc"]
    (0.5, 0.75, 0.8, 1.0)
    """
    _need_rows(truth)
    marks, taken = truth.astype(bool), shares > 0.5
    both = int(marks.sum()) + int(taken.sum())
    areas = [
        _area(column, shares[:, i])
        for i, column in enumerate(marks.T)
        if column.any() and not column.all()
    ]
    likely = np.where(marks, shares, 1.0 - shares.astype(np.float64))
    return {
        "exact": float(np.mean((marks == taken).all(axis=1))),
        "label_accuracy": float(np.mean(marks == taken)),
        "f1": 2.0 * int((marks & taken).sum()) / both if both else None,
        "auc": float(np.mean(areas)) if areas else None,
        "log_loss": float(-np.mean(np.log(np.maximum(likely, np.finfo(np.float64).eps)))),
    }


def label_counts(truth: NDArray[Any], shares: NDArray[Any]) -> NDArray[np.int64]:
    """Count, for each label, the rows that have it, that were said to, and both: [labels, 3].

    >>> label_counts(np.array([[1, 0], [1, 1]]), np.array([[0.9, 0.2], [0.3, 0.7]])).tolist()
    [[2, 1, 1], [1, 1, 1]]
    """
    marks, taken = truth.astype(bool), shares > 0.5
    return np.stack([x.sum(axis=0) for x in (marks, taken, marks & taken)], axis=1)


def _area(positive: NDArray[np.bool_], score: NDArray[Any]) -> float:
    """Chance that a positive row scores above a negative one, ties counting half (Mann-Whitney)."""
    _, place, count = np.unique(score, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(count) - (count - 1) / 2)[place]
    yes = int(positive.sum())
    no = len(positive) - yes
    return float((ranks[positive].sum() - yes * (yes + 1) / 2) / (yes * no))


def confusion(truth: NDArray[Any], predicted: NDArray[Any], classes: int) -> NDArray[np.int64]:
    """Count how often each class (row) was taken for each class (column), int64 [classes, classes].

    >>> confusion(np.array([0, 1, 1]), np.array([0, 1, 0]), 2).tolist()
    [[1, 0], [1, 1]]
    """
    table = np.zeros((classes, classes), np.int64)
    np.add.at(table, (truth, predicted), 1)
    return table


def residuals(truth: NDArray[Any], predicted: NDArray[Any]) -> dict[str, float]:
    """Summarise the errors ``predicted - truth``: mean, and quantiles, in the target's unit.

    >>> residuals(np.array([0.0, 0.0]), np.array([-1.0, 3.0]))["median"]
    1.0
    """
    _need_rows(truth)
    errors = np.asarray(predicted, np.float64) - truth
    places = {"lowest": 0.0, "5%": 0.05, "25%": 0.25, "median": 0.5}
    places |= {"75%": 0.75, "95%": 0.95, "highest": 1.0}
    return {
        "mean": float(errors.mean()),
        **{name: float(np.quantile(errors, place)) for name, place in places.items()},
    }


def _need_rows(truth: NDArray[Any]) -> None:
    if not len(truth):
        raise DataError("there is no row to score")
