"""The embedding layer: a learnt vector for each of many symbols."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import chainrule.numpy as cnp
from chainrule.errors import DtypeError
from chainrule.ir import ArrayType
from chainrule.nn.initialisers import Initialiser, Uniform
from chainrule.nn.module import Module
from chainrule.nn.scope import Variable
from chainrule.tracing import static


class Embedding(Module):
    """Look up a learnt vector for each whole number.

    Parameters
    ----------
    count
        Number of symbols; inputs are 0 to count - 1, and others are an error.
    size
        Length of the vectors.
    initial
        How the vectors begin; by default uniform between -0.05 and 0.05.
    weight
        Shape (count, size).

    A call takes int32 (...) and returns (..., size).

    >>> import numpy as np
    >>> table = Embedding(2, 1, weight=np.array([[5.0], [7.0]]))
    >>> table(np.array([1, 0, 1])).tolist()
    [[7.0], [5.0], [7.0]]
    """

    count: int = static()
    size: int = static()
    initial: Initialiser = static(default=Uniform(0.05))
    weight: Any = None

    def declare(self, x: ArrayType) -> Mapping[str, Variable]:
        """Say which arrays this layer holds."""
        if x.dtype != "int32":
            raise DtypeError(f"Embedding expects whole numbers, received {x}: use astype(int)")
        return {"weight": Variable((self.count, self.size), self.initial)}

    def __call__(self, x: Any, *, key: Any = None) -> Any:
        """Look the vectors up."""
        return cnp.take(self.weight, x, axis=0)
