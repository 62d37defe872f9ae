"""Dropout: entries, or whole channels, are left out at random while a network trains."""

from __future__ import annotations

from typing import Any

import chainrule.numpy as cnp
from chainrule import random
from chainrule.errors import ParameterError, ShapeError
from chainrule.nn.module import Module
from chainrule.tracing import static


class Dropout(Module):
    """Set entries to zero with a probability while training, and scale up the rest.

    Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov, "Dropout: a simple way to prevent
    neural networks from overfitting", JMLR 2014; scaled while training ("inverted"), so that
    prediction changes nothing.

    Parameters
    ----------
    rate
        Probability of an entry to become zero, at least 0 and below 1.
    shared
        Axes along which entries are left out together. (1, 2) leaves out whole channels of images
        (batch, height, width, channels), which is known as spatial dropout (Tompson, Goroshin,
        Jain, LeCun and Bregler, 2015); (1,) leaves out the same features at all steps of a
        sequence (batch, time, features).

    >>> Dropout(0.5)(3.0)
    3.0
    """

    rate: float = static(default=0.5)
    shared: tuple[int, ...] = static(default=())

    def __post_init__(self) -> None:
        """Check the rate."""
        check_rate(self.rate)

    def __call__(self, x: Any, *, key: Any = None) -> Any:
        """Leave entries out, if there is a key."""
        if key is None or self.rate == 0:
            return x
        if any(not -x.ndim <= a < x.ndim for a in self.shared):
            raise ShapeError(f"Dropout shares along axes {self.shared}, received {x.shape}")
        together = {a % x.ndim for a in self.shared}
        shape = tuple(1 if a in together else n for a, n in enumerate(x.shape))
        kept = random.bernoulli(key, 1 - self.rate, shape)
        return cnp.where(kept, x * (1 / (1 - self.rate)), 0.0)


def check_rate(rate: float) -> None:
    """Raise unless a number can be the probability of being left out."""
    if not 0 <= rate < 1:
        raise ParameterError(f"a dropout rate lies in [0, 1), received {rate}")
