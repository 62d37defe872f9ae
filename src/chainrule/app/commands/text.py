"""``chainrule train BOOK.txt`` and ``chainrule generate``: language models."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from chainrule.app.commands.outcome import show_files, show_training
from chainrule.app.commands.scores import in_one_line, show_scores
from chainrule.app.failures import ExitCode
from chainrule.app.model import Sampling, load_language_model
from chainrule.app.screen import Screen, note, printable
from chainrule.app.training.runs import make_folder, save_run
from chainrule.app.training.settings import Settings
from chainrule.app.training.text import (
    PreparedText,
    TextWishes,
    choose_text_settings,
    fit_text,
    guessed_scores,
    prepare_text,
)
from chainrule.errors import ChainruleError


def train_text(
    screen: Screen,
    source: str,
    wishes: TextWishes,
    asked: Mapping[str, Any],
    out: Path | None,
    progress: bool | str,
) -> ExitCode:
    """Train a language model and save it; give the exit code.

    Parameters
    ----------
    screen
        Where to write.
    source, wishes
        As for `prepare_text`.
    asked
        Settings that the user chose; None where the choice is ours.
    out
        The folder for the run.
    progress
        Whether a progress bar is shown; ``"auto"`` does so on a terminal.
    """
    prepared = prepare_text(source, wishes)
    settings = choose_text_settings(asked)
    folder = make_folder(prepared.name, out)
    try:
        _show_found(screen, prepared, settings)
        outcome = fit_text(prepared, settings, progress)
        if outcome.untrained:
            raise KeyboardInterrupt
        save_run(outcome, folder.path)
    except (ChainruleError, KeyboardInterrupt):
        folder.discard()
        raise
    report = outcome.model.report
    show_training(screen, outcome)
    test = report["test"]
    seen = ", all seen in training" if test["of"] == "train" else ""
    screen.say(f"{test['tokens']:,} tokens of the {test['of']} part{seen}", "bold")
    show_scores(screen, {"model": test["scores"], "pairs": report["baseline"]})
    screen.say()
    files = show_files(screen, folder.path)
    screen.result(
        {**report, "files": files, "interrupted": outcome.interrupted},
        f"{files['model']}: {in_one_line(test['scores'])} on {test['tokens']:,} tokens",
    )
    return ExitCode.INTERRUPTED if outcome.interrupted else ExitCode.OK


def _show_found(screen: Screen, prepared: PreparedText, settings: Settings) -> None:
    """Say what the text holds, and what will be done with it."""
    parts = ", ".join(f"{count:,} {name}" for name, count in prepared.characters.items())
    patience = f", until {settings.patience} bring no improvement" if settings.patience else ""
    guessing = in_one_line(guessed_scores(prepared))
    screen.pairs(
        [
            ("Text", f"{prepared.name}: {sum(prepared.characters.values()):,} characters"),
            ("Tokens", prepared.tokens.describe()),
            ("Parts", f"{parts} characters, one behind the other"),
            *(("Note", each) for each in prepared.notes),
            ("Network", f"{settings.network} → {prepared.tokens.size}"),
            ("", f"sees {prepared.wishes.context} tokens at once"),
            (
                "Training",
                f"{settings.optimizer}, learning rate {settings.learning_rate:g}, "
                f"{settings.batch_size} stretches a step, at most {settings.epochs} "
                f"epochs{patience}",
            ),
            ("Baseline", f"by counts of pairs of tokens: {guessing}"),
        ]
    )
    screen.say()


def generate(
    screen: Screen, path: str, prompt: str, length: int, sampling: Sampling, seed: int
) -> ExitCode:
    """Continue a text and write it as it is made; give the exit code.

    Parameters
    ----------
    screen
        Where to write; a quiet one gets the continuation alone.
    path
        The model file, or the folder of its run.
    prompt
        What the text begins with; ``"-"`` reads it from standard input.
    length
        Tokens to add.
    sampling, seed
        How they are drawn.
    """
    model = load_language_model(path)
    if prompt == "-":
        prompt = sys.stdin.read()
    made: list[str] = []
    pieces = model.generate(prompt, length, sampling=sampling, seed=seed)
    code = ExitCode.OK
    try:
        for piece in _shown(screen, prompt, pieces):
            made.append(piece)
    except KeyboardInterrupt:
        code = ExitCode.INTERRUPTED
        note("interrupted")
    if not screen.machine:
        sys.stdout.write("\n")
    screen.result(
        {
            "model": path,
            "prompt": prompt,
            "text": "".join(made),
            "temperature": sampling.temperature,
            "top_k": sampling.top_k,
            "top_p": sampling.top_p,
            "seed": seed,
        }
    )
    return code


def _shown(screen: Screen, prompt: str, pieces: Iterator[str]) -> Iterator[str]:
    """Hand pieces on, and write them as they come, unless a machine reads."""
    if not screen.silent:
        sys.stdout.write(printable(prompt))
    for piece in pieces:
        if not screen.machine:
            sys.stdout.write(printable(piece))
            sys.stdout.flush()
        yield piece
