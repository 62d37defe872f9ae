"""The dense layer: every output is a weighted sum of all inputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import chainrule.numpy as cnp
from chainrule.errors import ShapeError
from chainrule.ir import ArrayType
from chainrule.nn.initialisers import GlorotUniform, Initialiser, Zeros
from chainrule.nn.module import Module
from chainrule.nn.scope import Variable
from chainrule.tracing import static


class Dense(Module):
    """Weighted sums of the inputs plus a bias: ``y = x @ weight + bias``.

    Parameters
    ----------
    units
        Number of outputs.
    use_bias
        Whether a bias is added.
    initial, initial_bias
        How the arrays begin: by default the weight as in Glorot and Bengio (2010, uniform), the
        bias at zero. `MLP` chooses by the activation that follows.
    weight
        Shape (inputs, units).
    bias
        Shape (units,).

    A call takes an array (..., inputs) and returns (..., units).

    >>> import numpy as np
    >>> layer = Dense(2, use_bias=False, weight=np.array([[1.0, 10.0], [2.0, 20.0]]))
    >>> layer([[1.0, 1.0]]).tolist()
    [[3.0, 30.0]]
    """

    units: int = static()
    use_bias: bool = static(default=True)
    initial: Initialiser = static(default=GlorotUniform())
    initial_bias: Initialiser = static(default=Zeros())
    weight: Any = None
    bias: Any = None

    def declare(self, x: ArrayType) -> Mapping[str, Variable]:
        """Say which arrays this layer holds, for an input of this type."""
        if not x.shape:
            raise ShapeError(f"Dense expects (..., inputs), received {x}")
        weight = {"weight": Variable((x.shape[-1], self.units), self.initial)}
        if self.use_bias:
            weight["bias"] = Variable((self.units,), self.initial_bias)
        return weight

    def __call__(self, x: Any, *, key: Any = None) -> Any:
        """Compute the weighted sums."""
        y = cnp.matmul(x, self.weight)
        return y + self.bias if self.use_bias else y
