"""Call native programs on NumPy arrays."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.errors import IndexRangeError
from chainrule.execute.native.compiler import Library, machine
from chainrule.execute.native.gemm import Target
from chainrule.execute.native.program import Program, write_program
from chainrule.ir import Graph, Node, bind
from chainrule.plan import Plan
from chainrule.trace import as_array, measure

_ADDRESS = ctypes.c_void_p
_COUNT = ctypes.c_int64


def target() -> Target:
    """What the writer of matrix products needs to know of this machine."""
    here = machine()
    return Target(cpu=here.cpu, features=here.features, vector_bits=here.vector_bits)


def aligned(shape: Sequence[int], dtype: Any) -> np.ndarray[Any, Any]:
    """An array that begins at a cache line, as the kernels like it."""
    kind = np.dtype(dtype)
    count = int(np.prod(shape, dtype=np.int64))
    block = np.zeros(count * kind.itemsize + 64, np.uint8)
    begin = -block.ctypes.data % 64
    return block[begin : begin + count * kind.itemsize].view(kind).reshape(tuple(shape))


class NativeFunction:
    """A plan as machine code, to be called on arrays.

    Parameters
    ----------
    plan
        What to run.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.program = write_program(plan, target())
        self.library = Library(self.program.text)
        self._call = self.library.function("program", *[_ADDRESS] * 4)
        self._constants = _constants(self.program)
        self._arena = aligned((self.program.arena,), np.uint8)

    def __call__(self, values: Sequence[Any]) -> list[np.ndarray[Any, Any]]:
        """Compute the outputs for one array for each input of the graph."""
        graph, program = self.plan.graph, self.program
        arrays = [
            np.ascontiguousarray(as_array(v, x.type.dtype))
            for v, x in zip(values, graph.inputs, strict=True)
        ]
        sizes = measure(graph, arrays)
        known: dict[Node, np.ndarray[Any, Any]] = dict(zip(graph.inputs, arrays, strict=True))
        known |= self._constants
        for node in program.slots:
            if node not in known:
                known[node] = np.empty(bind(node.type.shape, sizes), node.type.dtype)
        slots = np.array([known[x].ctypes.data for x in program.slots], np.uintp)
        bound = np.array([sizes[s] for s in program.symbols], np.int64)
        status = np.zeros(1, np.int32)
        if any(sizes[s] > self.plan.limits[s] for s in program.symbols):
            raise IndexRangeError(f"sizes {sizes} exceed the planned limits {dict(self.plan.limits)}")
        self._call(slots.ctypes.data, self._arena.ctypes.data, bound.ctypes.data, status.ctypes.data)
        _check(status)
        return [known[x] if x not in graph.inputs else known[x].copy() for x in graph.outputs]


class NativeLoop:
    """Many steps in one call; owns the arrays that are carried on.

    Parameters
    ----------
    plan
        A step, whose first outputs replace its first inputs.
    carry, data
        Arrays for the inputs, before the rows and the number of the step.
    """

    def __init__(self, plan: Plan, carry: Sequence[Any], data: Sequence[Any]) -> None:
        graph = plan.graph
        self.plan = plan
        self._count = len(carry)
        *_, rows, number = graph.inputs
        self._rows, self._number = rows, number
        records = dict.fromkeys(graph.outputs[self._count :])
        self._records = [x for x in records if x.card.kind != "leaf" or x.card.name == "full"]
        strides = {rows: 4 * plan.limits.get("batch", 0) or 4 * _length(rows), number: 4}
        strides |= {x: np.dtype(x.type.dtype).itemsize for x in self._records}
        self.program = write_program(plan, target(), strides)
        self.library = Library(self.program.text)
        self._call = self.library.function("loop", *[_ADDRESS] * 4, _COUNT, _COUNT)
        self._arena = aligned((self.program.arena,), np.uint8)
        self._constants = _constants(self.program)
        self._carry = []
        self.restore(carry)
        self._data = [
            np.ascontiguousarray(as_array(x, node.type.dtype))
            for x, node in zip(data, graph.inputs[self._count :], strict=False)
        ]

    def restore(self, carry: Sequence[Any]) -> None:
        """Put the arrays that are carried on back to earlier values."""
        if not self._carry:
            self._carry = [
                aligned(np.shape(x), node.type.dtype)
                for x, node in zip(carry, self.plan.graph.inputs, strict=False)
            ]
        for mine, given in zip(self._carry, carry, strict=True):
            mine[...] = given

    def carry(self) -> list[np.ndarray[Any, Any]]:
        """Copy out the arrays that are carried on."""
        return [x.copy() for x in self._carry]

    def run(self, order: np.ndarray[Any, Any], first: int, size: int) -> list[Any]:
        """Run one step for each `size` rows of `order`; return what each step recorded."""
        steps = -(-len(order) // size)
        graph = self.plan.graph
        numbers = np.arange(first, first + steps, dtype=np.int32)
        known: dict[Node, np.ndarray[Any, Any]] = dict(
            zip(graph.inputs, [*self._carry, *self._data, order, numbers], strict=True)
        )
        known |= self._constants
        for node in self._records:
            known[node] = np.empty(steps, node.type.dtype)
        slots = np.array([known[x].ctypes.data for x in self.program.slots], np.uintp)
        sizes = np.zeros(max(1, len(self.program.symbols)), np.int64)
        status = np.zeros(1, np.int32)
        self._call(
            slots.ctypes.data, self._arena.ctypes.data, sizes.ctypes.data, status.ctypes.data,
            steps, len(order),
        )
        _check(status)
        return [
            known[x] if x in known and x not in graph.inputs else np.broadcast_to(known[x], (steps,))
            for x in graph.outputs[self._count :]
        ]


def _length(node: Node) -> int:
    size = node.type.shape[0]
    return size if isinstance(size, int) else 0


def _constants(program: Program) -> dict[Node, np.ndarray[Any, Any]]:
    return {
        x: np.ascontiguousarray(x.options["value"].array)
        for x in program.slots
        if x.card.name == "constant"
    }


def _check(status: np.ndarray[Any, Any]) -> None:
    if status[0]:
        raise IndexRangeError(
            "a position (of take or scatter_add) lies outside of its axis; "
            "run with executor='numpy' to see which"
        )


def compile_graph(graph: Graph, limits: dict[str, int]) -> NativeFunction:
    """Plan and compile a graph."""
    from chainrule.plan import plan

    return NativeFunction(plan(graph, limits=limits))
