"""Noise while a network trains: added, multiplied, or in place of entries."""

from __future__ import annotations

import math
from typing import Any

import chainrule.numpy as cnp
from chainrule import random
from chainrule.errors import ParameterError
from chainrule.nn.dropout import check_rate
from chainrule.nn.module import Module
from chainrule.tracing import static


class GaussianNoise(Module):
    """Add normal random numbers while training; predictions are left alone.

    Parameters
    ----------
    deviation
        Standard deviation of the noise, at least 0.

    >>> GaussianNoise(0.1)(3.0)
    3.0
    """

    deviation: float = static(default=0.1)

    def __post_init__(self) -> None:
        """Check the deviation."""
        if not self.deviation >= 0:
            raise ParameterError(f"a deviation is at least 0, received {self.deviation}")

    def __call__(self, x: Any, *, key: Any = None) -> Any:
        """Add noise, if there is a key."""
        if key is None or self.deviation == 0:
            return x
        return x + self.deviation * random.normal(key, x.shape, x.dtype)


class GaussianDropout(Module):
    """Multiply by normal random numbers around one while training.

    Their variance is ``rate / (1 - rate)``, that of dropout with this rate (Srivastava and others,
    "Dropout: a simple way to prevent neural networks from overfitting", 2014, section 10).

    Parameters
    ----------
    rate
        The rate of the dropout that it stands for, at least 0 and below 1.

    >>> GaussianDropout(0.5)(3.0)
    3.0
    """

    rate: float = static(default=0.5)

    def __post_init__(self) -> None:
        """Check the rate."""
        check_rate(self.rate)

    def __call__(self, x: Any, *, key: Any = None) -> Any:
        """Multiply by noise, if there is a key."""
        if key is None or self.rate == 0:
            return x
        deviation = math.sqrt(self.rate / (1 - self.rate))
        return x * (1 + deviation * random.normal(key, x.shape, x.dtype))


class AlphaDropout(Module):
    """Dropout for networks of `SELU`: mean zero and variance one stay as they are.

    Klambauer, Unterthiner, Mayr and Hochreiter, "Self-normalizing neural networks", 2017. Entries
    that are left out become the unit's lowest value, and all are then scaled and shifted.

    Parameters
    ----------
    rate
        Probability of an entry to be left out, at least 0 and below 1.

    >>> AlphaDropout(0.1)(3.0)
    3.0
    """

    rate: float = static(default=0.1)

    def __post_init__(self) -> None:
        """Check the rate."""
        check_rate(self.rate)

    def __call__(self, x: Any, *, key: Any = None) -> Any:
        """Leave entries out, if there is a key."""
        if key is None or self.rate == 0:
            return x
        kept = random.bernoulli(key, 1 - self.rate, x.shape)
        factor = 1 / math.sqrt((1 - self.rate) * (1 + self.rate * _LOWEST**2))
        return factor * (cnp.where(kept, x, _LOWEST) - self.rate * _LOWEST)


_LOWEST = -1.0507009873554805 * 1.6732632423543772
"""What SELU goes to at minus infinity: minus its scale times its alpha."""
