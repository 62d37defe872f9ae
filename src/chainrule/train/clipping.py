"""Clipping: gradients that are too large are cut before the optimiser sees them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import chainrule.numpy as cnp
from chainrule.errors import ParameterError
from chainrule.tracing import flatten, map_leaves


class Clip(Protocol):
    """Cuts a tree of gradients."""

    def __call__(self, gradients: Any) -> Any:
        """Give the gradients after the cut."""


def _check(limit: float) -> None:
    if not limit > 0:
        raise ParameterError(f"the limit of clipping must be positive, received {limit}")


def global_norm(tree: Any) -> Any:
    """Root of the sum of squares over all arrays of a tree.

    >>> import numpy as np
    >>> float(global_norm({"a": np.array([3.0]), "b": np.array([[4.0]])}))
    5.0
    """
    parts = [cnp.sum(cnp.square(g)) for g in flatten(tree)[0]]
    return cnp.sqrt(sum(parts[1:], parts[0]))


def _scale(limit: float, norm: Any) -> Any:
    return limit / cnp.maximum(norm, limit)


@dataclass(frozen=True)
class ClipValue:
    """Bring every entry of the gradients between -limit and limit.

    >>> import numpy as np
    >>> ClipValue(1.0)([np.array([-3.0, 0.5])])[0].tolist()
    [-1.0, 0.5]
    """

    limit: float

    def __post_init__(self) -> None:
        """Check the limit."""
        _check(self.limit)

    def __call__(self, gradients: Any) -> Any:
        """Give the gradients after the cut."""
        return map_leaves(lambda g: cnp.clip(g, -self.limit, self.limit), gradients)


@dataclass(frozen=True)
class ClipNorm:
    """Shorten the gradient of each parameter whose norm exceeds the limit.

    >>> import numpy as np
    >>> ClipNorm(2.5)([np.array([3.0, 4.0])])[0].tolist()
    [1.5, 2.0]
    """

    limit: float

    def __post_init__(self) -> None:
        """Check the limit."""
        _check(self.limit)

    def __call__(self, gradients: Any) -> Any:
        """Give the gradients after the cut."""
        return map_leaves(lambda g: g * _scale(self.limit, global_norm(g)), gradients)


@dataclass(frozen=True)
class ClipGlobalNorm:
    """Shorten all gradients together if their common norm exceeds the limit.

    Their directions stay as they are (Pascanu, Mikolov and Bengio, 2013).

    >>> import numpy as np
    >>> [g.tolist() for g in ClipGlobalNorm(2.5)([np.array([3.0]), np.array([4.0])])]
    [[1.5], [2.0]]
    """

    limit: float

    def __post_init__(self) -> None:
        """Check the limit."""
        _check(self.limit)

    def __call__(self, gradients: Any) -> Any:
        """Give the gradients after the cut."""
        scale = _scale(self.limit, global_norm(gradients))
        return map_leaves(lambda g: g * scale, gradients)
