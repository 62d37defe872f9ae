"""Recurrent layers: cells that run through sequences, in both directions and in several layers."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import chainrule.numpy as cnp
from chainrule import random
from chainrule.errors import ParameterError, ShapeError
from chainrule.nn.dropout import Dropout, check_rate
from chainrule.nn.module import Module
from chainrule.nn.recurrent.cell import RecurrentCell
from chainrule.tracing import spec_of, static

RETURNS = ("sequence", "last", "all")


class RecurrentLayer(Module):
    """What `SimpleRNN`, `GRU` and `LSTM` have in common.

    Parameters
    ----------
    units
        Numbers in the state, of each direction.
    layers
        How many run on top of each other: each reads the outputs of the one below.
    bidirectional
        Whether a second cell reads the sequence backwards; outputs are those of both, one behind
        the other (Schuster and Paliwal, "Bidirectional recurrent neural networks", 1997).
    returns
        "sequence": the outputs at all steps; "last": the output behind the last step, of the
        direction backwards that behind the first; "all": the sequence and the state.
    dropout
        Rate at which features of the input of each layer are left out while training.
    recurrent_dropout
        Rate at which numbers of the state are left out of the product with the recurrent weight.
        Both leave out the same numbers at every step of a sequence (Gal and Ghahramani, "A
        theoretically grounded application of dropout in recurrent neural networks", 2016).
    use_bias
        Whether biases are added.
    cells
        One for each layer and direction: layer by layer, forwards before backwards. They are made
        from the other parameters.

    A call takes a sequence (batch, time, features) and returns (batch, time, outputs), or
    (batch, outputs) for "last", where there are `units` outputs for each direction. Sequences of
    unequal length are filled up to one, and a mask says which steps count.
    """

    units: int = static()
    layers: int = static(default=1)
    bidirectional: bool = static(default=False)
    returns: str = static(default="sequence")
    dropout: float = static(default=0.0)
    recurrent_dropout: float = static(default=0.0)
    use_bias: bool = static(default=True)
    cells: Any = ()

    @abstractmethod
    def cell(self) -> RecurrentCell:
        """Make the cell of one layer and direction."""

    def __post_init__(self) -> None:
        """Check the settings, and make the cells."""
        if self.units < 1 or self.layers < 1:
            raise ParameterError(
                f"a recurrent layer needs at least one unit and one layer, received "
                f"units={self.units}, layers={self.layers}"
            )
        if self.returns not in RETURNS:
            raise ParameterError(
                f"returns is one of {', '.join(map(repr, RETURNS))}, received {self.returns!r}"
            )
        check_rate(self.dropout)
        check_rate(self.recurrent_dropout)
        if not self.cells:
            count = self.layers * self._directions
            object.__setattr__(self, "cells", tuple(self.cell() for _ in range(count)))

    @property
    def _directions(self) -> int:
        return 2 if self.bidirectional else 1

    def __call__(self, x: Any, mask: Any = None, *, state: Any = None, key: Any = None) -> Any:
        """Run through sequences.

        Parameters
        ----------
        x
            Floats (batch, time, features).
        mask
            None; or truth values (batch, time), True at the steps that count; or whole numbers
            (batch,), how many steps count, from the first. At the others the state stays as it
            is, and the output is zero.
        state
            The states to begin with, as `returns="all"` gives them: one for each cell. Zeros if
            None.
        key
            The random key of training, None for prediction.

        Returns
        -------
        As `returns` says; the state is a tuple with one for each cell.
        """
        kind = spec_of(x)
        if kind.ndim != 3:
            raise ShapeError(
                f"{type(self).__name__} expects sequences (batch, time, features), received {kind}"
            )
        states = (None,) * len(self.cells) if state is None else tuple(state)
        if len(states) != len(self.cells):
            raise ShapeError(f"expected {len(self.cells)} states, received {len(states)}")
        remembered = self.remembering(lambda length: states)
        states = states if remembered is None else remembered.past
        counts = None if mask is None else _counting(mask, kind.shape)
        outputs = cnp.swapaxes(x, 0, 1)
        lasts: list[Any] = []
        for first in range(0, len(self.cells), self._directions):
            if key is not None:
                drop = Dropout(self.dropout, shared=(0,))
                outputs = drop(outputs, key=random.fold_in(key, 2 * first))
            sides = []
            for i in range(first, first + self._directions):
                each, last = self.cells[i].run(
                    outputs,
                    counts,
                    state=states[i],
                    reverse=i > first,
                    recurrent_dropout=self.recurrent_dropout,
                    key=None if key is None else random.fold_in(key, 2 * i + 1),
                )
                sides.append(each)
                lasts.append(last)
            outputs = sides[0] if len(sides) == 1 else cnp.concat(sides, axis=-1)
        if remembered is not None:
            remembered.keep(tuple(lasts))
        if self.returns == "last":
            top = range(len(self.cells) - self._directions, len(self.cells))
            ends = [self.cells[i].output(lasts[i]) for i in top]
            return ends[0] if len(ends) == 1 else cnp.concat(ends, axis=-1)
        sequence = cnp.swapaxes(outputs, 0, 1)
        return (sequence, tuple(lasts)) if self.returns == "all" else sequence


def _counting(mask: Any, shape: Any) -> Any:
    """Say which steps count, as truth values (time, batch, 1)."""
    mask, (rows, time, _) = cnp.asarray(mask), shape
    kind = spec_of(mask)
    if kind.dtype == "int32" and kind.shape == (rows,):
        return cnp.expand_dims(cnp.arange(time)[:, None] < mask, -1)
    if kind.dtype == "bool" and kind.shape == (rows, time):
        return cnp.expand_dims(cnp.swapaxes(mask, 0, 1), -1)
    raise ShapeError(
        f"a mask is made of truth values (batch, time) or whole numbers (batch,), here of "
        f"{rows} sequences with {time} steps; received {kind}"
    )
