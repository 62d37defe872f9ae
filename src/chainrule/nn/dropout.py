"""Dropout: entries are left out at random while a network trains."""

from __future__ import annotations

from typing import Any

import chainrule.numpy as cnp
from chainrule import random
from chainrule.errors import ParameterError
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

    >>> Dropout(0.5)(3.0)
    3.0
    """

    rate: float = static(default=0.5)

    def __post_init__(self) -> None:
        """Check the rate."""
        if not 0 <= self.rate < 1:
            raise ParameterError(f"a dropout rate lies in [0, 1), received {self.rate}")

    def __call__(self, x: Any, *, key: Any = None) -> Any:
        """Leave entries out, if there is a key."""
        if key is None or self.rate == 0:
            return x
        kept = random.bernoulli(key, 1 - self.rate, x.shape)
        return cnp.where(kept, x * (1 / (1 - self.rate)), 0.0)
