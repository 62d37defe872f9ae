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


def is_given(X_val: Any, y_val: Any, sample_weight_val: Any) -> bool:
    """Tell whether there are rows to validate on; refuse a part without the others."""
    if (X_val is None) != (y_val is None):
        given, absent = ("y_val", "X_val") if X_val is None else ("X_val", "y_val")
        raise ValueError(f"{given} is provided, but {absent} was not provided.")
    if X_val is None and sample_weight_val is not None:
        raise ValueError("sample_weight_val is provided, but X_val was not provided.")
    return X_val is not None


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
