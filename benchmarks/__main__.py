"""``python -m benchmarks``: train four networks with every library that is here, in turns.

Options: ``--only small``, ``--peers torch,jax,sklearn,numpy``, ``--threads 2``, ``--json FILE``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Sequence
from dataclasses import asdict

PEERS = ("torch", "jax", "sklearn", "numpy")
WORKLOADS = ("xor", "small", "table", "digits-mlp")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the arguments ask for; returns the exit code."""
    chosen = _parse(arguments)
    _hold_threads(chosen.threads)
    # Only now may a numerical library be loaded.
    from rich.console import Console

    from benchmarks.calibration import best, calibrate
    from benchmarks.runner import OURS, as_record, race
    from benchmarks.table import show, show_calibration
    from benchmarks.workloads import WORKLOADS as every

    # A file or a pipe has no width; the tables need this much.
    console = Console(width=None if sys.stdout.isatty() else 132)
    before = calibrate()
    console.print(f"{_processor()}, {chosen.threads} threads, Python {platform.python_version()}")
    show_calibration(console, "before", before)
    console.print()
    speed = before
    results, absent = [], []
    for workload in every:
        if workload.name in chosen.only:
            done, gone = race(workload, (OURS, *chosen.peers), chosen.threads)
            speed = best(speed, calibrate())
            show(console, workload, done, gone, speed)
            results += done
            absent += gone
    after = calibrate()
    show_calibration(console, "after", after)
    if chosen.json:
        record = {
            "machine": {
                "processor": _processor(),
                "threads": chosen.threads,
                "python": platform.python_version(),
                "system": platform.platform(),
            },
            "calibration": {"before": asdict(before), "after": asdict(after)},
            "workloads": {each.name: asdict(each) for each in every if each.name in chosen.only},
            "results": [as_record(each) for each in results],
            "absent": [as_record(each) for each in absent],
        }
        with open(chosen.json, "w", encoding="utf-8") as file:
            json.dump(record, file, indent=2)
    return 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", action="append", choices=WORKLOADS, metavar="NAME")
    parser.add_argument("--peers", default=",".join(PEERS), help="comma-separated; may be empty")
    parser.add_argument("--threads", type=int, default=_cores(), help="for every library")
    parser.add_argument("--json", metavar="FILE", help="write the results there, too")
    chosen = parser.parse_args(arguments)
    chosen.only = chosen.only or WORKLOADS
    chosen.peers = [peer for peer in chosen.peers.split(",") if peer]
    if strangers := sorted(set(chosen.peers) - set(PEERS)):
        parser.error(f"unknown peer {', '.join(strangers)}; there are {', '.join(PEERS)}")
    if not 1 <= chosen.threads <= _cores():
        parser.error(f"--threads has to lie between 1 and {_cores()}, the cores of this process")
    return chosen


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _hold_threads(threads: int) -> None:
    """Give every library the same number of threads, however it counts them."""
    for name in ("OMP", "OPENBLAS", "MKL", "VECLIB_MAXIMUM", "NUMEXPR"):
        os.environ[f"{name}_NUM_THREADS"] = str(threads)
    # XLA knows no such number: it counts the cores that the process may use.
    if threads < _cores() and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


if __name__ == "__main__":
    sys.exit(main())
