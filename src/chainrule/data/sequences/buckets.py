"""Sequences of like lengths together, so that little is computed on padding."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import DataError, ParameterError

_GRID = 64  # lengths that are tried as bounds; more would hardly pad less


def bucket_lengths(lengths: Sequence[int] | NDArray[np.int64], count: int) -> tuple[int, ...]:
    """Choose lengths to pad to, so that the padding of all is least.

    Each sequence is padded to the smallest chosen length that it fits in. By dynamic programming
    over the lengths that occur, or over 64 of them spread evenly where there are more.

    Parameters
    ----------
    lengths
        Steps of each sequence.
    count
        How many lengths to pad to, at most.

    Returns
    -------
    Rising lengths; the last is the longest that occurs.

    >>> bucket_lengths([3, 4, 4, 9, 10], 2)
    (4, 10)
    """
    if count < 1:
        raise ParameterError(f"there is at least one bucket, received {count}")
    found, sizes = np.unique(np.asarray(lengths, np.int64), return_counts=True)
    if not len(found) or found[0] < 1:
        raise DataError("lengths are whole numbers of at least 1, and there is at least one")
    bounds = found
    if len(found) > _GRID:
        bounds = found[np.unique(np.linspace(0, len(found) - 1, _GRID).round().astype(int))]
    # Sequences up to each bound; a bucket that ends at bound j pads all behind the one before it.
    upto = np.concatenate([[0], np.cumsum(sizes)[np.searchsorted(found, bounds)]])
    cost = np.where(np.arange(len(bounds) + 1) == 0, 0.0, np.inf)
    came: list[NDArray[np.int64]] = []
    for _ in range(min(count, len(bounds))):
        # Steps in all if the last bucket holds what lies behind bound i, up to bound j.
        total = cost[:, None] + (upto[None, :] - upto[:, None]) * np.append(0, bounds)[None, :]
        total[np.tril_indices(len(bounds) + 1)] = np.inf
        came.append(total.argmin(axis=0))
        cost = np.append(np.inf, total.min(axis=0)[1:])
    chosen, at = [], len(bounds)
    for back in reversed(came):
        chosen.append(int(bounds[at - 1]))
        at = int(back[at])
        if at == 0:
            break
    return tuple(sorted(chosen))


def bucket_of(
    lengths: Sequence[int] | NDArray[np.int64], bounds: Sequence[int]
) -> NDArray[np.int64]:
    """Tell the bucket of each sequence: the first that it fits in, or else the last.

    >>> bucket_of([3, 4, 5, 99], (4, 10)).tolist()
    [0, 0, 1, 1]
    """
    places = np.searchsorted(np.asarray(bounds), np.asarray(lengths), side="left")
    return np.minimum(places, len(bounds) - 1)


def bucketed_batches(
    lengths: Sequence[int] | NDArray[np.int64],
    bounds: Sequence[int],
    batch_size: int,
    seed: int | None = 0,
) -> list[tuple[int, NDArray[np.int64]]]:
    """Put sequences into minibatches of one bucket each, all in a random order.

    Parameters
    ----------
    lengths, bounds
        As for `bucket_of`.
    batch_size
        Sequences in a minibatch; the last of each bucket may have fewer.
    seed
        Of the order; None keeps the order of the sequences, bucket after bucket.

    Returns
    -------
    For each minibatch the length to pad to, and the numbers of its sequences.

    >>> bucketed_batches([3, 9, 4, 10], (4, 10), 2, seed=None)
    [(4, array([0, 2])), (10, array([1, 3]))]
    """
    if batch_size < 1:
        raise ParameterError(f"a minibatch holds at least one sequence, received {batch_size}")
    random = None if seed is None else np.random.default_rng(seed)
    places = bucket_of(lengths, bounds)
    batches = []
    for i, bound in enumerate(bounds):
        rows = np.flatnonzero(places == i)
        rows = rows if random is None else random.permutation(rows)
        batches += [
            (int(bound), rows[begin : begin + batch_size])
            for begin in range(0, len(rows), batch_size)
        ]
    return batches if random is None else [batches[i] for i in random.permutation(len(batches))]
