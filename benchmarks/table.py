"""Results as tables for the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from benchmarks.calibration import Calibration
from benchmarks.runner import OURS, Absent, Result
from benchmarks.workloads import Workload


def show(
    console: Console,
    workload: Workload,
    results: Sequence[Result],
    absent: Sequence[Absent],
    calibration: Calibration,
) -> None:
    """Print one workload: times, the ratio to chainrule, and what was learnt.

    The ratio is given for the best blocks and, in brackets, for the median ones: on a shared
    machine the best say more.
    """
    ours = next((each for each in results if each.library == OURS), None)
    bound = workload.flops_per_step / (calibration.gemm * 1e9)
    has_bound = bound > 1e-6  # below that, a call costs more than the product
    table = Table(title=workload.title, title_justify="left", caption_justify="left")
    table.add_column("library", no_wrap=True)
    for heading in ("start", "step, best", "step, median", "of bound", "all steps"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column(f"time / {OURS}", justify="right", no_wrap=True)
    table.add_column("loss", justify="right", no_wrap=True)
    table.add_column("accuracy", justify="right", no_wrap=True)
    for each in results:
        table.add_row(
            f"{each.library} {each.version}" + (" *" if each.note else ""),
            duration(each.start),
            duration(each.best),
            duration(each.median),
            f"{bound / each.best:.2f}" if has_bound else "",
            duration(each.total),
            f"{each.best / ours.best:.2f} ({each.median / ours.median:.2f})" if ours else "",
            f"{each.loss:.5f}",
            f"{each.accuracy:.4f}",
        )
    console.print(table)
    if has_bound:
        console.print(f"bound: {duration(bound)}, a step's matrix products at a large one's speed")
    for each in results:
        if each.note:
            console.print(f"* {each.library}: {each.note}")
    for gone in absent:
        console.print(f"{gone.library} did not take part: {gone.reason}")
    console.print()


def show_calibration(console: Console, when: str, calibration: Calibration) -> None:
    """Print how fast the machine was."""
    console.print(
        f"machine {when}: memory {calibration.triad:.1f} GB/s, "
        f"matrix product {calibration.gemm:.0f} GFLOP/s, "
        f"Python {calibration.python:.0f} M additions/s"
    )


def duration(seconds: float) -> str:
    """Write a duration with three digits and its unit: ``16.3 µs``."""
    unit, size = next(
        (pair for pair in (("s", 1.0), ("ms", 1e-3)) if seconds >= pair[1]), ("µs", 1e-6)
    )
    value = seconds / size
    digits = 0 if value >= 100 else 1 if value >= 10 else 2
    return f"{value:.{digits}f} {unit}"
