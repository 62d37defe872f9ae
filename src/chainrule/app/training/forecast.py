"""A series becomes a forecast: read, cut into windows, learnt, and scored beside guesses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule import __version__, losses
from chainrule.app.model import ForecastModel
from chainrule.app.model.forecast import forecast_scores
from chainrule.app.training.architecture.networks import forecast_network
from chainrule.app.training.fitting import Outcome
from chainrule.app.training.preparation import name_of_file
from chainrule.app.training.settings import (
    Settings,
    limits_of,
    optimiser_of,
    refuse_hidden,
    with_asked,
)
from chainrule.data.sequences import Outlook, Series, Windows, read_series
from chainrule.data.wording import listing
from chainrule.errors import DataError, ParameterError
from chainrule.train import Trainer

USUAL = Settings((), "relu", 0.0, "adamw", 1e-3, 0.01, 32, epochs=100, patience=10)
"""Settings of forecasts."""

_PARTS = ("train", "validation", "test")
_MOST_WINDOWS = 2**28  # bytes; of longer series not every row begins one


@dataclass(frozen=True)
class ForecastWishes:
    """What a user may say about a forecast.

    Parameters
    ----------
    time
        The column that orders the rows; None: see `read_series`.
    horizon
        Rows to forecast; None: a season, or a single row where there is none.
    look_back
        Rows that are seen; None: by the step of the series, but at most a third of the training
        rows.
    season
        Rows after which the series is about the same again; None: by the step of the series.
    validation, test
        Shares of the rows: the end tests, what stands before it validates.
    seed
        Drives everything random.
    """

    time: str | None = None
    horizon: int | None = None
    look_back: int | None = None
    season: int | None = None
    validation: float = 0.1
    test: float = 0.2
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the numbers of rows, and their shares."""
        for name in ("horizon", "look_back", "season"):
            value = getattr(self, name)
            if value is not None and value < 1:
                option = name.replace("_", "-")
                raise ParameterError(f"--{option} is a number of rows, at least 1, not {value}")
        if not (min(self.validation, self.test) >= 0 and self.validation + self.test < 1):
            raise ParameterError(
                f"the shares validation={self.validation} and test={self.test} should not be "
                "negative, and should leave rows for training"
            )


@dataclass(frozen=True, eq=False)
class PreparedSeries:
    """A series that is ready to be learnt from; its scale is that of the training part.

    Parameters
    ----------
    name
        What the series is called.
    series
        All of it.
    outlook
        What is seen and forecast.
    windows
        What came before and what followed, of each part.
    notes
        What a user should know.
    """

    name: str
    series: Series
    outlook: Outlook
    windows: Windows
    notes: tuple[str, ...]

    @property
    def scored(self) -> str:
        """Name the part that the scores are of."""
        parts = ("test", "validation", "train")
        return next(part for part in parts if len(self.windows.begins[part]))

    @property
    def rows(self) -> dict[str, int]:
        """Count the windows of each part."""
        return {part: len(self.windows.begins[part]) for part in _PARTS}

    def truth(self, part: str) -> NDArray[np.float64]:
        """Give what followed, in the unit of the series, [windows, horizon, targets]."""
        return self.windows.restore(self.windows.targets[part])

    @property
    def guessed_scores(self) -> dict[str, dict[str, float]]:
        """The scores of what needs no network; see `Outlook.guesses`."""
        guesses = self.outlook.guesses(self.series, self.windows.begins[self.scored])
        truth = self.truth(self.scored)
        return {k: forecast_scores(self.outlook.names, x, truth) for k, x in guesses.items()}


def prepare_series(
    source: str, targets: Sequence[str], wishes: ForecastWishes | None = None
) -> PreparedSeries:
    """Read a series, choose what is seen, and cut it into windows.

    Parameters
    ----------
    source
        A table with a row for each step.
    targets
        Columns to forecast.
    wishes
        What the user wants otherwise.

    Raises
    ------
    DataError
        If it cannot be read, or is too short.
    """
    wishes = wishes or ForecastWishes()
    if not targets:
        raise DataError(f"say which column of {source!r} to forecast with --target")
    if len(set(targets)) < len(targets):
        raise ParameterError(f"--target names a column twice: {listing(targets)}")
    series = read_series(source, targets, time=wishes.time)
    season = wishes.season or (series.spacing.season if series.spacing else 1)
    horizon = wishes.horizon or season
    look_back = wishes.look_back or _usual_look_back(series, season, horizon, wishes)
    count = len(series) * look_back * len(series.channels) * 4
    stride = -(-count // _MOST_WINDOWS)
    notes = series.notes
    shares = {"validation": wishes.validation, "test": wishes.test}
    for part, share in shares.items():
        if 0 < round(share * len(series)) < horizon:
            shares[part] = 0.0
            notes += (f"the {part} part would be shorter than a forecast, so there is none",)
    windows = Windows.cut(
        series.values,
        look_back,
        horizon,
        stride=stride,
        targets=tuple(range(len(targets))),
        **shares,
    )
    if stride > 1:
        notes += (f"the series is long: a forecast is learnt from one row in {stride} only",)
    outlook = Outlook.of(series, windows, season)
    return PreparedSeries(name_of_file(source), series, outlook, windows, notes)


def _usual_look_back(series: Series, season: int, horizon: int, wishes: ForecastWishes) -> int:
    usual = series.spacing.look_back if series.spacing else 16
    part = len(series) * (1 - wishes.test - wishes.validation)
    return max(1, min(max(usual, 2 * season if season > 1 else 0), int(part - horizon) // 3))


def choose_forecast_settings(asked: Mapping[str, Any]) -> Settings:
    """Choose what the user did not ask for.

    Parameters
    ----------
    asked
        Settings by name; None where the choice is left to us.
    """
    refuse_hidden(asked)
    return with_asked(USUAL, asked)


def fit_forecast(
    prepared: PreparedSeries, settings: Settings, progress: bool | str = False
) -> Outcome[ForecastModel]:
    """Train a forecast on a prepared series and score it on the part held out.

    Raises
    ------
    DivergenceError
        If NaN or infinity appears; the message says where and what to try.
    """
    began = perf_counter()
    network = forecast_network(prepared.outlook, settings.network, activation=settings.activation)
    trainer = Trainer(
        network,
        losses.Huber(),
        optimiser_of(settings),
        stop=limits_of(settings),
        metric=None,
        batch_size=settings.batch_size,
        seed=settings.seed,
        executor=settings.executor,
        progress=progress,
    )
    inputs, targets = prepared.windows.inputs, prepared.windows.targets
    watched = len(inputs["validation"]) > 0
    run = trainer.fit(
        inputs["train"],
        targets["train"],
        X_val=inputs["validation"] if watched else None,
        y_val=targets["validation"] if watched else None,
    )
    model = ForecastModel.of(run.network, prepared.outlook)
    part = prepared.scored
    forecasts = model.run_windows(inputs[part])
    report = {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "source": prepared.name,
        "kind": "forecast",
        "targets": list(prepared.outlook.names),
        "steps": len(prepared.series),
        "step": str(prepared.series.spacing or "row"),
        "look_back": prepared.outlook.look_back,
        "horizon": prepared.outlook.horizon,
        "season": prepared.outlook.season,
        "windows": prepared.rows,
        "columns": list(prepared.outlook.describe()),
        "settings": settings.to_dict(),
        "training": {
            "epochs": len(run.history),
            "best_epoch": run.best_epoch,
            "stopped_because": run.stopped_because,
            "seconds": round(perf_counter() - began, 3),
        },
        "test": {
            "of": "training" if part == "train" else part,
            "rows": len(forecasts),
            "scores": forecast_scores(prepared.outlook.names, forecasts, prepared.truth(part)),
        },
        "baseline": prepared.guessed_scores,
        "notes": list(prepared.notes),
    }
    return Outcome(replace(model, report=report, version=__version__), run)
