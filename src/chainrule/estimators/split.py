"""The rows that training sees, and those that watch it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.model_selection import train_test_split

from chainrule.estimators.frames import take_rows


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
        return Examples(take_rows(self.X, rows), self.y[rows], weight)


def set_aside(
    examples: Examples, fraction: float, draws: np.random.RandomState, stratify: Any
) -> tuple[Examples, Examples]:
    """Split rows into those to train on and those to validate on, as scikit-learn does.

    Parameters
    ----------
    fraction
        Share of the rows to validate on.
    draws
        Where the split is drawn from.
    stratify
        Classes [n] whose shares both parts should have, or None.
    """
    places = np.arange(len(examples))
    training, validation = train_test_split(
        places, random_state=draws, test_size=fraction, stratify=stratify
    )
    if len(validation) < 2:
        raise ValueError(
            "The validation set is too small. Increase 'validation_fraction' "
            "or the size of your dataset."
        )
    return examples.take(training), examples.take(validation)
