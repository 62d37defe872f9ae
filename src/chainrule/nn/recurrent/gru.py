"""Gated recurrent units."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import chainrule.numpy as cnp
from chainrule.ir import ArrayType
from chainrule.nn.initialisers import Zeros
from chainrule.nn.recurrent.cell import RecurrentCell
from chainrule.nn.recurrent.layer import RecurrentLayer
from chainrule.nn.scope import Variable
from chainrule.tracing import named, static


class GRUCell(RecurrentCell):
    """One step of a `GRU`.

    With the parts r, z, n of ``x W + b``, and of ``h U``, in this order::

        r = sigmoid(r of x + r of h)
        z = sigmoid(z of x + z of h)
        n = tanh(n of x + r (n of h + recurrent_bias))
        h' = (1 - z) n + z h

    Cho and others, "Learning phrase representations using RNN encoder-decoder", 2014. There the
    reset gate r stands before the product with the weight, ``(r h) U``, which `reset_after=False`
    gives; behind it, as in PyTorch, cuDNN and Keras, one product serves all three parts.
    `RecurrentCell` has the other parameters. PyTorch has the order of our parts, transposed
    weights, and two biases: ours is their sum, but for the part n, where `bias` is the first and
    `recurrent_bias` the second.

    Parameters
    ----------
    reset_after
        Whether the reset gate stands behind the product.
    recurrent_bias
        Shape (units,); only with `reset_after`.

    A call takes an input (batch, inputs) and a state (batch, units), and returns the new state.

    >>> import numpy as np
    >>> x = np.ones((2, 3), np.float32)
    >>> cell = GRUCell(4).initialise(0, x)
    >>> cell(x, cell(x)).shape
    (2, 4)
    """

    reset_after: bool = static(default=True)
    recurrent_bias: Any = None

    parts: ClassVar[int] = 3

    def declare(self, x: ArrayType, *rest: Any) -> Mapping[str, Variable]:
        """Say which arrays this cell holds, for an input of this type."""
        held = dict(super().declare(x))
        if self.reset_after and self.use_bias:
            held["recurrent_bias"] = Variable((self.units,), Zeros())
        return held

    def advance(self, state: Any, z: Any, kept: Any = None) -> Any:
        """Take one step; see `RecurrentCell`."""
        h = state if kept is None else state * kept
        if self.reset_after:
            return self._reset_after(state, h, z)
        weight, units = self.recurrent_weight, self.units
        first, last = z[..., : 2 * units], z[..., 2 * units :]
        r, update = cnp.split(
            cnp.sigmoid(first + cnp.matmul(h, weight[:, : 2 * units])), 2, axis=-1
        )
        r, update = named(r, "reset gate"), named(update, "update gate")
        n = cnp.tanh(last + cnp.matmul(r * h, weight[:, 2 * units :]))
        return n + update * (state - n)

    def _reset_after(self, state: Any, h: Any, z: Any) -> Any:
        of_h = cnp.matmul(h, self.recurrent_weight)
        (r, update, n), (r_h, update_h, n_h) = (cnp.split(x, 3, axis=-1) for x in (z, of_h))
        r = named(cnp.sigmoid(r + r_h), "reset gate")
        update = named(cnp.sigmoid(update + update_h), "update gate")
        if self.use_bias:
            n_h = n_h + self.recurrent_bias
        n = named(cnp.tanh(n + r * n_h), "candidate")
        return n + update * (state - n)


class GRU(RecurrentLayer):
    """Gated recurrent units: nearly what an `LSTM` does, with one state less; see `GRUCell`.

    Parameters
    ----------
    reset_after
        Whether the reset gate stands behind the product with the recurrent weight.

    `RecurrentLayer` has the other parameters, and says what a call takes and returns.

    >>> import numpy as np
    >>> x = np.zeros((2, 5, 3), np.float32)
    >>> GRU(4, returns="last").initialise(0, x)(x).shape
    (2, 4)
    """

    reset_after: bool = static(default=True)

    def cell(self) -> GRUCell:
        """Make the cell of one layer and direction."""
        return GRUCell(self.units, self.use_bias, reset_after=self.reset_after)
