"""Augmentations of sequences: arrays (batch, time, ...)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

import chainrule.numpy as cnp
from chainrule import random
from chainrule.errors import ParameterError, ShapeError
from chainrule.train.augment.augmentation import OfInput
from chainrule.train.augment.windows import whole_number, window


def _check(name: str, x: Any) -> None:
    if x.ndim < 2 or not isinstance(x.shape[1], int):
        raise ShapeError(
            f"{name} changes sequences (batch, time, ...), received {x.dtype}{tuple(x.shape)}"
        )


def _across(x: Any) -> tuple[Any, ...]:
    return (x.shape[0], *(1 for _ in x.shape[1:]))


@dataclass(frozen=True)
class TimeShift(OfInput):
    """Move each sequence by a random number of steps, earlier or later.

    Parameters
    ----------
    steps
        The most that a sequence moves; all whole numbers of steps are equally likely.
    argument
        As for `OfInput`.

    What comes in at the ends is zero.
    """

    steps: int = 2

    def __post_init__(self) -> None:
        """Check the settings."""
        if self.steps < 0:
            raise ParameterError(f"steps must be at least 0, received {self.steps}")

    def change(self, x: Any, key: Any) -> Any:
        """Give the moved sequences."""
        _check("TimeShift", x)
        padded = cnp.pad(x, ((0, 0), (self.steps, self.steps), *((0, 0) for _ in x.shape[2:])))
        start = whole_number(key, _across(x), 2 * self.steps + 1)
        return window(padded, start, x.shape[1], axis=1)


@dataclass(frozen=True)
class Mask(OfInput):
    """Cover a span of each sequence, of random length at a random place.

    As the time masks of Park and others, "SpecAugment", Interspeech 2019.

    Parameters
    ----------
    steps
        The longest span; all lengths from 0 are equally likely.
    fill
        Value of the span: 0, or the number of a token that stands for a gap.
    argument
        As for `OfInput`.
    """

    steps: int = 4
    fill: float = 0.0

    def __post_init__(self) -> None:
        """Check the settings."""
        if self.steps < 0:
            raise ParameterError(f"steps must be at least 0, received {self.steps}")

    def change(self, x: Any, key: Any) -> Any:
        """Give the sequences, each with a span covered."""
        _check("Mask", x)
        if self.steps > x.shape[1]:
            raise ShapeError(f"a mask of {self.steps} steps is longer than {x.shape[1]} steps")
        first, second = random.split(key)
        length = whole_number(first, _across(x), self.steps + 1)
        place = random.uniform(second, _across(x))
        begin = cnp.floor(place * cnp.astype(x.shape[1] - length + 1, "float32"))
        begin = cnp.astype(begin, "int32")
        time = np.arange(x.shape[1], dtype=np.int32).reshape(1, -1, *(1 for _ in x.shape[2:]))
        covered = (time >= begin) & (time < begin + length)
        gap = self.fill if x.dtype.kind == "f" else int(self.fill)
        return cnp.where(covered, gap, x)
