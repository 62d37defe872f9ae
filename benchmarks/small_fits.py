"""Many small fits in a row, in a process of their own: seconds, and memory before and after.

``python -m benchmarks.small_fits LIBRARY COUNT`` is such a process, and prints JSON.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import warnings
from importlib import import_module
from pathlib import Path
from time import perf_counter

import numpy as np

ROWS, COLUMNS = 100, 5
HOMES = {"ours": "chainrule", "theirs": "sklearn.neural_network"}
"""Where each library's `MLPClassifier` is."""


def small_fits(library: str, count: int) -> dict[str, float]:
    """Fit so many perceptrons with default settings in this process.

    Parameters
    ----------
    library
        One of `HOMES`.
    count
        How many fits.

    Returns
    -------
    ``seconds`` of all fits, and the memory held in megabytes ``before`` and ``after``.
    """
    kind = import_module(HOMES[library]).MLPClassifier
    draws = np.random.default_rng(0)
    X = draws.normal(size=(ROWS, COLUMNS))
    y = X[:, 0] + draws.normal(size=ROWS) > 0
    kind(random_state=0).fit(X, y)  # what is loaded and compiled once does not count
    before, began = _megabytes(), perf_counter()
    for i in range(count):
        kind(random_state=i).fit(X, y)
    return {"seconds": perf_counter() - began, "before": before, "after": _megabytes()}


def in_its_own_process(library: str, count: int) -> dict[str, float]:
    """Do the same in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.small_fits", library, str(count)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def _megabytes() -> float:
    """Tell how much memory this process holds; where Linux does not say, how much it ever held."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    return pages * resource.getpagesize() / 1e6


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    print(json.dumps(small_fits(sys.argv[1], int(sys.argv[2]))))
