"""The learning rate while training goes on: for the records, and as data for the steps."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.train.plateau import Plateau, Standstill
from chainrule.train.records import History
from chainrule.train.schedules import Rate, rate_at
from chainrule.train.step import Pace


class Rates:
    """The learning rate of a training.

    Parameters
    ----------
    rate
        A number, a schedule, or a `Plateau`.
    pace
        How many minibatches an update takes.
    dtype
        Of the parameters.
    """

    def __init__(self, rate: Rate, pace: Pace, dtype: str) -> None:
        self._rate = rate
        self._pace = pace
        self._dtype = dtype
        self._standstill = Standstill()

    @property
    def watches(self) -> bool:
        """Whether the rate depends on the records of epochs."""
        return isinstance(self._rate, Plateau)

    def at(self, steps: Any) -> Any:
        """Compute the rate of the last update within so many steps from the start."""
        updates = self._pace.updates(steps) - 1
        return self._standstill.share * rate_at(self._rate, updates, self._dtype)

    def data(self) -> dict[str, Any]:
        """Give what steps read: the rate, or the share of it that is left."""
        value = 0.0 if callable(self._rate) else self._rate
        value = self._standstill.share if self.watches else value
        return {"learning_rate": np.asarray(value, self._dtype)}

    def changed_by(self, epochs: History) -> bool:
        """Take note of further epochs; tell whether the rate changes after them."""
        before = self._standstill
        if isinstance(self._rate, Plateau) and len(epochs):
            self._standstill = self._rate.after(epochs, before)
        return self._standstill.share != before.share
