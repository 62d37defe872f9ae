"""``chainrule show``: what is in a model file."""

from __future__ import annotations

from chainrule.app.commands.forecast import show_forecast
from chainrule.app.commands.language import show_text
from chainrule.app.commands.layers import layers_of, show_layers
from chainrule.app.commands.scores import in_one_line
from chainrule.app.failures import ExitCode
from chainrule.app.model import ForecastModel, LanguageModel, Model, open_model
from chainrule.app.model.kinds import TABLE, data_types, kind_of
from chainrule.app.model.trained import ANSWERS
from chainrule.app.screen import Screen
from chainrule.data import Encoder
from chainrule.ir import text
from chainrule.plan import plan

ROWS = 1000
"""Rows that the plan is shown for."""


def show(screen: Screen, path: str) -> ExitCode:
    """Print columns and encoding, layers, parameters, the program and the plan; give the exit code.

    Parameters
    ----------
    screen
        Where to write.
    path
        The model file, or the folder of its run.
    """
    model = open_model(path)
    if isinstance(model, LanguageModel):
        return show_text(screen, path, model)
    if isinstance(model, ForecastModel):
        return show_forecast(screen, path, model)
    program, explained = text(model.program), plan(model.program, limits={"batch": ROWS}).explain()
    layers = layers_of(model.network, [*data_types(model.encoder).values()])
    target = model.target
    parameters = sum(int(array.size) for array in model.weights.values())
    screen.pairs(
        [
            ("Model", f"{path}, made by chainrule {model.version}"),
            ("Predicts", f"{target.name}: {_answers(model)}"),
            ("Parameters", f"{parameters:,}"),
            *_trained(model),
        ]
    )
    kind = kind_of(model.encoder)
    _section(
        screen,
        "Columns" if kind == TABLE else f"Input: {kind}",
        "\n".join(model.encoder.describe()),
    )
    screen.say()
    show_layers(screen, layers)
    _section(screen, "Program", program)
    _section(screen, f"Plan for {ROWS} rows", explained)
    screen.result(
        {
            "model": path,
            "version": model.version,
            "target": target.name,
            "task": target.task,
            "classes": list(target.classes),
            "encoding": {"columns": model.encoder.to_dict(), "target": target.to_dict()},
            "inputs": _inputs(model),
            "parameters": parameters,
            "layers": layers,
            "program": program,
            "plan": explained,
            "report": dict(model.report),
        },
        model.summary(),
    )
    return ExitCode.OK


def _section(screen: Screen, title: str, body: str) -> None:
    screen.say()
    screen.say(title, "bold")
    screen.say(body)


def _inputs(model: Model) -> list[str]:
    """Name the numbers of a table's row; of other kinds the arrays."""
    if isinstance(model.encoder, Encoder):
        return list(model.encoder.feature_names)
    return [f"{name}: {kind}" for name, kind in data_types(model.encoder).items()]


def _answers(model: Model) -> str:
    target = model.target
    if target.task == "multioutput":
        return ANSWERS[target.task]
    if not target.classes:
        return f"{ANSWERS[target.task]}, about {target.mean:.4g} ± {target.deviation:.4g}"
    some = "any" if target.task == "multilabel" else "one"
    return f"{some} of {', '.join(map(str, target.classes))}"


def _trained(model: Model) -> list[tuple[str, object]]:
    """What the report says about the training; it may come from a stranger, so nothing is sure."""
    facts: list[tuple[str, object]] = []
    for name in ("created", "source"):
        if isinstance(value := model.report.get(name), str):
            facts.append((name.capitalize(), value))
    if scores := model.test_scores:
        facts.append(("Test", in_one_line(scores)))
    return facts
