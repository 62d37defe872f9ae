"""Gradients of several minibatches for one update, and constraints after it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chainrule import losses, nn, optim, stop
from chainrule.errors import ParameterError
from chainrule.train import Trainer, TrainingState
from chainrule.train.step import Pace

EXECUTORS = pytest.mark.parametrize("executor", ["numpy", "native"])
RANDOM = np.random.default_rng(8)
X = RANDOM.normal(size=(38, 3))
Y = (X @ [1.0, -2.0, 0.5] > 0).astype(int)
WEIGHT = RANDOM.uniform(size=38)


def trainer(**changes: Any) -> Trainer:
    options: dict[str, Any] = {
        "network": nn.MLP((5,), 2, "tanh"),
        "loss": losses.CrossEntropy(),
        "optimiser": optim.Adam(optim.Exponential(0.05, 0.9)),
        "stop": stop.Epochs(5),
        "dtype": "float64",
        "executor": "numpy",
        **changes,
    }
    return Trainer(**options)


@EXECUTORS
@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["even", "weighted"])
def test_accumulated_minibatches_equal_a_larger_one(
    weight: Any, reduction: str, executor: str
) -> None:
    # 38 rows: updates of 16, 16 and 6 rows, the last of two minibatches of 4 and 2.
    made = {
        "loss": losses.CrossEntropy(reduction=reduction),
        "penalties": losses.L2(0.01),
        "clip": optim.ClipGlobalNorm(0.5),
        "average": optim.ExponentialAverage(0.5),
    }
    large = trainer(batch_size=16, **made).fit(X, Y, sample_weight=weight)
    small = trainer(batch_size=4, accumulate=4, executor=executor, **made).fit(
        X, Y, sample_weight=weight
    )
    for path, x in large.network.arrays().items():
        np.testing.assert_allclose(small.network.arrays()[path], x, rtol=1e-9, atol=1e-12)
    for name in ("train_loss", "learning_rate"):
        expected = large.history[name]
        if name == "train_loss":  # weights change between updates only
            np.testing.assert_allclose(small.history[name], expected, rtol=1e-9)
        else:
            np.testing.assert_allclose(small.history[name], expected)


@EXECUTORS
def test_a_run_that_accumulates_goes_on_bit_by_bit(executor: str) -> None:
    made = {"batch_size": 4, "accumulate": 3, "executor": executor}
    whole = trainer(**made).fit(X, Y)
    half = trainer(**made, stop=stop.Epochs(2)).fit(X, Y)
    rest = trainer(**made).fit(X, Y, resume=half.state)
    for path, x in whole.network.arrays().items():
        np.testing.assert_array_equal(rest.network.arrays()[path], x)
    with pytest.raises(ParameterError, match="the two must agree"):
        trainer(batch_size=4, accumulate=2).fit(X, Y, resume=half.state)


def test_updates_are_counted_to_the_end_of_each_epoch() -> None:
    pace = Pace(4, 10)
    assert pace.updates(np.arange(11)).tolist() == [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 3]
    assert int(pace.updates(25)) == 7
    assert Pace(4).updates(np.arange(9)).tolist() == [0, 0, 0, 0, 1, 1, 1, 1, 2]
    assert Pace().updates(5) == 5


def test_accumulating_nothing_is_refused() -> None:
    with pytest.raises(ParameterError, match="accumulate is a whole number of at least 1"):
        trainer(accumulate=0)
    with pytest.raises(ParameterError, match="leave out accumulate"):
        trainer(optimiser=optim.LBFGS(), accumulate=2)


# ---------------------------------------------------------------- constraints


@EXECUTORS
def test_weights_keep_to_their_bounds_while_training(executor: str) -> None:
    bounds = [optim.MaxNorm(0.25, only=["layers[0]"]), optim.NonNegative(only=["layers[2].weight"])]
    run = trainer(constraints=bounds, executor=executor, stop=stop.Epochs(10)).fit(X, Y)
    first, last = run.network.layers[0], run.network.layers[2]
    sizes = np.sqrt((first.weight**2).sum(axis=0))
    assert sizes.max() <= 0.25 * (1 + 1e-12)
    assert sizes.max() > 0.2
    assert (last.weight >= 0).all()
    assert (last.bias < 0).any()


def test_constraints_act_on_weights_and_not_on_biases_unless_named() -> None:
    p = {"a.weight": np.full((2, 1), 5.0), "a.bias": np.full(1, -5.0)}
    everywhere = optim.NonNegative()({"a.weight": -p["a.weight"], "a.bias": p["a.bias"]})
    assert everywhere["a.weight"].tolist() == [[0.0], [0.0]]
    assert everywhere["a.bias"].tolist() == [-5.0]
    assert optim.NonNegative(only=["a.bias"])(p)["a.bias"].tolist() == [0.0]
    unit = optim.UnitNorm()({"a.weight": np.zeros((2, 1))})
    assert unit["a.weight"].tolist() == [[0.0], [0.0]]
    kernel = optim.MaxNorm(1.0)({"k": np.ones((2, 2, 1, 3))})["k"]
    np.testing.assert_allclose(kernel, 0.5)


def test_constraints_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ParameterError, match="limit must be positive"):
        optim.MaxNorm(0.0)
    with pytest.raises(ParameterError, match=r"no array 'layers\[7\]' to constrain"):
        trainer(constraints=optim.UnitNorm(only=["layers[7]"])).fit(X, Y)
    with pytest.raises(ParameterError, match="leave out constraints"):
        trainer(optimiser=optim.LBFGS(), constraints=optim.MaxNorm())


def test_a_run_that_accumulates_goes_on_from_a_file(tmp_path: Path) -> None:
    # Its state holds a number beside arrays, which a file must give back without an axis.
    X, y = np.random.default_rng(0).normal(size=(50, 3)), np.arange(50) % 2
    trainer = Trainer(
        nn.MLP((4,), 2),
        losses.CrossEntropy(),
        optim.Adam(optim.Plateau(0.05, factor=0.5, patience=1)),
        average=optim.ExponentialAverage(0.9),
        batch_size=8,
        accumulate=3,
        stop=stop.Epochs(6),
        executor="numpy",
    )
    whole = trainer.fit(X, y, X_val=X[:20], y_val=y[:20])
    half = replace(trainer, stop=stop.Epochs(2)).fit(X, y, X_val=X[:20], y_val=y[:20])
    half.state.save(tmp_path / "state")
    state = TrainingState.load(tmp_path / "state")
    rest = trainer.fit(X, y, X_val=X[:20], y_val=y[:20], resume=state)
    for path, x in whole.network.arrays().items():
        np.testing.assert_array_equal(rest.network.arrays()[path], x)
    np.testing.assert_array_equal(rest.history["learning_rate"], whole.history["learning_rate"])
