"""Numbers to be predicted: brought near zero for training, and mapped back.

For raw tables this happens by itself, as on the command line. Plain numbers are left as they are,
since scikit-learn leaves them so, unless it is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

if TYPE_CHECKING:
    from chainrule.data.number_target import NumberTarget

SHAPES = ("standard", "log", "asinh")
"""What can be asked for beside ``"auto"``."""


@dataclass(frozen=True)
class TargetScaling:
    """What is done to each column of numbers to be predicted.

    Parameters
    ----------
    columns
        One for each.
    """

    columns: tuple[NumberTarget, ...]

    @classmethod
    def fit(cls, y: Any, shape: str) -> Self:
        """Fit to the numbers [n, outputs] of the rows to train on.

        Parameters
        ----------
        shape
            One of `SHAPES`; ``"auto"``, which tells skewed numbers from others; or ``"count"``,
            which divides by the mean.
        """
        from chainrule.data.number_target import NumberTarget  # it loads the table library

        y = np.asarray(y, np.float64)
        if shape == "log" and (y < 0.0).any():
            raise ValueError(f"target_scaling='log' needs y of at least 0, received {y.min():g}")
        many = y.shape[1] > 1
        columns = enumerate(y.T)
        return cls(
            tuple(NumberTarget.of(c, shape, name=f"y{i}" if many else "y") for i, c in columns)
        )

    def apply(self, y: Any) -> Any:
        """Turn numbers [n, outputs] into what a network trains on, float64 of the same shape."""
        y = np.asarray(y, np.float64)
        return np.stack([column.scaled(y[:, i]) for i, column in enumerate(self.columns)], axis=1)

    def restore(self, scaled: Any) -> Any:
        """Turn predictions [n, outputs] back, float64 of the same shape."""
        pairs = enumerate(self.columns)
        return np.stack([column.restore(scaled[:, i]) for i, column in pairs], axis=1)

    def describe(self) -> tuple[str, ...]:
        """Say in a line for each column what is done to it."""
        return tuple(column.describe() for column in self.columns)
