"""Threads that run the parts of one call together, each on a processor of its own."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import partial
from typing import Any


class Workers:
    """The threads of one loop; no others, as they wait for each other.

    Every worker has the same thread in each run, so that what belongs to it alone, such as its
    share of the optimiser's state, stays in the caches of one processor.

    Parameters
    ----------
    count
        How many there are.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self._process = 0
        self._threads: list[ThreadPoolExecutor] = []

    def run(self, calls: Sequence[Callable[[], None]], held: Any) -> None:
        """Make each call in the thread of its worker, and wait until all have ended.

        Nothing in `held` is freed before, even if Ctrl-C ends the waiting.
        """
        process = os.getpid()
        if process != self._process:  # a process that was forked off has none of its parent's
            self._threads = [ThreadPoolExecutor(1) for _ in range(self.count)]
            self._process = process
        placed = [partial(_stay, *each) for each in zip(_places(self.count), calls, strict=True)]
        _wait_for(self._threads[0].submit(_run_together, self._threads, placed, held))


def _places(workers: int) -> Sequence[int | None]:
    """A processor for each worker, if there are as many; else Linux finds them places.

    It puts threads that wake each other on one processor now and then, where they take turns:
    with all processors at work, `table` of the benchmarks took 84 us a step in place of 144.
    """
    known = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_setaffinity") else []
    return known if len(known) == workers else [None] * workers


def _stay(processor: int | None, call: Callable[[], None]) -> None:
    """Call from a thread of the loop's own, which stays on a processor."""
    if processor is not None:
        os.sched_setaffinity(0, {processor})
    call()


def _run_together(
    threads: Sequence[ThreadPoolExecutor], calls: Sequence[Callable[[], None]], held: Any
) -> None:
    """Make the first call here and the others in their threads."""
    others = [thread.submit(call) for thread, call in zip(threads[1:], calls[1:], strict=True)]
    calls[0]()
    for other in others:
        other.result()


def _wait_for(task: Future[None]) -> None:
    """Wait for workers, and go on waiting when Ctrl-C arrives.

    Ctrl-C interrupts the main thread alone. Were that thread a worker, or the one that starts
    them, it could leave the others at the barrier, waiting for one that never comes.
    """
    try:
        task.result()
    except KeyboardInterrupt:
        wait([task])
        raise
