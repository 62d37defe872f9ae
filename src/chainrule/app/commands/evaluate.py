"""``chainrule evaluate``: how good a model is on a table that holds the answers."""

from __future__ import annotations

from chainrule.app.commands.forecast import evaluate_forecast
from chainrule.app.commands.language import evaluate_text
from chainrule.app.commands.scores import in_one_line, show_errors, show_scores
from chainrule.app.failures import ExitCode
from chainrule.app.model import ForecastModel, LanguageModel, open_model
from chainrule.app.model.kinds import kind_of
from chainrule.app.screen import Screen

_WHAT = {"table": "Rows", "images": "Pictures", "sequence": "Sequences"}


def evaluate(screen: Screen, path: str, source: str) -> ExitCode:
    """Score a model on a table; give the exit code.

    Parameters
    ----------
    screen
        Where to write.
    path
        The model file, or the folder of its run.
    source
        A table with the target's column.
    """
    model = open_model(path)
    if isinstance(model, LanguageModel):
        return evaluate_text(screen, path, model, source)
    if isinstance(model, ForecastModel):
        return evaluate_forecast(screen, path, model, source)
    result = model.evaluate(source)
    target = model.target
    screen.pairs(
        [
            ("Model", f"{path}: {target.name}"),
            (_WHAT[kind_of(model.encoder)], f"{source}: {result['rows']:,}"),
            *(("Note", each) for each in result["notes"]),
        ]
    )
    screen.say()
    show_scores(screen, {"model": result["scores"], "baseline": result["baseline"]})
    screen.say()
    show_errors(screen, result, target.classes)
    screen.result(
        {"model": path, "source": source, "target": target.name, "task": target.task, **result}
        | ({"classes": list(target.classes)} if target.classes else {}),
        f"{in_one_line(result['scores'])} on {result['rows']:,} rows",
    )
    return ExitCode.OK
