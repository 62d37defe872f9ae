"""Several splits of the same rows, so that each row tests once."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from chainrule.data.splits import (
    Split,
    class_numbers,
    group_numbers,
    one_way,
    split,
    time_numbers,
)
from chainrule.errors import DataError, ParameterError


def folds(
    rows: int | ArrayLike,
    count: int = 5,
    *,
    validation: float = 0.1,
    stratify: bool = True,
    seed: int = 0,
    groups: ArrayLike | None = None,
    time: ArrayLike | None = None,
    given: ArrayLike | None = None,
) -> tuple[Split, ...]:
    """Split rows in `count` ways, each with another part of the rows for the test.

    Parameters
    ----------
    rows
        The number of rows, or the labels [n] of the rows, as for `split`.
    count
        How many folds, at least two.
    validation
        Share of the rows outside of a fold's test rows.
    stratify, seed, groups
        As for `split`.
    time
        Numbers or moments [n]. The rows are cut at `count` times into stretches of about the same
        size; each fold tests on one stretch and trains on all before it, and the first stretch
        only trains. Later rows are left out.
    given
        Labels [n]: each fold tests on the rows of one label, and `count` does not matter.

    Raises
    ------
    ParameterError
        If `count` is below two, or more than one way to split is asked for.
    DataError
        If there are fewer rows, groups or times than folds need.

    >>> [fold.test.tolist() for fold in folds(4, 2, validation=0.0)]
    [[1, 2], [0, 3]]
    """
    labels = None if isinstance(rows, int) else np.asarray(rows)
    size = rows if isinstance(rows, int) else len(np.asarray(rows))
    if count < 2:
        raise ParameterError(f"there should be two folds or more, not {count}")
    way, values = one_way(size, groups=groups, time=time, given=given)
    if way == "time":
        return _by_time(values, count, validation)
    stratified = False
    units = values
    if way == "given":
        place = group_numbers(values)
        count = int(place.max()) + 1
        if count < 2:
            raise DataError("the column of the folds has one value only")
        units = np.empty(0)
    elif way == "groups":
        place = _dealt(group_numbers(values), count, seed)
    else:
        classes = class_numbers(labels) if stratify and labels is not None else None
        stratified = classes is not None
        place = _shuffled(size, classes, count, seed)
    if size < count or len(np.unique(place)) < count:
        what = "groups" if way == "groups" else "rows"
        raise DataError(f"there are too few {what} for {count} folds")
    found = []
    for fold in range(count):
        test, rest = np.flatnonzero(place == fold), np.flatnonzero(place != fold)
        inner = split(
            len(rest) if labels is None else labels[rest],
            validation=validation,
            test=0.0,
            stratify=stratified,
            seed=seed,
            groups=units[rest] if len(units) else None,
        )
        train, watch = rest[inner.train], rest[inner.validation]
        found.append(Split(train, watch, test, stratified, inner.notes))
    return tuple(found)


def _shuffled(size: int, classes: np.ndarray | None, count: int, seed: int) -> np.ndarray:
    """Deal shuffled rows to the folds in turn, class after class."""
    order = np.random.default_rng(seed).permutation(size)
    if classes is not None:
        order = order[np.argsort(classes[order], kind="stable")]
    place = np.empty(size, np.int64)
    place[order] = np.arange(size) % count
    return place


def _dealt(numbers: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Deal groups to the folds, the largest first, each to the fold with the fewest rows."""
    sizes = np.bincount(numbers)
    order = np.random.default_rng(seed).permutation(len(sizes))
    order = order[np.argsort(-sizes[order], kind="stable")]
    fold_of, filled = np.empty(len(sizes), np.int64), np.zeros(count)
    for group in order:
        fold = int(np.argmin(filled))
        fold_of[group] = fold
        filled[fold] += sizes[group]
    dealt: np.ndarray = fold_of[numbers]
    return dealt


def _by_time(time: np.ndarray, count: int, validation: float) -> tuple[Split, ...]:
    numbers, known = time_numbers(time)
    reached = np.bincount(numbers[known]).cumsum()
    if len(reached) <= count:
        raise DataError(f"{count} folds by time need more than {count} times, not {len(reached)}")
    ends: list[int] = []
    for i in range(1, count + 1):
        # The end of stretch i, leaving at least one time to each stretch on either side.
        first, last = (ends[-1] + 1 if ends else 0), len(reached) - 1 - (count - i)
        goal = reached[-1] * i / (count + 1)
        ends.append(first + int(np.argmin(np.abs(reached[first:last] - goal))))
    found = []
    for start, end in zip(ends, [*ends[1:], len(reached) - 1], strict=True):
        before = np.flatnonzero(~known | (numbers <= start))
        test = np.flatnonzero(known & (numbers > start) & (numbers <= end))
        inner_times = np.where(known[before], numbers[before].astype(np.float64), np.nan)
        one_time = len(np.unique(numbers[before][known[before]])) < 2
        if one_time or not validation:
            found.append(Split(before, np.empty(0, np.int64), test, False))
            continue
        inner = split(len(before), validation=validation, test=0.0, time=inner_times)
        train, watch = before[inner.train], before[inner.validation]
        found.append(Split(train, watch, test, False, inner.notes))
    return tuple(found)
