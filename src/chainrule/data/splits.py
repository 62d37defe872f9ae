"""Which rows train, which watch the training, and which test at the end."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from chainrule.data.wording import listing
from chainrule.errors import DataError, ParameterError

_FEWEST_ROWS = 10
PARTS = {
    **dict.fromkeys(("train", "training", "learn"), "train"),
    **dict.fromkeys(("validation", "valid", "val", "dev"), "validation"),
    **dict.fromkeys(("test", "testing", "holdout"), "test"),
}
"""What people call the parts of a split, and what we call them."""


@dataclass(frozen=True)
class Split:
    """Three sets of row numbers, each rising, that share no row.

    They leave none out, but for folds by time, which may not train on what comes later.

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
    groups: ArrayLike | None = None,
    time: ArrayLike | None = None,
    given: ArrayLike | None = None,
) -> Split:
    """Split rows: at random, by groups, by time, or as a column says.

    The same seed gives the same split. At most one of `groups`, `time` and `given` may be there.

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
    groups
        Labels [n]: rows of one group (a customer, a patient) stay together, so that the test
        rows are of groups that training never saw. Shares are met as closely as groups allow. A
        row without a group is a group of its own.
    time
        Numbers or moments [n]: the latest rows test, those before them validate. Rows of the same
        time stay together; rows without one train.
    given
        Names [n]: ``train``, ``validation`` or ``test``. Without any ``validation``, that share is
        taken from the training rows at random.

    Raises
    ------
    ParameterError
        If the shares leave no row for training, or more than one way to split is asked for.
    DataError
        If there is no row, or groups, times or names do not allow a split.

    >>> parts = split(["a"] * 10 + ["b"] * 10, validation=0.1, test=0.2)
    >>> len(parts.train), len(parts.validation), len(parts.test)
    (14, 2, 4)
    >>> split(10, time=range(10)).test
    array([8, 9])
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
    way, values = one_way(count, groups=groups, time=time, given=given)
    classes = None if isinstance(rows, int) or not stratify else class_numbers(labels)
    if way == "given":
        return _as_given(values, validation, classes, seed)
    if count < _FEWEST_ROWS:
        note = f"all {count} rows train: too few to hold any out, so scores are on seen rows"
        none = np.empty(0, np.int64)
        return Split(np.arange(count), none, none, False, (note,) if validation + test else ())
    random = np.random.default_rng(seed)
    notes: tuple[str, ...] = ()
    if way == "groups":
        held = _by_groups(values, (test, validation), random)
    elif way == "time":
        held, notes = _by_time(values, (test, validation))
    else:
        held, notes = _at_random(count, classes, (test, validation), random)
    train = np.setdiff1d(np.arange(count), np.concatenate(held))
    return Split(train, held[1], held[0], way == "random" and classes is not None, notes)


def one_way(count: int, **ways: ArrayLike | None) -> tuple[str, np.ndarray]:
    """Give the one way to split that is asked for with its values [count], or ``"random"``.

    Raises
    ------
    ParameterError
        If there is more than one way, or the values are not as many as rows.
    """
    asked = {name: np.asarray(values) for name, values in ways.items() if values is not None}
    if len(asked) > 1:
        raise ParameterError(f"split in one way only, received {listing(asked)}")
    for name, values in asked.items():
        if values.shape != (count,):
            raise ParameterError(
                f"{name!r} should have one value for each of the {count} rows, received the shape "
                f"{values.shape}"
            )
        return name, values
    return "random", np.empty(0)


def group_numbers(groups: np.ndarray) -> np.ndarray:
    """Number groups from 0; a row without a group is a group of its own."""
    missing = missing_cells(groups)
    numbers = np.zeros(len(groups), np.int64)
    names = groups[~missing]
    if names.dtype == object:
        names = np.array([str(name) for name in names])
    different, numbers[~missing] = np.unique(names, return_inverse=True)
    numbers[missing] = len(different) + np.arange(missing.sum())
    return numbers


def time_numbers(time: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Number times in their order from 0; give the numbers [n] and which times are known [n].

    Raises
    ------
    DataError
        If all known times are the same.
    """
    known = ~missing_cells(time)
    numbers = np.zeros(len(time), np.int64)
    different, numbers[known] = np.unique(time[known], return_inverse=True)
    if len(different) < 2:
        raise DataError("rows cannot be split by time: they are all of one time, or of none")
    return numbers, known


def missing_cells(values: np.ndarray) -> np.ndarray:
    """Tell which cells [n] are None, NaN or NaT."""
    if values.dtype == object:
        return np.array([value is None or value != value for value in values], bool)
    if values.dtype.kind in "fmM":
        missing: np.ndarray = values != values
        return missing
    return np.zeros(len(values), bool)


def _as_given(names: np.ndarray, validation: float, classes: np.ndarray | None, seed: int) -> Split:
    lower = [str(name).strip().lower() for name in names.tolist()]
    strange = sorted({name for name in lower if name not in PARTS})
    if strange:
        row = lower.index(strange[0])
        count = sum(name not in PARTS for name in lower)
        raise DataError(
            f"row {row + 1}: a part should be 'train', 'validation' or 'test', not "
            f"{str(names[row])!r} ({count} such rows)"
        )
    part = np.array([PARTS[name] for name in lower])
    train, watch, test = (np.flatnonzero(part == name) for name in ("train", "validation", "test"))
    if not len(train):
        raise DataError("the column of the split names no row for training")
    if len(watch) or not validation or len(train) < _FEWEST_ROWS:
        return Split(train, watch, test, False)
    share = min(validation * len(names) / len(train), 0.5)
    labels = len(train) if classes is None else classes[train]
    inner = split(labels, validation=share, test=0.0, seed=seed)
    note = (
        f"the column of the split names no validation rows: {len(inner.validation)} of the "
        f"{len(train)} training rows were taken at random"
    )
    return Split(train[inner.train], train[inner.validation], test, False, (note,))


def _by_groups(
    groups: np.ndarray, shares: tuple[float, ...], random: np.random.Generator
) -> list[np.ndarray]:
    numbers = group_numbers(groups)
    sizes = np.bincount(numbers)
    wanted = sum(share > 0.0 for share in shares)
    if len(sizes) <= wanted:
        raise DataError(
            f"there are {len(sizes)} groups, too few for {wanted + 1} parts that share none"
        )
    order = random.permutation(len(sizes))
    held = []
    for i, share in enumerate(shares):
        # Each part takes groups until it comes closest to its share, and leaves one to the rest.
        later = 1 + sum(share > 0.0 for share in shares[i + 1 :])
        reached = np.cumsum(sizes[order])[: len(order) - later]
        closest = int(np.argmin(np.abs(reached - share * len(groups)))) + 1 if share else 0
        held.append(np.flatnonzero(np.isin(numbers, order[:closest])))
        order = order[closest:]
    return held


def _by_time(
    time: np.ndarray, shares: tuple[float, ...]
) -> tuple[list[np.ndarray], tuple[str, ...]]:
    numbers, known = time_numbers(time)
    reached = np.bincount(numbers[known]).cumsum()  # rows up to and with each time
    held, last = [], len(reached)
    for share in shares:
        # The part starts after the time at which the rest comes closest to what it should be.
        end = reached[last - 1]
        first = last
        if share and last > 1:
            left = end - share * len(time)
            first = int(np.argmin(np.abs(reached[: last - 1] - left))) + 1
        held.append(np.flatnonzero(known & (numbers >= first) & (numbers < last)))
        last = first
    unknown = int((~known).sum())
    return held, (f"{unknown} rows without a time train",) if unknown else ()


def _at_random(
    count: int, classes: np.ndarray | None, shares: tuple[float, ...], random: np.random.Generator
) -> tuple[list[np.ndarray], tuple[str, ...]]:
    order, notes = _order(count, classes, random)
    held = []
    for share in shares:
        wanted = max(1, round(share * count)) if share else 0
        taken = _spread(min(wanted, len(order)), len(order))
        held.append(np.sort(order[taken]))
        order = order[~taken]
    return held, notes


def class_numbers(labels: np.ndarray) -> np.ndarray | None:
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
