"""Memory of training: little more than what must live at one time, and none that steps ask for."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from benchmarks import ours
from benchmarks.workloads import TASKS, Workload, smaller
from chainrule import losses, nn, stop
from chainrule.execute.native.program import Program
from chainrule.execute.native.run import target
from chainrule.plan import lower_bound, plan

WORKLOADS = [task for task in TASKS.values() if isinstance(task, Workload)]


def _peak(work: Callable[[], Any]) -> int:
    """Bytes that Python and NumPy held at one time beyond what they held before."""
    gc.collect()
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda task: task.name)
def test_values_of_a_step_lie_within_a_tenth_of_what_any_placement_needs(
    workload: Workload, workers: int
) -> None:
    workload = smaller(workload)  # fewer rows of data; batches and layers are as they were
    graph = ours.step_loop(workload, workload.data(), workers).graph
    carried = [(i, i) for i in range(len(graph.inputs) - 4)]  # X, y, rows and number are not
    limits = {} if workload.full else {"batch": workload.batch}
    planned = plan(graph, limits=limits, carried=carried, workers=workers)
    bound = lower_bound(planned.placement, len(planned.groups))
    assert bound <= planned.placement.total <= 1.1 * bound


@pytest.mark.parametrize("name", ["xor", "small", "table"])
def test_a_step_asks_for_no_memory(name: str) -> None:
    workload = smaller(TASKS[name])
    data = workload.data()
    session = ours.Looped(workload, data, 2, "native").session
    batch = np.arange(workload.batch, dtype=np.int32)

    def peak(steps: int) -> int:
        order = np.tile(batch, steps)
        session.run(order, 0)  # what happens once has happened
        return _peak(lambda: session.run(order, 0))

    # A step has a number and, for each worker, a loss that it records: 4 bytes each.
    assert peak(500) - peak(20) <= 480 * 3 * 4 + 1024
    loop = ours.native_loop(workload, data, 2, timed=False)
    assert "alloc(" not in Program(loop.plan, target()).llvm()


def test_rows_that_are_float32_and_in_one_run_are_not_copied() -> None:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((20_000, 200), dtype=np.float32)
    y = rng.integers(0, 3, len(X)).astype(np.int32)
    network = nn.Sequential(nn.Dense(200, 8), nn.ReLU(), nn.Dense(8, 3))

    def fit(X: Any) -> None:
        cr.Trainer(network, losses.CrossEntropy(), stop=stop.Epochs(1), progress=False).fit(X, y)

    fit(X)  # what happens once has happened
    peak = _peak(lambda: fit(X))
    assert peak < X.nbytes / 2
    assert _peak(lambda: fit(np.asfortranarray(X))) > X.nbytes
