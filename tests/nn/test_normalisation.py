"""Normalisation layers: statistics, running statistics, minibatches of any size, errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule import losses, nn, optim, random, stop
from chainrule.errors import ParameterError, ShapeError
from chainrule.execute import loop
from chainrule.execute.native import run
from chainrule.execute.native.run import LoopKey, NativeLoop
from chainrule.ir import ArrayType, Dim
from chainrule.tracing import flatten
from chainrule.train import Trainer
from chainrule.train.program import Layout, Objective
from chainrule.train.step import Step

KEY = random.key(0)
TABLE = ArrayType((Dim("batch"), 3), "float32")


def _rows(*shape: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).normal(3.0, 2.0, shape).astype(np.float32)


# ---------------------------------------------------------------- batch norm


def test_training_standardises_every_feature_over_the_minibatch() -> None:
    y = nn.BatchNorm().initialise(0, TABLE)(_rows(64, 3), key=KEY)
    np.testing.assert_allclose(y.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(y.var(axis=0), 1, rtol=1e-4)


def test_running_statistics_move_by_a_share_towards_those_of_the_minibatch() -> None:
    layer = nn.BatchNorm(momentum=0.75).initialise(0, ArrayType((4, 1)))
    x = np.array([[1.0], [2.0], [3.0], [6.0]], np.float32)  # mean 3, variance 14 / 4
    _, changes = nn.run_with_state(layer, x, key=KEY)
    np.testing.assert_allclose(changes["mean"], [0.25 * 3.0])
    np.testing.assert_allclose(changes["variance"], [0.75 + 0.25 * 14 / 3], rtol=1e-6)


def test_prediction_uses_running_statistics_and_hands_nothing_on() -> None:
    layer = nn.BatchNorm(epsilon=0.0).initialise(0, ArrayType((4, 1)))
    layer = layer.with_arrays({"mean": [1.0], "variance": [4.0], "scale": [3.0], "bias": [0.5]})
    y, changes = nn.run_with_state(layer, np.array([[5.0]]))
    assert y.tolist() == [[(5 - 1) / 2 * 3 + 0.5]]
    assert changes == {}


def test_a_minibatch_of_one_row_gives_the_bias_and_finite_statistics() -> None:
    layer = nn.BatchNorm().initialise(0, TABLE)
    y, changes = nn.run_with_state(layer, _rows(1, 3), key=KEY)
    np.testing.assert_array_equal(y, np.zeros((1, 3)))
    assert all(np.isfinite(x).all() for x in changes.values())


def _trained(executor: str, batch_size: int) -> Any:
    X = _rows(70, 3)
    y = (X @ [1.0, -1.0, 0.5]).astype(np.float32)
    network = nn.Sequential(nn.Dense(4), nn.BatchNorm(), nn.Tanh(), nn.Dense(1))
    trainer = Trainer(
        network,
        losses.SquaredError(),
        optim.SGD(0.05),
        batch_size=batch_size,
        stop=stop.Epochs(5),
        executor=executor,
        progress=False,
    )
    return trainer.fit(X, y), X, y


def test_the_smaller_last_minibatch_counts_its_own_rows_in_native_code_as_in_numpy() -> None:
    # 70 rows in minibatches of 32: the last has 6
    (ours, X, _), (numpy, _, _) = _trained("native", 32), _trained("numpy", 32)
    for path, x in ours.network.arrays().items():
        np.testing.assert_allclose(x, numpy.network.arrays()[path], rtol=2e-4, atol=1e-5)
    np.testing.assert_allclose(ours.predict(X), numpy.predict(X), rtol=1e-3, atol=1e-4)


def test_running_statistics_approach_those_of_the_data() -> None:
    X = _rows(100, 3)
    trainer = Trainer(
        nn.Sequential(nn.BatchNorm(), nn.Dense(1)),
        losses.SquaredError(),
        optim.SGD(0.01),
        batch_size="full",
        stop=stop.Epochs(100),
        executor="numpy",
        progress=False,
    )
    layer = trainer.fit(X, X[:, 0]).network.layers[0]
    # after 100 steps, 0.9 to the power 100 of the first values is left
    np.testing.assert_allclose(layer.mean, X.mean(axis=0), rtol=1e-3)
    np.testing.assert_allclose(layer.variance, X.var(axis=0, ddof=1), rtol=1e-3)


def test_a_frozen_layer_keeps_its_running_statistics() -> None:
    X = _rows(40, 3)
    network = nn.Sequential(nn.BatchNorm(), nn.Dense(2), nn.BatchNorm(), nn.Dense(1))
    network = network.initialise(0, TABLE)
    trainer = Trainer(
        network,
        losses.SquaredError(),
        stop=stop.Epochs(2),
        frozen=("layers[0]",),
        executor="numpy",
        progress=False,
    )
    after = trainer.fit(X, X[:, :1]).network.arrays()
    for path, x in network.arrays().items():
        assert (after[path] == x).all() == path.startswith("layers[0]"), path


@pytest.mark.parametrize("rows", [96, 70, 33])
def test_workers_that_share_a_minibatch_average_over_the_rows_of_all(
    rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    X = _rows(100, 3)
    data = {"inputs": (X,), "targets": X[:, :1], "fixed": {}, "key": KEY}
    data["learning_rate"] = np.float32(0.05)
    network = nn.Sequential(nn.Dense(4), nn.BatchNorm(), nn.Dense(1)).initialise(0, TABLE)
    layout, optimiser = Layout.of(network), optim.SGD(0.05)
    carried, data["fixed"] = layout.divide(network)
    carry = {**carried, "optimiser": optimiser.initial(carried["trainable"])}
    step = Step(Objective(layout, losses.SquaredError(), ()), optimiser, None)
    traced = loop(step.take, carry, data, batch_size=32)
    count = len(flatten(carry)[0])
    monkeypatch.setattr(run, "WORK_PER_WORKER", 1)
    run._built_loop.cache_clear()
    results = []
    for workers in (1, 2):
        key = LoopKey(traced.graph.fingerprint, count, 32, workers, False, False, traced.graph)
        native = NativeLoop(key)
        assert native.workers == workers
        arrays = [np.array(x) for x in flatten((carry, data))[0]]
        native.run(arrays, np.random.default_rng(1).permutation(100)[:rows].astype(np.int32), 0)
        results.append(arrays[:count])
    for alone, together in zip(*results, strict=True):
        np.testing.assert_allclose(alone, together, rtol=1e-4, atol=1e-6)


# ---------------------------------------------------------------- the others


@given(st.integers(0, 2**32), st.floats(0.1, 100.0), st.floats(-100.0, 100.0))
def test_layer_norm_sees_neither_shift_nor_scale_of_its_input(
    seed: int, scale: float, shift: float
) -> None:
    x = np.random.default_rng(seed).normal(size=(2, 5, 8))
    layer = nn.LayerNorm(epsilon=0.0).initialise(0, x, dtype="float64")
    np.testing.assert_allclose(layer(scale * x + shift), layer(x), rtol=1e-7, atol=1e-9)


def test_a_large_mean_costs_no_digits() -> None:
    x = np.array([[1.0, 2.0, 3.0, 4.0]]) + 2.0**20  # float32 holds these sums exactly
    layer = nn.LayerNorm(epsilon=0.0).initialise(0, x)
    near = layer(np.float32([[1.0, 2.0, 3.0, 4.0]]))
    np.testing.assert_allclose(layer(x.astype(np.float32)), near, rtol=1e-6)


def test_rows_of_equal_entries_become_zero_and_not_nan() -> None:
    x = np.full((2, 6), 7.0, np.float32)
    for layer in (nn.LayerNorm(), nn.GroupNorm(2), nn.BatchNorm()):
        np.testing.assert_array_equal(layer.initialise(0, x)(x, key=KEY), 0)
    assert nn.RMSNorm().initialise(0, x)(0 * x).tolist() == np.zeros((2, 6)).tolist()


def test_one_group_is_layer_norm_and_a_group_for_each_channel_instance_norm() -> None:
    x = _rows(2, 3, 4, 6)
    whole = nn.LayerNorm(axes=3).initialise(0, x)(x)
    np.testing.assert_allclose(nn.GroupNorm(1).initialise(0, x)(x), whole, rtol=1e-4, atol=1e-5)
    single = nn.InstanceNorm().initialise(0, x)(x)
    np.testing.assert_allclose(nn.GroupNorm(6).initialise(0, x)(x), single, rtol=1e-4, atol=1e-5)


def test_settings_leave_arrays_out() -> None:
    assert nn.LayerNorm(use_scale=False, use_bias=False).initialise(0, TABLE).arrays() == {}
    plain = nn.BatchNorm(use_scale=False, use_bias=False).initialise(0, TABLE)
    assert set(plain.arrays()) == {"mean", "variance"} == nn.state_paths(plain)
    assert nn.RMSNorm(use_scale=False).initialise(0, TABLE).arrays() == {}


def test_wrong_settings_and_inputs_are_refused() -> None:
    with pytest.raises(ParameterError, match=r"momentum lies in \[0, 1\]"):
        nn.BatchNorm(momentum=1.5)
    with pytest.raises(ParameterError, match="epsilon"):
        nn.LayerNorm(epsilon=-1.0)
    with pytest.raises(ParameterError, match="at least one group"):
        nn.GroupNorm(0)
    with pytest.raises(ShapeError, match="3 channels cannot be divided into 2 groups"):
        nn.GroupNorm(2).initialise(0, TABLE)
    with pytest.raises(ShapeError, match="behind the batch"):
        nn.BatchNorm(axis=0).initialise(0, TABLE)
    with pytest.raises(ShapeError, match="behind the batch"):
        nn.LayerNorm(axes=2).initialise(0, TABLE)
    with pytest.raises(ShapeError, match="positions"):
        nn.InstanceNorm().initialise(0, TABLE)
