"""The race: libraries take turns, block by block, so that a slow moment of the machine hits all."""

from __future__ import annotations

import importlib
import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from time import perf_counter, sleep

from benchmarks.session import Missing, Session, Unsupported
from benchmarks.workloads import Data, Workload

OURS = "chainrule"

# Name of each peer's distribution.
PEERS = {"torch": "torch", "jax": "jax", "sklearn": "scikit-learn", "numpy": "numpy"}

# Threads of the last library may still spin, waiting for more work; give them time to sleep.
PAUSE = 0.02


@dataclass(frozen=True)
class Result:
    """How one library did on one workload.

    Parameters
    ----------
    start : float
        Seconds to set up and to compile, imports left out.
    best, median : float
        Seconds per step, over the blocks but the first, which warms up.
    total : float
        Seconds for all steps, `start` and the first block included.
    loss, accuracy : float
        At the end, over all rows, by the same code for every library.
    note : str
        What differs from the work as described.
    """

    workload: str
    library: str
    version: str
    start: float
    best: float
    median: float
    total: float
    loss: float
    accuracy: float
    note: str


@dataclass(frozen=True)
class Absent:
    """A library that did not take part, and why."""

    workload: str
    library: str
    reason: str


Prepare = Callable[[Workload, Data, int], Session]


def race(
    workload: Workload, libraries: Sequence[str], threads: int
) -> tuple[list[Result], list[Absent]]:
    """Train the workload with each library, in turns."""
    data = workload.data()
    sessions: dict[str, Session] = {}
    starts: dict[str, float] = {}
    absent = []
    for library in libraries:
        try:
            prepare = find(library)
            begin = perf_counter()
            sessions[library] = prepare(workload, data, threads)
            starts[library] = perf_counter() - begin
        except (Missing, Unsupported) as reason:
            absent.append(Absent(workload.name, library, str(reason)))
    times: dict[str, list[float]] = {library: [] for library in sessions}
    for block in range(workload.blocks):
        orders = workload.orders(block)
        turn = block % max(len(sessions), 1)
        names = list(sessions)
        for library in names[turn:] + names[:turn]:  # everybody leads once in a while
            sleep(PAUSE)
            begin = perf_counter()
            sessions[library].train(orders)
            times[library].append(perf_counter() - begin)
    results = []
    for library, session in sessions.items():
        loss, accuracy = workload.evaluate(session.weights(), data)
        steps = [seconds / workload.steps_per_block for seconds in times[library]]
        counted = steps[1:] or steps
        results.append(
            Result(
                workload=workload.name,
                library=library,
                version=version(PEERS.get(library, library)),
                start=starts[library],
                best=min(counted),
                median=statistics.median(counted),
                total=starts[library] + sum(times[library]),
                loss=loss,
                accuracy=accuracy,
                note=session.note,
            )
        )
    return results, absent


def find(library: str) -> Prepare:
    """Find how a library sets up a workload; raises `Missing` where it is not installed."""
    name = "benchmarks.ours" if library == OURS else f"benchmarks.peers.{library}_"
    try:
        prepare: Prepare = importlib.import_module(name).prepare
    except ImportError as error:
        if (error.name or "").split(".")[0] == "benchmarks":
            raise
        raise Missing(str(error)) from error
    return prepare


def as_record(result: Result | Absent) -> dict[str, object]:
    """Turn a result into what JSON can hold."""
    return asdict(result)
