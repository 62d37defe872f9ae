"""How much one column tells about another, by simple counts."""

from __future__ import annotations

import numpy as np
import polars as pl


def appearance_codes(column: pl.Series) -> np.ndarray:
    """Number the values of a column by their first appearance: int64 [n], -1 where missing.

    >>> appearance_codes(pl.Series(["b", None, "a", "b"])).tolist()
    [0, -1, 1, 0]
    """
    values = column.unique(maintain_order=True).drop_nulls()
    if values.is_empty():
        return np.full(len(column), -1)
    places = pl.int_range(len(values), dtype=pl.Int64, eager=True)
    codes: np.ndarray = column.replace_strict(values, places, default=-1).to_numpy().copy()
    return codes


def majority_errors(given: np.ndarray, told: np.ndarray) -> float:
    """Share of rows that are wrong if each level of one column guesses its commonest of another.

    Parameters
    ----------
    given, told
        Codes [n], none missing, n at least 1.

    >>> majority_errors(np.array([0, 0, 1, 1]), np.array([0, 0, 1, 0]))
    0.25
    """
    width = int(told.max()) + 1
    pairs, counts = np.unique(given * width + told, return_counts=True)
    best = np.zeros(int(given.max()) + 1, np.int64)
    np.maximum.at(best, pairs // width, counts)
    return 1.0 - float(best.sum()) / len(given)


def blocks(values: np.ndarray, classes: np.ndarray) -> tuple[int, float]:
    """Count how often the class changes along rising values, and how often by chance it would.

    Parameters
    ----------
    values
        Anything that sorts [n].
    classes
        Codes [n].

    >>> blocks(np.array([3, 1, 2, 4]), np.array([1, 0, 0, 1]))
    (1, 1.5)
    """
    order = np.lexsort((classes, values))
    shares = np.bincount(classes) / len(classes)
    changes = int((np.diff(classes[order]) != 0).sum())
    return changes, float((len(classes) - 1) * (1.0 - (shares**2).sum()))


def area_under_curve(positive: np.ndarray, values: np.ndarray) -> float:
    """Chance that a positive row has the greater value of two, ties counting half.

    >>> area_under_curve(np.array([True, False, True]), np.array([3.0, 1.0, 1.0]))
    0.75
    """
    yes = int(positive.sum())
    no = len(positive) - yes
    return float((_ranks(values)[positive].sum() - yes * (yes + 1) / 2) / (yes * no))


def rank_correlation(x: np.ndarray, y: np.ndarray) -> float:
    """Spearman's correlation of the ranks of x and y [n]; 0 if one of them does not vary.

    >>> round(rank_correlation(np.array([1.0, 2.0, 30.0]), np.array([3.0, 2.0, 1.0])), 6)
    -1.0
    """
    ranks = _ranks(x), _ranks(y)
    if min(np.ptp(rank) for rank in ranks) == 0.0:
        return 0.0
    return float(np.corrcoef(*ranks)[0, 1])


def _ranks(values: np.ndarray) -> np.ndarray:
    """Give the rank of each value from 1, equal values sharing the middle of theirs."""
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    ranks: np.ndarray = (np.cumsum(count) - (count - 1) / 2)[place]
    return ranks
