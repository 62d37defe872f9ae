"""Run loops over minibatches in native code, and time the kernels of a plan."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import lru_cache, partial
from operator import is_
from time import perf_counter, sleep
from typing import Any

import numpy as np

from chainrule.errors import IndexRangeError
from chainrule.execute.native.arrays import ADDRESS, address, addresses, aligned
from chainrule.execute.native.compiler import Library, machine
from chainrule.execute.native.gemm import Target
from chainrule.execute.native.program import Program
from chainrule.execute.native.steps import Steps
from chainrule.execute.native.workers import Workers
from chainrule.ir import Graph, Node, bind, itemsize
from chainrule.plan import Plan, bind_sizes, count_bytes, count_work, plan
from chainrule.plan.chunk import CACHE_BYTES

KEPT = 64
"""Compiled programs that a process keeps at hand, of functions and of loops."""

WORK_PER_WORKER = 1_500_000
"""Floating-point operations per step that make up for a worker's waiting at barriers."""

_COUNT = ctypes.c_int64
PROGRAM = (ADDRESS, ADDRESS, ADDRESS, ADDRESS, _COUNT, ADDRESS)
"""Types of a program's arguments; see `program`."""


def target() -> Target:
    """What the writer of matrix products needs to know of this machine."""
    here = machine()
    return Target(cpu=here.cpu, features=here.features, vector_bits=here.vector_bits)


def time_kernels(planned: Plan, repeats: int = 50) -> list[float]:
    """Run a plan on random numbers, at its largest sizes, and time its kernels.

    Returns
    -------
    Seconds for each of `Plan.every_group`, all steps of a loop together: the fewest in any run.
    """
    program = Program(planned, target(), timed=True)
    call = program.link().function("program", *PROGRAM)
    random = np.random.default_rng(0)
    arrays = constants_of(program)
    for node in program.slots:
        if node not in arrays:
            array = aligned(bind(node.type.shape, planned.limits), node.type.dtype)
            if array.dtype.kind == "f":
                array[...] = random.standard_normal(array.shape)
            arrays[node] = array
    sizes = np.array([planned.limits[s] for s in program.symbols] or [0], np.int64)
    arena = aligned((program.arena,), np.uint8)
    arenas, status = addresses([arena]), np.zeros(1, np.int32)
    runs = []
    for _ in range(repeats):
        cycles = np.zeros(len(planned.every_group) + 1, np.int64)
        slots = addresses([*(arrays[x] for x in program.slots), cycles])
        called = perf_counter()
        call(*(x.ctypes.data for x in (slots, arenas, sizes, status)), 0, None)
        runs.append((called, cycles))
        sleep(0.0002)  # the clocks are compared over some time
    (first, begin), (last, end) = runs[0], runs[-1]
    seconds_per_cycle = (last - first) / float(end[-1] - begin[-1])
    fewest = np.min([cycles[:-1] for _, cycles in runs], axis=0)
    return [float(count) * seconds_per_cycle for count in fewest]


@dataclass(frozen=True)
class LoopKey:
    """What two loops must share to be one.

    Attributes
    ----------
    fingerprint
        Of the traced step.
    carried, batch_size
        How many arrays are carried on; rows of a full minibatch.
    workers
        How many threads may share a minibatch, if there is enough work.
    full
        Whether all minibatches have `batch_size` rows.
    timed
        Whether to count the cycles of each kernel.
    graph
        The traced step itself.
    """

    fingerprint: str
    carried: int
    batch_size: int
    workers: int
    full: bool
    timed: bool
    graph: Graph = field(compare=False)


def plan_loop(key: LoopKey) -> Plan:
    """Plan a loop for as many workers as its work is worth."""
    pairs = [(i, i) for i in range(key.carried)]
    limits = {"batch": key.batch_size}
    _, flops = count_work(key.graph, limits)
    workers = max(1, min(key.workers, flops // WORK_PER_WORKER))
    small = key.full and count_bytes(key.graph, limits) <= CACHE_BYTES
    if workers == 1 and small:  # one program for exactly this size
        return plan(bind_sizes(key.graph, limits), carried=pairs)
    return plan(key.graph, limits=limits, carried=pairs, workers=workers)


@lru_cache(maxsize=KEPT)
def _built_loop(key: LoopKey) -> tuple[Plan, Program, Library]:
    """Plan a loop and compile it."""
    step = plan_loop(key)
    program = _loop_program(step, key)
    return step, program, program.link()


def _loop_program(step: Plan, key: LoopKey) -> Program:
    *_, rows, number = step.graph.inputs
    strides = {number: 4} | {x: itemsize(x.type.dtype) for x in _records(step, key.carried)}
    steps = Steps(rows, key.batch_size, strides)
    return Program(step, target(), steps, timed=key.timed)


def _records(step: Plan, carried: int) -> list[Node]:
    """The numbers that each step writes."""
    found = dict.fromkeys(step.graph.outputs[carried:])
    return [x for x in found if x not in step.graph.inputs and x.card.name != "constant"]


class NativeLoop:
    """Many steps in one call.

    Parameters
    ----------
    key
        The step, whose first outputs replace its first inputs, and whose last two inputs are the
        rows of the minibatch and the number of the step; and how it is to be run.
    """

    def __init__(self, key: LoopKey) -> None:
        self.plan, self.program, self.library = _built_loop(key)
        self.workers = self.plan.sharing.workers if self.plan.sharing else 1
        self.cycles = np.zeros(len(self.plan.every_group) + 1, np.int64)
        self._batch_size = key.batch_size
        self._call = self.library.function("loop", *PROGRAM, _COUNT, _COUNT)
        self._memory = [aligned((self.program.arena,), np.uint8) for _ in range(self.workers)]
        self._arenas = (ADDRESS * self.workers)(*map(address, self._memory))
        self._sizes = _COUNT * max(8, len(self.program.symbols))
        self._constants = constants_of(self.program)
        self._lay_out(key.carried)
        self._arrays: list[Any] = []
        self._addresses: list[int] = []
        self._together = Workers(self.workers)

    def _lay_out(self, carried: int) -> None:
        """Find the slots of what every run brings along, and where each record comes from."""
        graph, records = self.plan.graph, _records(self.plan, carried)
        place = {x: i for i, x in enumerate(self.program.slots)}
        self._rows, self._number = (place[x] for x in graph.inputs[-2:])
        self._made = [(place[x], np.dtype(x.type.dtype)) for x in records]
        self._results = [place[x] for x in graph.outputs[carried:]]

    def _locate(self, arrays: Sequence[Any]) -> None:
        """Note the addresses of what stays in its place; most runs have the arrays of the last."""
        if len(arrays) == len(self._arrays) and all(map(is_, arrays, self._arrays)):
            return
        known = dict(zip(self.plan.graph.inputs, arrays, strict=False)) | self._constants
        self._addresses = [address(known[x]) if x in known else 0 for x in self.program.slots]
        self._arrays = list(arrays)

    def run(self, arrays: Sequence[Any], order: np.ndarray[Any, Any], first: int) -> list[Any]:
        """Run one step for each minibatch of `order`; return what each step recorded.

        `arrays` holds those that are carried on, which change, and those of the data.
        """
        self._locate(arrays)
        steps = -(-len(order) // self._batch_size)
        numbers = np.arange(first, first + steps, dtype=np.int32)
        barrier, status = (_COUNT * 8)(), ctypes.c_int32(0)
        calls, held = [], [self._arrays, order, numbers]
        records: list[Any] = []
        for worker in reversed(range(self.workers)):
            # Every worker records; what the first one records is kept.
            records = [np.empty(steps, kind) for _, kind in self._made]
            cycles = self.cycles if worker == 0 else self.cycles.copy()
            slots = (ADDRESS * (len(self._addresses) + 1))(*self._addresses, address(cycles))
            slots[self._rows], slots[self._number] = address(order), address(numbers)
            for (slot, _), array in zip(self._made, records, strict=True):
                slots[slot] = address(array)
            held += [records, cycles]  # alive until all have ended
            places = (slots, self._arenas, self._sizes(), ctypes.byref(status))
            calls.append(partial(self._call, *places, worker, barrier, steps, len(order)))
        self._run_calls(calls, held)
        check_status(status.value)
        made = {slot: array for (slot, _), array in zip(self._made, records, strict=True)}
        made[self._number] = numbers
        return [
            made[slot] if slot in made else np.broadcast_to(self._given(slot), (steps,))
            for slot in self._results
        ]

    def _given(self, slot: int) -> Any:
        """What lies in a slot that steps do not write: an array of the data, or a constant."""
        node = self.program.slots[slot]
        known = dict(zip(self.plan.graph.inputs, self._arrays, strict=False)) | self._constants
        return known[node]

    def _run_calls(self, calls: Sequence[Callable[[], None]], held: Any) -> None:
        """Run all workers; nothing in `held` is freed before the last of them has ended."""
        with one_blas_thread(self.program):
            if self.workers == 1:
                calls[0]()
                return
            self._together.run(calls, held)


def one_blas_thread(program: Program) -> AbstractContextManager[Any]:
    """Keep BLAS to one thread, if the program calls it: ours are busy already."""
    if not program.calls_blas:
        return nullcontext()
    from threadpoolctl import threadpool_limits

    limits: AbstractContextManager[Any] = threadpool_limits(1, user_api="blas")
    return limits


def constants_of(program: Program) -> dict[Node, np.ndarray[Any, Any]]:
    """Lay out the fixed arrays of a program."""
    return {
        x: np.asarray(x.options["value"].array, order="C")
        for x in program.slots
        if x.card.name == "constant"
    }


def check_status(status: int) -> None:
    """Raise if a program met a position that lies outside."""
    if status:
        raise IndexRangeError(
            "a position (of take or scatter_add) lies outside of its axis; "
            "run with executor='numpy' to see which"
        )
