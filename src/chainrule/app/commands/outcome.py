"""How a training ended, and the files that it left."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from chainrule.app.screen import Screen, note
from chainrule.app.training import Outcome
from chainrule.app.training.runs import HISTORY, MODEL, REPORT


def show_training(screen: Screen, outcome: Outcome[Any]) -> None:
    """Say how long it took and why it stopped."""
    training = outcome.model.report["training"]
    kept = f"; kept epoch {training['best_epoch']}" if training["best_epoch"] else ""
    if outcome.interrupted:
        note("interrupted: the best model so far is kept")
    screen.say(
        f"Trained {training['epochs']} epochs in {training['seconds']:.1f} s, stopped by "
        f"{training['stopped_because']}{kept}."
    )
    screen.say()


def show_files(screen: Screen, folder: Path) -> dict[str, str]:
    """Say which files there are, and give their paths by name."""
    sizes = {name: (folder / name).stat().st_size for name in (MODEL, HISTORY, REPORT)}
    screen.pairs([("Files", folder), *(("", f"{n} ({_size(s)})") for n, s in sizes.items())])
    return {name.split(".")[0]: str(folder / name) for name in sizes}


def _size(count: int) -> str:
    return f"{count / 1000:.1f} kB" if count < 1_000_000 else f"{count / 1_000_000:.1f} MB"
