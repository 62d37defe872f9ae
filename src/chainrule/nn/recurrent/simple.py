"""The simple recurrent layer: the state is an activation of the input and the state before."""

from __future__ import annotations

from typing import Any

import chainrule.numpy as cnp
from chainrule.errors import ParameterError
from chainrule.nn.activations import ACTIVATIONS
from chainrule.nn.recurrent.cell import RecurrentCell
from chainrule.nn.recurrent.layer import RecurrentLayer
from chainrule.tracing import named, static


class SimpleRNNCell(RecurrentCell):
    """One step of a `SimpleRNN`: ``h' = tanh(x W + b + h U)``.

    The network of Elman, "Finding structure in time", Cognitive Science 1990. `RecurrentCell` has
    the parameters that all cells share.

    Parameters
    ----------
    activation
        By name: "tanh", "relu" and so on.

    A call takes an input (batch, inputs) and a state (batch, units), and returns the new state.

    >>> import numpy as np
    >>> one = np.ones((1, 1))
    >>> cell = SimpleRNNCell(1, input_weight=one, recurrent_weight=one, bias=np.zeros(1))
    >>> h = cell(np.array([[0.5]]))
    >>> cell(np.array([[0.0]]), h).round(4).tolist()
    [[0.4318]]
    """

    activation: str = static(default="tanh")

    def __post_init__(self) -> None:
        """Check the activation."""
        if self.activation not in ACTIVATIONS:
            raise ParameterError(
                f"unknown activation {self.activation!r}; expected one of {', '.join(ACTIVATIONS)}"
            )

    def advance(self, state: Any, z: Any, kept: Any = None) -> Any:
        """Take one step; see `RecurrentCell`."""
        h = state if kept is None else state * kept
        z = named(z + cnp.matmul(h, self.recurrent_weight), "sum")
        return cnp.tanh(z) if self.activation == "tanh" else ACTIVATIONS[self.activation]()(z)


class SimpleRNN(RecurrentLayer):
    """The simple recurrent layer, ``h[t] = tanh(x[t] W + b + h[t-1] U)``; see `SimpleRNNCell`.

    It forgets quickly: gradients shrink or grow by a factor at every step back. `LSTM` and `GRU`
    remember longer.

    Parameters
    ----------
    activation
        By name: "tanh", "relu" and so on.

    `RecurrentLayer` has the other parameters, and says what a call takes and returns.

    >>> import numpy as np
    >>> x = np.zeros((2, 5, 3), np.float32)
    >>> SimpleRNN(4).initialise(0, x)(x).shape
    (2, 5, 4)
    """

    activation: str = static(default="tanh")

    def cell(self) -> SimpleRNNCell:
        """Make the cell of one layer and direction."""
        return SimpleRNNCell(self.units, self.use_bias, activation=self.activation)
