"""A raw table, pictures or sequences become encoded training, validation and test examples."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.app.model.kinds import AnyEncoder, Samples, data_types, encode, kind_of
from chainrule.app.model.scoring import left_out
from chainrule.data import (
    ColumnProfile,
    Encoder,
    Finding,
    Split,
    TargetEncoder,
    TaskGuess,
    drop_unlabelled,
    find_leaks,
    fold_table,
    infer_task,
    load_sample,
    profile,
    split_column,
    split_table,
    target_columns,
)
from chainrule.data.category import MOST_LEVELS
from chainrule.data.headers import as_names
from chainrule.data.images import ImageEncoder, Pictures
from chainrule.data.loading import Loader
from chainrule.data.read import read_with_notes
from chainrule.data.sequences import SequenceEncoder, Sequences
from chainrule.data.table import Reading, Table
from chainrule.data.target import TASKS
from chainrule.data.wording import listing
from chainrule.errors import DataError, ParameterError
from chainrule.ir import ArrayType

MOST_ENCODED = 2**28
"""Bytes that the inputs of a part may take at once; more are encoded piece by piece."""

_SAMPLE = "sample:"


@dataclass(frozen=True)
class Wishes:
    """What a user may say about how a table is read, split and encoded.

    Parameters
    ----------
    task
        One of `chainrule.data.target.TASKS`; None finds out.
    kinds
        Kinds of columns that the user knows better; see `chainrule.data.profile`.
    embed
        Whether columns with many levels get learnt vectors instead of one input per level. None:
        those with more levels than have an input of their own otherwise (`MOST_LEVELS`).
    scaling, target_scaling
        Of numbers among the inputs, and of a target of numbers: see `Encoder.fit` and
        `TargetEncoder.fit`.
    split
        How rows are split, one of `chainrule.data.table_splits.WAYS`. A column that decides the
        split is no input, unless `kinds` says what it is.
    validation, test
        Shares of the rows that watch the training, and that score it at the end.
    seed
        Drives the split.
    """

    task: str | None = None
    kinds: Mapping[str, str] = field(default_factory=dict)
    embed: bool | None = None
    scaling: str = "auto"
    target_scaling: str = "auto"
    split: str = "auto"
    validation: float = 0.1
    test: float = 0.2
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the task."""
        if self.task is not None and self.task not in TASKS:
            raise ParameterError(f"there is no task {self.task!r}: use one of {', '.join(TASKS)}")


@dataclass(frozen=True, eq=False)
class Part:
    """Some encoded rows.

    Parameters
    ----------
    rows
        Their numbers among the rows that have a target, whole numbers [n].
    target
        int32 [n] classes; float32 [n] standardised numbers; float32 [n, outputs] of several
        labels or numbers.
    encoded
        Gives the inputs of some of them, by their places in this part.
    size
        Bytes that the inputs of one take.
    """

    rows: NDArray[Any]
    target: NDArray[Any]
    encoded: Callable[[NDArray[Any]], tuple[NDArray[Any], ...]]
    size: int = 0

    def __len__(self) -> int:
        return len(self.target)

    @cached_property
    def inputs(self) -> tuple[NDArray[Any], ...]:
        """The arguments of the network, as `chainrule.app.model.kinds.data_types` has them."""
        return self.encoded(np.arange(len(self)))

    @property
    def loader(self) -> Loader | None:
        """What encodes examples beside training, where all at once would take much memory."""
        if self.size * len(self) <= MOST_ENCODED:
            return None
        piece = max(1, MOST_ENCODED // (4 * self.size))
        return Loader.shuffled(lambda i: (self.encoded(i), self.target[i]), len(self), piece)


@dataclass(frozen=True, eq=False)
class Prepared:
    """Examples that are ready to be learnt from; all is fitted on the training part alone.

    Parameters
    ----------
    name
        What the data are called, for people and for the folder of the run.
    rows, unlabelled
        Examples that were read, and how many of them were left out for want of a target.
    guess
        The task, and why.
    columns
        What each column of a table is, the target left out.
    encoder, target
        How examples become inputs and outputs labels.
    parts
        Which rows are in which part.
    train, validation, test
        The encoded rows.
    notes
        What a user should know.
    findings
        What looks like a leak of the target or another mistake in the table.
    """

    name: str
    rows: int
    unlabelled: int
    guess: TaskGuess
    columns: tuple[ColumnProfile, ...]
    encoder: AnyEncoder
    target: TargetEncoder
    parts: Split
    train: Part
    validation: Part
    test: Part
    notes: tuple[str, ...]
    findings: tuple[Finding, ...] = ()

    @property
    def kind(self) -> str:
        """Name the kind of the examples: "table", "images" or "sequence"."""
        return kind_of(self.encoder)

    @property
    def features(self) -> tuple[str, ...]:
        """Name the numbers that a row of a table becomes; nothing for other kinds."""
        return self.encoder.feature_names if isinstance(self.encoder, Encoder) else ()

    @property
    def shares(self) -> NDArray[np.float64]:
        """Share of each class, or label, in the training rows [classes]; empty for numbers."""
        if not self.target.classes:
            return np.empty(0)
        if self.target.task == "multilabel":
            shares: NDArray[np.float64] = self.train.target.mean(axis=0, dtype=np.float64)
            return shares
        counts = np.bincount(self.train.target, minlength=len(self.target.classes))
        return counts / len(self.train)


@dataclass(frozen=True, eq=False)
class Opened:
    """Examples that were read and have a target, not split yet.

    Parameters
    ----------
    name, rows
        As in `Prepared`.
    samples
        Those that have a target.
    targets
        The columns to predict.
    guess
        The task, and why.
    wishes
        What the user said.
    notes
        What a user should know.
    options
        Of the encoding, where it is one of sequences: see `SequenceEncoder.fit`.
    """

    name: str
    rows: int
    samples: Samples
    targets: tuple[str, ...]
    guess: TaskGuess
    wishes: Wishes
    notes: tuple[str, ...]
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def frame(self) -> Table:
        """Give the table that has a row for each example."""
        return self.samples.frame

    def split(self, *, test: bool = True) -> Split:
        """Split the rows as the user wishes; without test rows if they are not wanted."""
        wishes = self.wishes
        return split_table(
            self.frame,
            self.targets,
            wishes.split,
            task=self.guess.task,
            validation=wishes.validation,
            test=wishes.test if test else 0.0,
            seed=wishes.seed,
        )

    def folds(self, count: int) -> tuple[Split, ...]:
        """Split the rows in several ways, so that each tests once; see `fold_table`."""
        return fold_table(
            self.frame,
            self.targets,
            count,
            self.wishes.split,
            task=self.guess.task,
            validation=self.wishes.validation,
            seed=self.wishes.seed,
        )

    def prepared(self, parts: Split) -> Prepared:
        """Fit the encoding to the training rows of a split, and encode all rows."""
        kinds, moved = self._kinds()
        encoder = self._encoder(parts.train, kinds)
        answers = TargetEncoder.fit(
            target_columns(self.frame[parts.train], self.targets),
            self.guess.task,
            scaling=self.wishes.target_scaling,
        )
        notes = [*self.notes, *moved, *parts.notes]

        def encoded(name: str, places: NDArray[Any]) -> Part:
            if len(places):
                known = answers.knows(self.frame[places])
                if not known.all():
                    notes.append(f"{_strange(int((~known).sum()), name)}")
                    places = places[known]
            chosen = self.samples.take(places)
            size = 4 * sum(_entries(kind) for kind in data_types(encoder).values())
            return Part(
                places,
                answers.encode(chosen.frame),
                lambda i: encode(encoder, chosen.take(i))[0],
                size,
            )

        train, validation, test = (
            encoded(name, getattr(parts, name)) for name in ("train", "validation", "test")
        )
        columns: tuple[ColumnProfile, ...] = ()
        findings: tuple[Finding, ...] = ()
        if isinstance(encoder, Encoder):
            columns = profile(self.frame, self.targets, kinds)
            findings = find_leaks(self.frame, self.targets, parts=parts, kinds=columns)
        return Prepared(
            self.name,
            self.rows,
            self.rows - self.frame.height,
            self.guess,
            columns,
            encoder,
            answers,
            parts,
            train,
            validation,
            test,
            tuple(notes),
            findings,
        )

    def _encoder(self, rows: NDArray[Any], kinds: Mapping[str, str]) -> AnyEncoder:
        """Fit the encoding of the examples' kind to the training rows."""
        if isinstance(self.samples, Pictures):
            return ImageEncoder.fit(self.samples, rows)
        if isinstance(self.samples, Sequences):
            return SequenceEncoder.fit(self.samples, rows, **self.options)
        return Encoder.fit(
            self.frame,
            target=self.targets,
            rows=rows,
            overrides=kinds,
            embed=MOST_LEVELS if self.wishes.embed is None else self.wishes.embed,
            scaling=self.wishes.scaling,
        )

    def _kinds(self) -> tuple[Mapping[str, str], list[str]]:
        """Give the kinds of columns that are known; the column of the split is left out."""
        kinds, column = self.wishes.kinds, split_column(self.wishes.split)
        if column is None or column in kinds or not isinstance(self.samples, Reading):
            return kinds, []
        note = (
            f"column {column!r} decides the split, so it is no input; to use it nevertheless, say "
            f"--column {column}=KIND"
        )
        return {**kinds, column: "drop"}, [note]


def prepare(
    source: str, target: str | Sequence[str] | None = None, wishes: Wishes | None = None
) -> Prepared:
    """Read a table, find out what its columns are, split its rows and encode them.

    Parameters
    ----------
    source, target, wishes
        As for `open_table`.

    Raises
    ------
    DataError
        If the table, the target or a column cannot be used; the message says which and why.
    """
    opened = open_table(source, target, wishes)
    return opened.prepared(opened.split())


def open_table(
    source: str, target: str | Sequence[str] | None = None, wishes: Wishes | None = None
) -> Opened:
    """Read a table, and find out what is to be learnt.

    Parameters
    ----------
    source
        A path, or ``"sample:adult"``.
    target
        The column or columns to predict; a sample knows its own.
    wishes
        What the user wants otherwise.

    Raises
    ------
    DataError
        If the table or the target cannot be used; the message says why.
    """
    wishes = wishes or Wishes()
    name, table, targets, told = _read(source, as_names(target))
    if split_column(wishes.split) in targets:
        raise ParameterError(f"the split {wishes.split!r} cannot go by a column to be predicted")
    labelled, unlabelled = drop_unlabelled(table, targets)
    guess = task_of(labelled, targets, wishes.task)
    if wishes.target_scaling != "auto" and guess.task not in ("regression", "multioutput"):
        raise ParameterError(
            f"a scaling of the target suits numbers, but the task is {guess.task!r}"
        )
    notes = [*told]
    if unlabelled:
        notes.append(left_out(unlabelled, ", ".join(targets)))
    samples = Reading(labelled)
    return Opened(name, table.height, samples, targets, guess, wishes, tuple(notes))


def _entries(kind: ArrayType) -> int:
    """Count the entries of one example in an array of a type."""
    return math.prod(n for n in kind.shape[1:] if isinstance(n, int))


def task_of(labelled: Table, targets: tuple[str, ...], asked: str | None) -> TaskGuess:
    """Find out the task, unless the user says what it is."""
    try:
        guess = infer_task(target_columns(labelled, targets))
    except DataError:
        if asked is None:
            raise
        return TaskGuess(asked, "as asked")
    if asked is None or asked == guess.task:
        return guess
    return TaskGuess(asked, f"as asked (would be {guess.task}: {guess.reason})")


def _strange(rows: int, part: str) -> str:
    """Say that rows are left out because of their labels.

    >>> _strange(2, "test")
    '2 test rows are left out: training saw no row of their class'
    """
    what = f"{rows:,} {part} rows are" if rows > 1 else f"1 {part} row is"
    return f"{what} left out: training saw no row of {'their' if rows > 1 else 'its'} class"


def _read(
    source: str, targets: tuple[str, ...]
) -> tuple[str, Table, tuple[str, ...], tuple[str, ...]]:
    """Give a table with its name, its targets, and what a user should know."""
    notes: tuple[str, ...] = ()
    if source.startswith(_SAMPLE):
        sample = load_sample(source.removeprefix(_SAMPLE))
        table, targets = sample.frame, targets or (sample.target,)
    else:
        reading = read_with_notes(source)
        table, notes = reading.frame, reading.notes
    if not targets:
        raise DataError(
            f"say which column to predict with --target; {source!r} has {listing(table.columns)}"
        )
    target_columns(table, targets)
    name = source.removeprefix(_SAMPLE)
    return name if source.startswith(_SAMPLE) else name_of_file(source), table, targets, notes


def name_of_file(source: str) -> str:
    """The name of a file without its endings, ``customers`` for ``data/customers.csv.gz``."""
    name = Path(source).name
    return name.split(".")[0] or name
