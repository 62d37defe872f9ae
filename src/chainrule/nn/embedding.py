"""The embedding layer: a learnt vector for each of many symbols."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import chainrule.numpy as cnp
from chainrule.errors import DtypeError, ParameterError
from chainrule.ir import ArrayType
from chainrule.nn.initialisers import Initialiser, Uniform
from chainrule.nn.module import Module, entry
from chainrule.nn.scope import Variable
from chainrule.tracing import spec_of, static


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
    padding
        None, or the symbol that fills up short sequences: it gives zeros, and its vector never
        learns.
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
    padding: int | None = static(default=None)
    weight: Any = None

    def __post_init__(self) -> None:
        """Check the settings."""
        if self.padding is not None and not 0 <= self.padding < self.count:
            raise ParameterError(
                f"padding is one of the symbols 0 to {self.count - 1}, received {self.padding}"
            )

    def declare(self, x: ArrayType) -> Mapping[str, Variable]:
        """Say which arrays this layer holds."""
        return {"weight": Variable((self.count, self.size), self.initial)}

    def __call__(self, x: Any, *, key: Any = None) -> Any:
        """Look the vectors up."""
        if spec_of(x).dtype != "int32":
            raise DtypeError(
                f"Embedding expects whole numbers, received {spec_of(x)}: use astype(int)"
            )
        found = cnp.take(self.weight, x, axis=0)
        if self.padding is None:
            return found
        return cnp.where(cnp.expand_dims(cnp.not_equal(x, self.padding), -1), found, 0.0)

    @entry
    def scores(self, x: Any) -> Any:
        """Multiply vectors (..., size) by that of every symbol: (..., count).

        The output layer of a network that ties its weights to the embedding (Press and Wolf,
        "Using the output embedding to improve language models", 2017).

        >>> import numpy as np
        >>> table = Embedding(2, 1, weight=np.array([[5.0], [7.0]]))
        >>> table.scores(np.array([[2.0]])).tolist()
        [[10.0, 14.0]]
        """
        return cnp.matmul(x, cnp.matrix_transpose(self.weight))
