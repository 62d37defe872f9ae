"""``evaluate``, ``predict`` and ``show`` for language models."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from chainrule.app.commands.layers import layers_of, show_layers
from chainrule.app.commands.scores import in_one_line, show_scores
from chainrule.app.failures import ExitCode
from chainrule.app.model import LanguageModel
from chainrule.app.screen import Screen
from chainrule.data import write_table
from chainrule.data.language import read_text
from chainrule.data.table import new_table
from chainrule.errors import DataError
from chainrule.ir import text


def evaluate_text(screen: Screen, path: str, model: LanguageModel, source: str) -> ExitCode:
    """Say how well a model foretells a text; give the exit code."""
    result = model.evaluate(source)
    screen.pairs(
        [
            ("Model", path),
            ("Text", f"{source}: {result['characters']:,} characters"),
            *(("Note", each) for each in result["notes"]),
        ]
    )
    screen.say()
    show_scores(screen, {"model": result["scores"]})
    screen.result(
        {"model": path, "source": source, **result},
        f"{in_one_line(result['scores'])} on {result['tokens']:,} tokens",
    )
    return ExitCode.OK


def predict_text(
    screen: Screen, path: str, model: LanguageModel, source: str, out: Path | None, only: bool
) -> ExitCode:
    """Say how likely each line of a text is, and what comes behind it; give the exit code."""
    content, _ = read_text(source)
    lines = [line for line in content.splitlines() if line.strip()]
    nats, likeliest = [], []
    for line in lines:
        tokens = model.tokens.encode(line)
        nats.append(float(model.losses_of(tokens).mean()) if len(tokens) > 1 else np.nan)
        likeliest.append(model.likeliest(tokens))
    columns = {
        "text": np.array(lines, object),
        "nats_per_token": np.array(nats),
        "predicted_next": np.array(likeliest, object),
    }
    if not lines:
        raise DataError(f"{source!r} holds no line of text")
    if only:
        del columns["text"]
    table = new_table(columns)
    if out is not None:
        write_table(table, out)
        screen.say(f"{len(lines):,} lines are in {out}.")
        screen.result({"model": path, "source": source, "file": str(out)}, str(out))
    elif screen.machine:
        listed = {name: [*values] for name, values in columns.items()}
        listed["nats_per_token"] = [None if np.isnan(x) else x for x in nats]
        screen.result({"model": path, "source": source, "rows": len(lines), "columns": listed})
    else:
        sys.stdout.write(table.write_csv())
    return ExitCode.OK


def show_text(screen: Screen, path: str, model: LanguageModel) -> ExitCode:
    """Print tokens, layers, parameters and the program; give the exit code."""
    program, layers = text(model.program), layers_of(model.network, [model.program.inputs[-1].type])
    parameters = sum(int(array.size) for array in model.weights.values())
    facts: list[tuple[str, object]] = [
        ("Model", f"{path}, made by chainrule {model.version}"),
        ("Continues", f"texts of {model.tokens.describe()}"),
        ("Context", f"{model.context} tokens"),
        ("Parameters", f"{parameters:,}"),
    ]
    for name in ("created", "source"):
        if isinstance(value := model.report.get(name), str):
            facts.append((name.capitalize(), value))
    if scores := model.test_scores:
        facts.append(("Test", in_one_line(scores)))
    screen.pairs(facts)
    screen.say()
    show_layers(screen, layers)
    screen.say()
    screen.say("Program", "bold")
    screen.say(program)
    screen.result(
        {
            "model": path,
            "version": model.version,
            "tokens": model.tokens.to_dict(),
            "context": model.context,
            "parameters": parameters,
            "layers": layers,
            "program": program,
            "report": dict(model.report),
        },
        model.summary(),
    )
    return ExitCode.OK
