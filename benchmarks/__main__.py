"""``python -m benchmarks``: train and predict with every library that is here, in turns."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.threads import cores, hold_threads

PEERS = ("torch", "jax", "sklearn", "numpy")
TASKS = ("xor", "small", "table", "digits-mlp", "wide", "deep", "float64", "predict", "scaling")
RESULTS = Path(__file__).with_name("results.json")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the arguments ask for; returns the exit code."""
    chosen = _parse(arguments)
    if chosen.write_readme:
        from benchmarks.publish import write

        write(chosen.write_readme)
        return 0
    if chosen.merge:
        from benchmarks.publish import write
        from benchmarks.record import merge

        runs = [json.loads(path.read_text(encoding="utf-8")) for path in chosen.merge]
        RESULTS.write_text(json.dumps(merge(runs), indent=1) + "\n", encoding="utf-8")
        write(RESULTS)
        return 0
    hold_threads(chosen.threads)
    # Only now may a numerical library be loaded.
    from rich.console import Console

    # A file or a pipe has no width; the tables need this much.
    console = Console(width=None if sys.stdout.isatty() else 150)
    if chosen.profile:
        from benchmarks.profile import show as show_profile
        from benchmarks.workloads import TASKS as every
        from benchmarks.workloads import Workload

        workload = every.get(chosen.profile)
        if not isinstance(workload, Workload):
            names = [x.name for x in every.values() if isinstance(x, Workload)]
            print(f"--profile wants one of {', '.join(names)}", file=sys.stderr)
            return 2
        show_profile(console, workload, chosen.threads)
        return 0
    from benchmarks.record import chosen_tasks, run
    from benchmarks.table import show, show_calibration

    tasks = chosen_tasks(chosen.only or TASKS)
    record = run(
        tasks,
        chosen.peers,
        chosen.threads,
        lambda record, name: show(console, record, name),
        smoke=chosen.smoke,
    )
    for when in ("before", "after", "best"):
        show_calibration(console, record, when)
    path = RESULTS if chosen.publish else chosen.json
    if path:
        path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    if chosen.publish:
        from benchmarks.publish import write

        write(path)
    return 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    add = parser.add_argument
    add("--only", action="append", choices=TASKS, metavar="NAME", help=", ".join(TASKS))
    add("--peers", default=",".join(PEERS), help="comma-separated; may be empty")
    add("--threads", type=int, default=cores(), help="for every library")
    add("--smoke", action="store_true", help="only see that everything runs")
    add("--json", type=Path, metavar="FILE", help="write the results there, too")
    add("--publish", action="store_true", help="write results.json, its plot and README's table")
    add("--write-readme", type=Path, metavar="FILE", help="only write README's table and the plot")
    add("--merge", type=Path, nargs="+", metavar="FILE", help="publish runs of single tasks")
    add("--profile", metavar="NAME", help="only print the time of each of our kernels")
    chosen = parser.parse_args(arguments)
    chosen.peers = [peer for peer in chosen.peers.split(",") if peer]
    if strangers := sorted(set(chosen.peers) - set(PEERS)):
        parser.error(f"unknown peer {', '.join(strangers)}; there are {', '.join(PEERS)}")
    if not 1 <= chosen.threads <= cores():
        parser.error(f"--threads has to lie between 1 and {cores()}, the cores of this process")
    if chosen.publish and (chosen.smoke or chosen.only):
        parser.error("--publish wants all tasks in full, without --smoke and --only")
    return chosen


if __name__ == "__main__":
    sys.exit(main())
