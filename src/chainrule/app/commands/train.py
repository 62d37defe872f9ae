"""``chainrule train``: a table becomes a trained model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chainrule.app.commands.scores import in_one_line, show_errors, show_scores
from chainrule.app.failures import ExitCode
from chainrule.app.screen import Screen, note
from chainrule.app.training import Outcome, Prepared, Settings, choose_settings, fit, prepare
from chainrule.app.training.fitting import baseline_scores
from chainrule.app.training.runs import HISTORY, MODEL, REPORT, make_folder, save_run
from chainrule.errors import ChainruleError

_SHOWN = 8
_TASKS = {"binary": "one of two classes", "multiclass": "one of several classes"}


def train(
    screen: Screen,
    source: str,
    target: str | None,
    table: Mapping[str, Any],
    asked: Mapping[str, Any],
    out: Path | None,
    progress: bool | str,
) -> ExitCode:
    """Train a model and save it; give the exit code.

    Parameters
    ----------
    screen
        Where to write.
    source, target
        As for `prepare`.
    table
        More arguments of `prepare`.
    asked
        Settings that the user chose; None where the choice is ours.
    out
        The folder for the run.
    progress
        Whether a progress bar is shown; ``"auto"`` does so on a terminal.
    """
    prepared = prepare(source, target, **table)
    settings = choose_settings(prepared, asked)
    folder = make_folder(prepared.name, out)
    try:
        _show_table(screen, prepared)
        _show_plan(screen, prepared, settings)
        outcome = fit(prepared, settings, progress)
        if outcome.untrained:
            raise KeyboardInterrupt
        save_run(outcome, folder.path)
    except (ChainruleError, KeyboardInterrupt):
        folder.discard()
        raise
    _show_outcome(screen, prepared, outcome, folder.path)
    return ExitCode.INTERRUPTED if outcome.interrupted else ExitCode.OK


def _show_table(screen: Screen, prepared: Prepared) -> None:
    """Say what the table holds, what becomes of it, and what one could guess without a network."""
    kinds = Counter(column.kind for column in prepared.columns if column.used)
    found = ", ".join(f"{count} {kind}" for kind, count in kinds.items())
    parts, target = prepared.parts, prepared.target
    facts = [
        ("Table", f"{prepared.name}: {prepared.rows:,} rows, {len(prepared.columns) + 1} columns"),
        (
            "Target",
            f"{target.name}: {_TASKS.get(target.task, 'a number')} ({prepared.guess.reason})",
        ),
        ("", _balance(prepared)),
        (
            "Inputs",
            f"{found}, as {_numbers(prepared)}",
        ),
    ]
    missing = [
        (c.missing / prepared.rows, c.name) for c in prepared.columns if c.used and c.missing
    ]
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
    screen.pairs(facts)


def _show_plan(screen: Screen, prepared: Prepared, settings: Settings) -> None:
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
        ("Baseline", f"{_guessed(prepared)}: {in_one_line(baseline_scores(prepared))}"),
    ]
    screen.pairs(facts)
    screen.say()


def _balance(prepared: Prepared) -> str:
    if not prepared.target.classes:
        return f"mean {prepared.target.mean:.4g}, deviation {prepared.target.deviation:.4g}"
    pairs = sorted(zip(prepared.shares, prepared.target.classes, strict=True), key=lambda p: -p[0])
    return _listed([f"{label} {share:.1%}" for share, label in pairs])


def _guessed(prepared: Prepared) -> str:
    if not prepared.target.classes:
        return "always the mean"
    return f"always {prepared.target.classes[int(prepared.shares.argmax())]}"


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
    screen.say(f"{test['rows']:,} {title}", "bold")
    show_scores(screen, {"model": test["scores"], "baseline": report["baseline"]})
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
