"""Which rows train, which watch the training, and which test at the end."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from chainrule.errors import DataError, ParameterError

_FEWEST_ROWS = 10


@dataclass(frozen=True)
class Split:
    """Three sets of row numbers, each rising, that share no row and leave none out.

    Parameters
    ----------
    train, validation, test
        int64 [n_train], [n_validation], [n_test]. They rise, so that what depends on the order
        of the rows (a row number, a date) can still be seen in each part.
    stratified
        Whether every class has its share of every part.
    notes
        What a user should know.
    """

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    stratified: bool
    notes: tuple[str, ...] = ()


def split(
    rows: int | ArrayLike,
    *,
    validation: float = 0.1,
    test: float = 0.2,
    stratify: bool = True,
    seed: int = 0,
) -> Split:
    """Split rows at random; the same seed gives the same split.

    Parameters
    ----------
    rows
        The number of rows, or the labels [n] of the rows (texts, whole numbers, truth values).
    validation, test
        Shares of all rows; 0 for none. Below ten rows none are held out.
    stratify
        Give every class its share of every part (to within a row or two, and at least one row to
        the training part). Needs labels; numbers with fractions have no classes.
    seed
        Drives the choice.

    Raises
    ------
    ParameterError
        If the shares leave no row for training.
    DataError
        If there is no row.

    >>> parts = split(["a"] * 10 + ["b"] * 10, validation=0.1, test=0.2)
    >>> len(parts.train), len(parts.validation), len(parts.test)
    (14, 2, 4)
    """
    if validation < 0.0 or test < 0.0 or not validation + test < 1.0:
        raise ParameterError(
            f"the shares validation={validation} and test={test} should not be negative, and "
            "should leave rows for training"
        )
    labels = np.zeros(rows, np.int64) if isinstance(rows, int) else np.asarray(rows)
    count = len(labels)
    if count < 1:
        raise DataError("there is no row to split")
    if count < _FEWEST_ROWS:
        note = f"all {count} rows train: too few to hold any out, so scores are on seen rows"
        none = np.empty(0, np.int64)
        return Split(np.arange(count), none, none, False, (note,) if validation + test else ())
    classes = None if isinstance(rows, int) or not stratify else _classes(labels)
    order, notes = _order(count, classes, np.random.default_rng(seed))
    parts = []
    for share in (test, validation):
        wanted = max(1, round(share * count)) if share else 0
        taken = _spread(min(wanted, len(order)), len(order))
        parts.append(np.sort(order[taken]))
        order = order[~taken]
    held = np.concatenate(parts)
    train = np.setdiff1d(np.arange(count), held)
    return Split(train, parts[1], parts[0], classes is not None, notes)


def _classes(labels: np.ndarray) -> np.ndarray | None:
    """Give each row the number of its class; None where labels are measurements."""
    if labels.dtype.kind == "f" and not np.array_equal(labels, np.round(labels)):
        return None
    return np.unique(labels, return_inverse=True)[1]


def _order(
    count: int, classes: np.ndarray | None, random: np.random.Generator
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Shuffle the rows, class after class; leave one row of each class to the training part."""
    order = random.permutation(count)
    if classes is None:
        return order[1:], ()
    order = order[np.argsort(classes[order], kind="stable")]
    sizes = np.bincount(classes)
    first = np.zeros(count, bool)
    first[np.cumsum(sizes) - sizes] = True
    alone = int((sizes == 1).sum())
    notes = (
        f"{alone} class{'es have' if alone > 1 else ' has'} a single row, which trains: no other "
        "part can show it",
    )
    return order[~first], notes if alone else ()


def _spread(wanted: int, available: int) -> np.ndarray:
    """Mark `wanted` of the places evenly, so that every stretch of them gets its share."""
    steps = np.floor(np.arange(available + 1) * wanted / max(available, 1) + 0.5)
    return np.diff(steps) > 0
