"""Call native programs on NumPy arrays."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

import numpy as np

from chainrule.errors import IndexRangeError, ShapeError
from chainrule.execute.native.compiler import machine
from chainrule.execute.native.gemm import Target
from chainrule.execute.native.program import Program, Steps, write_program
from chainrule.ir import Node, bind, itemsize
from chainrule.plan import Plan
from chainrule.tracing import as_array, measure

_ADDRESS = ctypes.c_void_p
_COUNT = ctypes.c_int64
_ARGUMENTS = (_ADDRESS, _ADDRESS, _ADDRESS, _ADDRESS, _COUNT, _ADDRESS)


def target() -> Target:
    """What the writer of matrix products needs to know of this machine."""
    here = machine()
    return Target(cpu=here.cpu, features=here.features, vector_bits=here.vector_bits)


def aligned(shape: Sequence[Any], dtype: Any) -> np.ndarray[Any, Any]:
    """An array that begins at a cache line, as the kernels like it."""
    kind = np.dtype(dtype)
    count = math.prod(shape) * kind.itemsize
    block = np.zeros(count + 64, np.uint8)
    begin = -block.ctypes.data % 64
    array: np.ndarray[Any, Any] = block[begin : begin + count].view(kind).reshape(tuple(shape))
    return array


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
        self.library = self.program.link()
        self._call = self.library.function("program", *_ARGUMENTS)
        self._constants = _constants(self.program)
        self._arena = aligned((self.program.arena,), np.uint8)

    def __call__(self, values: Sequence[Any]) -> list[np.ndarray[Any, Any]]:
        """Compute the outputs for one array for each input of the graph."""
        graph, program = self.plan.graph, self.program
        arrays = [
            np.asarray(as_array(v, x.type.dtype), order="C")
            for v, x in zip(values, graph.inputs, strict=True)
        ]
        sizes = measure(graph, arrays)
        known: dict[Node, np.ndarray[Any, Any]] = dict(zip(graph.inputs, arrays, strict=True))
        known |= self._constants
        for node in program.slots:
            if node not in known:
                known[node] = np.empty(bind(node.type.shape, sizes), node.type.dtype)
        for symbol in program.symbols:
            if sizes[symbol] > self.plan.limits[symbol]:
                raise ShapeError(
                    f"the size {symbol} is {sizes[symbol]}, but the program was planned for at "
                    f"most {self.plan.limits[symbol]}"
                )
        slots = _addresses(known[x] for x in program.slots)
        bound = np.array([sizes[s] for s in program.symbols], np.int64)
        status = np.zeros(1, np.int32)
        places = (slots, _addresses([self._arena]), bound, status)
        with _one_blas_thread(self.program):
            self._call(*(x.ctypes.data for x in places), 0, None)
        _check(status)
        return [known[x] if x not in graph.inputs else known[x].copy() for x in graph.outputs]


class NativeLoop:
    """Many steps in one call.

    Parameters
    ----------
    plan
        A step, whose first outputs replace its first inputs; its last two inputs are the rows of
        the minibatch and the number of the step. It may be shared among workers.
    carried
        How many arrays are carried on.
    batch_size
        Rows of a full minibatch.
    timed
        Whether to count the cycles of each kernel, in `cycles`.
    """

    def __init__(self, plan: Plan, carried: int, batch_size: int, *, timed: bool = False) -> None:
        graph = plan.graph
        self.plan = plan
        self.workers = plan.sharing.workers if plan.sharing else 1
        self._carried = carried
        self._batch_size = batch_size
        records = dict.fromkeys(graph.outputs[carried:])
        self._records = [x for x in records if x not in graph.inputs and x.card.name != "constant"]
        *_, rows, number = graph.inputs
        strides = {number: 4} | {x: itemsize(x.type.dtype) for x in self._records}
        steps = Steps(rows, batch_size, strides)
        self.program = write_program(plan, target(), steps, timed=timed)
        self.cycles = np.zeros(len(plan.groups), np.int64)
        self.library = self.program.link()
        self._call = self.library.function("loop", *_ARGUMENTS, _COUNT, _COUNT)
        self._arenas = [aligned((self.program.arena,), np.uint8) for _ in range(self.workers)]
        self._constants = _constants(self.program)
        self._threads = ThreadPoolExecutor(self.workers - 1) if self.workers > 1 else None

    def run(self, arrays: Sequence[Any], order: np.ndarray[Any, Any], first: int) -> list[Any]:
        """Run one step for each minibatch of `order`; return what each step recorded.

        `arrays` holds those that are carried on, which change, and those of the data.
        """
        steps = -(-len(order) // self._batch_size)
        graph = self.plan.graph
        numbers = np.arange(first, first + steps, dtype=np.int32)
        known: dict[Node, np.ndarray[Any, Any]] = dict(
            zip(graph.inputs, [*arrays, order, numbers], strict=True)
        )
        known |= self._constants
        arenas = _addresses(self._arenas)
        barrier, status = np.zeros(8, np.int64), np.zeros(1, np.int32)
        waiting = []
        with _one_blas_thread(self.program):
            for worker in reversed(range(self.workers)):
                # Every worker records; what the first one records is kept.
                known |= {node: np.empty(steps, node.type.dtype) for node in self._records}
                cycles = self.cycles if worker == 0 else self.cycles.copy()
                slots = _addresses([*(known[x] for x in self.program.slots), cycles])
                sizes = np.zeros(max(8, len(self.program.symbols)), np.int64)
                places = (slots, arenas, sizes, status)
                held = (places, cycles, dict(known))  # alive until the worker has ended
                addresses = (*(x.ctypes.data for x in places), worker, barrier.ctypes.data)
                call = partial(self._call, *addresses, steps, len(order))
                if worker and self._threads:
                    waiting.append((self._threads.submit(call), held))
                else:
                    call()
            for task, _ in waiting:
                task.result()
        _check(status)
        return [
            known[x] if x in self._records else np.broadcast_to(known[x], (steps,))
            for x in graph.outputs[self._carried :]
        ]


def _addresses(arrays: Iterable[np.ndarray[Any, Any]]) -> np.ndarray[Any, Any]:
    return np.array([x.ctypes.data for x in arrays], np.uintp)


def _one_blas_thread(program: Program) -> AbstractContextManager[Any]:
    """Keep BLAS to one thread, if the program calls it: ours are busy already."""
    if not program.imports:
        return nullcontext()
    from threadpoolctl import threadpool_limits

    limits: AbstractContextManager[Any] = threadpool_limits(1, user_api="blas")
    return limits


def _constants(program: Program) -> dict[Node, np.ndarray[Any, Any]]:
    return {
        x: np.asarray(x.options["value"].array, order="C")
        for x in program.slots
        if x.card.name == "constant"
    }


def _check(status: np.ndarray[Any, Any]) -> None:
    if status[0]:
        raise IndexRangeError(
            "a position (of take or scatter_add) lies outside of its axis; "
            "run with executor='numpy' to see which"
        )
