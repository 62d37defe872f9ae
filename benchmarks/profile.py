"""Where a step's time goes: our kernels, each with its time and what it needs at least."""

from __future__ import annotations

from dataclasses import dataclass, replace
from time import perf_counter

import numpy as np
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from benchmarks.calibration import Calibration, calibrate
from benchmarks.ours import first_carry, native_loop
from benchmarks.table import duration
from benchmarks.workloads import Workload
from chainrule.plan import Group, Plan
from chainrule.plan.memory import bytes_of
from chainrule.tracing import flatten

STEPS = 10
"""Steps in one run: few, so that some runs are not interrupted."""


@dataclass(frozen=True)
class Kernel:
    """One kernel of a step, as the first worker ran it.

    Parameters
    ----------
    name : str
        What it computes: its kind and its results.
    seconds : float
        Per step, in the best run.
    waited : float
        Per step, how much longer it took in the median run: other work, and in kernels behind a
        barrier the wait for other workers.
    flops, bytes : float
        Per step, of one worker.
    """

    name: str
    seconds: float
    waited: float
    flops: float
    bytes: float


def profile(workload: Workload, threads: int) -> tuple[list[Kernel], int]:
    """Time the kernels, in the order in which they run; and count the workers."""
    data = workload.data()
    loop = native_loop(workload, data, threads, timed=True)
    arrays = [*flatten(first_carry(workload))[0], data.X, data.y]
    orders = np.tile(workload.orders(0).ravel(), workload.blocks)
    size = STEPS * workload.batch
    clocks, runs = [], []
    for begin in range(0, len(orders) - size + 1, size):
        loop.cycles[:] = 0
        loop.run(arrays, orders[begin : begin + size], begin // workload.batch)
        clocks.append((perf_counter(), int(loop.cycles[-1])))
        runs.append(loop.cycles[:-1] / STEPS)
    (first, one), (last, other) = clocks[0], clocks[-1]
    cycle = (last - first) / (other - one)
    least, middle = np.min(runs[1:], axis=0) * cycle, np.median(runs[1:], axis=0) * cycle
    kernels = [
        Kernel(
            _name(group), float(least[i]), float(middle[i] - least[i]), *_needs(loop.plan, group)
        )
        for i, group in enumerate(loop.plan.groups)
    ]
    return kernels, loop.workers


def show(console: Console, workload: Workload, threads: int) -> None:
    """Print the kernels of a step."""
    speed = calibrate(threads)
    kernels, workers = profile(workload, threads)
    total = sum(each.seconds for each in kernels)
    waited = sum(each.waited for each in kernels)
    table = Table(title=workload.title, title_justify="left")
    for heading in ("", "time", "share", "waited", "GFLOP/s", "GB/s", "roofline"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("kernel", overflow="fold")
    for number, each in enumerate(kernels):
        time = max(each.seconds, 1e-12)
        table.add_row(
            str(number),
            duration(each.seconds),
            f"{each.seconds / total:.1%}",
            duration(each.waited),
            f"{each.flops / time / 1e9:.1f}",
            f"{each.bytes / time / 1e9:.1f}",
            f"{_bound(speed, each, workload) / time:.2f}",
            escape(each.name),
        )
    console.print(table)
    console.print(
        f"{duration(total)} per step and {duration(waited)} of waiting in the median run, "
        f"{len(kernels)} kernels on {workers} of {threads} threads, seen from the first of them"
    )


def _bound(speed: Calibration, kernel: Kernel, workload: Workload) -> float:
    return speed.bound(kernel.flops, kernel.bytes, 1, workload.dtype)


def _name(group: Group) -> str:
    return f"{group.title} -> {', '.join(str(x.type) for x in group.outputs)}"


def _needs(plan: Plan, group: Group) -> tuple[float, float]:
    """Count one worker's operations and bytes."""
    flops = float(replace(plan, groups=(group,)).cost())
    written = sum(bytes_of(x, plan.limits) for x in group.outputs)
    # Of a table, only the rows that are looked up are read.
    read = written if group.kind == "take" else sum(bytes_of(x, plan.limits) for x in group.reads)
    divided = plan.sharing.workers if plan.sharing and group in plan.sharing.updates else 1
    return flops / divided, (read + written) / divided
