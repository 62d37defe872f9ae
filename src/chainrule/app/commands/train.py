"""``chainrule train``: a table becomes a trained model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from chainrule.app.commands.found import show_found, show_plan
from chainrule.app.commands.outcome import show_files, show_training
from chainrule.app.commands.scores import in_one_line, show_errors, show_scores
from chainrule.app.failures import ExitCode
from chainrule.app.model import Model
from chainrule.app.screen import Screen
from chainrule.app.training import (
    Fold,
    MediaWishes,
    Opened,
    Outcome,
    Prepared,
    Wishes,
    choose_settings,
    fit,
    fit_folds,
    open_examples,
    with_folds,
)
from chainrule.app.training.runs import make_folder, save_run
from chainrule.errors import ChainruleError, ParameterError

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
    kind: str | None = None,
    media: MediaWishes | None = None,
) -> ExitCode:
    """Train a model and save it; give the exit code.

    Parameters
    ----------
    screen
        Where to write.
    source, targets, wishes, kind, media
        As for `open_examples`.
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
    if folds is not None and folds < 2:
        raise ParameterError(f"--folds expects two folds or more, not {folds}")
    opened = open_examples(source, targets, wishes, kind, media)
    parts = opened.split(test=folds is None)
    prepared = opened.prepared(parts)
    settings = choose_settings(prepared, asked)
    folder = make_folder(prepared.name, out)
    try:
        show_found(screen, prepared)
        show_plan(screen, prepared, settings, folds)
        tested = _tested(screen, opened, folds, asked, progress, prepared.notes) if folds else []
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
    screen: Screen,
    opened: Opened,
    count: int,
    asked: Mapping[str, Any],
    progress: bool | str,
    known: Sequence[str],
) -> list[Fold]:
    """Train and test a model for each fold, and say how good each is, with notes not yet known."""
    tested = []
    for fold in fit_folds(opened, count, lambda each: choose_settings(each, asked), progress):
        tested.append(fold)
        screen.pairs([("Note", note) for note in fold.prepared.notes if note not in known])
        facts = fold.facts
        rows = (
            f"{facts['train']:,} train, {facts['validation']:,} validation, {facts['test']:,} test"
        )
        scores = in_one_line(facts["scores"])
        screen.pairs([(f"Fold {len(tested)}", f"{rows}, {facts['epochs']} epochs: {scores}")])
    screen.say()
    return tested


def _show_outcome(
    screen: Screen, prepared: Prepared, outcome: Outcome[Model], folder: Path
) -> None:
    report = outcome.model.report
    test = report["test"]
    show_training(screen, outcome)
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
    files = show_files(screen, folder)
    scores = in_one_line(test["scores"])
    screen.result(
        {**report, "files": files, "interrupted": outcome.interrupted},
        f"{files['model']}: {scores} on {test['rows']:,} {test['of']} rows",
    )
