"""Programs in native code as functions of NumPy arrays."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from functools import cache, lru_cache, partial
from typing import Any

import numpy as np

from chainrule.errors import ShapeError
from chainrule.execute.native.arrays import ADDRESS, address, aligned
from chainrule.execute.native.compiler import Library
from chainrule.execute.native.layout import constants_of, entries
from chainrule.execute.native.program import Program
from chainrule.execute.native.run import (
    KEPT,
    PROGRAM,
    check_status,
    one_blas_thread,
    target,
)
from chainrule.execute.processors import available_threads
from chainrule.ir import bind, element_count, itemsize
from chainrule.plan import Plan
from chainrule.plan.rows import independent_rows
from chainrule.tracing import as_array, measure

WORK_PER_THREAD = 10_000_000
"""Floating-point operations of a call that make up for waking a thread.

A thousand rows of the benchmark `predict`, 15 million operations, take 174 us on one thread, and
200 on two.
"""

_COUNT = ctypes.c_int64
_Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class _FunctionKey:
    """What two functions must share to be one; the plan is only the first one's way there."""

    fingerprint: str
    plan: Plan = field(compare=False)


@lru_cache(maxsize=KEPT)
def _built_function(key: _FunctionKey) -> tuple[Plan, Program, Library]:
    program = Program(key.plan, target())
    return key.plan, program, program.link()


@cache
def _threads(process: int, workers: int) -> ThreadPoolExecutor:
    """Threads for calls; a process that was forked off makes its own."""
    return ThreadPoolExecutor(workers)


class _Frame:
    """What one call at a time needs: addresses, sizes and working memory."""

    def __init__(self, slots: int, arena: int) -> None:
        self.slots = (ADDRESS * slots)()
        self.sizes = (_COUNT * 4)()
        self.status = ctypes.c_int32(0)
        self.memory = aligned((arena,), np.uint8)
        self.arenas = (ADDRESS * 1)(self.memory.ctypes.data)
        at = ctypes.addressof
        places = (at(self.slots), at(self.arenas), at(self.sizes), at(self.status))
        self.arguments = (*places, 0, 0)


class NativeFunction:
    """A plan as machine code, to be called on arrays; calls may come from several threads.

    Where rows do not depend on each other, and there is enough work, several threads share them.

    Parameters
    ----------
    plan
        What to run.
    """

    def __init__(self, plan: Plan) -> None:
        built = _built_function(_FunctionKey(plan.fingerprint, plan))
        self.plan, self.program, self.library = built
        graph, slots = self.plan.graph, self.program.slots
        place = {x: i for i, x in enumerate(slots)}
        self._call = self.library.function("program", *PROGRAM)
        self._kinds = [(np.dtype(x.type.dtype), x.type.shape) for x in graph.inputs]
        self._places = [place[x] for x in graph.inputs]
        constants = {x: entries(x) for x in constants_of(slots)}
        self._constants = [(place[x], array) for x, array in constants.items()]
        made = [x for x in slots if x not in graph.inputs and x not in constants]
        self._outputs = [(place[x], x.type.shape, np.dtype(x.type.dtype)) for x in made]
        self._results = [place[x] for x in graph.outputs]
        self._copied = {place[x] for x in (*graph.inputs, *constants)} & set(self._results)
        self._free: list[_Frame] = []
        self._work = self.plan.cost()
        self._row_bytes = self._bytes_per_row() if independent_rows(graph) else {}

    def _bytes_per_row(self) -> dict[int, int]:
        """Bytes of a row, for each slot that has rows."""
        one = dict.fromkeys(self.program.symbols, 1)
        return {
            i: int(element_count(bind(x.type.shape, one))) * itemsize(x.type.dtype)
            for i, x in enumerate(self.program.slots)
            if bind(x.type.shape, one) != x.type.shape
        }

    def run(self, values: Sequence[Any]) -> list[_Array]:
        """Compute the outputs for one array for each input of the graph."""
        arrays = [
            value
            if type(value) is np.ndarray
            and value.dtype == dtype
            and value.shape == shape
            and value.flags.c_contiguous
            else np.asarray(as_array(value, dtype.name), order="C")
            for value, (dtype, shape) in zip(values, self._kinds, strict=True)
        ]
        sizes = self._sizes(arrays)
        known = dict(zip(self._places, arrays, strict=True))
        for place, shape, dtype in self._outputs:
            known[place] = np.empty(bind(shape, sizes) if sizes else shape, dtype)
        workers = self._workers(sizes) if self._row_bytes else 1
        if workers > 1:
            self._share(known, sizes[self.program.symbols[0]], workers)
        else:
            frame = self._frame()
            for place, array in known.items():
                frame.slots[place] = address(array)
            for i, symbol in enumerate(self.program.symbols):
                frame.sizes[i] = sizes[symbol]
            self._call_on(frame)
        if not self._copied:
            return [known[i] for i in self._results]
        known.update(self._constants)
        return [known[i].copy() if i in self._copied else known[i] for i in self._results]

    def _frame(self) -> _Frame:
        """Take a frame that nobody uses; taking from a list, and putting back, is atomic."""
        try:
            return self._free.pop()
        except IndexError:
            frame = _Frame(len(self.program.slots), self.program.arena)
            for place, array in self._constants:
                frame.slots[place] = address(array)
            return frame

    def _call_on(self, frame: _Frame) -> None:
        if self.program.calls_blas:
            with one_blas_thread(True):
                self._call(*frame.arguments)
        else:
            self._call(*frame.arguments)
        status, frame.status.value = frame.status.value, 0
        self._free.append(frame)
        check_status(status)

    def _workers(self, sizes: dict[str, Any]) -> int:
        """How many threads are worth their start."""
        (rows,), (most,) = sizes.values(), self.plan.limits.values()
        worth: int = self._work * rows // (most * WORK_PER_THREAD)
        return min(worth, available_threads())

    def _share(self, known: dict[int, _Array], rows: int, workers: int) -> None:
        """Give each of several threads some of the rows."""
        calls = []
        for worker in range(workers):
            begin, end = rows * worker // workers, rows * (worker + 1) // workers
            frame = self._frame()
            for place, array in known.items():
                frame.slots[place] = address(array) + begin * self._row_bytes.get(place, 0)
            frame.sizes[0] = end - begin
            calls.append(partial(self._call_on, frame))
        threads = _threads(os.getpid(), available_threads())
        tasks = [threads.submit(call) for call in calls]
        try:
            for task in tasks:
                task.result()
        finally:
            wait(tasks)  # whatever happens, nobody may still write when the arrays are let go

    def _sizes(self, arrays: Sequence[_Array]) -> dict[str, Any]:
        """Measure the symbolic sizes, and check all shapes."""
        if not self.program.symbols and all(
            x.shape == shape for x, (_, shape) in zip(arrays, self._kinds, strict=True)
        ):
            return {}
        sizes = measure(self.plan.graph, arrays)
        for symbol in self.program.symbols:
            if sizes[symbol] > self.plan.limits[symbol]:
                raise ShapeError(
                    f"the size {symbol} is {sizes[symbol]}, but the program was planned for at "
                    f"most {self.plan.limits[symbol]}"
                )
        return sizes
