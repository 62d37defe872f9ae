"""The rows that training sees, and those that watch it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.model_selection import train_test_split


@dataclass(frozen=True, eq=False)
class Examples:
    """Rows with what belongs to them.

    Parameters
    ----------
    X
        An array or sparse matrix [n, features], or a raw table.
    y
        Targets as the network sees them, [n] or [n, outputs].
    weight
        What each row counts [n], or None.
    """

    X: Any
    y: Any
    weight: Any

    def __len__(self) -> int:
        return int(self.X.shape[0])

    def take(self, rows: Any) -> Examples:
        """Give some of the rows, by position."""
        weight = None if self.weight is None else self.weight[rows]
        return Examples(self.X[rows], self.y[rows], weight)


def set_aside(
    rows: int, fraction: float, draws: np.random.RandomState, stratify: Any
) -> tuple[Any, Any]:
    """Split rows into those to train on and those to validate on, as scikit-learn does.

    Parameters
    ----------
    rows
        How many there are.
    fraction
        Share of the rows to validate on.
    draws
        Where the split is drawn from.
    stratify
        Classes [n] whose shares both parts should have, or None.

    Returns
    -------
    The numbers of the rows of each part, whole numbers [n].
    """
    training, validation = train_test_split(
        np.arange(rows), random_state=draws, test_size=fraction, stratify=stratify
    )
    if len(validation) < 2:
        raise ValueError(
            "The validation set is too small. Increase 'validation_fraction' "
            "or the size of your dataset."
        )
    return training, validation
