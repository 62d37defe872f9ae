"""Forecasting: how many rented bicycles will be out in each of the next 24 hours.

The data are the rentals of Washington, D.C., by the hour in 2011 (Fanaee-T and Gama, 2013), as the
package ISLP carries them in ``ISLP/data/Bikeshare.csv``::

    python examples/forecasting.py path/to/Bikeshare.csv

The last fifth of the year tests. A network sees two weeks, decides hour by hour which of their days
the next one will be like, and corrects that a little; beside it stand the guesses that a day will
be as yesterday, or as the same day of last week. docs/examples.md shows what comes out.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

import chainrule.numpy as cnp
from chainrule import losses, nn, optim, random, stop
from chainrule.data import read_table
from chainrule.data.sequences import Windows
from chainrule.errors import DataError
from chainrule.train import Run, Trainer

DAY, WEEK, DAYS = 24, 7 * 24, 14
CHANNELS = ("bikers", "workingday", "temp", "hum")


def read_hours(path: Path) -> Any:
    """Read the series and put its rows at even distances.

    The table has a row for each hour with a rental. Hours without one count as none, and have the
    weather of the hour before.

    Returns
    -------
    Float64 [hours, channels], in the order of `CHANNELS`; the square root is taken of the rentals,
    whose spread grows with their number.
    """
    table = read_table(path)
    absent = [name for name in (*CHANNELS, "day", "hr") if name not in table.columns]
    if absent:
        raise DataError(f"{str(path)!r} lacks the column {absent[0]!r}")
    hours = ((table["day"] - table["day"].min()) * DAY + table["hr"]).to_numpy()
    series = np.full((hours.max() + 1, len(CHANNELS)), np.nan)
    series[hours] = table.select(CHANNELS).to_numpy()
    known = np.maximum.accumulate(np.where(np.isnan(series[:, 1]), 0, np.arange(len(series))))
    series[:, 1:] = series[known, 1:]
    series[:, 0] = np.sqrt(np.nan_to_num(series[:, 0]))
    return series


def with_calendar(series: Any) -> Any:
    """Add what is known beforehand: the hour of the day, and whether tomorrow is a working day."""
    hour = 2 * np.pi * (np.arange(len(series)) % DAY) / DAY
    tomorrow = np.roll(series[:, 1], -DAY)
    tomorrow[-DAY:] = series[-DAY:, 1]
    return np.column_stack([series, np.sin(hour), np.cos(hour), tomorrow])


class Forecaster(nn.Module):
    """Look back at the days before, weigh them hour by hour, and correct their mean a little."""

    weigh: nn.Module
    correct: nn.Module

    def __call__(self, x: Any, *, key: Any = None) -> Any:
        """Forecast (batch, DAY) from (batch, DAYS * DAY, channels)."""
        first, second = (None, None) if key is None else random.split(key)
        days = cnp.reshape(x, (x.shape[0], DAYS, DAY, x.shape[2]))
        level = cnp.reshape(cnp.mean(days, axis=2), (x.shape[0], DAYS * x.shape[2]))
        now = cnp.concat([level, x[:, -1, :]], axis=1)
        scores = cnp.reshape(self.weigh(now, key=first), (x.shape[0], DAY, DAYS))
        alike = cnp.sum(cnp.softmax(scores) * cnp.swapaxes(days[:, :, :, 0], 1, 2), axis=2)
        return alike + self.correct(now, key=second)


def learn(windows: Windows, units: int, epochs: int, seed: int) -> Run:
    """Train on the windows of the first part, watched by those of the second."""
    trainer = Trainer(
        Forecaster(
            nn.MLP((units,), DAY * DAYS, dropout=0.3),
            nn.MLP((units,), DAY, dropout=0.3),
        ),
        losses.Huber(),
        optim.AdamW(1e-3, weight_decay=0.1),
        stop=[stop.Epochs(epochs), stop.Patience(8)],
        batch_size=64,
        seed=seed,
    )
    targets = {part: each[:, :, 0] for part, each in windows.targets.items()}
    return trainer.fit(
        windows.inputs["train"],
        targets["train"],
        X_val=windows.inputs["validation"],
        y_val=targets["validation"],
    )


def errors(forecast: Any, truth: Any) -> dict[str, float]:
    """Give mean absolute error, root mean square error, and the former by the mean, of counts."""
    wrong = np.abs(forecast - truth)
    mean = float(wrong.mean())
    return {
        "MAE": mean,
        "RMSE": float(np.sqrt(np.mean(wrong**2))),
        "share": mean / float(truth.mean()),
    }


def main(arguments: Sequence[str] | None = None) -> dict[str, dict[str, float]]:
    """Train, forecast the last part of the series day by day, and print the errors."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", type=Path)
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--units", type=int, default=64)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args(arguments)
    series = read_hours(chosen.file)
    windows = Windows.cut(with_calendar(series), DAYS * DAY, DAY, stride=3)
    began = perf_counter()
    run = learn(windows, chosen.units, chosen.epochs, chosen.seed)
    seconds = perf_counter() - began
    begins = windows.begins["test"]
    rows = begins[:, None] + np.arange(DAY)
    rentals = series[:, 0] ** 2
    scaled = run.predict(windows.inputs["test"])
    forecasts = {
        "as yesterday": rentals[rows - DAY],
        "as last week": rentals[rows - WEEK],
        "network": np.maximum(windows.restore(scaled[:, :, None])[:, :, 0], 0.0) ** 2,
    }
    found = {name: errors(each, rentals[rows]) for name, each in forecasts.items()}
    table = Table(
        title=f"{len(begins):,} forecasts of {DAY} hours, of the last fifth of "
        f"{len(series):,} hours; {len(run.history)} epochs in {seconds:.0f} s",
        title_justify="left",
    )
    for title in ("", "mean absolute error", "root mean square error", "share of the mean"):
        table.add_column(title, justify="right" if title else "left")
    for name, each in found.items():
        table.add_row(name, f"{each['MAE']:.1f}", f"{each['RMSE']:.1f}", f"{each['share']:.1%}")
    Console().print(table)
    return found


if __name__ == "__main__":
    main()
