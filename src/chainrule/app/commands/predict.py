"""``chainrule predict``: the rows of a table, with a prediction beside each."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from chainrule.app.commands.forecast import predict_forecast
from chainrule.app.commands.language import predict_text
from chainrule.app.commands.scores import number
from chainrule.app.failures import ExitCode
from chainrule.app.model import ForecastModel, LanguageModel, Model, Predictions, open_model
from chainrule.app.model.kinds import read
from chainrule.app.screen import Screen, note
from chainrule.data import write_table
from chainrule.data.table import append_columns, new_table
from chainrule.errors import DataError

_SHOWN = 20


def predict(
    screen: Screen, path: str, source: str, out: Path | None, probabilities: bool, only: bool
) -> ExitCode:
    """Predict every row of a table, in its order; give the exit code.

    Parameters
    ----------
    screen
        Where to write.
    path
        The model file, or the folder of its run.
    source
        The table.
    out
        The file to write; None writes to standard output: a short table on a terminal, CSV
        elsewhere, JSON for machines.
    probabilities
        Whether to add a column for the probability of each class.
    only
        Whether to leave out the columns of the input.
    """
    model = open_model(path)
    if isinstance(model, LanguageModel):
        if probabilities:
            raise DataError("a language model has too many tokens for a column of each")
        return predict_text(screen, path, model, source, out, only)
    if isinstance(model, ForecastModel):
        if probabilities:
            raise DataError("a forecast is of numbers: it has no probabilities")
        return predict_forecast(screen, path, model, source, out, only)
    if probabilities and not model.target.classes:
        raise DataError(f"the target {model.target.name!r} is a number: it has no probabilities")
    samples = read(model.encoder, source)
    table, predictions = samples.frame, model.run_samples(samples)
    for each in predictions.notes:
        note(each)
    columns = _columns(model, predictions, probabilities)
    result = new_table(columns) if only else append_columns(table, columns)
    facts: dict[str, Any] = {"model": path, "source": source, "rows": table.height}
    if out is not None:
        write_table(result, out)
        screen.say(f"{table.height:,} predictions are in {out}, in the order of the rows.")
        screen.result({**facts, "file": str(out)}, str(out))
    elif screen.machine:
        listed = {name: values.tolist() for name, values in columns.items()}
        screen.result({**facts, "columns": listed})
    elif sys.stdout.isatty() and not screen.quiet:
        _show(screen, columns, table.height)
    else:
        sys.stdout.write(result.write_csv())
    return ExitCode.OK


def _columns(model: Model, predictions: Predictions, probabilities: bool) -> dict[str, Any]:
    names, values = model.target.names, predictions.values
    several = values.T if len(names) > 1 else [values]
    columns = {f"predicted_{n}": column for n, column in zip(names, several, strict=True)}
    if probabilities and predictions.probabilities is not None:
        shares = zip(model.target.classes, predictions.probabilities.T, strict=True)
        columns |= {f"probability_{label}": share for label, share in shares}
    return columns


def _show(screen: Screen, columns: dict[str, Any], rows: int) -> None:
    """Print the first rows."""
    shown = [
        [i + 1, *(_cell(values[i]) for values in columns.values())]
        for i in range(min(rows, _SHOWN))
    ]
    screen.table(["row", *columns], shown)
    if rows > _SHOWN:
        screen.say(f"and {rows - _SHOWN:,} more rows; -o FILE writes them all")


def _cell(value: Any) -> str:
    kind = getattr(getattr(value, "dtype", None), "kind", "")
    return number(float(value)) if kind == "f" else str(value)
