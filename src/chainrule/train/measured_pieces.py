"""Loss and metric of examples that come in pieces."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule.nn import Module
from chainrule.nn.losses import Measure
from chainrule.train.compiled import BLOCK
from chainrule.train.examples import batch_types, read_inputs, with_targets
from chainrule.train.measuring import Measuring, reduced
from chainrule.train.pieces import Pieces
from chainrule.train.program import Layout
from chainrule.train.run import output_type


def come_in_pieces(X: Any, y: Any) -> bool:
    """Tell whether these are pieces of examples, not inputs whose targets were forgotten."""
    return X is not None and y is None and not hasattr(X, "shape") and not isinstance(X, dict)


@dataclass(frozen=True, eq=False)
class PieceMeasuring:
    """Measures of examples in pieces, which are read again after every epoch.

    Attributes
    ----------
    measures
        What is measured, by name.
    pieces
        Where the examples come from; a function gets the number 0, whatever the epoch.
    network
        With arrays in every place; only their types are used.
    layout
        Of the network.
    dtype, executor
        What floats become, and where to compute.
    """

    measures: Mapping[str, Measure]
    pieces: Pieces
    network: Module
    layout: Layout
    dtype: str
    executor: str
    _outputs: dict[str, Any] = field(default_factory=dict)
    _programs: dict[str, Any] = field(default_factory=dict)

    def __call__(self, carried: Any, fixed: Any) -> dict[str, float]:
        """Take the measures of a network, given as its arrays."""
        sums = dict.fromkeys(self.measures, np.zeros(2))
        for piece in self.pieces.epoch(0):
            found = self._measuring(piece).totals(carried, fixed)
            sums = {name: sums[name] + found[name] for name in sums}
        return reduced(self.measures, sums)

    def _measuring(self, piece: tuple[Any, Any, Any]) -> Measuring:
        """Measure one piece, by the program of earlier ones of its types."""
        inputs = read_inputs(piece[0], self.dtype, "X_val")
        kind = f"{batch_types(inputs)} {piece[2] is not None}"
        if kind not in self._outputs:
            self._outputs[kind] = output_type(self.network, inputs)
        examples = {
            name: (
                each,
                with_targets(inputs, *piece[1:], self.dtype, each, self._outputs[kind], "_val"),
            )
            for name, each in self.measures.items()
        }
        arrays = self.layout.divide(self.network)
        if kind not in self._programs:
            made = Measuring.of(self.layout, arrays, examples, self.executor, BLOCK, rows=BLOCK)
            self._programs[kind] = made.program
        return Measuring.by(self._programs[kind], examples)
