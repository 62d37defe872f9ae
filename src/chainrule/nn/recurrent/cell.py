"""Recurrent cells: one step of a recurrent layer."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

import chainrule.numpy as cnp
from chainrule import random
from chainrule.errors import ShapeError
from chainrule.ir import ArrayType
from chainrule.nn.initialisers import GlorotUniform, Initialiser, Orthogonal, Zeros
from chainrule.nn.module import Module, entry
from chainrule.nn.scope import Variable
from chainrule.tracing import Array, filled, map_leaves, scan, spec_of, static


class RecurrentCell(Module):
    """What `SimpleRNNCell`, `GRUCell` and `LSTMCell` have in common.

    A cell turns an input and a state into a new state. What inputs contribute, ``x @ input_weight +
    bias``, depends on no state, so a whole sequence is multiplied by the weight at once; only
    `advance` runs step by step.

    Parameters
    ----------
    units
        Numbers in the state.
    use_bias
        Whether biases are added.
    initial, initial_recurrent
        How the weights begin: as in Keras, the input weight as in Glorot and Bengio (2010,
        uniform), the recurrent weight orthogonal (Saxe, McClelland and Ganguli, 2014).
    input_weight
        Shape (inputs, parts * units), where a cell has one part for each gate and candidate.
    recurrent_weight
        Shape (units, parts * units).
    bias
        Shape (parts * units,).
    """

    units: int = static()
    use_bias: bool = static(default=True)
    initial: Initialiser = static(default=GlorotUniform())
    initial_recurrent: Initialiser = static(default=Orthogonal())
    input_weight: Any = None
    recurrent_weight: Any = None
    bias: Any = None

    parts: ClassVar[int] = 1

    @abstractmethod
    def advance(self, state: Any, z: Any, kept: Any = None) -> Any:
        """Take one step.

        Parameters
        ----------
        state
            The state before: arrays (batch, units).
        z
            What the input contributes (batch, parts * units).
        kept
            Factors (batch, units) on the state that is multiplied by the recurrent weight, for
            recurrent dropout; None for none.

        Returns
        -------
        The state behind.
        """

    def output(self, state: Any) -> Any:
        """Give the part of a state that is the output, (batch, units)."""
        return state

    def starting(self, zeros: Any) -> Any:
        """Give the first state, made of zeros (batch, units)."""
        return zeros

    def declare(self, x: ArrayType, *rest: Any) -> Mapping[str, Variable]:
        """Say which arrays this cell holds, for an input of this type."""
        if not x.shape:
            raise ShapeError(f"{type(self).__name__} expects (batch, inputs), received {x}")
        wide = self.parts * self.units
        held = {
            "input_weight": Variable((x.shape[-1], wide), self.initial),
            "recurrent_weight": Variable((self.units, wide), self.initial_recurrent),
        }
        if self.use_bias:
            held["bias"] = Variable((wide,), self._initial_bias())
        return held

    def _initial_bias(self) -> Initialiser:
        return Zeros()

    def __call__(self, x: Any, state: Any = None, *, key: Any = None) -> Any:
        """Take one step, in a loop of your own.

        Parameters
        ----------
        x
            Input (batch, inputs).
        state
            The state before; zeros if None.
        key
            Not used.

        Returns
        -------
        The state behind.
        """
        z = cnp.matmul(x, self.input_weight)
        begin = self._zeros(z) if state is None else self._as_state(state)
        return self.advance(begin, self._biased(z))

    @entry
    def run(
        self,
        x: Any,
        counts: Any = None,
        *,
        state: Any = None,
        reverse: bool = False,
        recurrent_dropout: float = 0.0,
        key: Any = None,
    ) -> tuple[Any, Any]:
        """Run through a sequence.

        Parameters
        ----------
        x
            Inputs (time, batch, inputs).
        counts
            None, or truth values (time, batch, 1): where False, the state stays as it is, and the
            output is zero.
        state
            The state to begin with; zeros if None.
        reverse
            Whether to begin with the last step.
        recurrent_dropout
            Rate at which numbers of the state are left out of the product with the recurrent
            weight, the same ones at every step.
        key
            The random key of training, None for prediction.

        Returns
        -------
        Outputs (time, batch, units), and the last state.
        """
        z = cnp.matmul(x, self.input_weight)
        begin = self._zeros(z) if state is None else self._as_state(state)
        kept = None
        if key is not None and recurrent_dropout:
            rate = recurrent_dropout
            kept = random.bernoulli(key, 1 - rate, self.output(begin).shape)
            kept = cnp.where(kept, cnp.ones_like(self.output(begin)) / (1 - rate), 0.0)

        def step(state: Any, row: Any) -> Any:
            z, counts = row
            new = self.advance(state, self._biased(z), kept)  # so z is read and written once less
            if counts is None:
                return new, self.output(new)
            new = map_leaves(lambda a, b: cnp.where(counts, a, b), new, state)
            return new, cnp.where(counts, self.output(new), 0.0)

        last, outputs = scan(step, begin, (z, counts), reverse=reverse)
        return outputs, last

    def _biased(self, z: Any) -> Any:
        return z + self.bias if self.use_bias else z

    def _zeros(self, z: Any) -> Any:
        shape, dtype = (*z.shape[-2:-1], self.units), spec_of(z).dtype
        if isinstance(z, Array):
            return self.starting(filled(0.0, shape, dtype, z.recorder))
        return self.starting(np.zeros(shape, dtype))

    def _as_state(self, state: Any) -> Any:
        """Bring what the caller gave as a state into the cell's form."""
        return state
