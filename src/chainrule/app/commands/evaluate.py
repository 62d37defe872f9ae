"""``chainrule evaluate``: how good a model is on a table that holds the answers."""

from __future__ import annotations

from chainrule.app.commands.scores import in_one_line, show_errors, show_scores
from chainrule.app.failures import ExitCode
from chainrule.app.model import load_model
from chainrule.app.screen import Screen


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
    model = load_model(path)
    result = model.evaluate(source)
    target = model.target
    screen.pairs(
        [
            ("Model", f"{path}: {target.name}"),
            ("Table", f"{source}: {result['rows']:,} rows"),
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
