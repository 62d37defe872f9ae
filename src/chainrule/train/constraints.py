"""Constraints: bounds that weights are brought back to after every step."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any

import chainrule.numpy as cnp
from chainrule.errors import ParameterError
from chainrule.tracing import flatten, leaf_paths, unflatten
from chainrule.train.paths import chosen


@dataclass(frozen=True)
class Constraint(ABC):
    """Changes some arrays of the parameters after every step.

    Parameters
    ----------
    only
        Paths of arrays ("layers[0].weight") or layers ("layers[0]"); empty for all weights, which
        are the arrays of two axes or more.
    """

    _: KW_ONLY
    only: Sequence[str] = ()

    @abstractmethod
    def bounded(self, weight: Any) -> Any:
        """Give an array that keeps to the bound."""

    def __call__(self, parameters: Any) -> Any:
        """Give the parameters with the arrays that are bounded changed."""
        leaves, tree = flatten(parameters)
        paths = leaf_paths(parameters)
        named = chosen(self.only, paths, "constrain")
        return unflatten(
            tree,
            [
                self.bounded(p) if (path in named if self.only else p.ndim >= 2) else p
                for path, p in zip(paths, leaves, strict=True)
            ],
        )


def norms(weight: Any) -> Any:
    """Norm of the weights that lead into each unit: over all axes but the last, which is kept."""
    if weight.ndim < 2:
        return cnp.abs(weight)
    axes = tuple(range(weight.ndim - 1))
    return cnp.sqrt(cnp.sum(weight * weight, axis=axes, keepdims=True))


@dataclass(frozen=True)
class MaxNorm(Constraint):
    """Shorten the weights into a unit whose norm exceeds a limit.

    Srebro and Shraibman, 2005; with dropout: Srivastava and others, JMLR 2014, where 3 or 4 are
    usual.

    Parameters
    ----------
    limit
        Largest norm of the weights into one unit.
    only
        As for `Constraint`.

    >>> import numpy as np
    >>> MaxNorm(2.5)({"weight": np.array([[3.0, 0.0], [4.0, 1.0]])})["weight"].tolist()
    [[1.5, 0.0], [2.0, 1.0]]
    """

    limit: float = 3.0

    def __post_init__(self) -> None:
        """Check the limit."""
        if not self.limit > 0:
            raise ParameterError(f"limit must be positive, received {self.limit}")

    def bounded(self, weight: Any) -> Any:
        """Give an array whose norms keep to the limit."""
        return weight * (self.limit / cnp.maximum(norms(weight), self.limit))


@dataclass(frozen=True)
class UnitNorm(Constraint):
    """Bring the weights into each unit to a norm of 1; zeros stay zeros.

    >>> import numpy as np
    >>> UnitNorm()({"weight": np.array([[3.0, 0.0], [4.0, 2.0]])})["weight"].round(2).tolist()
    [[0.6, 0.0], [0.8, 1.0]]
    """

    def bounded(self, weight: Any) -> Any:
        """Give an array whose norms are 1."""
        size = norms(weight)
        return weight / cnp.where(size == 0, 1.0, size)


@dataclass(frozen=True)
class NonNegative(Constraint):
    """Set negative weights to 0.

    >>> import numpy as np
    >>> NonNegative()({"weight": np.array([[3.0, -1.0]])})["weight"].tolist()
    [[3.0, 0.0]]
    """

    def bounded(self, weight: Any) -> Any:
        """Give an array without negative numbers."""
        return cnp.maximum(weight, 0.0)
