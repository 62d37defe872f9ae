"""scikit-learn's own tests of its perceptrons, pointed at ours.

A fresh copy of the installed test file is loaded while `sklearn.neural_network` shows our classes;
its tests then stand in this module, and pytest runs them as if they had been written here.
"""

from __future__ import annotations

import importlib.util
from typing import Any

import pytest
import sklearn.neural_network
from sklearn.neural_network import tests as their_tests

from chainrule import MLPClassifier, MLPRegressor

# Tests of what is private to scikit-learn's implementation.
PRIVATE = {"test_gradient": "calls the method _loss_grad_lbfgs, which ours does not have"}

# Their settings let warnings pass; what a test expects to be warned of, it checks by itself.
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def global_random_seed() -> int:
    return 42


def _load() -> dict[str, Any]:
    folder = their_tests.__path__[0]
    spec = importlib.util.spec_from_file_location("their_test_mlp", f"{folder}/test_mlp.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sklearn.neural_network, "MLPClassifier", MLPClassifier)
        patch.setattr(sklearn.neural_network, "MLPRegressor", MLPRegressor)
        spec.loader.exec_module(module)
    return vars(module)


THEIRS = _load()
globals().update(
    {name: x for name, x in THEIRS.items() if name.startswith("test_") and name not in PRIVATE}
)


def test_their_tests_see_our_classes() -> None:
    assert THEIRS["MLPClassifier"] is MLPClassifier
    assert THEIRS["MLPRegressor"] is MLPRegressor


def test_only_tests_of_private_state_are_left_out() -> None:
    names = {name for name in THEIRS if name.startswith("test_")}
    assert PRIVATE.keys() < names
    assert len(names) - len(PRIVATE) >= 40  # functions; most have several cases
