"""Run loops over minibatches in native code, and time the kernels of a plan."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import cached_property, lru_cache, partial
from operator import is_
from time import perf_counter, sleep
from typing import Any

import numpy as np

from chainrule.errors import IndexRangeError
from chainrule.execute.native.arrays import ADDRESS, address, addresses, aligned
from chainrule.execute.native.compiler import Library, machine
from chainrule.execute.native.digest import digest
from chainrule.execute.native.gemm import Target
from chainrule.execute.native.kept import Built, obtain
from chainrule.execute.native.layout import Layout, constants_of, entries
from chainrule.execute.native.program import Program
from chainrule.execute.native.steps import Steps
from chainrule.execute.native.team import PATIENCE
from chainrule.execute.native.team_lines import (
    DONE,
    LINE,
    NEXT,
    frame_bytes,
    lines_of_team,
    sizes_at,
)
from chainrule.execute.native.tuned import tuned
from chainrule.execute.native.workers import Workers
from chainrule.execute.processors import available_threads
from chainrule.ir import Graph, bind, itemsize
from chainrule.plan import Plan, bind_sizes, chunk, count_bytes, count_work, plan

KEPT = 64
"""Compiled programs that a process keeps at hand, of functions and of loops."""

WORK_PER_WORKER = 1_500_000
"""Floating-point operations per step that make up for a worker's waiting at barriers."""

_COUNT = ctypes.c_int64
_WORD = 8
PROGRAM = (ADDRESS, ADDRESS, ADDRESS, ADDRESS, _COUNT, _COUNT)
"""Types of a program's arguments; see `program`."""

LOOP = (*PROGRAM, _COUNT, _COUNT)
"""Types of a loop's arguments, whether one worker runs it (see `program`) or several (`team`)."""


def target() -> Target:
    """What the writer of matrix products needs to know of this machine."""
    here = machine()
    return Target(here.cpu, here.features, here.vector_bits, tuned())


def time_kernels(planned: Plan, repeats: int = 50) -> list[float]:
    """Run a plan on random numbers, at its largest sizes, and time its kernels.

    Returns
    -------
    Seconds for each of `Plan.every_group`, all steps of a loop together: the fewest in any run.
    """
    program = Program(planned, target(), timed=True)
    call = program.link().function("program", *PROGRAM)
    random = np.random.default_rng(0)
    arrays = {x: entries(x) for x in constants_of(program.slots)}
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
        call(*(x.ctypes.data for x in (slots, arenas, sizes, status)), 0, 0)
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
        Among how many a minibatch may be divided, if there is enough work.
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
    small = key.full and count_bytes(key.graph, limits) <= chunk.CACHE_BYTES
    if workers == 1 and small:  # one program for exactly this size
        return plan(bind_sizes(key.graph, limits), carried=pairs)
    return plan(key.graph, limits=limits, carried=pairs, workers=workers)


@lru_cache(maxsize=KEPT)
def _built_loop(key: LoopKey) -> tuple[Built, Library]:
    """Plan a loop and compile it; neither is done where its code is on disk."""
    options = (key.carried, key.batch_size, key.workers, key.full, key.timed)
    limits = (WORK_PER_WORKER, chunk.CACHE_BYTES)  # tests change them, beside the source
    name = digest(key.fingerprint, options, target(), limits)
    built = obtain(name, lambda: _loop_program(plan_loop(key), key).build(key.graph))
    return built, built.link("loop")


def _loop_program(step: Plan, key: LoopKey) -> Program:
    *_, rows, number = step.graph.inputs
    written = dict.fromkeys(step.graph.outputs[key.carried :])
    records = [x for x in written if x not in step.graph.inputs and x.card.name != "constant"]
    strides = {number: 4} | {x: itemsize(x.type.dtype) for x in records}
    return Program(step, target(), Steps(rows, key.batch_size, strides), timed=key.timed)


class NativeLoop:
    """Many steps in one call.

    Parameters
    ----------
    key
        The step, whose first outputs replace its first inputs, and whose last two inputs are the
        rows of the minibatch and the number of the step; and how it is to be run.
    """

    def __init__(self, key: LoopKey) -> None:
        built, library = _built_loop(key)
        self.workers = built.layout.workers
        self.cycles = np.zeros(built.layout.groups + 1, np.int64)
        self._key = key
        self._call = library.function("loop", *LOOP)
        self._calls_blas = bool(built.imports)
        self._memory = [aligned((built.layout.arena,), np.uint8) for _ in range(self.workers)]
        self._arenas = addresses(self._memory)
        self._lay_out(built.layout)
        self._arrays: list[Any] = []
        self._threads = Workers(min(self.workers, available_threads()))

    @cached_property
    def plan(self) -> Plan:
        """What each step does; made when it is asked for."""
        return plan_loop(self._key)

    def _lay_out(self, layout: Layout) -> None:
        """Find the slots of what every run brings along, and where each record comes from."""
        graph, carried = self._key.graph, self._key.carried
        known = constants_of(graph.nodes)
        self._constants = [entries(known[i]) for i in layout.constants]
        self._rows = len(graph.inputs) - 2
        self._given = len(graph.inputs) + len(self._constants)
        self._results = [slot for slot in layout.outputs[carried:] if slot is not None]
        kinds = [np.dtype(x.type.dtype) for x in graph.outputs[carried:]]
        records = dict(zip(self._results, kinds, strict=True))
        self._made = [kind for slot, kind in records.items() if slot >= self._given]
        slots = self._given + len(self._made) + 1
        self._sizes = sizes_at(slots) // _WORD
        self._frames = aligned((self.workers, frame_bytes(slots) // _WORD), np.uint64)
        self._status = aligned((1,), np.int32)
        self._team = aligned((lines_of_team(self.workers), LINE // _WORD), np.int64)

    def _locate(self, arrays: Sequence[Any]) -> None:
        """Note the addresses of what stays in its place; most runs have the arrays of the last."""
        if len(arrays) == len(self._arrays) and all(map(is_, arrays, self._arrays)):
            return
        fixed = [address(x) for x in self._constants]
        self._frames[:, : self._given] = [*map(address, arrays), 0, 0, *fixed]
        self._arrays = list(arrays)

    def run(self, arrays: Sequence[Any], order: np.ndarray[Any, Any], first: int) -> list[Any]:
        """Run one step for each minibatch of `order`; return what each step recorded.

        `arrays` holds those that are carried on, which change, and those of the data.
        """
        self._locate(arrays)
        steps = -(-len(order) // self._key.batch_size)
        numbers = np.arange(first, first + steps, dtype=np.int32)
        # Every worker records, and counts cycles; what the first one writes is kept.
        records = [[np.empty(steps, kind) for kind in self._made] for _ in range(self.workers)]
        cycles = [self.cycles, *(self.cycles.copy() for _ in range(1, self.workers))]
        places = [[*map(address, own), address(x)] for own, x in zip(records, cycles, strict=True)]
        frames = self._frames
        frames[:, self._rows] = frames[:, self._sizes + 3] = address(order)
        frames[:, self._rows + 1] = address(numbers)
        frames[:, self._given : self._given + len(places[0])] = places
        with one_blas_thread(self._calls_blas):
            self._start(steps, len(order), held=(self._arrays, order, numbers, records, cycles))
        status, self._status[0] = int(self._status[0]), 0
        check_status(status)
        values = [*self._arrays, order, numbers, *self._constants, *records[0]]
        by_step = {self._rows + 1, *range(self._given, len(values))}
        return [
            values[slot] if slot in by_step else np.broadcast_to(values[slot], (steps,))
            for slot in self._results
        ]

    def _start(self, steps: int, rows: int, held: Any) -> None:
        """Run all workers; nothing in `held` is freed before the last of them has ended."""
        frames, arenas, status = map(address, (self._frames, self._arenas, self._status))
        if self.workers == 1:
            sizes = frames + self._sizes * _WORD
            self._call(frames, arenas, sizes, status, 0, 0, steps, rows)
            return
        self._team[0] = self._team[NEXT::3] = self._team[DONE::3] = 0
        threads = self._threads.count
        patience = PATIENCE if threads == self.workers else 0
        places, counts = (frames, arenas, status, address(self._team)), (patience, steps, rows)
        calls = [partial(self._call, *places, i, *counts) for i in range(threads)]
        if threads == 1:
            calls[0]()
        else:
            self._threads.run(calls, held)


def one_blas_thread(calls_blas: bool) -> AbstractContextManager[Any]:
    """Keep BLAS to one thread, if a program calls it: ours are busy already."""
    if not calls_blas:
        return nullcontext()
    from threadpoolctl import threadpool_limits

    limits: AbstractContextManager[Any] = threadpool_limits(1, user_api="blas")
    return limits


def check_status(status: int) -> None:
    """Raise if a program met a position that lies outside."""
    if status:
        raise IndexRangeError(
            "a position (of take or scatter_add) lies outside of its axis; "
            "run with executor='numpy' to see which"
        )
