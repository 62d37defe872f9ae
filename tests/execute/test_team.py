"""Threads that run the workers' parts of steps: what comes out depends on the workers alone."""

from __future__ import annotations

import threading
import time
from functools import partial
from typing import Any

import numpy as np
import pytest

import chainrule.numpy as cnp
from chainrule.execute import loop
from chainrule.execute.native import run
from chainrule.execute.native.run import LoopKey, NativeLoop
from chainrule.execute.native.team_lines import DONE, LEAVE, NEXT

ROWS, BATCH = 96, 16
FOREVER = 2**62
"""The end of a leave, in nanoseconds, that no test lives to see."""


def _step(w: Any, x: Any, rows: Any, number: Any) -> Any:
    mine = cnp.take(x, rows)
    errors = cnp.tanh(mine @ w) - 0.5
    gradient = cnp.sum(mine[:, :, None] * errors[:, None, :], axis=0)
    return w - 0.01 * gradient, cnp.sum(errors**2)


def _arrays() -> list[Any]:
    draw = np.random.default_rng(3).standard_normal
    return [draw((8, 4)).astype("float32"), draw((ROWS, 8)).astype("float32")]


def _native(monkeypatch: pytest.MonkeyPatch, workers: int, threads: int) -> NativeLoop:
    monkeypatch.setattr(run, "WORK_PER_WORKER", 1)
    monkeypatch.setattr(run, "available_threads", lambda: threads)
    traced = loop(_step, *_arrays(), batch_size=BATCH)
    native = NativeLoop(
        LoopKey(traced.graph.fingerprint, 1, BATCH, workers, False, False, traced.graph)
    )
    assert native.workers == workers
    return native


def _train(native: NativeLoop, epochs: int = 3) -> bytes:
    arrays, order = _arrays(), np.random.default_rng(5).permutation(ROWS - 5).astype("int32")
    records = [native.run(arrays, order, 6 * epoch)[0] for epoch in range(epochs)]
    return b"".join(np.ascontiguousarray(x).tobytes() for x in (*arrays, *records))


def _leaves(native: NativeLoop) -> Any:
    """Until when each thread is on leave."""
    return native._team[LEAVE::3, 0]


def _runners(native: NativeLoop) -> list[int]:
    """The thread that ran the last level of each worker."""
    return [int(x) for x in native._team[NEXT::3, 1]]


@pytest.mark.parametrize("workers", [2, 3, 5])
def test_results_do_not_depend_on_how_many_threads_run_the_workers(
    workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = {_train(_native(monkeypatch, workers, threads)) for threads in range(1, workers + 1)}
    assert len(results) == 1


def test_one_thread_runs_all_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    native = _native(monkeypatch, workers=3, threads=1)
    before = threading.active_count()
    _train(native)
    assert _runners(native) == [0, 0, 0]
    assert threading.active_count() == before


@pytest.mark.parametrize("away", [0, 1])
def test_the_work_of_a_thread_on_leave_is_done_by_the_other(
    away: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = _train(_native(monkeypatch, workers=2, threads=2))
    native = _native(monkeypatch, workers=2, threads=2)
    _leaves(native)[away] = FOREVER
    assert _train(native) == expected
    assert _runners(native) == [1 - away] * 2


def test_a_leave_that_is_over_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    native = _native(monkeypatch, workers=2, threads=2)
    expected = _train(native)
    _leaves(native)[:] = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
    assert _train(native) == expected


def test_a_thread_that_keeps_another_one_waiting_is_sent_on_leave(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    native = _native(monkeypatch, workers=2, threads=2)
    claimed, done, leaves = native._team[NEXT + 3], native._team[DONE + 3], _leaves(native)
    arrays, order = _arrays(), np.arange(BATCH, dtype="int32")
    frozen: list[Any] = []

    class Away:
        """Threads of which the second has claimed its first level, and then lost its processor."""

        count = 2

        def run(self, calls: list[partial[None]], held: Any) -> None:
            claimed[:2] = 1, 1
            frozen.append((calls[0], held))

    monkeypatch.setattr(native, "_threads", Away())
    native.run(arrays, order, 0)
    ((call, held),) = frozen
    first = threading.Thread(target=call)
    before = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
    first.start()
    while leaves[1] == 0:
        time.sleep(0.001)
    assert leaves[1] > before
    assert leaves[0] == 0
    done[0] = 1  # it is back; the sleeper looks once a millisecond
    first.join(10)
    assert not first.is_alive()
    assert _runners(native) == [0, 0]
    assert held
