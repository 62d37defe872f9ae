"""Pieces of a data set, made in the background while one trains on the piece before."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from chainrule.data.sequences.buckets import bucketed_batches
from chainrule.errors import DataError, ParameterError

T = TypeVar("T")
Rows = NDArray[np.int64]

_PATIENCE = 0.1  # seconds after which a waiting thread looks whether anybody still reads


def in_background(items: Iterable[T], ahead: int = 1) -> Iterator[T]:
    """Go through items that another thread makes, so many ahead of the reader.

    NumPy, Pillow and chainrule's native code let other threads run while they work, so that
    reading, unpacking and encoding cost no time beside training. What is made ahead bounds the
    memory that is taken. An error of the maker is raised here, behind the items made before it;
    when the reader leaves early, by an error or Ctrl-C, the maker ends.

    Parameters
    ----------
    items
        Made one by one in the other thread.
    ahead
        How many wait for the reader at most, beside the one in the making.

    >>> list(in_background(x * x for x in range(4)))
    [0, 1, 4, 9]
    """
    if ahead < 1:
        raise ParameterError(f"at least one item is made ahead, received {ahead}")
    made: queue.Queue[tuple[str, Any]] = queue.Queue(ahead)
    left = threading.Event()

    def put(what: str, value: Any) -> bool:
        while not left.is_set():
            try:
                made.put((what, value), timeout=_PATIENCE)
                return True
            except queue.Full:
                continue
        return False

    def make() -> None:
        try:
            for item in items:
                if not put("item", item):
                    return
            put("end", None)
        except BaseException as error:  # whatever it is, the reader has to see it
            put("error", error)

    thread = threading.Thread(target=make, name="chainrule-loading", daemon=True)
    thread.start()
    try:
        while True:
            what, value = made.get()
            if what == "error":
                raise value
            if what == "end":
                return
            yield value
    finally:
        left.set()
        thread.join()


@dataclass(frozen=True)
class Loader:
    """Reads a data set piece by piece, in the background: what `Trainer.fit` takes for ``X``.

    Make one with `Loader.shuffled` or `Loader.bucketed`.

    Parameters
    ----------
    read
        From the numbers of some examples to ``(X, y)`` or ``(X, y, weight)``: here they are read,
        unpacked and encoded.
    order
        From the number of the epoch to the examples' numbers, piece after piece.
    ahead
        How many pieces wait for training at most, beside the one in the making.

    >>> x = np.arange(6.0).reshape(6, 1)
    >>> loader = Loader.shuffled(lambda rows: (x[rows], x[rows, 0]), 6, piece=4, seed=None)
    >>> [X.ravel().tolist() for X, y in loader]
    [[0.0, 1.0, 2.0, 3.0], [4.0, 5.0]]
    """

    read: Callable[[Rows], tuple[Any, ...]]
    order: Callable[[int], Iterable[Rows]]
    ahead: int = 1

    @classmethod
    def shuffled(
        cls,
        read: Callable[[Rows], tuple[Any, ...]],
        count: int,
        piece: int = 4096,
        seed: int | None = 0,
        ahead: int = 1,
    ) -> Loader:
        """Read all examples in every epoch, each time in another order.

        Parameters
        ----------
        read, ahead
            See `Loader`.
        count
            How many examples there are.
        piece
            How many are read at once: some minibatches. Three pieces are in memory at most, if one
            is made ahead.
        seed
            Of the orders; None keeps that of the data.
        """
        if piece < 1:
            raise ParameterError(f"a piece has at least one example, received {piece}")
        if count < 1:
            raise DataError("there is no example to load")

        def order(epoch: int) -> Iterator[Rows]:
            rows = np.arange(count)
            if seed is not None:
                rows = np.random.default_rng((seed, epoch)).permutation(count)
            for begin in range(0, count, piece):
                yield rows[begin : begin + piece]

        return cls(read, order, ahead)

    @classmethod
    def bucketed(
        cls,
        read: Callable[[Rows, int], tuple[Any, ...]],
        lengths: Sequence[int] | NDArray[np.int64],
        bounds: Sequence[int],
        batch_size: int,
        seed: int | None = 0,
        ahead: int = 4,
    ) -> Loader:
        """Read sequences of like lengths together, each piece one minibatch.

        Training compiles one program for each length that is padded to.

        Parameters
        ----------
        read
            From numbers of sequences, and the length to pad them to, to ``(X, y)``.
        lengths, bounds, batch_size, seed
            See `bucketed_batches`; every epoch has another order.
        ahead
            See `Loader`.
        """
        known = np.asarray(lengths, np.int64)

        def order(epoch: int) -> Iterator[Rows]:
            mixed = (
                None if seed is None else int(np.random.default_rng((seed, epoch)).integers(2**32))
            )
            for _, rows in bucketed_batches(known, bounds, batch_size, mixed):
                yield rows

        def padded(rows: Rows) -> tuple[Any, ...]:
            longest = int(known[rows].max())
            return read(rows, next((n for n in bounds if n >= longest), bounds[-1]))

        return cls(padded, order, ahead)

    def __call__(self, epoch: int) -> Iterator[tuple[Any, ...]]:
        """Go through the pieces of an epoch; the first is 0."""
        return in_background((self.read(rows) for rows in self.order(epoch)), self.ahead)

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return self(0)
