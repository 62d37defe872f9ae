"""A progress bar for training."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter

from chainrule.errors import ParameterError
from chainrule.train.records import EpochRecord

_PAUSE = 0.05  # seconds between two redraws


def wanted(progress: bool | str) -> bool:
    """Tell whether to show progress: "auto" does so on a terminal."""
    if progress not in (True, False, "auto"):
        raise ParameterError(f"progress is True, False or 'auto', received {progress!r}")
    return sys.stderr.isatty() if progress == "auto" else bool(progress)


def describe(record: EpochRecord) -> str:
    """Write the main numbers of an epoch.

    >>> describe(EpochRecord(3, 0.25, 1.0, 2.0, validation_loss=0.5))
    'train loss 0.25, validation loss 0.5'
    """
    parts = [f"train loss {record.train_loss:.4g}"]
    if record.validation_loss is not None:
        parts.append(f"validation loss {record.validation_loss:.4g}")
    if record.metric is not None:
        parts.append(f"metric {record.metric:.4g}")
    return ", ".join(parts)


@contextmanager
def progress_bar(epochs: int | None) -> Iterator[Callable[[EpochRecord], None]]:
    """Show a bar on standard error while training lasts; yields the callback that moves it.

    Parameters
    ----------
    epochs
        The largest number of epochs, if known: the time left is estimated from it.
    """
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = [
        TextColumn("epoch"),
        MofNCompleteColumn(),
        BarColumn(bar_width=24),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        TextColumn("{task.description}"),
    ]
    drawn = -_PAUSE
    last: EpochRecord | None = None
    with Progress(*columns, console=Console(stderr=True), transient=False) as bar:
        task = bar.add_task("", total=epochs)

        def show(record: EpochRecord) -> None:
            nonlocal drawn, last
            last = record
            if perf_counter() - drawn >= _PAUSE:
                drawn = perf_counter()
                bar.update(task, completed=record.epoch, description=describe(record))

        try:
            yield show
        finally:
            if last is not None:
                bar.update(task, completed=last.epoch, description=describe(last))
