"""The race: libraries take turns, block by block, so that a slow moment of the machine hits all."""

from __future__ import annotations

import importlib
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np

from benchmarks.clock import Lap, Stopwatch
from benchmarks.session import Library, Missing, Predict, Unsupported
from benchmarks.threads import using
from benchmarks.workloads import Data, Floats, Prediction, Task

OURS = "chainrule"

# Name of each peer's distribution.
PEERS = {"torch": "torch", "jax": "jax", "sklearn": "scikit-learn", "numpy": "numpy"}

FIXED = (OURS, "jax")
"""Libraries whose number of threads cannot be changed, or that choose it themselves."""

TRIALS, TRIAL_STEPS = 5, 20
"""Runs, and steps of each, from which the better number of threads is chosen.

Threads that rest take some time until all of them work. With three runs of five steps, PyTorch
was now and then given one thread on `digits-mlp`, where it is 1.4 times faster with two.
"""

ROUNDING = 0.01
"""Part of a loss by which libraries may differ after hundreds of steps, each rounded its way."""


@dataclass(frozen=True)
class Result:
    """How one library did on one workload.

    Parameters
    ----------
    threads : int
        How many it might use: as many as all, or one where it is faster so.
    best, median : float
        Seconds per step, over the blocks but the first, which warms up; the median is over calm
        blocks where there are three.
    calm, blocks : int
        How many blocks were not disturbed, of how many.
    loss, accuracy : float
        At the end, by the same code for every library.
    equal : bool
        Whether the loss is the one that most libraries reached, but for rounding.
    note : str
        What differs from the work as described.
    """

    workload: str
    library: str
    version: str
    threads: int
    best: float
    median: float
    calm: int
    blocks: int
    loss: float
    accuracy: float
    equal: bool
    note: str


@dataclass(frozen=True)
class Absent:
    """A library that did not take part, and why."""

    workload: str
    library: str
    reason: str


@dataclass(frozen=True)
class Entrant:
    """A library with a network of its own, ready to work on blocks."""

    work: Callable[[Any], object]
    score: Callable[[], tuple[float, float]]
    note: str


def race(
    task: Task, data: Data, libraries: Sequence[str], threads: int
) -> tuple[list[Result], list[Absent]]:
    """Give the task to each library, in turns."""
    entrants: dict[str, Entrant] = {}
    suited: dict[str, int] = {}
    laps: dict[str, list[Lap]] = {}
    absent = []
    for library in libraries:
        try:
            settled = threads == 1 or library in FIXED or task.blocks < 3
            suited[library] = threads if settled else _suited(library, task, data, threads)
            entrants[library] = enter(library, task, data, threads)
            laps[library] = []
        except (Missing, Unsupported) as reason:
            absent.append(Absent(task.name, library, str(reason)))
    for number in range(task.blocks):
        block = block_of(task, number, data)
        turn = number % max(len(entrants), 1)
        names = list(entrants)
        for library in names[turn:] + names[:turn]:  # everybody leads once in a while
            with using(suited[library]), Stopwatch() as watch:
                entrants[library].work(block)
            laps[library].append(watch.lap)
    scores = {library: entrant.score() for library, entrant in entrants.items()}
    usual = statistics.median_low(loss for loss, _ in scores.values()) if scores else 0.0
    results = []
    for library, entrant in entrants.items():
        counted = laps[library][1:] or laps[library]
        calm = [lap for lap in counted if not lap.disturbed]
        middle = statistics.median(lap.seconds for lap in (calm if len(calm) > 2 else counted))
        loss, accuracy = scores[library]
        results.append(
            Result(
                workload=task.name,
                library=library,
                version=_version(library),
                threads=suited[library],
                best=min(lap.seconds for lap in counted) / task.steps_per_block,
                median=middle / task.steps_per_block,
                calm=len(calm),
                blocks=len(counted),
                loss=loss,
                accuracy=accuracy,
                equal=abs(loss - usual) <= ROUNDING * usual,
                note=entrant.note,
            )
        )
    return results, absent


def find(library: str) -> Library:
    """Find a library's module; raises `Missing` where it is not installed."""
    name = "benchmarks.ours" if library == OURS else f"benchmarks.peers.{library}_"
    try:
        module: Any = importlib.import_module(name)
    except ImportError as error:
        if (error.name or "").split(".")[0] == "benchmarks":
            raise
        raise Missing(str(error)) from error
    found: Library = module
    return found


def enter(library: str, task: Task, data: Data, threads: int) -> Entrant:
    """Set a library up for a task."""
    module = find(library)
    if isinstance(task, Prediction):
        chunk = task.rows if library == OURS else task.chunk  # ours divides rows itself
        some = Data(data.X[:chunk], data.y[:chunk])
        predict = in_chunks(module.predictor(task.network, some, threads), chunk)

        def repeat(rows: Sequence[Floats]) -> None:
            for X in rows:
                predict(X)

        return Entrant(repeat, lambda: task.judge(predict(data.X), data), "")
    session = module.prepare(task, data, threads)
    return Entrant(session.train, lambda: task.evaluate(session.weights(), data), session.note)


def block_of(task: Task, number: int, data: Data) -> Any:
    """Make what an entrant works on in one block."""
    if isinstance(task, Prediction):
        return [data.X] * task.steps_per_block
    return task.orders(number)


def in_chunks(predict: Predict, chunk: int) -> Predict:
    """Predict many rows by several calls."""

    def whole(X: Floats) -> Floats:
        if len(X) <= chunk:
            return predict(X)
        first = predict(X[:chunk])
        results = np.empty((len(X), *first.shape[1:]), first.dtype)
        results[:chunk] = first
        for begin in range(chunk, len(X), chunk):
            results[begin : begin + chunk] = predict(X[begin : begin + chunk])
        return results

    return whole


def _suited(library: str, task: Task, data: Data, threads: int) -> int:
    """Find by a short trial whether a library is faster with all threads, or with one."""
    entrant = enter(library, task, data, threads)
    block = block_of(task, 0, data)
    if not isinstance(task, Prediction):
        block = block[:TRIAL_STEPS] if task.full else block[:1, : TRIAL_STEPS * task.batch]
    elif task.rows > task.chunk:
        block = [data.X[: 20 * task.chunk]]
    seconds = dict.fromkeys((threads, 1), float("inf"))
    for _ in range(TRIALS):
        for count in seconds:
            with using(count), Stopwatch() as watch:
                entrant.work(block)
            seconds[count] = min(seconds[count], watch.lap.seconds)
    return min(seconds, key=seconds.__getitem__)


def _version(library: str) -> str:
    if library == OURS:  # which may run from its source, without being installed
        return str(importlib.import_module(OURS).__version__)
    return version(PEERS[library])
