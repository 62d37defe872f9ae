"""Penalties on the size of weights, added to the loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

import chainrule.numpy as cnp
from chainrule.tracing import Array, flatten


class Penalty(Protocol):
    """A number computed from the parameters, to be added to the loss."""

    def __call__(self, parameters: Any) -> Any:
        """Compute the penalty of a tree of parameters."""


@dataclass(frozen=True)
class L1:
    """Strength times the sum of the sizes of all weights; it drives weights to exactly zero.

    Parameters
    ----------
    strength
        Factor of the sum; the gradient by a weight w is strength times its sign (0 at 0).
    biases
        Whether parameters with fewer than two axes (biases, scales) count, too.

    >>> float(L1(0.5)({"weight": np.array([[1.0, -3.0]])}))
    2.0
    """

    strength: float
    biases: bool = False

    def __call__(self, parameters: Any) -> Any:
        """Compute the penalty of a tree of parameters."""
        parts = [cnp.sum(cnp.abs(w)) for w in decaying(parameters, self.biases)]
        return self.strength * sum(parts[1:], parts[0]) if parts else 0.0


@dataclass(frozen=True)
class L2:
    """Half the strength times the sum of squares of all weights.

    Parameters
    ----------
    strength
        The gradient by a weight w is strength times w, as with `weight_decay` in PyTorch's SGD and
        `alpha` in scikit-learn (which divides by the batch size, too); Keras' factor is half.
    biases
        Whether parameters with fewer than two axes (biases, scales) count, too.

    >>> float(L2(0.5)({"weight": np.array([[1.0, -3.0]])}))
    2.5
    """

    strength: float
    biases: bool = False

    def __call__(self, parameters: Any) -> Any:
        """Compute the penalty of a tree of parameters."""
        parts = [cnp.sum(cnp.square(w)) for w in decaying(parameters, self.biases)]
        return (0.5 * self.strength) * sum(parts[1:], parts[0]) if parts else 0.0


def decaying(parameters: Any, biases: bool) -> list[Any]:
    """List the arrays that penalties and weight decay act on: those with two axes or more."""
    leaves = [x if isinstance(x, Array) else np.asarray(x) for x in flatten(parameters)[0]]
    return [x for x in leaves if biases or x.ndim >= 2]
