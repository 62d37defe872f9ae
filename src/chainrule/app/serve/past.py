"""Where the windows of a forecast lie in their series."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chainrule.data.sequences import Outlook, Series, as_cells


@dataclass(frozen=True, eq=False)
class Past:
    """A series, as far as it is needed to show windows of it.

    Attributes
    ----------
    outlook
        What is seen and forecast, and the scale of both.
    labels
        What each row of the series is called: its time, or its number.
    begins
        Row of the series where the forecast of each window begins.
    guesses
        Forecasts without a network, in the unit of the series: [windows, horizon, targets] each.
    """

    outlook: Outlook
    labels: tuple[str, ...]
    begins: NDArray[np.int64]
    guesses: dict[str, NDArray[np.float64]]

    @classmethod
    def of(cls, outlook: Outlook, series: Series, begins: NDArray[np.int64]) -> Past:
        """Name the rows of a series, and guess behind each window."""
        if series.times is None:
            labels = tuple(f"row {i + 1}" for i in range(len(series)))
        else:
            labels = tuple(map(str, as_cells(series.times)))
        return cls(outlook, labels, begins, outlook.guesses(series, begins))

    def called(self, window: int) -> str:
        """Name the row where the forecast of a window begins."""
        return self.labels[int(self.begins[window])]
