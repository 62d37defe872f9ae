"""A learning rate that falls when training makes no more progress."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.errors import ParameterError
from chainrule.train.records import History
from chainrule.train.schedules import Rate, rate_at


@dataclass(frozen=True)
class Standstill:
    """What `Plateau` remembers between epochs.

    Attributes
    ----------
    best
        The best number so far (the smaller, the better).
    waited, resting
        Epochs since then, and epochs left in which none are counted.
    share
        What the rate is multiplied by now.
    """

    best: float = np.inf
    waited: int = 0
    resting: int = 0
    share: float = 1.0


@dataclass(frozen=True)
class Plateau:
    """A rate that is multiplied by a factor when a number has not improved for some epochs.

    The new rate holds from the next epoch on. It comes to the compiled step as data, so nothing is
    compiled again. As ``ReduceLROnPlateau`` of Keras (PyTorch's waits one epoch longer, and its
    `min_delta` is a share unless told otherwise).

    Parameters
    ----------
    rate
        A number or a schedule: what is multiplied.
    factor
        Of each fall.
    patience
        How many epochs in a row without improvement bring a fall.
    min_delta
        By how much a number has to beat the best one before it, to count as an improvement.
    rest
        Epochs after a fall in which none are counted.
    lowest
        Least share of `rate` that is left, as a product of factors.
    watch
        A column of the records: "validation_loss", "metric", "train_loss". "auto" is the
        validation loss if there are validation examples, else the train loss.

    >>> plateau = Plateau(0.1, factor=0.5, patience=2)
    >>> losses = History({"train_loss": np.array([3.0, 2.0, 2.0, 2.5])})
    >>> plateau.after(losses, Standstill()).share
    0.5
    """

    rate: Rate
    factor: float = 0.1
    patience: int = 10
    min_delta: float = 0.0
    rest: int = 0
    lowest: float = 0.0
    watch: str = "auto"

    def __post_init__(self) -> None:
        """Check the settings."""
        if not 0 < self.factor < 1:
            raise ParameterError(f"factor must lie between 0 and 1, received {self.factor}")
        if self.patience < 1 or self.rest < 0:
            raise ParameterError(
                f"patience must be at least 1 and rest at least 0, received {self.patience} and "
                f"{self.rest}"
            )

    def __call__(self, number: Any) -> Any:
        """Compute the rate before any fall."""
        return rate_at(self.rate, number, getattr(number, "dtype", "float64"))

    def column(self, columns: Any) -> str:
        """Name the column that is watched."""
        if self.watch != "auto":
            if self.watch not in columns:
                raise ParameterError(
                    f"Plateau watches {self.watch!r}, which is not measured here; there are "
                    f"{', '.join(columns)}"
                )
            return self.watch
        return "validation_loss" if "validation_loss" in columns else "train_loss"

    def after(self, epochs: History, before: Standstill) -> Standstill:
        """Give what is known after further epochs.

        Parameters
        ----------
        epochs
            Records of epochs.
        before
            What was known before them.
        """
        name = self.column(epochs.columns)
        sign = -1.0 if name in epochs.larger_is_better else 1.0
        best, waited, resting, share = before.best, before.waited, before.resting, before.share
        for value in (sign * epochs[name]).tolist():
            better = value < best - self.min_delta
            best = value if better else best
            waited = 0 if better or resting else waited + 1
            resting = max(0, resting - 1)
            if waited >= self.patience:
                share = max(share * self.factor, self.lowest)
                waited, resting = 0, self.rest
        return Standstill(best, waited, resting, share)


@dataclass(frozen=True)
class Shared:
    """A rate times a share that comes in with the data.

    Attributes
    ----------
    rate
        A number or a schedule.
    share
        A number, traced.
    """

    rate: Rate
    share: Any

    def __call__(self, number: Any) -> Any:
        """Compute the rate."""
        return self.share * rate_at(self.rate, number, self.share.dtype)
