"""What was found in the data, and what will be done with it, before training begins."""

from __future__ import annotations

from collections import Counter

import numpy as np

from chainrule.app.commands.scores import in_one_line
from chainrule.app.model.kinds import AnyEncoder
from chainrule.app.model.trained import ANSWERS
from chainrule.app.screen import Screen
from chainrule.app.training import Prepared, Settings
from chainrule.app.training.fitting import baseline_scores
from chainrule.data import Encoder
from chainrule.data.wording import counted

_SHOWN = 8


def show_found(screen: Screen, prepared: Prepared) -> None:
    """Say what the data hold, and what becomes of them."""
    parts, target = prepared.parts, prepared.target
    facts = [
        _what(prepared),
        ("Target", f"{target.name}: {ANSWERS[target.task]} ({prepared.guess.reason})"),
        *(("", line) for line in _balance(prepared)),
        *(_columns(prepared, prepared.encoder) if prepared.columns else _inputs(prepared)),
    ]
    how = ", each class with its share" if parts.stratified else ""
    sizes = {"train": parts.train, "validation": parts.validation, "test": parts.test}
    counts = ", ".join(f"{len(v):,} {k}" for k, v in sizes.items())
    facts.append(("Rows" if prepared.columns else "Parts", counts + how))
    facts += [("Note", each) for each in prepared.notes]
    facts += [("Look at", each.text) for each in prepared.findings]
    screen.pairs(facts)


def _what(prepared: Prepared) -> tuple[str, str]:
    """Say what was read."""
    if prepared.columns:
        width = len(prepared.columns) + len(prepared.target.names)
        return "Table", f"{prepared.name}: {prepared.rows:,} rows, {width} columns"
    what = {"images": "pictures", "sequence": "sequences"}[prepared.kind]
    return what.capitalize(), f"{prepared.name}: {prepared.rows:,} {what}"


def _inputs(prepared: Prepared) -> list[tuple[str, str]]:
    """Say what becomes of pictures and sequences."""
    lines = list(prepared.encoder.describe())
    if prepared.kind == "sequence":
        steps = prepared.train.inputs[1].sum(axis=1)
        channels = prepared.train.inputs[0].shape[2]
        lines = [
            f"{channels} channels, {int(steps.min())} to {int(steps.max())} steps (median "
            f"{int(np.median(steps))}), {lines[-1]}"
        ]
    return [("Inputs" if i == 0 else "", line) for i, line in enumerate(lines)]


def _columns(prepared: Prepared, encoder: AnyEncoder) -> list[tuple[str, str]]:
    """Say what becomes of the columns of a table."""
    if not isinstance(encoder, Encoder):
        return []
    kinds = Counter(column.kind for column in prepared.columns if column.used)
    found = ", ".join(f"{count} {kind}" for kind, count in kinds.items())
    facts = [("Inputs", f"{found}, as {_numbers(encoder)}")]
    labelled = prepared.rows - prepared.unlabelled
    missing = [(c.missing / labelled, c.name) for c in prepared.columns if c.used and c.missing]
    if missing:
        missing.sort(reverse=True)
        facts.append(("Missing", _listed([f"{name} {share:.1%}" for share, name in missing])))
    for name, reason in encoder.dropped[:_SHOWN]:
        facts.append(("Left out", f"{name}: {reason}"))
    if len(encoder.dropped) > _SHOWN:
        facts.append(("", f"and {len(encoder.dropped) - _SHOWN} more columns"))
    return facts


def show_plan(screen: Screen, prepared: Prepared, settings: Settings, folds: int | None) -> None:
    """Say which network will be trained, how, and what one could guess without it."""
    layers = [len(prepared.features), *settings.hidden, prepared.target.outputs]
    extra = f", dropout {settings.dropout:g}" if settings.dropout else ""
    examples = "rows" if prepared.columns else "examples"
    network = f"{' → '.join(map(str, layers))}, {settings.activation}{extra}"
    if settings.network:
        network = f"{settings.network} → {prepared.target.outputs}"
    patience = f", until {settings.patience} bring no improvement" if settings.patience else ""
    facts = [
        ("Network", network),
        (
            "Training",
            f"{settings.optimizer}, learning rate {settings.learning_rate:g}, "
            f"{settings.batch_size} {examples} a step, at most {settings.epochs} epochs{patience}",
        ),
    ]
    if folds:
        facts.append(("Folds", f"{folds} models, each tested on other rows, before the one kept"))
    else:
        guessing = in_one_line(baseline_scores(prepared))
        facts.append(("Baseline", f"{_guessed(prepared)}: {guessing}"))
    screen.pairs(facts)
    screen.say()


def _balance(prepared: Prepared) -> list[str]:
    target = prepared.target
    if not target.classes:
        return [line.partition(": number; ")[2] for line in target.describe()[:_SHOWN]]
    pairs = sorted(zip(prepared.shares, target.classes, strict=True), key=lambda p: -p[0])
    return [_listed([f"{label} {share:.1%}" for share, label in pairs])]


def _guessed(prepared: Prepared) -> str:
    target = prepared.target
    if target.task == "multilabel":
        often = zip(target.classes, prepared.shares > 0.5, strict=True)
        return f"always {_listed([str(label) for label, yes in often if yes]) or 'no label'}"
    if not target.classes:
        return "always the mean"
    return f"always {target.classes[int(prepared.shares.argmax())]}"


def _numbers(encoder: Encoder) -> str:
    names = [name for name, _ in encoder.embedded]
    vectors = f" and {counted(len(names), 'embedding')} ({_listed(names)})" if names else ""
    return counted(len(encoder.feature_names), "number") + vectors


def _listed(items: list[str]) -> str:
    more = f" and {len(items) - _SHOWN} more" if len(items) > _SHOWN else ""
    return ", ".join(items[:_SHOWN]) + more
