"""The column to predict: its task, and its labels or numbers there and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from chainrule.data.scaling import moments
from chainrule.data.stored import Fields
from chainrule.data.values import clean, level, level_codes, numbers
from chainrule.data.wording import listing, suggest
from chainrule.errors import DataError, ModelFileError, ParameterError

TASKS = ("binary", "multiclass", "regression")
"""What can be learnt: one of two labels, one of several, or a number."""

Label = str | int | bool | float

# Whole numbers are classes if they are this few, each with this many rows on average.
_MOST_NUMBERED_CLASSES = 20
_ROWS_PER_NUMBERED_CLASS = 5


@dataclass(frozen=True)
class TaskGuess:
    """What a target column asks for, and why.

    Parameters
    ----------
    task
        One of `TASKS`.
    reason
        In words.
    """

    task: str
    reason: str


def target_column(frame: pl.DataFrame, target: str) -> pl.Series:
    """Pick the column to predict.

    Raises
    ------
    DataError
        If there is none of that name; the message suggests one.
    """
    if target not in frame.columns:
        raise DataError(f"the table has no column {target!r}: {suggest(target, frame.columns)}")
    return frame[target]


def drop_unlabelled(frame: pl.DataFrame, target: str) -> tuple[pl.DataFrame, int]:
    """Leave out the rows without a target, and count them.

    Raises
    ------
    DataError
        If no row has one.
    """
    column = _cleaned(target_column(frame, target))
    known = column.is_not_null()
    if not known.any():
        raise DataError(f"the target {target!r} has no value in any row")
    labelled = frame.filter(known)
    return labelled, frame.height - labelled.height


def infer_task(column: pl.Series) -> TaskGuess:
    """Tell what a target column asks for.

    Raises
    ------
    DataError
        If it has no value, one value only, or holds something else than text, numbers and truth
        values.

    >>> infer_task(pl.Series("price", [1.5, 2.5, 9.0]))
    TaskGuess(task='regression', reason='numbers with fractions')
    """
    known = _known(column)
    classes = known.n_unique()
    if classes == 2:
        return TaskGuess("binary", f"two values: {listing(known.unique().sort())}")
    if known.dtype == pl.String:
        return TaskGuess("multiclass", f"text with {classes} different values")
    if known.dtype.is_float() and (known != known.round()).any():
        return TaskGuess("regression", "numbers with fractions")
    few = classes <= _MOST_NUMBERED_CLASSES
    if few and len(known) >= _ROWS_PER_NUMBERED_CLASS * classes:
        return TaskGuess("multiclass", f"whole numbers with only {classes} different values")
    return TaskGuess("regression", f"whole numbers with {classes} different values")


@dataclass(frozen=True)
class TargetEncoder:
    """How the column to predict becomes numbers, and predictions become labels again.

    Make one with `TargetEncoder.fit`.

    Parameters
    ----------
    name
        The column's name.
    task
        One of `TASKS`.
    classes
        The labels as they were read, sorted; none for a regression.
    mean, deviation
        Of the training part, in the column's unit; for a regression.
    """

    name: str
    task: str
    classes: tuple[Label, ...] = ()
    mean: float = 0.0
    deviation: float = 1.0

    @classmethod
    def fit(cls, column: pl.Series, task: str | None = None) -> TargetEncoder:
        """Fit to the target of the training rows.

        Parameters
        ----------
        column
            The target [n]; missing ones are passed over.
        task
            One of `TASKS`; None: see `infer_task`.

        Raises
        ------
        DataError
            If the column does not suit the task: one class only, text for a regression, ...
        ParameterError
            If there is no such task.

        >>> encoder = TargetEncoder.fit(pl.Series("member", ["yes", "no", "yes"]))
        >>> encoder.task, encoder.classes
        ('binary', ('no', 'yes'))
        """
        if task is None:
            task = infer_task(column).task
        if task not in TASKS:
            raise ParameterError(f"there is no task {task!r}: use {listing(TASKS)}")
        known = _known(column)
        if task == "regression":
            mean, deviation = moments(_finite(known))
            return cls(column.name, task, mean=mean, deviation=deviation)
        # Labels that differ only in how they are written (1 and 1.0 among text) are one.
        labels = {level(label): label for label in known.unique().sort().to_list()}
        if task == "binary" and len(labels) != 2:
            raise DataError(
                f"the target {column.name!r} has {len(labels)} classes, but a binary task has two: "
                f"{listing(labels.values())}; use the task 'multiclass'"
            )
        if len(labels) > max(2, len(known) // 2):
            raise DataError(
                f"the target {column.name!r} has {len(labels)} classes in {len(known)} rows, too "
                "many to learn; is it an identifier, or a number to be predicted ('regression')?"
            )
        return cls(column.name, task, tuple(labels.values()))

    def encode(self, column: pl.Series) -> np.ndarray:
        """Turn labels into indices, int32 [n], or numbers into float32 [n] of mean 0, deviation 1.

        Raises
        ------
        DataError
            If a value is missing, or a label is one that training did not see.
        """
        column = _cleaned(column)
        if column.null_count():
            row = column.is_null().arg_max()
            raise DataError(
                f"the target {self.name!r} is missing in {column.null_count()} rows (first: row "
                f"{(row or 0) + 1}); leave these rows out"
            )
        if self.task == "regression":
            scaled: np.ndarray = (_finite(column) - self.mean) / self.deviation
            return scaled.astype(np.float32)
        names = {level(label): code for code, label in enumerate(self.classes)}
        codes, _ = level_codes(column, names, unknown=-1, missing=-1)
        unseen = np.flatnonzero(codes == -1)
        if len(unseen):
            raise DataError(
                f"the target {self.name!r}, row {unseen[0] + 1}: training did not see the label "
                f"{column[int(unseen[0])]!r} ({len(unseen)} such rows); it knows "
                f"{listing(self.classes)}"
            )
        return codes

    def decode(self, values: np.ndarray) -> np.ndarray:
        """Turn indices [n] into labels [n], or a network's numbers [n] into float64 of the unit."""
        if self.task == "regression":
            return np.asarray(values, np.float64) * self.deviation + self.mean
        kinds = {type(label) for label in self.classes}
        # NumPy's own texts lose trailing zero bytes, and would make numbers among texts text.
        dtype = None if len(kinds) == 1 and str not in kinds else object
        labels: np.ndarray = np.array(self.classes, dtype)[np.asarray(values)]
        return labels

    def to_dict(self) -> dict[str, object]:
        """Give everything as plain JSON values."""
        return {
            "name": self.name,
            "task": self.task,
            "classes": list(self.classes),
            "mean": self.mean,
            "deviation": self.deviation,
        }

    @classmethod
    def from_dict(cls, stored: object) -> TargetEncoder:
        """Read what `to_dict` gave; raise `ModelFileError` if it is anything else."""
        fields = Fields(stored, "target")
        target = cls(
            fields.text("name"),
            fields.choice("task", TASKS),
            _labels(fields.items("classes")),
            fields.number("mean"),
            fields.positive("deviation"),
        )
        fields.end()
        count = len(target.classes)
        fewest, most = {"regression": (0, 0), "binary": (2, 2)}.get(target.task, (2, count))
        if not fewest <= count <= most:
            raise ModelFileError(f"target: a {target.task} task cannot have {count} classes")
        return target


def _labels(stored: Sequence[object]) -> tuple[Label, ...]:
    labels: list[Label] = []
    for label in stored:
        if not isinstance(label, str | int | float):
            raise ModelFileError(f"target: a class should be a text or a number, not {label!r}")
        labels.append(label)
    if len({level(label) for label in labels}) < len(labels):
        raise ModelFileError("target: one class is there twice")
    return tuple(labels)


def _cleaned(column: pl.Series) -> pl.Series:
    return clean(column.to_frame()).to_series()


def _known(column: pl.Series) -> pl.Series:
    """Give the values of a target, which must be of a useful type and differ."""
    known = _cleaned(column).drop_nulls()
    if known.is_empty():
        raise DataError(f"the target {column.name!r} has no value in any row")
    if not (known.dtype.is_numeric() or known.dtype in (pl.String, pl.Boolean)):
        raise DataError(
            f"the target {column.name!r} holds {known.dtype}; it should hold numbers or text"
        )
    if known.n_unique() == 1:
        raise DataError(
            f"the target {column.name!r} is {known[0]!r} in every row: there is nothing to learn"
        )
    return known


def _finite(column: pl.Series) -> np.ndarray:
    values = numbers(column)
    wrong = ~np.isfinite(values)
    if wrong.any():
        row = int(wrong.argmax())
        raise DataError(
            f"the target {column.name!r}, row {row + 1}: {column[row]!r} is not a finite number"
        )
    return values
