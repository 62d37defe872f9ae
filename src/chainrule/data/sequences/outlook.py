"""How far a forecast looks back and ahead, and the scale of what it sees; stored with a model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from chainrule.data.sequences.series import Series, as_cells, read_series
from chainrule.data.sequences.windows import Windows
from chainrule.data.stored import Fields
from chainrule.errors import DataError, ModelFileError

_SHOWN = 8


@dataclass(frozen=True)
class Outlook:
    """From the last rows of a series to the next ones, scaled as in training.

    Parameters
    ----------
    channels
        Columns that are seen, in order; those that are forecast come first.
    targets
        How many of them are forecast.
    mean, deviation
        Of each channel in the training part.
    look_back, horizon
        Rows that are seen, and rows that are forecast.
    season
        After how many rows a series is about the same again, for the guess beside the forecast;
        1 for no season.
    time
        The column of times; empty if there is none.
    """

    channels: tuple[str, ...]
    targets: int
    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    look_back: int
    horizon: int
    season: int = 1
    time: str = ""
    kind: ClassVar[str] = "forecast"

    @property
    def names(self) -> tuple[str, ...]:
        """Name what is forecast."""
        return self.channels[: self.targets]

    def read(self, source: object) -> Series:
        """Read a series with the columns of the training table."""
        return read_series(source, self.names, time=self.time or None, channels=self.channels)

    def scaled(self, series: Series) -> NDArray[np.float32]:
        """Bring channels to the scale of training, float32 [rows, channels]."""
        values: NDArray[np.float64] = series.values - np.array(self.mean)
        return np.asarray(values / np.array(self.deviation), np.float32)

    def last_window(self, series: Series) -> NDArray[np.float32]:
        """Give the last rows as the network sees them, float32 [1, look_back, channels].

        Raises
        ------
        DataError
            If the series is shorter than that.
        """
        self._check_rows(series, self.look_back)
        return self.scaled(series)[None, -self.look_back :]

    def windows(
        self, series: Series
    ) -> tuple[NDArray[np.float32], NDArray[np.float64], NDArray[np.int64]]:
        """Cut a series wherever what follows is known.

        Returns
        -------
        What is seen, float32 [windows, look_back, channels]; what followed, float64 [windows,
        horizon, targets], in its own unit; and the row where that begins.
        """
        self._check_rows(series, self.look_back + self.horizon)
        begins = np.arange(self.look_back, len(series) - self.horizon + 1)
        seen = self.scaled(series)[begins[:, None] - self.look_back + np.arange(self.look_back)]
        truth = series.values[begins[:, None] + np.arange(self.horizon)][:, :, : self.targets]
        return seen, truth, begins

    def _check_rows(self, series: Series, needed: int) -> None:
        if len(series) < needed:
            raise DataError(
                f"the series has {len(series):,} rows, but {needed:,} are needed: the model looks "
                f"back {self.look_back:,} and forecasts {self.horizon:,}"
            )

    def restored(self, forecasts: NDArray[Any]) -> NDArray[np.float64]:
        """Bring forecasts [..., targets] back to the unit of the series."""
        deviation, mean = (np.array(x[: self.targets]) for x in (self.deviation, self.mean))
        restored: NDArray[np.float64] = forecasts.astype(np.float64) * deviation + mean
        return restored

    def guesses(self, series: Series, begins: NDArray[np.int64]) -> dict[str, NDArray[np.float64]]:
        """Forecast without a network: the last value, and that of one season before.

        Returns
        -------
        For each guess its forecasts [windows, horizon, targets].
        """
        values = series.values[:, : self.targets]
        ahead = np.arange(self.horizon)
        last = np.repeat(values[begins - 1][:, None], self.horizon, axis=1)
        found = {"last value": last}
        if 1 < self.season <= self.look_back:
            rows = begins[:, None] - self.season + ahead % self.season
            found["last season"] = values[rows]
        return found

    def continued(
        self, series: Series, forecasts: NDArray[Any], *, only: bool = False
    ) -> pl.DataFrame:
        """Put forecasts below a series.

        Parameters
        ----------
        series
            As it was read.
        forecasts
            Of its next rows [horizon, targets].
        only
            Whether the rows of the series are left out.

        Returns
        -------
        The series with the next times below its own (or numbers of rows, in a column "row"
        or, if a channel has this name, "number of the row"), and
        the forecasts in columns called ``predicted_`` and the target's name.
        """
        count = len(forecasts)
        if series.times is None or series.spacing is None:
            time = "number of the row" if "row" in self.channels else "row"
            times = np.arange(1.0, len(series) + count + 1)
        else:
            time = series.time
            times = np.concatenate(
                [series.times, series.spacing.following(series.times[-1], count)]
            )
        columns = {time: as_cells(times)}
        if not only:
            empty = np.full((count, len(self.channels)), np.nan)
            values = np.concatenate([series.values, empty])
            columns |= {
                name: pl.Series(column).fill_nan(None)
                for name, column in zip(self.channels, values.T, strict=True)
            }
        behind = np.concatenate([np.full((len(series), self.targets), np.nan), forecasts])
        predicted = {
            f"predicted_{name}": pl.Series(column).fill_nan(None)
            for name, column in zip(self.names, behind.T, strict=True)
        }
        frame = pl.DataFrame(columns | predicted)
        return frame.tail(count) if only else frame

    def describe(self) -> tuple[str, ...]:
        """Say what is done to the channels, a line each."""
        lines = [
            f"{name}: standardised by {mean:.4g} ± {deviation:.4g}"
            for name, mean, deviation in zip(self.channels, self.mean, self.deviation, strict=True)
        ]
        if len(lines) > _SHOWN:
            lines = [*lines[:_SHOWN], f"and {len(lines) - _SHOWN} more channels"]
        following = f"{self.horizon} are" if self.horizon > 1 else "one is"
        return (*lines, f"{self.look_back} rows are seen, the next {following} forecast")

    @classmethod
    def of(cls, series: Series, windows: Windows, season: int) -> Outlook:
        """Take the scale from the windows that were cut out of a series."""
        return cls(
            series.channels,
            len(windows.target_channels),
            tuple(windows.mean.tolist()),
            tuple(windows.deviation.tolist()),
            windows.inputs["train"].shape[1],
            windows.targets["train"].shape[1],
            season,
            series.time,
        )

    def to_dict(self) -> dict[str, Any]:
        """Give everything as plain JSON values."""
        return {
            "kind": self.kind,
            "channels": list(self.channels),
            "targets": self.targets,
            "mean": list(self.mean),
            "deviation": list(self.deviation),
            "look_back": self.look_back,
            "horizon": self.horizon,
            "season": self.season,
            "time": self.time,
        }

    @classmethod
    def from_dict(cls, stored: object) -> Outlook:
        """Read what `to_dict` gave; raise `ModelFileError` if it is anything else."""
        fields = Fields(stored, "encoding")
        fields.choice("kind", (cls.kind,))
        outlook = cls(
            fields.texts("channels"),
            fields.whole("targets"),
            fields.numbers("mean"),
            fields.numbers("deviation"),
            fields.whole("look_back"),
            fields.whole("horizon"),
            fields.whole("season"),
            fields.text("time"),
        )
        fields.end()
        count = len(outlook.channels)
        sizes = (len(outlook.mean), len(outlook.deviation))
        if not count or sizes != (count, count) or min(outlook.deviation) <= 0:
            raise ModelFileError("encoding: expected a mean and a deviation for each channel")
        whole = (outlook.look_back, outlook.horizon, outlook.season)
        if not 1 <= outlook.targets <= count or min(whole) < 1 or max(whole) >= 2**31:
            raise ModelFileError("encoding: its window does not fit its channels")
        return outlook
