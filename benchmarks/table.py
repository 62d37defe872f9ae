"""Results as tables for the terminal."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from benchmarks.record import Record
from benchmarks.runner import OURS


def show(console: Console, record: Record, name: str) -> None:
    """Print one task: times, the ratio to chainrule, the roofline, and what was learnt.

    The ratio is given for the best blocks and, in brackets, for the median ones: on a shared
    machine the best say more.
    """
    entry = record["tasks"][name]
    ours = entry["results"].get(OURS)
    fresh = entry["fresh"]
    table = Table(title=entry["title"], title_justify="left")
    table.add_column("library", no_wrap=True)
    columns = ["threads", "step, best", "median", f"time / {OURS}", "roofline", "calm", "loss"]
    for heading in [*columns, "accuracy", *(["start", "cached", "memory"] if fresh else [])]:
        table.add_column(heading, justify="right", no_wrap=True)
    for library, each in entry["results"].items():
        row = [
            f"{library} {each['version']}" + (" *" if each["note"] else ""),
            str(each["threads"]),
            duration(each["best"]),
            duration(each["median"]),
            ratio(each["best"], ours["best"]) + f" ({ratio(each['median'], ours['median'])})",
            f"{entry['bound'] / each['best']:.2f}",
            f"{each['calm']} of {each['blocks']}",
            f"{each['loss']:.5f}" + ("" if each["equal"] else " ≠"),
            f"{each['accuracy']:.4f}",
        ]
        if fresh:
            cached = fresh[library]["cached"]
            row += [
                duration(fresh[library]["start"]),
                "" if cached is None else duration(cached),
                f"{fresh[library]['memory'] / 1e6:.1f} MB",
            ]
        table.add_row(*row)
    console.print(table)
    work = entry["work"]
    console.print(
        f"{work['flops'] / 1e6:.4g} million operations, {work['bytes'] / 1e6:.3g} MB to touch: at "
        f"least {duration(entry['bound'])} on {work['workers']} of the threads; "
        f"{work['kernels']} kernels, working memory {work['memory'] / 1e6:.3g} MB each "
        f"({work['memory'] / max(work['memory_bound'], 1):.2f} of the least)"
    )
    for library, each in entry["results"].items():
        if each["note"]:
            console.print(f"* {library}: {each['note']}")
    for library, reason in entry["absent"].items():
        console.print(f"{library} did not take part: {reason}")
    console.print()


def show_calibration(console: Console, record: Record, when: str) -> None:
    """Print how fast the machine was."""
    speed = record["calibration"][when]
    triads = " / ".join(f"{x:.0f}" for x in speed["triad"])
    sizes = " / ".join(amount(x) for x in record["calibration"]["footprints"])
    console.print(
        f"machine {when}: {speed['fma']:.0f} GFLOP/s, memory {triads} GB/s ({sizes} a thread), "
        f"barrier {speed['barrier']:.2f} µs"
    )


def ratio(time: float, ours: float) -> str:
    """Write how many times as long: two digits below ten, whole numbers above."""
    times = time / ours
    return f"{times:.1f}" if times < 9.95 else f"{times:,.0f}"


def amount(size: float) -> str:
    """Write a number of bytes: ``24 KiB``."""
    return f"{size / 2**20:.0f} MiB" if size >= 2**20 else f"{size / 2**10:.0f} KiB"


def duration(seconds: float) -> str:
    """Write a duration with three digits and its unit: ``16.3 µs``."""
    unit, size = next(
        (pair for pair in (("s", 1.0), ("ms", 1e-3)) if seconds >= pair[1]), ("µs", 1e-6)
    )
    value = seconds / size
    digits = 0 if value >= 100 else 1 if value >= 10 else 2
    return f"{value:.{digits}f} {unit}"
