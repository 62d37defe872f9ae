"""In which order the rows of a table come, drawn exactly as scikit-learn draws it."""

from __future__ import annotations

from typing import Any

import numpy as np


class RowOrder:
    """The positions of the rows, epoch after epoch.

    Parameters
    ----------
    rows
        Number of examples.
    draws
        A `numpy.random.RandomState`, from which each epoch draws; None keeps the table's order.
    """

    def __init__(self, rows: int, draws: np.random.RandomState | None) -> None:
        self._draws = draws
        self._positions = np.arange(rows, dtype=np.int32)
        self._before: Any = None

    def take(self, epochs: int) -> Any:
        """Give the positions of the next epochs, int32 (epochs, rows)."""
        if self._draws is None:
            return np.broadcast_to(self._positions, (epochs, len(self._positions)))
        self._before = self._draws.get_state(legacy=False), self._positions
        order = np.empty((epochs, len(self._positions)), np.int32)
        for i in range(epochs):
            # Each epoch shuffles the order of the one before, by a shuffled range, as
            # sklearn.utils.shuffle does; the range must be of its dtype to draw the same numbers.
            places = np.arange(len(self._positions))
            self._draws.shuffle(places)
            self._positions = order[i] = self._positions[places]
        return order

    def retake(self, epochs: int) -> Any:
        """Take only the first epochs of the last take, as if the others had not been drawn."""
        if self._draws is not None:
            state, self._positions = self._before
            self._draws.set_state(state)
        return self.take(epochs)
