"""Windows of a time series: what came before, and what is to be forecast."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.errors import DataError, ParameterError


@dataclass(frozen=True, eq=False)
class Windows:
    """Pieces of a series for training, validation and test, cut by time and scaled.

    Make them with `Windows.cut`. No target of a later part is seen in an earlier one, and means
    and deviations are those of the training part.

    Parameters
    ----------
    inputs
        For each part float32 [windows, look_back, channels], scaled.
    targets
        For each part float32 [windows, horizon, targets], scaled.
    begins
        For each part int64 [windows]: the row of the first target.
    mean, deviation
        Of each channel in the training part.
    target_channels
        Which channels are forecast.
    """

    inputs: dict[str, NDArray[np.float32]]
    targets: dict[str, NDArray[np.float32]]
    begins: dict[str, NDArray[np.int64]]
    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]
    target_channels: tuple[int, ...]

    @classmethod
    def cut(
        cls,
        series: ArrayLike,
        look_back: int,
        horizon: int = 1,
        *,
        stride: int = 1,
        targets: tuple[int, ...] = (0,),
        validation: float = 0.1,
        test: float = 0.2,
    ) -> Self:
        """Cut a series into windows.

        Parameters
        ----------
        series
            Numbers [rows, channels] or [rows], in the order of time and at even distances.
        look_back
            Rows that are seen before the first row that is forecast.
        horizon
            Rows that are forecast.
        stride
            Rows from one window to the next.
        targets
            Channels that are forecast; all are seen.
        validation, test
            Shares of the rows, in time behind the training rows.

        Raises
        ------
        DataError
            If numbers are missing, or a part is too short for one window.
        ParameterError
            If a setting is out of range.

        >>> windows = Windows.cut(np.arange(100.0), look_back=3, horizon=2)
        >>> {part: len(each) for part, each in windows.inputs.items()}
        {'train': 66, 'validation': 9, 'test': 19}
        >>> windows.restore(windows.targets["test"])[0, :, 0].round().tolist()
        [80.0, 81.0]
        """
        rows = np.asarray(series, np.float64)
        rows = rows[:, None] if rows.ndim == 1 else rows
        _check(rows, look_back, horizon, stride, targets, validation, test)
        count = len(rows)
        last = count - round(test * count)
        middle = last - round(validation * count)
        mean, deviation = rows[:middle].mean(axis=0), rows[:middle].std(axis=0)
        deviation = np.where(deviation > 0, deviation, 1.0)
        scaled = ((rows - mean) / deviation).astype(np.float32)
        inputs, answers, begins = {}, {}, {}
        spans = {"train": (look_back, middle), "validation": (middle, last), "test": (last, count)}
        for part, (first, end) in spans.items():
            begin = np.arange(first, end - horizon + 1, stride)
            if not len(begin) and (part == "train" or first < end):
                had = end if part == "train" else end - first
                raise DataError(
                    f"the {part} part has {had} rows, too few for a window of {look_back} rows "
                    f"before and {horizon} to be forecast"
                )
            begins[part] = begin
            inputs[part] = scaled[begin[:, None] - look_back + np.arange(look_back)]
            answers[part] = scaled[begin[:, None] + np.arange(horizon)][:, :, list(targets)]
        return cls(inputs, answers, begins, mean, deviation, targets)

    def restore(self, forecasts: Any) -> NDArray[np.float64]:
        """Bring scaled forecasts [..., targets] back to the unit of the series."""
        chosen = list(self.target_channels)
        restored: NDArray[np.float64] = (
            np.asarray(forecasts, np.float64) * self.deviation[chosen] + self.mean[chosen]
        )
        return restored


def _check(
    rows: NDArray[np.float64],
    look_back: int,
    horizon: int,
    stride: int,
    targets: tuple[int, ...],
    validation: float,
    test: float,
) -> None:
    if rows.ndim != 2 or not rows.size:
        raise DataError(f"a series is numbers [rows] or [rows, channels], received {rows.shape}")
    if not np.isfinite(rows).all():
        row = int(np.argwhere(~np.isfinite(rows))[0, 0])
        raise DataError(
            f"row {row} of the series holds a missing or infinite number: fill it first, since "
            "windows need even distances in time"
        )
    if min(look_back, horizon, stride) < 1:
        raise ParameterError(
            f"look_back={look_back}, horizon={horizon} and stride={stride} should be at least 1"
        )
    if not targets or not all(0 <= each < rows.shape[1] for each in targets):
        raise ParameterError(f"targets are channels from 0 to {rows.shape[1] - 1}, not {targets}")
    if validation < 0 or test < 0 or not validation + test < 1:
        raise ParameterError(
            f"the shares validation={validation} and test={test} should leave rows for training"
        )
