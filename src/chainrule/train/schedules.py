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
class CosineRestarts:
    """Half waves of cosine, one after the other: the rate falls, and starts again from above.

    Within a wave of T steps that began n steps ago: ``final + (top - final) * (1 + cos(pi n / T)) /
    2``. Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts", ICLR 2017.
    For a warm-up, put it behind `Warmup`.

    Parameters
    ----------
    rate
        Where the first wave begins.
    steps
        Steps of the first wave.
    longer
        How many times longer each wave is than the one before: a whole number.
    lower
        Factor of where a wave begins, from one to the next.
    final
        Where each wave ends.

    >>> waves = CosineRestarts(1.0, steps=2, longer=2)
    >>> [round(float(waves(n)), 6) for n in (0.0, 1.0, 2.0, 4.0, 5.0, 6.0)]
    [1.0, 0.5, 1.0, 0.5, 0.146447, 1.0]
    """

    rate: float
    steps: int
    longer: int = 1
    lower: float = 1.0
    final: float = 0.0

    def __post_init__(self) -> None:
        """Check the settings."""
        _check_steps("steps", self.steps)
        _check_steps("longer", self.longer)

    def __call__(self, number: Any) -> Any:
        """Compute the rate."""
        if self.longer == 1:
            wave = cnp.floor(cnp.divide(number, self.steps))
            place, length = number - wave * float(self.steps), float(self.steps)
        else:
            # Where each wave begins, up to more steps than there are numbers for.
            lengths = [float(self.steps)]
            while sum(lengths) < 2.0**31:
                lengths.append(lengths[-1] * self.longer)
            begins = [sum(lengths[:i]) for i in range(len(lengths))]
            place, length, wave = number, lengths[0], 0.0 * number
            for i, begin in enumerate(begins[1:], start=1):
                later = number >= begin
                place = cnp.where(later, number - begin, place)
                length = cnp.where(later, lengths[i], length)
                wave = cnp.where(later, float(i), wave)
        top = self.rate if self.lower == 1 else self.rate * cnp.power(self.lower, wave)
        part = cnp.divide(place, length)
        return self.final + 0.5 * (top - self.final) * (1 + cnp.cos(math.pi * part))


@dataclass(frozen=True)
class OneCycle:
    """A rate that rises to a peak and falls to almost nothing, each along half a wave of cosine.

    Smith and Topin, "Super-convergence: very fast training of neural networks using large learning
    rates", 2018; as PyTorch's ``OneCycleLR``, also the defaults. The last of `steps` steps has the
    lowest rate, which then stays.

    Parameters
    ----------
    peak
        The largest rate.
    steps
        Steps of the whole training: epochs times steps per epoch.
    rising
        Share of the steps that rise.
    start
        The first rate is ``peak / start``.
    end
        The last rate is the first divided by this.

    >>> cycle = OneCycle(1.0, steps=11, rising=0.5)
    >>> [round(float(cycle(n)), 6) for n in (0.0, 4.5, 10.0)]
    [0.04, 1.0, 4e-06]
    """

    peak: float
    steps: int
    rising: float = 0.3
    start: float = 25.0
    end: float = 1e4

    def __post_init__(self) -> None:
        """Check the settings."""
        _check_steps("steps", self.steps)
        if not 0 < self.rising < 1:
            raise ParameterError(f"rising must lie between 0 and 1, received {self.rising}")

    def __call__(self, number: Any) -> Any:
        """Compute the rate."""
        first, last = self.peak / self.start, self.peak / self.start / self.end
        top, bottom = self.rising * self.steps - 1, self.steps - 1.0
        top = max(top, 1e-9)  # the peak is the first step of a short cycle
        up = cnp.divide(number, top)
        down = cnp.minimum(cnp.divide(number - top, max(bottom - top, 1e-9)), 1.0)
        rise = self.peak + 0.5 * (first - self.peak) * (1 + cnp.cos(math.pi * up))
        fall = last + 0.5 * (self.peak - last) * (1 + cnp.cos(math.pi * down))
        return cnp.where(up < 1.0, rise, fall)


@dataclass(frozen=True)
class Polynomial:
    """A rate that falls to another with a power of what is left: a straight line for power 1.

    ``final + (rate - final) * (1 - min(number / steps, 1)) ** power``, as PyTorch's
    ``PolynomialLR`` and Keras' ``PolynomialDecay``.

    >>> [float(Polynomial(1.0, steps=4, power=2.0)(n)) for n in (0.0, 2.0, 9.0)]
    [1.0, 0.25, 0.0]
    """

    rate: float
    steps: int
    power: float = 1.0
    final: float = 0.0

    def __post_init__(self) -> None:
        """Check the settings."""
        _check_steps("steps", self.steps)
        if not self.power > 0:
            raise ParameterError(f"power must be positive, received {self.power}")

    def __call__(self, number: Any) -> Any:
        """Compute the rate."""
        left = 1.0 - cnp.minimum(cnp.divide(number, self.steps), 1.0)
        return self.final + (self.rate - self.final) * cnp.power(left, self.power)


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
