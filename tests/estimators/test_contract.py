"""Every one of scikit-learn's estimator checks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sklearn.utils.estimator_checks import estimator_checks_generator

from chainrule import (
    MLPClassifier,
    MLPRegressor,
    NetworkClassifier,
    NetworkRegressor,
    NetworkTransformer,
)

# Full batches and float64, since some checks compare fits on weighted with fits on repeated rows,
# and predictions of one row with those of many, to many digits.
EXACT: dict[str, Any] = {"batch_size": "full", "dtype": "float64", "executor": "numpy"}
ESTIMATORS = (
    MLPClassifier(max_iter=50),  # scikit-learn's own tests of its perceptrons shorten them, too
    MLPRegressor(max_iter=50),
    NetworkClassifier(max_iter=50, **EXACT),
    NetworkRegressor(max_iter=50, **EXACT),
    NetworkTransformer(max_iter=30, **EXACT),
)


def checks() -> Iterator[Any]:
    for estimator in ESTIMATORS:
        for number, (each, check) in enumerate(estimator_checks_generator(estimator)):
            name = check.func.__name__.removeprefix("check_")
            label = f"{type(estimator).__name__}-{number}-{name}"
            marks = () if label.startswith("MLP") else (pytest.mark.slow,)
            yield pytest.param(each, check, id=label, marks=marks)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(("estimator", "check"), list(checks()))
def test_a_check_of_scikit_learn_passes(
    estimator: Any, check: Callable[[Any], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Without this, the check of array API input would be skipped.
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")
    check(estimator)


@pytest.mark.parametrize(
    ("estimator", "fewest"), [(ESTIMATORS[0], 67), (ESTIMATORS[1], 60)], ids=["classes", "numbers"]
)
def test_no_check_is_left_out(estimator: Any, fewest: int) -> None:
    # At scikit-learn 1.9, its own perceptrons have 67 and 60.
    assert len(list(estimator_checks_generator(estimator))) >= fewest
