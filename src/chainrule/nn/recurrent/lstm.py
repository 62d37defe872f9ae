"""Long short-term memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

import chainrule.numpy as cnp
from chainrule.nn.initialisers import Initialiser
from chainrule.nn.recurrent.cell import RecurrentCell
from chainrule.nn.recurrent.layer import RecurrentLayer
from chainrule.tracing import named


class LSTMState(NamedTuple):
    """What an LSTM hands on.

    Attributes
    ----------
    h
        The output, (batch, units).
    c
        The memory, (batch, units).
    """

    h: Any
    c: Any


@dataclass(frozen=True)
class ForgetBias:
    """Zeros, but ones for the forget gate: at first an LSTM remembers.

    Jozefowicz, Zaremba and Sutskever, "An empirical exploration of recurrent network
    architectures", ICML 2015, section 2.2.

    >>> from chainrule import random
    >>> ForgetBias()(random.key(0), (8,), "float32").tolist()
    [0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0]
    """

    def __call__(self, key: Any, shape: Sequence[int], dtype: str) -> Any:
        """Draw an array of a shape and dtype."""
        return np.repeat(np.array([0, 1, 0, 0], dtype), shape[0] // 4)


class LSTMCell(RecurrentCell):
    """One step of an `LSTM`.

    With the parts i, f, g, o of ``x W + b + h U``, in this order::

        c' = sigmoid(f) c + sigmoid(i) tanh(g)
        h' = sigmoid(o) tanh(c')

    Hochreiter and Schmidhuber, "Long short-term memory", Neural Computation 1997, with the forget
    gate of Gers, Schmidhuber and Cummins, "Learning to forget", 2000. `RecurrentCell` has the
    parameters; the bias begins at one for the forget gate, as in Keras. PyTorch has the order of
    our parts, transposed weights, and two biases, of which ours is the sum.

    A call takes an input (batch, inputs) and an `LSTMState`, and returns the new state.

    >>> import numpy as np
    >>> x = np.ones((2, 3), np.float32)
    >>> cell = LSTMCell(4).initialise(0, x)
    >>> state = cell(x)
    >>> cell(x, state).h.shape
    (2, 4)
    """

    parts: ClassVar[int] = 4

    def advance(self, state: LSTMState, z: Any, kept: Any = None) -> LSTMState:
        """Take one step; see `RecurrentCell`."""
        h = state.h if kept is None else state.h * kept
        z = named(z + cnp.matmul(h, self.recurrent_weight), "sum")
        i, f, g, o = cnp.split(z, 4, axis=-1)
        i = named(cnp.sigmoid(i), "input gate")
        f = named(cnp.sigmoid(f), "forget gate")
        g = named(cnp.tanh(g), "candidate")
        o = named(cnp.sigmoid(o), "output gate")
        c = named(f * state.c + i * g, "memory")
        return LSTMState(o * cnp.tanh(c), c)

    def output(self, state: LSTMState) -> Any:
        """Give the part of a state that is the output, (batch, units)."""
        return state.h

    def starting(self, zeros: Any) -> LSTMState:
        """Give the first state, made of zeros (batch, units)."""
        return LSTMState(zeros, zeros)

    def _initial_bias(self) -> Initialiser:
        return ForgetBias()

    def _as_state(self, state: Any) -> LSTMState:
        return LSTMState(*state)


class LSTM(RecurrentLayer):
    """Long short-term memory: a recurrent layer that decides what to keep; see `LSTMCell`.

    `RecurrentLayer` has the parameters, and says what a call takes and returns; the state of each
    layer and direction is an `LSTMState`.

    >>> import numpy as np
    >>> x = np.zeros((2, 5, 3), np.float32)
    >>> LSTM(4, layers=2, bidirectional=True).initialise(0, x)(x).shape
    (2, 5, 8)
    """

    def cell(self) -> LSTMCell:
        """Make the cell of one layer and direction."""
        return LSTMCell(self.units, self.use_bias)
