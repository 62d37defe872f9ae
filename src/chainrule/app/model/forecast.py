"""A trained forecast: from the last rows of a series to the next ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule import nn
from chainrule.app.model.kinds import BATCH
from chainrule.app.model.prediction import run_in_blocks
from chainrule.app.model.scoring import scores_in
from chainrule.data.sequences import Outlook, Series
from chainrule.ir import ArrayType, Dim, Graph
from chainrule.tracing import capture, flatten, leaf_paths

WINDOW = "window"
"""The name of the program's last input."""


@dataclass(frozen=True, eq=False)
class ForecastModel:
    """A scale, a program and its weights: all that a forecast needs.

    Parameters
    ----------
    outlook
        What is seen and forecast, and the scale of both.
    program
        Inputs: the weights, then float32 [batch, look back, channels], scaled. Output: [batch,
        horizon, targets], scaled.
    weights
        Values of the program's first inputs, by their names.
    network
        The network that the program was traced from; None if it holds layers of a user's own.
    report
        What was measured and set when the model was trained, as plain JSON values.
    version
        The version of chainrule that made it.
    """

    outlook: Outlook
    program: Graph
    weights: Mapping[str, NDArray[Any]]
    network: nn.Module | None
    report: Mapping[str, Any] = field(default_factory=dict)
    version: str = ""

    @classmethod
    def of(
        cls,
        network: nn.Module,
        outlook: Outlook,
        *,
        report: Mapping[str, Any] | None = None,
        version: str = "",
    ) -> ForecastModel:
        """Make a model of a trained network: its forecasts are traced to a program."""
        leaves = dict(zip(leaf_paths(network), flatten(network)[0], strict=True))
        weights = {name: np.asarray(value) for name, value in leaves.items()}
        program = forecast_program(network, outlook)
        return cls(outlook, program, weights, network, report or {}, version)

    def forecast(self, source: object) -> tuple[Series, NDArray[np.float64]]:
        """Continue a series.

        Parameters
        ----------
        source
            Anything that `chainrule.data.read_table` takes, with the columns of the training
            table.

        Returns
        -------
        The series as it was read, and the next rows of its targets [horizon, targets].

        Raises
        ------
        DataError
            If it cannot be read, lacks a column, or is shorter than the window.
        """
        series = source if isinstance(source, Series) else self.outlook.read(source)
        return series, self.run_windows(self.outlook.last_window(series))[0]

    def evaluate(self, source: object) -> dict[str, Any]:
        """Forecast a series from each of its rows on, and compare with what followed.

        Returns
        -------
        ``rows``, the number of forecasts; ``scores``; ``baseline``, the scores of each guess
        without a network; and ``notes``. Plain JSON values.
        """
        series = source if isinstance(source, Series) else self.outlook.read(source)
        seen, truth, begins = self.outlook.windows(series)
        guesses = self.outlook.guesses(series, begins)
        return {
            "rows": len(begins),
            "scores": forecast_scores(self.outlook.names, self.run_windows(seen), truth),
            "baseline": {
                name: forecast_scores(self.outlook.names, each, truth)
                for name, each in guesses.items()
            },
            "notes": list(series.notes),
        }

    def run_windows(self, windows: NDArray[np.float32]) -> NDArray[np.float64]:
        """Forecast behind scaled windows, [windows, horizon, targets] in the series' unit."""
        outputs = run_in_blocks(self.program, [*self.weights.values()], [windows])
        return self.outlook.restored(outputs)

    def summary(self) -> str:
        """Say in a few lines what the model forecasts, from what, and how well."""
        parameters = sum(int(array.size) for array in self.weights.values())
        lines = [
            f"forecasts {', '.join(self.outlook.names)}: {self.outlook.describe()[-1]}",
            f"by {parameters:,} parameters: {self.network!r}",
        ]
        if self.test_scores:
            shown = (f"{name} {value:.4g}" for name, value in self.test_scores.items())
            lines.append(f"on test rows: {', '.join(shown)}")
        return "\n".join(lines)

    @property
    def test_scores(self) -> dict[str, float]:
        """The scores in the report; see `scores_in`."""
        return scores_in(self.report)


def forecast_program(network: nn.Module, outlook: Outlook) -> Graph:
    """Trace a network that takes the windows of an outlook."""
    kind = ArrayType((Dim(BATCH), outlook.look_back, len(outlook.channels)), "float32")

    def forecast(network: nn.Module, window: Any) -> Any:
        return network(window)

    return capture(forecast, [network, kind], ["", WINDOW]).graph


def forecast_scores(
    names: tuple[str, ...], forecasts: NDArray[Any], truth: NDArray[Any]
) -> dict[str, float]:
    """Give the mean absolute and root mean square error, of each target if there are several.

    Parameters
    ----------
    names
        Of the targets.
    forecasts, truth
        Numbers [windows, horizon, targets].

    >>> forecast_scores(("x",), np.array([[[1.0]], [[3.0]]]), np.array([[[2.0]], [[6.0]]]))["mae"]
    2.0
    """
    scores = {}
    for i, name in enumerate(names):
        wrong = np.asarray(forecasts[..., i] - truth[..., i], np.float64)
        label = f"{name}: " if len(names) > 1 else ""
        scores[f"{label}mae"] = float(np.abs(wrong).mean())
        scores[f"{label}rmse"] = float(np.sqrt((wrong**2).mean()))
    return scores
