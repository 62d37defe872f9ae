"""Many small fits in a row: programs are shared, and memory does not grow.

`benchmarks/small_fits.py` times them.
"""

from __future__ import annotations

import sys
from pathlib import Path
from subprocess import run

import numpy as np
import pytest

from chainrule import MLPClassifier
from chainrule.estimators import programs

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

DRAWS = np.random.default_rng(0)
X = DRAWS.normal(size=(100, 5))
Y = X[:, 0] + X[:, 1] > 0


def fits(count: int, executor: str) -> None:
    """Fit so many times, with all numbers that a search would vary."""
    for i in range(count):
        MLPClassifier(
            random_state=i,
            alpha=10.0**-i,
            learning_rate_init=0.001 * (i + 1),
            max_iter=50,
            executor=executor,
        ).fit(X, Y)


def test_fits_of_one_structure_share_a_program() -> None:
    fits(1, "numpy")
    before = programs._traced.cache_info()
    fits(5, "numpy")
    after = programs._traced.cache_info()
    assert after.misses == before.misses
    assert after.hits > before.hits


PEAKS = """
import resource
from tests.estimators.test_many_fits import fits

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

fits(3, "native")
before = peak()
fits(100, "native")
print(peak() - before)
"""


def test_memory_stays_over_a_hundred_small_fits(repository: Path) -> None:
    command = [sys.executable, "-W", "ignore", "-c", PEAKS]
    done = run(command, cwd=repository, capture_output=True, check=True)
    assert int(done.stdout) < 5_000  # kilobytes


def test_the_cache_of_programs_is_bounded() -> None:
    assert programs._traced.cache_info().maxsize is not None
    for units in range(3, 3 + 2 * programs._traced.cache_info().maxsize):
        MLPClassifier((units,), max_iter=1, executor="numpy").fit(X[:5], Y[:5])
    info = programs._traced.cache_info()
    assert info.currsize == info.maxsize
