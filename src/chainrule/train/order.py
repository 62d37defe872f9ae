"""In which order an epoch takes its rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule import random

_DRAW = 4096  # positions drawn at once when epochs are small


@dataclass(frozen=True, eq=False)
class Order:
    """In which order the rows come, epoch by epoch.

    Attributes
    ----------
    rows
        Number of examples.
    key
        Random key; None keeps the order of the table.
    """

    rows: int
    key: Any

    def epochs(self, first: int, count: int) -> Any:
        """Give an array (count, rows) of positions, int32; the first epoch is 0."""
        if self.key is None:
            return np.broadcast_to(np.arange(self.rows, dtype=np.int32), (count, self.rows))
        # Small tables share a draw among a fixed group of epochs, since a draw has its own cost.
        group = max(1, _DRAW // self.rows)
        begin, end = first // group, (first + count - 1) // group + 1
        drawn = [self._group(i, group) for i in range(begin, end)]
        return np.concatenate(drawn)[first - begin * group :][:count]

    def _group(self, number: int, size: int) -> Any:
        key = random.fold_in(self.key, number)
        noise = random.uniform(key, (size, self.rows), dtype="float64")
        return np.argsort(noise, axis=1, kind="stable").astype(np.int32)
