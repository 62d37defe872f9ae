"""When training stops: criteria, which combine by ``|`` and ``&``.

A criterion reads the records of epochs, a tick (several epochs) at a time, and tells for each
epoch whether it holds. Training ends after the first epoch for which one of its criteria holds,
however many epochs a tick has.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.errors import ParameterError
from chainrule.train.records import EpochRecord, History


class Criterion(ABC):
    """Tells after which epoch training should stop."""

    def initial(self) -> Any:
        """Give what the criterion remembers before the first epoch."""
        return None

    @abstractmethod
    def holds(self, epochs: History, memory: Any) -> tuple[Any, Any]:
        """Tell for each of the next epochs whether training should stop after it.

        Parameters
        ----------
        epochs
            Records of one epoch or more, which follow those seen before.
        memory
            What `initial`, or the call before, returned.

        Returns
        -------
        An array with one truth value per epoch, and the new memory.
        """

    @abstractmethod
    def reason(self) -> str:
        """Say in a few words why training stopped."""

    def at_most(self) -> int | None:
        """Give the epoch after which it surely holds; None if that is not known."""
        return None

    def watched(self) -> frozenset[str]:
        """Name the columns of the records that it reads."""
        return frozenset()

    def __or__(self, other: Criterion) -> Criterion:
        return AnyOf((self, other))

    def __and__(self, other: Criterion) -> Criterion:
        return AllOf((self, other))


def _check(name: str, value: float, low: float) -> None:
    if not value >= low:
        raise ParameterError(f"{name} must be at least {low:g}, received {value}")


@dataclass(frozen=True)
class Epochs(Criterion):
    """Stop after a number of epochs."""

    count: int

    def __post_init__(self) -> None:
        """Check the number."""
        _check("the number of epochs", self.count, 1)

    def holds(self, epochs: History, memory: Any) -> tuple[Any, Any]:
        """Tell for each epoch whether the number is reached."""
        return epochs["epoch"] >= self.count, memory

    def reason(self) -> str:
        """Say why training stopped."""
        return f"{self.count} epochs"

    def at_most(self) -> int | None:
        """Give the number of epochs."""
        return self.count


@dataclass(frozen=True)
class Patience(Criterion):
    """Stop when a number has not improved for so many epochs in a row.

    Parameters
    ----------
    epochs
        How many epochs without improvement are too many.
    min_delta
        By how much a number has to beat the best one before it, to count as an improvement.
    watch
        A column of the records: "validation_loss", "metric", "train_loss". "auto" is the
        validation loss if there are validation examples, else the train loss.

    With validation examples, training keeps the weights of the best epoch of the watched column.
    """

    epochs: int = 10
    min_delta: float = 0.0
    watch: str = "auto"

    def __post_init__(self) -> None:
        """Check the settings."""
        _check("the epochs of patience", self.epochs, 1)
        _check("min_delta", self.min_delta, 0.0)

    def initial(self) -> Any:
        """Give the best number so far, and how long it has stood."""
        return np.inf, 0

    def column(self, columns: Any) -> str:
        """Name the column that is watched."""
        if self.watch != "auto":
            return self.watch
        return "validation_loss" if "validation_loss" in columns else "train_loss"

    def holds(self, epochs: History, memory: Any) -> tuple[Any, Any]:
        """Tell for each epoch whether the wait has been too long."""
        best, waited = memory
        name = self.column(epochs.columns)
        sign = -1.0 if name in epochs.larger_is_better else 1.0
        found = np.zeros(len(epochs), bool)
        for i, value in enumerate((sign * epochs[name]).tolist()):
            if value < best - self.min_delta:
                best, waited = value, 0
            else:
                waited += 1
            found[i] = waited >= self.epochs
        return found, (best, waited)

    def reason(self) -> str:
        """Say why training stopped."""
        what = "improvement" if self.watch == "auto" else f"improvement of {self.watch}"
        return f"no {what} for {self.epochs} epochs"

    def watched(self) -> frozenset[str]:
        """Name the column that is watched, if it is fixed."""
        return frozenset() if self.watch == "auto" else frozenset({self.watch})


@dataclass(frozen=True)
class LossBelow(Criterion):
    """Stop when a loss falls below a value.

    Parameters
    ----------
    value
        The bound.
    watch
        A column of the records.
    """

    value: float
    watch: str = "train_loss"

    def holds(self, epochs: History, memory: Any) -> tuple[Any, Any]:
        """Tell for each epoch whether the loss is below the value."""
        return epochs[self.watch] < self.value, memory

    def reason(self) -> str:
        """Say why training stopped."""
        return f"{self.watch} below {self.value:g}"

    def watched(self) -> frozenset[str]:
        """Name the column."""
        return frozenset({self.watch})


@dataclass(frozen=True)
class RelativeChange(Criterion):
    """Stop when a loss has converged: it changes little from epoch to epoch.

    Parameters
    ----------
    tolerance
        A change is little if it is at most this share of the loss before it.
    epochs
        How many little changes in a row it takes.
    watch
        A column of the records.
    """

    tolerance: float = 1e-4
    epochs: int = 1
    watch: str = "train_loss"

    def __post_init__(self) -> None:
        """Check the settings."""
        _check("tolerance", self.tolerance, 0.0)
        _check("epochs", self.epochs, 1)

    def initial(self) -> Any:
        """Give the loss before, and the number of little changes in a row."""
        return np.nan, 0

    def holds(self, epochs: History, memory: Any) -> tuple[Any, Any]:
        """Tell for each epoch whether enough little changes have come in a row."""
        before, run = memory
        found = np.zeros(len(epochs), bool)
        for i, value in enumerate(epochs[self.watch].tolist()):
            run = run + 1 if abs(value - before) <= self.tolerance * abs(before) else 0
            found[i] = run >= self.epochs
            before = value
        return found, (before, run)

    def reason(self) -> str:
        """Say why training stopped."""
        return f"{self.watch} changed by at most {self.tolerance:g} of itself"

    def watched(self) -> frozenset[str]:
        """Name the column."""
        return frozenset({self.watch})


@dataclass(frozen=True)
class AllCorrect(Criterion):
    """Stop when every training example is classified correctly.

    After each epoch the network predicts all training examples, without dropout.
    """

    def holds(self, epochs: History, memory: Any) -> tuple[Any, Any]:
        """Tell for each epoch whether all examples were correct after it."""
        return epochs["train_accuracy"] == 1, memory

    def reason(self) -> str:
        """Say why training stopped."""
        return "all training examples correct"

    def watched(self) -> frozenset[str]:
        """Name the column."""
        return frozenset({"train_accuracy"})


@dataclass(frozen=True)
class WallTime(Criterion):
    """Stop after the first epoch that ends later than so many seconds after the start.

    Time that went into a run before it was resumed counts.
    """

    seconds: float

    def holds(self, epochs: History, memory: Any) -> tuple[Any, Any]:
        """Tell for each epoch whether the time is over."""
        return epochs["seconds"] >= self.seconds, memory

    def reason(self) -> str:
        """Say why training stopped."""
        return f"{self.seconds:g} seconds"


@dataclass(frozen=True)
class When(Criterion):
    """Stop when a function of an epoch's record says so.

    Parameters
    ----------
    test
        Takes an `EpochRecord` and returns whether to stop.
    words
        What the reason says.
    """

    test: Callable[[EpochRecord], bool]
    words: str = "a condition holds"

    def holds(self, epochs: History, memory: Any) -> tuple[Any, Any]:
        """Ask the function about each epoch."""
        return np.array([bool(self.test(record)) for record in epochs]), memory

    def reason(self) -> str:
        """Say why training stopped."""
        return self.words


@dataclass(frozen=True)
class AnyOf(Criterion):
    """Stop when one of several criteria holds; written ``a | b``."""

    parts: tuple[Criterion, ...]

    def initial(self) -> Any:
        """Give what the parts remember."""
        return tuple(part.initial() for part in self.parts)

    def holds(self, epochs: History, memory: Any) -> tuple[Any, Any]:
        """Tell for each epoch whether a part holds."""
        found, memories = _ask(self.parts, epochs, memory)
        return np.any(found, axis=0), memories

    def reason(self) -> str:
        """Say why training stopped."""
        return " or ".join(part.reason() for part in self.parts)

    def at_most(self) -> int | None:
        """Give the smallest bound of the parts."""
        return min((n for n in (p.at_most() for p in self.parts) if n is not None), default=None)

    def watched(self) -> frozenset[str]:
        """Name the columns of all parts."""
        return frozenset().union(*(part.watched() for part in self.parts))


@dataclass(frozen=True)
class AllOf(Criterion):
    """Stop when several criteria hold after the same epoch; written ``a & b``."""

    parts: tuple[Criterion, ...]

    def initial(self) -> Any:
        """Give what the parts remember."""
        return tuple(part.initial() for part in self.parts)

    def holds(self, epochs: History, memory: Any) -> tuple[Any, Any]:
        """Tell for each epoch whether all parts hold."""
        found, memories = _ask(self.parts, epochs, memory)
        return np.all(found, axis=0), memories

    def reason(self) -> str:
        """Say why training stopped."""
        return " and ".join(part.reason() for part in self.parts)

    def watched(self) -> frozenset[str]:
        """Name the columns of all parts."""
        return frozenset().union(*(part.watched() for part in self.parts))


def _ask(parts: Sequence[Criterion], epochs: History, memory: Any) -> tuple[list[Any], Any]:
    answers = [part.holds(epochs, m) for part, m in zip(parts, memory, strict=True)]
    return [found for found, _ in answers], tuple(m for _, m in answers)


def leaves_of(criterion: Criterion) -> list[Criterion]:
    """List the criteria inside of combined ones, in order."""
    if isinstance(criterion, (AnyOf, AllOf)):
        return [leaf for part in criterion.parts for leaf in leaves_of(part)]
    return [criterion]
