"""A trained forecast as material: windows of a series, and what followed each."""

from __future__ import annotations

import numpy as np

from chainrule import nn
from chainrule.app.model import ForecastModel
from chainrule.app.serve.material import Material
from chainrule.app.serve.past import Past
from chainrule.app.serve.setup import Setup
from chainrule.data.sequences import Outlook, Series

MOST_WINDOWS = 2_000
"""Windows of a series that are read; evenly spread over all there are."""

_MADE_UP = 24
_STRIDE = 0.3  # of a random walk, in deviations of the series


def of_forecast(
    model: ForecastModel, network: nn.Module, source: str | None, title: str, rate: float
) -> Material:
    """Make material of a trained forecast.

    Parameters
    ----------
    model, network
        The model, and its network.
    source
        A series, as `chainrule evaluate` takes it; None makes up a random walk.
    title
        What the page shows.
    rate
        The learning rate that the page begins with.

    Raises
    ------
    DataError
        If the series cannot be read, lacks a column, or is too short.
    """
    outlook = model.outlook
    if source is None:
        series, about = _random_walk(outlook), "no series was given: a random walk"
    else:
        series = outlook.read(source)
        about = f"{len(series):,} rows of {source.rstrip('/').rpartition('/')[2]}"
    seen, truth, begins = outlook.windows(series)
    chosen = np.unique(np.linspace(0, len(begins) - 1, MOST_WINDOWS).astype(int))
    scale = (outlook.mean, outlook.deviation)
    mean, deviation = (np.array(each[: outlook.targets]) for each in scale)
    rows = len(chosen)
    ahead = "the next row" if outlook.horizon == 1 else f"the next {outlook.horizon} rows"
    return Material(
        title,
        f"{about}; from {outlook.look_back} rows forecasts {ahead} of {', '.join(outlook.names)}",
        (seen[chosen],),
        (truth[chosen] - mean) / deviation,
        "number",
        outlook.horizon * outlook.targets,
        Setup((), loss="huber", optimiser="adam", rate=rate, batch=0 if rows <= 64 else 32),
        network=network,
        past=Past.of(outlook, series, begins[chosen]),
    )


def _random_walk(outlook: Outlook) -> Series:
    """A series that goes up and down about as far as that of the training."""
    rows = outlook.look_back + outlook.horizon + _MADE_UP - 1
    steps = np.random.default_rng(0).standard_normal((rows, len(outlook.channels)))
    walk = _STRIDE * steps.cumsum(axis=0)
    values = (walk - walk.mean(axis=0)) * np.array(outlook.deviation) + np.array(outlook.mean)
    return Series(outlook.channels, values)
