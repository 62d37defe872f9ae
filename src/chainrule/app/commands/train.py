"""``chainrule train``: a table becomes a trained model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from chainrule.app.commands.scores import in_one_line, show_errors, show_scores
from chainrule.app.failures import ExitCode
from chainrule.app.model.trained import ANSWERS
from chainrule.app.screen import Screen, note
from chainrule.app.training import (
    Fold,
    Opened,
    Outcome,
    Prepared,
    Settings,
    Wishes,
    choose_settings,
    fit,
    fit_folds,
    open_table,
    with_folds,
)
from chainrule.app.training.fitting import baseline_scores
from chainrule.app.training.runs import HISTORY, MODEL, REPORT, make_folder, save_run
from chainrule.errors import ChainruleError

_SHOWN = 8


def train(
    screen: Screen,
    source: str,
    targets: Sequence[str],
    wishes: Wishes,
    asked: Mapping[str, Any],
    folds: int | None,
    out: Path | None,
    progress: bool | str,
) -> ExitCode:
    """Train a model and save it; give the exit code.

    Parameters
    ----------
    screen
        Where to write.
    source, targets, wishes
        As for `open_table`.
    asked
        Settings that the user chose; None where the choice is ours.
    folds
        How many models are tested, each on other rows, before the one that is kept; None for no
        such folds, but test rows that this one is not trained on.
    out
        The folder for the run.
    progress
        Whether a progress bar is shown; ``"auto"`` does so on a terminal.
    """
    opened = open_table(source, targets, wishes)
    parts = opened.split(test=folds is None)
    prepared = opened.prepared(parts)
    settings = choose_settings(prepared, asked)
    folder = make_folder(prepared.name, out)
    try:
        _show_table(screen, prepared)
        _show_plan(screen, prepared, settings, folds)
        tested = _tested(screen, opened, folds, asked, progress) if folds else []
        outcome = fit(prepared, settings, progress)
        if outcome.untrained:
            raise KeyboardInterrupt
        if tested:
            outcome = with_folds(outcome, opened, tested)
        save_run(outcome, folder.path)
    except (ChainruleError, KeyboardInterrupt):
        folder.discard()
        raise
    _show_outcome(screen, prepared, outcome, folder.path)
    return ExitCode.INTERRUPTED if outcome.interrupted else ExitCode.OK


def _tested(
    screen: Screen, opened: Opened, count: int, asked: Mapping[str, Any], progress: bool | str
) -> list[Fold]:
    """Train and test a model for each fold, and say how good each is."""
    tested = []
    for fold in fit_folds(opened, count, lambda each: choose_settings(each, asked), progress):
        tested.append(fold)
        facts = fold.facts
        rows = (
            f"{facts['train']:,} train, {facts['validation']:,} validation, {facts['test']:,} test"
        )
        scores = in_one_line(facts["scores"])
        screen.pairs([(f"Fold {len(tested)}", f"{rows}, {facts['epochs']} epochs: {scores}")])
    screen.say()
    return tested


def _show_table(screen: Screen, prepared: Prepared) -> None:
    """Say what the table holds, what becomes of it, and what one could guess without a network."""
    kinds = Counter(column.kind for column in prepared.columns if column.used)
    found = ", ".join(f"{count} {kind}" for kind, count in kinds.items())
    parts, target = prepared.parts, prepared.target
    width = len(prepared.columns) + len(target.names)
    facts = [
        ("Table", f"{prepared.name}: {prepared.rows:,} rows, {width} columns"),
        (
            "Target",
            f"{target.name}: {ANSWERS[target.task]} ({prepared.guess.reason})",
        ),
        *(("", line) for line in _balance(prepared)),
        (
            "Inputs",
            f"{found}, as {_numbers(prepared)}",
        ),
    ]
    labelled = prepared.rows - prepared.unlabelled
    missing = [(c.missing / labelled, c.name) for c in prepared.columns if c.used and c.missing]
    if missing:
        missing.sort(reverse=True)
        facts.append(("Missing", _listed([f"{name} {share:.1%}" for share, name in missing])))
    for name, reason in prepared.encoder.dropped[:_SHOWN]:
        facts.append(("Left out", f"{name}: {reason}"))
    if len(prepared.encoder.dropped) > _SHOWN:
        facts.append(("", f"and {len(prepared.encoder.dropped) - _SHOWN} more columns"))
    how = ", each class with its share" if parts.stratified else ""
    sizes = {"train": parts.train, "validation": parts.validation, "test": parts.test}
    facts.append(("Rows", ", ".join(f"{len(v):,} {k}" for k, v in sizes.items()) + how))
    facts += [("Note", each) for each in prepared.notes]
    facts += [("Look at", each.text) for each in prepared.findings]
    screen.pairs(facts)


def _show_plan(screen: Screen, prepared: Prepared, settings: Settings, folds: int | None) -> None:
    layers = [len(prepared.encoder.feature_names), *settings.hidden, prepared.target.outputs]
    extra = f", dropout {settings.dropout:g}" if settings.dropout else ""
    patience = f", until {settings.patience} bring no improvement" if settings.patience else ""
    facts = [
        ("Network", f"{' → '.join(map(str, layers))}, {settings.activation}{extra}"),
        (
            "Training",
            f"{settings.optimizer}, learning rate {settings.learning_rate:g}, "
            f"{settings.batch_size} rows a step, at most {settings.epochs} epochs{patience}",
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


def _numbers(prepared: Prepared) -> str:
    count = len(prepared.encoder.feature_names)
    names = [name for name, _ in prepared.encoder.embedded]
    vectors = f" and {len(names)} embeddings ({_listed(names)})" if names else ""
    return f"{count} number{'' if count == 1 else 's'}{vectors}"


def _listed(items: list[str]) -> str:
    more = f" and {len(items) - _SHOWN} more" if len(items) > _SHOWN else ""
    return ", ".join(items[:_SHOWN]) + more


def _show_outcome(screen: Screen, prepared: Prepared, outcome: Outcome, folder: Path) -> None:
    report = outcome.model.report
    training, test = report["training"], report["test"]
    kept = f"; kept epoch {training['best_epoch']}" if training["best_epoch"] else ""
    if outcome.interrupted:
        note("interrupted: the best model so far is kept")
    screen.say(
        f"Trained {training['epochs']} epochs in {training['seconds']:.1f} s, stopped by "
        f"{training['stopped_because']}{kept}."
    )
    screen.say()
    title = f"{test['of']} rows" + (", all seen in training" if test["of"] != "test" else "")
    columns = {"model": test["scores"], "baseline": report["baseline"]}
    if folds := report.get("folds"):
        title += f" of {len(folds)} folds: mean, and deviation between them"
        columns = {"model": test["scores"], "±": test["deviations"], "baseline": report["baseline"]}
    screen.say(f"{test['rows']:,} {title}", "bold")
    show_scores(screen, columns)
    screen.say()
    show_errors(screen, test, prepared.target.classes)
    screen.say()
    sizes = {name: (folder / name).stat().st_size for name in (MODEL, HISTORY, REPORT)}
    screen.pairs([("Files", folder), *(("", f"{n} ({_size(s)})") for n, s in sizes.items())])
    files = {name.split(".")[0]: str(folder / name) for name in sizes}
    scores = in_one_line(test["scores"])
    screen.result(
        {**report, "files": files, "interrupted": outcome.interrupted},
        f"{files['model']}: {scores} on {test['rows']:,} {test['of']} rows",
    )


def _size(count: int) -> str:
    return f"{count / 1000:.1f} kB" if count < 1_000_000 else f"{count / 1_000_000:.1f} MB"
