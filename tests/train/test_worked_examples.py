"""The worked examples of the mission, through the public interface."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chainrule import losses, nn, optim, stop
from chainrule.train import Trainer

EXECUTORS = pytest.mark.parametrize("executor", ["numpy", "native"])


def two_layers(first: Any, second: Any, biases: Any = None) -> nn.Module:
    """Sigmoid units in two dense layers with given weights, which are (inputs, units)."""
    use = biases is not None
    b1, b2 = biases if use else (None, None)
    return nn.Sequential(
        nn.Dense(first.shape[1], use_bias=use, weight=first, bias=b1),
        nn.Sigmoid(),
        nn.Dense(second.shape[1], use_bias=use, weight=second, bias=b2),
        nn.Sigmoid(),
    )


# ---------------------------------------------------------------- E1

E1_FIRST = np.array([[0.2, 0.3], [0.2, 0.3]])
E1_SECOND = np.array([[0.3], [0.9]])
E1_X, E1_Y = np.array([[0.35, 0.7]]), np.array([[0.5]])


@EXECUTORS
def test_e1_one_update_without_biases(executor: str) -> None:
    network = two_layers(E1_FIRST, E1_SECOND)
    assert float(network(E1_X)[0, 0]) == pytest.approx(0.665074, abs=5e-7)
    hidden = network.layers[1](network.layers[0](E1_X))
    np.testing.assert_allclose(hidden, [[0.552308, 0.578105]], atol=5e-7)

    run = Trainer(
        network,
        losses.HalfSquaredError(),
        optim.SGD(1.0),
        stop=stop.Epochs(1),
        dtype="float64",
        executor=executor,
    ).fit(E1_X, E1_Y)
    after = run.network
    np.testing.assert_allclose(
        after.layers[0].weight, [[0.199045, 0.297175], [0.198091, 0.294350]], atol=5e-7
    )
    np.testing.assert_allclose(after.layers[2].weight, [[0.279691], [0.878743]], atol=5e-7)
    hidden = after.layers[1](after.layers[0](E1_X))
    np.testing.assert_allclose(hidden, [[0.551895, 0.576899]], atol=5e-7)
    assert float(run.predict(E1_X)[0, 0]) == pytest.approx(0.659554, abs=5e-7)
    assert run.history[0].train_loss == pytest.approx(0.5 * 0.165074**2, rel=1e-5)


# ---------------------------------------------------------------- E2

XOR_X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
XOR_Y = np.array([0.0, 1.0, 1.0, 0.0])


@pytest.mark.parametrize("seed", range(6))
def test_e2_xor_in_ten_thousand_full_batch_epochs(seed: int) -> None:
    normal = nn.initialisers.Normal(1.0)
    network = nn.Sequential(
        nn.Dense(4, initial=normal), nn.Sigmoid(), nn.Dense(1, initial=normal), nn.Sigmoid()
    )
    run = Trainer(
        network,
        losses.HalfSquaredError(reduction="sum"),
        optim.SGD(0.1),
        stop=stop.Epochs(10_000),
        batch_size="full",
        seed=seed,
    ).fit(XOR_X, XOR_Y)
    # The sum of four halves of squares is twice their mean square.
    squares = run.history["train_loss"] / 2
    assert len(squares) == 10_000
    assert 0.24 < squares[0] < 0.50
    assert 0.001 < squares[8000] < 0.009
    np.testing.assert_allclose(run.predict(XOR_X)[:, 0], XOR_Y, atol=0.1)


# ---------------------------------------------------------------- E5

E5_FIRST = np.array([[0.15, 0.25], [0.20, 0.30]])
E5_SECOND = np.array([[0.40, 0.50], [0.45, 0.55]])
E5_BIASES = (np.array([0.35, 0.35]), np.array([0.60, 0.60]))
E5_X, E5_Y = np.array([[0.05, 0.10]]), np.array([[0.01, 0.99]])


def e5(epochs: int, executor: str = "native", **settings: Any) -> Any:
    network = two_layers(E5_FIRST, E5_SECOND, E5_BIASES)
    return Trainer(
        network,
        losses.HalfSquaredError(),
        optim.SGD(0.5),
        stop=stop.Epochs(epochs),
        dtype="float64",
        executor=executor,
        **settings,
    ).fit(E5_X, E5_Y)


FIXED_BIASES: dict[str, Any] = {"frozen": ("layers[0].bias", "layers[2].bias")}


@EXECUTORS
def test_e5_first_update_with_fixed_biases(executor: str) -> None:
    run = e5(1, executor, **FIXED_BIASES)
    assert run.history[0].train_loss == pytest.approx(0.298371109, abs=5e-10)
    np.testing.assert_allclose(
        run.network.layers[2].weight.T.ravel(),
        [0.35891648, 0.40866619, 0.51130127, 0.56137012],
        atol=5e-9,
    )
    np.testing.assert_allclose(
        run.network.layers[0].weight.T.ravel(),
        [0.14978072, 0.19956143, 0.24975114, 0.29950229],
        atol=5e-9,
    )
    assert run.network.layers[0].bias.tolist() == [0.35, 0.35]
    assert run.evaluate(E5_X, E5_Y)["loss"] == pytest.approx(0.2910277737, abs=5e-11)


def test_e5_ten_thousand_updates() -> None:
    run = e5(10_000, **FIXED_BIASES)
    assert run.evaluate(E5_X, E5_Y)["loss"] == pytest.approx(3.510188e-05, abs=5e-12)
    np.testing.assert_allclose(run.predict(E5_X), [[0.01591362, 0.98406427]], atol=5e-9)
    # What an epoch records is the loss before its update.
    assert run.history[-1].train_loss == pytest.approx(3.510855e-05, abs=5e-12)


def test_e5_with_the_biases_trained_too() -> None:
    assert e5(1).evaluate(E5_X, E5_Y)["loss"] == pytest.approx(0.2804714468, abs=5e-11)


def test_a_function_of_the_path_freezes_as_names_do() -> None:
    by_name = e5(3, **FIXED_BIASES)
    by_function = e5(3, frozen=lambda path: path.endswith("bias"))
    for path, array in by_name.network.arrays().items():
        np.testing.assert_array_equal(array, by_function.network.arrays()[path])


# ---------------------------------------------------------------- E6


@pytest.mark.parametrize("seed", range(3))
def test_e6_one_example_at_a_time_until_all_are_correct(seed: int) -> None:
    network = nn.Sequential(nn.Dense(4), nn.Tanh(), nn.Dense(1))
    run = Trainer(
        network,
        losses.BinaryCrossEntropy(),
        optim.SGD(0.3),
        stop=[stop.AllCorrect(), stop.Epochs(5000)],
        batch_size=1,
        seed=seed,
    ).fit(XOR_X, XOR_Y)
    assert run.stopped_because == "all training examples correct"
    assert run.predict(XOR_X)[:, 0].tolist() == XOR_Y.tolist()
    assert run.history["train_accuracy"][-1] == 1.0
    assert (run.history["train_accuracy"][:-1] < 1).all()


def test_e6_with_the_textbook_loss_and_sigmoid_outputs() -> None:
    y = np.array([0.0, 0.0, 0.0, 1.0])  # and
    run = Trainer(
        nn.Sequential(nn.Dense(1), nn.Sigmoid()),
        losses.HalfSquaredError(),
        optim.SGD(1.0),
        stop=[stop.AllCorrect(), stop.Epochs(5000)],
        batch_size=1,
    ).fit(XOR_X, y)
    assert run.stopped_because == "all training examples correct"
    assert (run.predict(XOR_X)[:, 0] > 0.5).tolist() == [False, False, False, True]
