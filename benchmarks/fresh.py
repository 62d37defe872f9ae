"""What a process of its own shows: time to import, to start cold and warm, and peak memory.

``python -m benchmarks.fresh WORKLOAD LIBRARY THREADS SMOKE`` is such a process, and prints JSON.
"""

from __future__ import annotations

import importlib
import json
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from time import perf_counter

MODULES = {"sklearn": "sklearn.neural_network"}
"""What is imported, where it is not the library's own name."""


@dataclass(frozen=True)
class Fresh:
    """Figures of a library in a process of its own.

    Parameters
    ----------
    load : float
        Seconds to import it.
    rest : float
        Seconds to import what it imports only when that is needed, and NumPy.
    start : float
        Seconds until it can train or predict, all tracing and compiling included.
    again : float
        Seconds for the same once more in the same process.
    memory : float
        Peak memory in bytes, beyond what was taken when libraries and data were there.
    cached : float or None
        `start` in another process, with the compiler's cache filled; None without a cache.
    """

    load: float
    rest: float
    start: float
    again: float
    memory: float
    cached: float | None = None


def measure(workload: str, library: str, threads: int, *, smoke: bool) -> Fresh:
    """Run a process for a library; for chainrule one more, which finds compiled code on disk."""
    with tempfile.TemporaryDirectory() as folder:
        first = _process(workload, library, threads, smoke, folder)
        if library != "chainrule":
            return first
        second = _process(workload, library, threads, smoke, folder)
        return replace(first, load=min(first.load, second.load), cached=second.start)


def _process(workload: str, library: str, threads: int, smoke: bool, folder: str) -> Fresh:
    done = subprocess.run(
        [sys.executable, "-m", __name__, workload, library, str(threads), str(int(smoke))],
        env=os.environ | {"CHAINRULE_CACHE": folder},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{library} failed at {workload} in its own process:\n{done.stderr}")
    return Fresh(**json.loads(done.stdout))


def main(workload: str, library: str, threads: str, smoke: str) -> None:
    """Be the process, and print what was measured."""
    begin = perf_counter()
    importlib.import_module(MODULES.get(library, library))
    load = perf_counter() - begin
    begin = perf_counter()
    from benchmarks.runner import block_of, enter, find
    from benchmarks.workloads import TASKS, smaller

    find(library)
    rest = perf_counter() - begin
    task = smaller(TASKS[workload]) if int(smoke) else TASKS[workload]
    data = task.data()
    before = _memory("VmRSS")
    _forget_peak()
    begin = perf_counter()
    entrant = enter(library, task, data, int(threads))
    start = perf_counter() - begin
    entrant.work(block_of(task, 0, data))
    memory = _memory("VmHWM") - before
    begin = perf_counter()
    enter(library, task, data, int(threads))
    again = perf_counter() - begin
    print(json.dumps(asdict(Fresh(load, rest, start, again, memory))))


def _memory(name: str) -> float:
    """Read a figure about this process in bytes; not a number where the system does not tell."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        return float("nan")
    found = re.search(rf"^{name}:\s*(\d+) kB", status, re.M)
    return 1024.0 * int(found[1]) if found else float("nan")


def _forget_peak() -> None:
    """Let the peak begin anew from what is used now, where the system can."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return


if __name__ == "__main__":
    main(*sys.argv[1:])
