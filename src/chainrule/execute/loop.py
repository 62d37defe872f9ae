"""The training loop as one program: many steps over minibatches in one call.

A *step* is a traced function

    ``step(carry, data, rows, number) -> (carry, record)``

of a tree of arrays that is carried on (parameters, the optimiser's state), a tree of arrays that
stays (the training table), the int32 positions of this minibatch's rows, and the number of the
step (int32). It returns the new carry, of the same types, and a tree of numbers to be recorded.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Protocol

import numpy as np

from chainrule.errors import GraphError, ParameterError
from chainrule.execute.choose import choose_executor
from chainrule.execute.numpy import Interpreter
from chainrule.execute.processors import available_workers
from chainrule.ir import ArrayType, Dim, Graph
from chainrule.plan import bind_sizes, simplify
from chainrule.tracing import Tree, as_array, capture, flatten, spec_of, unflatten

Step = Callable[[Any, Any, Any, Any], tuple[Any, Any]]

KEPT = 64
"""Steps whose NumPy programs are kept ready; many fits of one structure prepare one once."""


class Session(Protocol):
    """A loop in progress, which owns the arrays that are carried on."""

    def run(self, order: Any, first: int) -> Any:
        """Run one step for each minibatch of `order`; return the records, stacked by step."""

    def feed(self, data: Any) -> None:
        """Replace what steps read by arrays of the same types."""

    def carry(self) -> Any:
        """Copy out what is carried on."""

    def restore(self, carry: Any) -> None:
        """Put back what `carry` copied out."""


@dataclass(frozen=True, eq=False)
class Loop:
    """A traced step, ready to be started.

    Attributes
    ----------
    graph
        Inputs: leaves of the carry, leaves of the data, rows, number. Outputs: leaves of the new
        carry, leaves of the record.
    carry, data, record
        Structures of the trees.
    batch_size
        Rows of a full minibatch.
    executor
        "numpy" or "native".
    workers
        Among how many a minibatch may be divided in native code.
    """

    graph: Graph
    carry: Tree
    data: Tree
    record: Tree
    batch_size: int
    executor: str
    workers: int = 1

    def memory(self, full: bool) -> int:
        """Plan a step in native code; give the bytes of its working memory, of all workers.

        Parameters
        ----------
        full
            Whether all minibatches have `batch_size` rows.
        """
        from chainrule.execute.native.run import LoopKey, plan_loop

        program, carried = self.graph.fingerprint, _leaves(self.carry)
        planned = plan_loop(
            LoopKey(program, carried, self.batch_size, self.workers, full, False, self.graph)
        )
        return planned.memory() * (planned.sharing.workers if planned.sharing else 1)

    def start(self, carry: Any, data: Any) -> Session:
        """Begin with a carry; the arrays of `data` must not change while the session has them."""
        if self.executor == "numpy":
            return NumpySession(self, carry, data)
        from chainrule.execute.native.session import NativeSession

        return NativeSession(
            self.graph, self.carry, self.record, self.batch_size, carry, data, self.workers
        )


def loop(
    step: Step,
    carry: Any,
    data: Any,
    *,
    batch_size: int,
    executor: str = "native",
    steps: int = 1,
    workers: int | None = None,
) -> Loop:
    """Trace a step for arrays like `carry` and `data`.

    Parameters
    ----------
    step
        See the module's description.
    carry, data
        Trees of arrays, or of `ArrayType`.
    batch_size
        Rows of a full minibatch; the last one of an epoch may be smaller.
    executor
        "numpy", "native", or "auto", which chooses by the amount of work.
    steps
        How many steps will run at most; for "auto".
    workers
        Among how many a minibatch may be divided in native code: results depend on it in the last
        bits. None stands for as many as the process has processors. How many threads then run them
        changes nothing; `OMP_NUM_THREADS`, which parallel searches set, limits those.
    """
    if batch_size < 1:
        raise ParameterError(f"batch_size must be at least 1, received {batch_size}")
    carry_leaves, carry_tree = flatten(carry)
    data_tree = flatten(data)[1]
    rows = ArrayType((Dim("batch"),), "int32")
    captured = capture(step, (carry, data, rows, ArrayType((), "int32")))
    if captured.outer:
        raise GraphError("a step reads a traced value of an enclosing tracing: put it into data")
    if captured.result.kind is not tuple or len(captured.result.children) != 2:
        raise GraphError("a step must return a pair (carry, record)")
    new_carry, record = captured.result.children
    if new_carry != carry_tree:
        raise GraphError("a step must return a carry of the structure that it received")
    for before, after in zip(carry_leaves, captured.graph.outputs, strict=False):
        if spec_of(before) != after.type:
            raise GraphError(f"a step turns {spec_of(before)} into {after.type} in its carry")
    for node in captured.graph.outputs[len(carry_leaves) :]:
        if node.type.shape != ():
            raise GraphError(f"a record must hold numbers, received {node.type}")
    chosen = choose_executor(executor, captured.graph, steps, {"batch": batch_size})
    shared = available_workers() if workers is None else workers
    return Loop(captured.graph, carry_tree, data_tree, record, batch_size, chosen, shared)


def _leaves(tree: Tree) -> int:
    return 1 if tree == Tree(None) else sum(map(_leaves, tree.children))


class NumpySession:
    """A loop in progress on the NumPy executor."""

    def __init__(self, plan: Loop, carry: Any, data: Any) -> None:
        self._plan = plan
        self._programs: dict[bool, Interpreter] = {}
        self._carry = [as_array(x) for x in flatten(carry)[0]]
        self.feed(data)

    def _program(self, full: bool) -> Interpreter:
        if full not in self._programs:
            graph, size = self._plan.graph, self._plan.batch_size if full else None
            self._programs[full] = _interpreter(_StepKey(graph.fingerprint, size, graph))
        return self._programs[full]

    def run(self, order: Any, first: int) -> Any:
        """Run one step for each minibatch of `order`; return the records, stacked by step."""
        rows = np.ascontiguousarray(order, np.int32)
        size, count = self._plan.batch_size, len(self._carry)
        program = self._program(len(rows) % size == 0)
        records: list[list[Any]] = []
        for number, begin in enumerate(range(0, len(rows), size), first):
            batch = rows[begin : begin + size]
            values = [*self._carry, *self._data, batch, np.int32(number)]
            results = program.run(values)
            self._carry = results[:count]
            records.append(results[count:])
        kinds = [x.type.dtype for x in self._plan.graph.outputs[count:]]
        columns = [np.array([r[i] for r in records], kind) for i, kind in enumerate(kinds)]
        return unflatten(self._plan.record, columns)

    def feed(self, data: Any) -> None:
        """Replace what steps read by arrays of the same types."""
        self._data = [as_array(x) for x in flatten(data)[0]]

    def carry(self) -> Any:
        """Copy out what is carried on."""
        return unflatten(self._plan.carry, [x.copy() for x in self._carry])

    def restore(self, carry: Any) -> None:
        """Put back what `carry` copied out."""
        self._carry = [as_array(x).copy() for x in flatten(carry)[0]]


@dataclass(frozen=True)
class _StepKey:
    """What two steps must share to be one; a size of None leaves the batch open."""

    fingerprint: str
    batch: int | None
    graph: Graph = field(compare=False)


@lru_cache(maxsize=KEPT)
def _interpreter(key: _StepKey) -> Interpreter:
    graph = key.graph if key.batch is None else bind_sizes(key.graph, {"batch": key.batch})
    return Interpreter(simplify(graph))
