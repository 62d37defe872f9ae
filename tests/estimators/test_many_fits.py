"""Many small fits in a row: programs are shared, and memory does not grow."""

from __future__ import annotations

import resource
import time
from typing import Any

import numpy as np
import pytest
from sklearn.neural_network import MLPClassifier as TheirClassifier

from chainrule import MLPClassifier
from chainrule.estimators import programs

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

DRAWS = np.random.default_rng(0)
X = DRAWS.normal(size=(100, 5))
Y = X[:, 0] + X[:, 1] > 0


def fits(kind: Any, count: int, **settings: Any) -> float:
    """Processor seconds of so many fits, with all numbers that a search would vary."""
    began = time.process_time()
    for i in range(count):
        kind(
            random_state=i,
            alpha=10.0**-i,
            learning_rate_init=0.001 * (i + 1),
            max_iter=50,
            **settings,
        ).fit(X, Y)
    return time.process_time() - began


def test_fits_of_one_structure_share_a_program() -> None:
    fits(MLPClassifier, 1, executor="numpy")
    before = programs._traced.cache_info()
    fits(MLPClassifier, 5, executor="numpy")
    after = programs._traced.cache_info()
    assert after.misses == before.misses
    assert after.hits > before.hits


def test_a_hundred_small_fits_are_fast_and_memory_stays() -> None:
    fits(MLPClassifier, 3, executor="native")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    ours = fits(MLPClassifier, 100, executor="native")
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    # Ten fits of theirs take as long as many times ten of ours; a factor of 2 allows for noise.
    assert ours / 100 < 2 * fits(TheirClassifier, 10) / 10
    assert grown < 5_000  # kilobytes


def test_the_cache_of_programs_is_bounded() -> None:
    assert programs._traced.cache_info().maxsize is not None
    for units in range(3, 3 + 2 * programs._traced.cache_info().maxsize):
        MLPClassifier((units,), max_iter=1, executor="numpy").fit(X[:5], Y[:5])
    info = programs._traced.cache_info()
    assert info.currsize == info.maxsize
