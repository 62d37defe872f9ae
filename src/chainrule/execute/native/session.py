"""A training loop in progress in native code."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.execute.native.arrays import aligned
from chainrule.execute.native.run import LoopKey, NativeLoop
from chainrule.ir import Graph
from chainrule.tracing import Tree, as_array, flatten, unflatten


class NativeSession:
    """A loop in progress in native code.

    A run whose minibatches are all full uses a program for exactly that size, another run one
    for any size; both are compiled when they are first needed.

    Parameters
    ----------
    graph
        The step; see `chainrule.execute.loop`.
    carried, record
        The structures of the carry and of the record.
    batch_size
        Rows of a full minibatch.
    carry, data
        Trees of arrays to begin with.
    workers
        Among how many a minibatch may be divided; each step needs enough work to be divided.
    """

    def __init__(
        self,
        graph: Graph,
        carried: Tree,
        record: Tree,
        batch_size: int,
        carry: Any,
        data: Any,
        workers: int = 1,
    ) -> None:
        self._graph = graph
        self._carried = carried
        self._record = record
        self._batch_size = batch_size
        self._workers = workers
        inputs = graph.inputs
        leaves = flatten(carry)[0]
        self._carry = [
            aligned(x.type.shape, x.type.dtype) for x, _ in zip(inputs, leaves, strict=False)
        ]
        self.restore(carry)
        self.feed(data)
        self._programs: dict[bool, NativeLoop] = {}

    def _program(self, full: bool) -> NativeLoop:
        if full not in self._programs:
            self._programs[full] = NativeLoop(
                LoopKey(
                    self._graph.fingerprint,
                    len(self._carry),
                    self._batch_size,
                    self._workers,
                    full,
                    False,
                    self._graph,
                )
            )
        return self._programs[full]

    def run(self, order: Any, first: int) -> Any:
        """Run one step for each minibatch of `order`; return the records, stacked by step."""
        rows = np.ascontiguousarray(order, np.int32)
        program = self._program(len(rows) % self._batch_size == 0)
        columns = program.run([*self._carry, *self._data], rows, first)
        return unflatten(self._record, columns)

    def feed(self, data: Any) -> None:
        """Replace what steps read by arrays of the same types."""
        inputs = self._graph.inputs[len(self._carry) :]
        self._data = [
            np.asarray(as_array(value, x.type.dtype), order="C")
            for value, x in zip(flatten(data)[0], inputs, strict=False)
        ]

    def carry(self) -> Any:
        """Copy out what is carried on."""
        return unflatten(self._carried, [x.copy() for x in self._carry])

    def restore(self, carry: Any) -> None:
        """Put back what `carry` copied out."""
        for mine, given in zip(self._carry, flatten(carry)[0], strict=True):
            mine[...] = given
