"""``python -m benchmarks.gpt``: training steps of a small GPT, every library in turn.

All begin with the same weights and see the same texts; their losses are shown beside their times.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from statistics import median

from benchmarks.threads import cores, hold_threads

LIBRARIES = {"chainrule": "ours", "torch": "torch_", "jax": "jax_"}
CLASSES = {"chainrule": "Native", "torch": "Eager", "jax": "Jitted"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Time what the arguments ask for; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpt", description=__doc__)
    parser.add_argument("--libraries", default=",".join(LIBRARIES))
    parser.add_argument("--threads", type=int, default=cores())
    parser.add_argument("--rounds", type=int, default=10, help="timings of each library")
    parser.add_argument("--smoke", action="store_true", help="only see that everything runs")
    chosen = parser.parse_args(arguments)
    names = chosen.libraries.split(",")
    if strangers := sorted(set(names) - set(LIBRARIES)):
        parser.error(f"unknown {', '.join(strangers)}; there are {', '.join(LIBRARIES)}")
    hold_threads(chosen.threads)
    # Only now may a numerical library be loaded.
    from benchmarks.clock import Stopwatch
    from benchmarks.gpt.task import Task
    from benchmarks.threads import using

    task = Task(depth=1, width=8, context=6, batch=2, steps=2) if chosen.smoke else Task()
    print(f"{task.title}, {chosen.threads} threads")
    sessions = {}
    for name in names:
        try:
            module = importlib.import_module(f"benchmarks.gpt.{LIBRARIES[name]}")
        except ModuleNotFoundError as error:
            print(f"{name}: not here ({error.name} is not installed)")
            continue
        sessions[name] = getattr(module, CLASSES[name])(task, chosen.threads)
    times: dict[str, list[float]] = {name: [] for name in sessions}
    losses = {}
    for number in range(2 if chosen.smoke else chosen.rounds + 1):
        texts = task.texts(number)
        for name, session in sessions.items():
            with using(chosen.threads), Stopwatch() as watch:
                losses[name] = session.train(*texts)
            if number:  # the first timing warms up
                times[name].append(watch.lap.seconds / task.steps)
    first = times.get("chainrule")
    print("library     least ms   median ms   of chainrule's median   loss at the end")
    for name, laps in times.items():
        ratio = f"{median(laps) / median(first):.2f}" if first else "-"
        print(
            f"{name:<10} {min(laps) * 1e3:9.2f} {median(laps) * 1e3:11.2f} {ratio:>23} "
            f"{losses[name]:17.4f}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
