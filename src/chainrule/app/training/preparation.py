"""A raw table becomes encoded training, validation and test rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.app.model.scoring import TASKS, left_out
from chainrule.data import (
    ColumnProfile,
    Encoder,
    Split,
    TargetEncoder,
    TaskGuess,
    drop_unlabelled,
    infer_task,
    load_sample,
    profile,
    split,
    target_column,
)
from chainrule.data.read import read_with_notes
from chainrule.data.table import Table
from chainrule.errors import DataError, ParameterError

_SAMPLE = "sample:"


@dataclass(frozen=True, eq=False)
class Part:
    """Some encoded rows.

    Parameters
    ----------
    inputs
        The arguments of the network: float32 [n, features] and, where columns are embedded, int32
        [n, columns].
    target
        int32 [n] classes, or float32 [n] standardised numbers.
    """

    inputs: tuple[NDArray[Any], ...]
    target: NDArray[Any]

    def __len__(self) -> int:
        return len(self.target)


@dataclass(frozen=True, eq=False)
class Prepared:
    """A table that is ready to be learnt from; everything is fitted on its training rows alone.

    Parameters
    ----------
    name
        What the table is called, for people and for the folder of the run.
    rows, unlabelled
        Rows that were read, and how many of them were left out for want of a target.
    guess
        The task, and why.
    columns
        What each column is, the target left out.
    encoder, target
        How columns become inputs and outputs labels.
    parts
        Which rows are in which part.
    train, validation, test
        The encoded rows.
    notes
        What a user should know.
    """

    name: str
    rows: int
    unlabelled: int
    guess: TaskGuess
    columns: tuple[ColumnProfile, ...]
    encoder: Encoder
    target: TargetEncoder
    parts: Split
    train: Part
    validation: Part
    test: Part
    notes: tuple[str, ...]

    @property
    def shares(self) -> NDArray[np.float64]:
        """Share of each class in the training rows [classes]; empty for numbers."""
        if not self.target.classes:
            return np.empty(0)
        counts = np.bincount(self.train.target, minlength=len(self.target.classes))
        return counts / len(self.train)


def prepare(
    source: str,
    target: str | None = None,
    *,
    task: str | None = None,
    kinds: Mapping[str, str] | None = None,
    embed: bool = False,
    validation: float = 0.1,
    test: float = 0.2,
    seed: int = 0,
) -> Prepared:
    """Read a table, find out what its columns are, split its rows and encode them.

    Parameters
    ----------
    source
        A path, or ``"sample:adult"``.
    target
        The column to predict; a sample knows its own.
    task
        ``"binary"``, ``"multiclass"``, ``"regression"`` or ``"count"``; None finds out.
    kinds
        Kinds of columns that the user knows better; see `chainrule.data.profile`.
    embed
        Whether columns with many levels get learnt vectors instead of one input per level.
    validation, test
        Shares of the rows that watch the training, and that score it at the end.
    seed
        Drives the split.

    Raises
    ------
    DataError
        If the table, the target or a column cannot be used; the message says which and why.
    """
    if task is not None and task not in TASKS:
        raise ParameterError(f"there is no task {task!r}: use one of {', '.join(TASKS)}")
    name, table, target, told = _read(source, target)
    labelled, unlabelled = drop_unlabelled(table, target)
    guess = infer_task(labelled[target])
    if task is not None and task != guess.task:
        guess = TaskGuess(task, f"as asked (would be {guess.task}: {guess.reason})")
    if guess.task not in TASKS:
        raise DataError(
            f"the target {target!r} asks for {guess.task} ({guess.reason}), which the command line "
            f"does not train; it trains {', '.join(TASKS)}"
        )
    classes = guess.task in ("binary", "multiclass")
    labels = labelled[target].to_list() if classes else labelled.height
    parts = split(labels, validation=validation, test=test, seed=seed)
    encoder = Encoder.fit(labelled, target=target, rows=parts.train, overrides=kinds, embed=embed)
    answers = TargetEncoder.fit(labelled[target][parts.train], guess.task)

    def encoded(places: NDArray[Any]) -> Part:
        chosen = labelled[places]
        inputs = encoder.transform(chosen)
        arrays = (inputs.numeric, inputs.codes) if encoder.embedded else (inputs.numeric,)
        return Part(arrays, answers.encode(chosen[target]))

    notes = [*told, *parts.notes]
    if unlabelled:
        notes.append(left_out(unlabelled, target))
    return Prepared(
        name,
        table.height,
        unlabelled,
        guess,
        profile(labelled, target, kinds),
        encoder,
        answers,
        parts,
        encoded(parts.train),
        encoded(parts.validation),
        encoded(parts.test),
        tuple(notes),
    )


def _read(source: str, target: str | None) -> tuple[str, Table, str, tuple[str, ...]]:
    """Give a table with its name, its target, and what a user should know."""
    notes: tuple[str, ...] = ()
    if source.startswith(_SAMPLE):
        sample = load_sample(source.removeprefix(_SAMPLE))
        table, target = sample.frame, target or sample.target
    else:
        reading = read_with_notes(source)
        table, notes = reading.frame, reading.notes
    if target is None:
        names = ", ".join(map(repr, table.columns[:12])) + (", ..." if table.width > 12 else "")
        raise DataError(f"say which column to predict with --target; {source!r} has {names}")
    target_column(table, target)
    name = source.removeprefix(_SAMPLE)
    return name if source.startswith(_SAMPLE) else _stem(source), table, target, notes


def _stem(source: str) -> str:
    """The name of a file without its endings, ``customers`` for ``data/customers.csv.gz``."""
    name = Path(source).name
    return name.split(".")[0] or name
