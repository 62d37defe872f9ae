"""Learning rates as functions of the number of the step.

A schedule is called as ``schedule(number)`` with the number of steps that were taken before, a
float without axes, and returns the learning rate of this step. The call is traced, so schedules
are written in `chainrule.numpy`. Steps are updates of the weights, not epochs: one epoch has
``ceil(rows / batch_size)`` of them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Protocol

import chainrule.numpy as cnp
from chainrule.errors import ParameterError


class Schedule(Protocol):
    """Gives the learning rate of a step."""

    def __call__(self, number: Any) -> Any:
        """Compute the learning rate after `number` steps, a float of the same dtype."""


Rate = float | Schedule


def rate_at(rate: Any, number: Any, dtype: Any) -> Any:
    """Compute a learning rate, fixed or scheduled, as a float of a dtype.

    >>> float(rate_at(Step(0.5, every=10), 10, "float64"))
    0.05
    """
    return cnp.astype(rate(cnp.astype(number, dtype)), dtype) if callable(rate) else rate


def _check_steps(name: str, steps: float) -> None:
    if not steps >= 1:
        raise ParameterError(f"{name} must be at least 1, received {steps}")


@dataclass(frozen=True)
class Constant:
    """The same rate at every step.

    >>> Constant(0.1)(5.0)
    0.1
    """

    rate: float

    def __call__(self, number: Any) -> Any:
        """Compute the rate."""
        return self.rate


@dataclass(frozen=True)
class Step:
    """A rate that falls by a factor at once, after every so many steps.

    ``rate * factor ** floor(number / every)``

    >>> [float(Step(1.0, every=2)(n)) for n in (0.0, 1.0, 2.0)]
    [1.0, 1.0, 0.1]
    """

    rate: float
    every: int
    factor: float = 0.1

    def __post_init__(self) -> None:
        """Check the settings."""
        _check_steps("every", self.every)

    def __call__(self, number: Any) -> Any:
        """Compute the rate."""
        return self.rate * cnp.power(self.factor, cnp.floor(cnp.divide(number, self.every)))


@dataclass(frozen=True)
class Exponential:
    """A rate that falls smoothly, by a factor within every so many steps.

    ``rate * factor ** (number / every)``

    >>> round(float(Exponential(1.0, factor=0.25, every=2)(1.0)), 12)
    0.5
    """

    rate: float
    factor: float
    every: int = 1

    def __post_init__(self) -> None:
        """Check the settings."""
        _check_steps("every", self.every)

    def __call__(self, number: Any) -> Any:
        """Compute the rate."""
        return self.rate * cnp.power(self.factor, cnp.divide(number, self.every))


@dataclass(frozen=True)
class InverseScaling:
    """A rate that falls with a power of the step: ``rate / (number + 1) ** power``.

    As `learning_rate="invscaling"` in scikit-learn.

    >>> float(InverseScaling(1.0)(3.0))
    0.5
    """

    rate: float
    power: float = 0.5

    def __call__(self, number: Any) -> Any:
        """Compute the rate."""
        return self.rate / cnp.power(number + 1.0, self.power)


@dataclass(frozen=True)
class Cosine:
    """Half a wave of cosine from one rate down to another, which then stays.

    ``final + (rate - final) * (1 + cos(pi * min(number / steps, 1))) / 2``: Loshchilov and Hutter,
    "SGDR: stochastic gradient descent with warm restarts", ICLR 2017, without restarts.

    >>> [round(float(Cosine(1.0, steps=4)(n)), 6) for n in (0.0, 2.0, 9.0)]
    [1.0, 0.5, 0.0]
    """

    rate: float
    steps: int
    final: float = 0.0

    def __post_init__(self) -> None:
        """Check the settings."""
        _check_steps("steps", self.steps)

    def __call__(self, number: Any) -> Any:
        """Compute the rate."""
        part = cnp.minimum(cnp.divide(number, self.steps), 1.0)
        return self.final + 0.5 * (self.rate - self.final) * (1 + cnp.cos(math.pi * part))


@dataclass(frozen=True)
class Warmup:
    """A rate that rises in a straight line, and then follows another schedule.

    During the first `steps` steps the rate is ``(number + 1) / steps`` of where `then` begins;
    after them `then` counts its own steps from 0.

    >>> [float(Warmup(2, then=0.5)(n)) for n in (0.0, 1.0, 2.0)]
    [0.25, 0.5, 0.5]
    """

    steps: int
    then: Rate

    def __post_init__(self) -> None:
        """Check the settings."""
        _check_steps("steps", self.steps)

    def __call__(self, number: Any) -> Any:
        """Compute the rate."""
        done = cnp.maximum(number - float(self.steps), 0.0)
        rate = self.then(done) if callable(self.then) else self.then
        return rate * cnp.minimum(cnp.divide(number + 1.0, self.steps), 1.0)
