"""What is to be predicted: its task, and its labels or numbers there and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from chainrule.data.headers import as_names
from chainrule.data.label_set_target import LabelSetTarget
from chainrule.data.label_target import Label, LabelTarget
from chainrule.data.levels import FALSE, TRUE
from chainrule.data.notation import number_notation
from chainrule.data.number_target import NumberTarget
from chainrule.data.stored import Fields
from chainrule.data.values import clean
from chainrule.data.wording import listing, suggest
from chainrule.errors import DataError, ModelFileError, ParameterError

TASKS = ("binary", "multiclass", "regression", "count", "multilabel", "multioutput")
"""What can be learnt: one of two labels, one of several, a number, a count, any of several labels,
or several numbers."""

# Whole numbers are classes if they are this few, each with this many rows on average.
_MOST_NUMBERED_CLASSES = 20
_ROWS_PER_NUMBERED_CLASS = 5


@dataclass(frozen=True)
class TaskGuess:
    """What a target asks for, and why.

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


def target_columns(frame: pl.DataFrame, target: str | Sequence[str]) -> pl.Series | pl.DataFrame:
    """Pick what to predict: one column, or several as a frame.

    Raises
    ------
    DataError
        If a name is not there, or is there twice.
    """
    names = as_names(target)
    if len(set(names)) < len(names) or not names:
        raise DataError(f"the targets should be different columns, received {listing(names)}")
    columns = [target_column(frame, name) for name in names]
    return columns[0] if len(columns) == 1 else pl.DataFrame(columns)


def drop_unlabelled(frame: pl.DataFrame, target: str | Sequence[str]) -> tuple[pl.DataFrame, int]:
    """Leave out the rows without a target (or without one of several), and count them.

    Raises
    ------
    DataError
        If no row has one.
    """
    names = as_names(target)
    known = pl.Series([True]).new_from_index(0, frame.height)
    for name in names:
        known &= _cleaned(target_column(frame, name)).is_not_null()
    if not known.any():
        raise DataError(f"the target {', '.join(map(repr, names))} has no value in any row")
    labelled = frame.filter(known)
    return labelled, frame.height - labelled.height


def infer_task(target: pl.Series | pl.DataFrame) -> TaskGuess:
    """Tell what a target asks for.

    Several columns are ``"multilabel"`` if each holds truth values, and ``"multioutput"`` if each
    holds numbers. Counts are regressions unless asked for.

    Raises
    ------
    DataError
        If a column has no value, one value only, or holds something else than text, numbers,
        truth values and lists; or if several columns do not go together.

    >>> infer_task(pl.Series("price", [1.5, 2.5, 9.0]))
    TaskGuess(task='regression', reason='numbers with fractions')
    """
    if isinstance(target, pl.DataFrame):
        return _infer_many(target)
    known = _known(target)
    if known.dtype.is_nested():
        return TaskGuess("multilabel", "lists of labels")
    classes = known.n_unique()
    if classes == 2:
        return TaskGuess("binary", f"two values: {listing(known.unique().sort())}")
    measured = _measured(known)
    if measured is None:
        return TaskGuess("multiclass", f"text with {classes} different values")
    if (measured != measured.round()).any():
        return TaskGuess("regression", "numbers with fractions")
    few = classes <= _MOST_NUMBERED_CLASSES
    if few and len(known) >= _ROWS_PER_NUMBERED_CLASS * classes:
        return TaskGuess("multiclass", f"whole numbers with only {classes} different values")
    return TaskGuess("regression", f"whole numbers with {classes} different values")


def _infer_many(target: pl.DataFrame) -> TaskGuess:
    columns = [_known(column) for column in target]
    if all(map(_is_truth, columns)):
        return TaskGuess("multilabel", f"{len(columns)} columns of truth values")
    if all(_measured(column) is not None for column in columns):
        return TaskGuess("multioutput", f"{len(columns)} columns of numbers")
    raise DataError(
        f"the targets {listing(target.columns)} do not go together: they should all hold numbers, "
        "or all truth values (true and false, yes and no, 1 and 0); train a model for each instead"
    )


Part = LabelTarget | LabelSetTarget | NumberTarget


@dataclass(frozen=True)
class TargetEncoder:
    """How what is to be predicted becomes numbers, and predictions become labels again.

    Make one with `TargetEncoder.fit`.

    Parameters
    ----------
    task
        One of `TASKS`.
    parts
        One for each column.
    """

    task: str
    parts: tuple[Part, ...]

    @classmethod
    def fit(
        cls, target: pl.Series | pl.DataFrame, task: str | None = None, *, scaling: str = "auto"
    ) -> TargetEncoder:
        """Fit to the target of the training rows.

        Parameters
        ----------
        target
            One column [n], or several as a frame; missing values are passed over.
        task
            One of `TASKS`; None: see `infer_task`.
        scaling
            Of numbers: ``"standard"``, ``"log"``, ``"asinh"``, or ``"auto"``, which tells skewed
            ones from others; see `chainrule.data.number_target.NumberTarget`.

        Raises
        ------
        DataError
            If a column does not suit the task: one class only, text for a regression, ...
        ParameterError
            If there is no such task.

        >>> encoder = TargetEncoder.fit(pl.Series("member", ["yes", "no", "yes"]))
        >>> encoder.task, encoder.classes
        ('binary', ('no', 'yes'))
        """
        if task is None:
            task = infer_task(target).task
        if task not in TASKS:
            raise ParameterError(f"there is no task {task!r}: use {listing(TASKS)}")
        columns = [target] if isinstance(target, pl.Series) else [*target]
        if len(columns) > 1 and task not in ("multilabel", "multioutput"):
            raise DataError(
                f"the task {task!r} has one target, received {len(columns)} columns; several "
                "columns need 'multilabel' or 'multioutput'"
            )
        known = [_known(column) for column in columns]
        if task == "count":
            return cls(task, (NumberTarget.fit(known[0], "count"),))
        if task in ("regression", "multioutput"):
            return cls(task, tuple(NumberTarget.fit(column, scaling) for column in known))
        if task == "multilabel" and len(columns) == 1:
            return cls(task, (LabelSetTarget.fit(known[0]),))
        two = task != "multiclass"
        return cls(task, tuple(LabelTarget.fit(column, two=two) for column in known))

    @property
    def names(self) -> tuple[str, ...]:
        """Name the columns."""
        return tuple(part.name for part in self.parts)

    @property
    def name(self) -> str:
        """Name the column, or several with commas between them."""
        return ", ".join(self.names)

    @property
    def classes(self) -> tuple[Label, ...]:
        """Give the labels, in the order of their indices or marks; none if numbers are predicted.

        With several columns of truth values these are the columns' names.
        """
        if self.task == "multilabel":
            first = self.parts[0]
            return first.labels if isinstance(first, LabelSetTarget) else self.names
        first = self.parts[0]
        return first.classes if isinstance(first, LabelTarget) else ()

    @property
    def outputs(self) -> int:
        """Count the outputs that a network needs: two classes take one."""
        if self.task == "multioutput":
            return len(self.parts)
        return len(self.classes) if self.task in ("multiclass", "multilabel") else 1

    @property
    def mean(self) -> float:
        """Mean of the training values in the column's unit; 0 if labels are predicted."""
        first = self.parts[0]
        return first.mean if isinstance(first, NumberTarget) else 0.0

    @property
    def deviation(self) -> float:
        """Deviation of the training values in the column's unit; 1 if labels are predicted."""
        first = self.parts[0]
        return first.deviation if isinstance(first, NumberTarget) else 1.0

    @property
    def means(self) -> tuple[float, ...]:
        """Mean of the training values of each column of numbers, in its unit."""
        return tuple(part.mean for part in self.parts if isinstance(part, NumberTarget))

    @property
    def text_columns(self) -> tuple[str, ...]:
        """Name the columns whose cells must be read as text; see `Encoder.text_columns`."""
        return tuple(
            part.name
            for part in self.parts
            if isinstance(part, NumberTarget) and not part.notation.plain
        )

    def encode(self, target: pl.Series | pl.DataFrame) -> np.ndarray:
        """Turn a target into what a network trains on.

        Parameters
        ----------
        target
            One column [n], or a frame that holds the columns.

        Returns
        -------
        numpy.ndarray
            Indices int32 [n] of classes; float32 [n] of a number, of mean 0 and deviation 1
            (counts: of mean 1); float32 [n, outputs] of several labels (0 or 1) or numbers.

        Raises
        ------
        DataError
            If a value is missing, or a label is one that training did not see.
        """
        columns = [_complete(column) for column in self._columns(target)]
        arrays = [p.encode(column) for p, column in zip(self.parts, columns, strict=True)]
        if len(arrays) == 1:
            return arrays[0]
        return np.stack(arrays, axis=1).astype(np.float32)

    def knows(self, target: pl.Series | pl.DataFrame) -> np.ndarray:
        """Tell for each row whether training saw its labels, bool [n]; see `encode`."""
        columns = [_complete(column) for column in self._columns(target)]
        known = [p.knows(column) for p, column in zip(self.parts, columns, strict=True)]
        return np.all(known, axis=0)  # type: ignore[no-any-return]

    def decode(self, outputs: np.ndarray) -> np.ndarray:
        """Turn predictions into labels, or into numbers in their columns' units.

        Parameters
        ----------
        outputs
            Indices [n] of classes; marks [n, outputs] of labels, 0 or 1; or the numbers that a
            network gives, [n] or [n, outputs] (of a count: the logarithm of its rate).

        Returns
        -------
        numpy.ndarray
            Labels [n] (of sets: texts); truth values [n, columns]; float64 [n] or [n, columns].
        """
        values = np.asarray(outputs)
        if len(self.parts) == 1:
            return self.parts[0].decode(values)
        decoded = [part.decode(values[:, i]) for i, part in enumerate(self.parts)]
        return np.stack(decoded, axis=1)

    def restore(self, encoded: np.ndarray) -> np.ndarray:
        """Turn what `encode` gave into labels or numbers; of counts this is not `decode`."""
        numbers = [part for part in self.parts if isinstance(part, NumberTarget)]
        if not numbers:
            return self.decode(encoded)
        columns = np.reshape(encoded, (len(encoded), len(numbers))).T
        restored = [part.restore(x) for part, x in zip(numbers, columns, strict=True)]
        return restored[0] if len(restored) == 1 else np.stack(restored, axis=1)

    def describe(self) -> tuple[str, ...]:
        """Say what is predicted, a line for each column."""
        return tuple(part.describe() for part in self.parts)

    def to_dict(self) -> dict[str, object]:
        """Give everything as plain JSON values."""
        return {"task": self.task, "parts": [part.to_dict() for part in self.parts]}

    @classmethod
    def from_dict(cls, stored: object) -> TargetEncoder:
        """Read what `to_dict` gave; raise `ModelFileError` if it is anything else."""
        fields = Fields(stored, "target")
        task = fields.choice("task", TASKS)
        parts = tuple(
            _part(Fields(item, f"target, column {i}"))
            for i, item in enumerate(fields.items("parts"), start=1)
        )
        fields.end()
        target = cls(task, parts)
        _require_fit(target)
        return target

    def _columns(self, target: pl.Series | pl.DataFrame) -> list[pl.Series]:
        if isinstance(target, pl.Series):
            return [target]
        return [target_column(target, name) for name in self.names]


_READERS: Mapping[str, Callable[[Fields], Part]] = {
    "labels": LabelTarget.from_fields,
    "label sets": LabelSetTarget.from_fields,
    "numbers": NumberTarget.from_fields,
}


def _part(fields: Fields) -> Part:
    return _READERS[fields.choice("kind", tuple(_READERS))](fields)


def _require_fit(target: TargetEncoder) -> None:
    """Refuse parts that do not make the task."""
    task, parts = target.task, target.parts
    numbers = task in ("regression", "count", "multioutput")
    right = len(set(target.names)) == len(parts) > 0
    right &= len(parts) == 1 or task in ("multilabel", "multioutput")
    for part in parts:
        if isinstance(part, NumberTarget):
            right &= numbers and (part.shape == "count") == (task == "count")
        elif isinstance(part, LabelSetTarget):
            right &= task == "multilabel" and len(parts) == 1
        else:
            right &= not numbers and (task == "multiclass" or len(part.classes) == 2)
    if not right:
        raise ModelFileError(f"target: its {len(parts)} columns do not make a {task} task")


def _cleaned(column: pl.Series) -> pl.Series:
    return clean(column.to_frame()).to_series()


def _complete(column: pl.Series) -> pl.Series:
    """Clean a target, in which nothing may be missing."""
    column = _cleaned(column)
    if column.null_count():
        row = column.is_null().arg_max()
        raise DataError(
            f"the target {column.name!r} is missing in {column.null_count()} rows (first: row "
            f"{(row or 0) + 1}); leave these rows out"
        )
    return column


def _known(column: pl.Series) -> pl.Series:
    """Give the values of a target, which must be of a useful type and differ."""
    known = _cleaned(column).drop_nulls()
    if known.is_empty():
        raise DataError(f"the target {column.name!r} has no value in any row")
    lists = known.dtype in (pl.List, pl.Array)
    if not (lists or known.dtype.is_numeric() or known.dtype in (pl.String, pl.Boolean)):
        raise DataError(
            f"the target {column.name!r} holds {known.dtype}; it should hold numbers or text"
        )
    if known.n_unique() == 1:
        raise DataError(
            f"the target {column.name!r} is {known[0]!r} in every row: there is nothing to learn"
        )
    return known


def _measured(known: pl.Series) -> pl.Series | None:
    """Read a target as numbers; None if it holds text, or true and false."""
    if known.dtype.is_numeric():
        return known
    if known.dtype != pl.String:
        return None
    notation = number_notation(known)
    if notation is None or notation.words:
        return None
    return pl.Series(notation.read(known))


def _is_truth(known: pl.Series) -> bool:
    if known.dtype.is_nested():
        return False
    words = {str(value).lower() for value in known.unique().to_list()}
    words = {word.removesuffix(".0") for word in words}
    return any(words == {yes, no} for yes, no in zip(TRUE, FALSE, strict=True))
