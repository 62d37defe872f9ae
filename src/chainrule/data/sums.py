"""A target that is put together from inputs: total = casual + registered."""

from __future__ import annotations

import numpy as np

MOST_TERMS = 6
"""Sums of more columns than these are not looked for."""

_EXACT = 1e-9  # of the target's variance may be left
_ROWS_PER_TERM = 5


def find_sum(columns: np.ndarray, target: np.ndarray) -> tuple[int, ...]:
    """Find a few columns of which the target is a weighted sum plus a constant, if there are.

    Orthogonal matching pursuit: the column that goes best with what is left comes next, until
    nothing is left. It finds a sum of few terms, though not every one that there is.

    Parameters
    ----------
    columns, target
        float64 [n, d] and [n], none missing.

    Returns
    -------
    The columns' places in rising order, at least two of them; empty if there is no such sum.

    Source: Y. Pati, R. Rezaiifar, P. Krishnaprasad, "Orthogonal matching pursuit", Asilomar 1993.

    >>> x = np.random.default_rng(0).normal(size=(60, 4))
    >>> find_sum(x, 2.0 * x[:, 1] - x[:, 3] + 5.0)
    (1, 3)
    >>> find_sum(x, x[:, 1] * x[:, 3])
    ()
    """
    spread = columns.std(axis=0)
    varied = np.flatnonzero(spread > 0.0)
    scaled = (columns[:, varied] - columns[:, varied].mean(axis=0)) / spread[varied]
    wanted = target - target.mean()
    left, chosen = wanted, list[int]()
    most = min(MOST_TERMS, len(varied), len(target) // _ROWS_PER_TERM)
    while len(chosen) < most:
        chosen.append(int(np.abs(scaled.T @ left).argmax()))
        weights = np.linalg.lstsq(scaled[:, chosen], wanted)[0]
        left = wanted - scaled[:, chosen] @ weights
        if left @ left <= _EXACT * (wanted @ wanted):
            return tuple(sorted(int(varied[i]) for i in chosen)) if len(chosen) > 1 else ()
    return ()
