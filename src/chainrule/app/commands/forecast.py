"""``train --kind forecast``, and ``evaluate``, ``predict`` and ``show`` for its models."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from chainrule.app.commands.layers import layers_of, show_layers
from chainrule.app.commands.outcome import show_files, show_training
from chainrule.app.commands.scores import in_one_line, number, show_scores
from chainrule.app.failures import ExitCode
from chainrule.app.model import ForecastModel
from chainrule.app.screen import Screen, note
from chainrule.app.training.forecast import (
    ForecastWishes,
    PreparedSeries,
    choose_forecast_settings,
    fit_forecast,
    prepare_series,
)
from chainrule.app.training.runs import make_folder, save_run
from chainrule.app.training.settings import Settings
from chainrule.data import write_table
from chainrule.data.wording import counted
from chainrule.errors import ChainruleError
from chainrule.ir import text

_SHOWN = 24


def train_forecast(
    screen: Screen,
    source: str,
    targets: Sequence[str],
    wishes: ForecastWishes,
    asked: Mapping[str, Any],
    out: Path | None,
    progress: bool | str,
) -> ExitCode:
    """Train a forecast and save it; give the exit code.

    Parameters
    ----------
    screen
        Where to write.
    source, targets, wishes
        As for `prepare_series`.
    asked
        Settings that the user chose; None where the choice is ours.
    out
        The folder for the run.
    progress
        Whether a progress bar is shown; ``"auto"`` does so on a terminal.
    """
    settings = choose_forecast_settings(asked)
    prepared = prepare_series(source, targets, wishes)
    folder = make_folder(prepared.name, out)
    try:
        _show_found(screen, prepared, settings)
        outcome = fit_forecast(prepared, settings, progress)
        if outcome.untrained:
            raise KeyboardInterrupt
        save_run(outcome, folder.path)
    except (ChainruleError, KeyboardInterrupt):
        folder.discard()
        raise
    report = outcome.model.report
    show_training(screen, outcome)
    test = report["test"]
    seen = ", all seen in training" if test["of"] == "training" else ""
    screen.say(f"{counted(test['rows'], 'forecast')} of the {test['of']} part{seen}", "bold")
    show_scores(screen, {"model": test["scores"], **report["baseline"]})
    screen.say()
    files = show_files(screen, folder.path)
    screen.result(
        {**report, "files": files, "interrupted": outcome.interrupted},
        f"{files['model']}: {in_one_line(test['scores'])} on {counted(test['rows'], 'forecast')}",
    )
    return ExitCode.INTERRUPTED if outcome.interrupted else ExitCode.OK


def _show_found(screen: Screen, prepared: PreparedSeries, settings: Settings) -> None:
    """Say what the series holds, and what will be done with it."""
    outlook, series = prepared.outlook, prepared.series
    step = f", one each {series.spacing}" if series.spacing else ", in the order of the table"
    parts = ", ".join(f"{count:,} {name}" for name, count in prepared.rows.items())
    patience = f", until {settings.patience} bring no improvement" if settings.patience else ""
    season = f"; a season has {outlook.season}" if outlook.season > 1 else ""
    others = outlook.channels[outlook.targets :]
    screen.pairs(
        [
            ("Series", f"{prepared.name}: {len(series):,} rows{step}"),
            ("Forecast", f"{', '.join(outlook.names)}: the next {counted(outlook.horizon, 'row')}"),
            ("Sees", f"{outlook.look_back} rows{season}"),
            *([("", f"also of {', '.join(others)}")] if others else []),
            ("Windows", f"{parts}, one part behind the other"),
            *(("Note", each) for each in prepared.notes),
            ("Network", f"{settings.network or 'linear'} → {outlook.horizon * outlook.targets}"),
            (
                "Training",
                f"{settings.optimizer}, learning rate {settings.learning_rate:g}, "
                f"{settings.batch_size} windows a step, at most {settings.epochs} epochs{patience}",
            ),
            *((f"As {name}", in_one_line(x)) for name, x in prepared.guessed_scores.items()),
        ]
    )
    screen.say()


def evaluate_forecast(screen: Screen, path: str, model: ForecastModel, source: str) -> ExitCode:
    """Compare forecasts from each row of a series with what followed; give the exit code."""
    result = model.evaluate(source)
    screen.pairs(
        [
            ("Model", f"{path}: {', '.join(model.outlook.names)}"),
            ("Forecasts", f"{source}: {result['rows']:,}"),
            *(("Note", each) for each in result["notes"]),
        ]
    )
    screen.say()
    show_scores(screen, {"model": result["scores"], **result["baseline"]})
    screen.result(
        {"model": path, "source": source, **result},
        f"{in_one_line(result['scores'])} on {counted(result['rows'], 'forecast')}",
    )
    return ExitCode.OK


def predict_forecast(
    screen: Screen, path: str, model: ForecastModel, source: str, out: Path | None, only: bool
) -> ExitCode:
    """Continue a series; give the exit code.

    Parameters
    ----------
    screen, path, model, source
        Where to write, the model, and the table that it continues.
    out
        The file to write; None writes to standard output.
    only
        Whether the rows of the table are left out.
    """
    series, forecasts = model.forecast(source)
    for each in series.notes:
        note(each)
    shown = model.outlook.continued(series, forecasts, only=True)
    table = shown if only else model.outlook.continued(series, forecasts)
    facts: dict[str, Any] = {"model": path, "source": source, "rows": len(series)}
    if out is not None:
        write_table(table, out)
        are = "are" if len(forecasts) > 1 else "is"
        screen.say(f"{counted(len(forecasts), 'forecast')} {are} at the end of {out}.")
        screen.result({**facts, "file": str(out)}, str(out))
    elif screen.machine:
        columns = {name: [_plain(x) for x in shown[name].to_list()] for name in shown.columns}
        screen.result({**facts, "columns": columns})
    elif sys.stdout.isatty() and not screen.quiet:
        rows = [[_cell(x) for x in row] for row in shown.rows()[:_SHOWN]]
        screen.table(shown.columns, rows)
        if len(forecasts) > _SHOWN:
            more = len(forecasts) - _SHOWN
            screen.say(f"and {more:,} more rows; -o FILE writes the series and all of them")
    else:
        sys.stdout.write(table.write_csv())
    return ExitCode.OK


def _plain(value: Any) -> Any:
    return value if isinstance(value, int | float) else str(value)


def _cell(value: Any) -> str:
    return number(value) if isinstance(value, float) else str(value)


def show_forecast(screen: Screen, path: str, model: ForecastModel) -> ExitCode:
    """Print what is seen and forecast, layers, parameters and the program; give the exit code."""
    program, layers = text(model.program), layers_of(model.network, [model.program.inputs[-1].type])
    parameters = sum(int(array.size) for array in model.weights.values())
    facts: list[tuple[str, object]] = [
        ("Model", f"{path}, made by chainrule {model.version}"),
        ("Forecasts", ", ".join(model.outlook.names)),
        ("Parameters", f"{parameters:,}"),
    ]
    for name in ("created", "source"):
        if isinstance(value := model.report.get(name), str):
            facts.append((name.capitalize(), value))
    if scores := model.test_scores:
        facts.append(("Test", in_one_line(scores)))
    screen.pairs(facts)
    screen.say()
    screen.say("Input: forecast", "bold")
    screen.say("\n".join(model.outlook.describe()))
    screen.say()
    show_layers(screen, layers)
    screen.say()
    screen.say("Program", "bold")
    screen.say(program)
    screen.result(
        {
            "model": path,
            "version": model.version,
            "encoding": model.outlook.to_dict(),
            "parameters": parameters,
            "layers": layers,
            "program": program,
            "report": dict(model.report),
        },
        model.summary(),
    )
    return ExitCode.OK
