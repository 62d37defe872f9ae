"""Averages of weights: by hand, in training, and when a run goes on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chainrule import losses, nn, optim, stop
from chainrule.errors import ParameterError
from chainrule.train import Trainer

EXECUTORS = pytest.mark.parametrize("executor", ["numpy", "native"])
RANDOM = np.random.default_rng(7)
X = RANDOM.normal(size=(24, 3))
Y = X @ [1.0, -2.0, 0.5]


def trainer(**changes: Any) -> Trainer:
    options: dict[str, Any] = {
        "network": nn.Dense(1, initial=nn.initialisers.Zeros()),
        "loss": losses.SquaredError(),
        "optimiser": optim.SGD(0.05),
        "stop": stop.Epochs(4),
        "batch_size": 8,
        "dtype": "float64",
        "executor": "numpy",
        **changes,
    }
    return Trainer(**options)


def weights_by_step(epochs: int) -> list[Any]:
    """The weights of `trainer()` after each step, from states of runs of whole epochs."""
    seen = [np.zeros((3, 1))]
    for count in range(1, 3 * epochs + 1):
        one = trainer(stop=stop.Epochs(count), batch_size=24)
        seen.append(one.fit(X, Y).network.weight)
    return seen


def test_an_exponential_average_by_hand() -> None:
    average = optim.ExponentialAverage(0.9)
    a = np.array([1.0])
    for n, p in enumerate((2.0, 3.0)):  # the decay is 2/11 at first, then 3/12
        a = average(a, np.array([p]), np.int32(n))
    assert float(a[0]) == pytest.approx((1 * 2 / 11 + 2 * 9 / 11) / 4 + 3 * 3 / 4)
    late = average(np.array([0.0]), np.array([1.0]), np.int32(10_000))
    assert float(late[0]) == pytest.approx(0.1)


def test_an_equal_average_counts_every_so_many_steps() -> None:
    average, a = optim.EqualAverage(start=2, every=3), np.array([0.0])
    for n in range(9):
        a = average(a, np.array([float(n)]), np.int32(n))
        expected = n if n < 2 else np.mean([k for k in range(n + 1) if k >= 2 and k % 3 == 2])
        assert float(a[0]) == pytest.approx(expected)


@EXECUTORS
@pytest.mark.parametrize(
    "average", [optim.ExponentialAverage(0.5), optim.EqualAverage(start=1), None]
)
def test_training_returns_the_average_of_the_weights_it_went_through(
    average: Any, executor: str
) -> None:
    steps = weights_by_step(2)
    run = trainer(average=average, executor=executor, batch_size=24, stop=stop.Epochs(6)).fit(X, Y)
    expected = steps[0]
    for n, weight in enumerate(steps[1:]):
        expected = weight if average is None else average(expected, weight, np.int32(n))
    np.testing.assert_allclose(run.network.weight, expected, rtol=1e-9)
    last = run.state.arrays["trainable.weight"]
    np.testing.assert_allclose(last, steps[-1], rtol=1e-9)


def test_what_is_measured_and_kept_is_the_average() -> None:
    run = trainer(average=optim.ExponentialAverage(0.8)).fit(X, Y, X_val=X, y_val=Y)
    found = run.evaluate(X, Y)["loss"]
    assert run.history["validation_loss"][-1] == pytest.approx(found, rel=1e-9)
    plain = trainer().fit(X, Y, X_val=X, y_val=Y)
    assert plain.history["train_loss"].tolist() == run.history["train_loss"].tolist()
    assert plain.history["validation_loss"][-1] != pytest.approx(found)


@EXECUTORS
def test_a_run_with_an_average_goes_on_bit_by_bit(executor: str) -> None:
    made = {"average": optim.ExponentialAverage(0.9), "executor": executor}
    whole = trainer(**made, stop=stop.Epochs(6)).fit(X, Y)
    half = trainer(**made, stop=stop.Epochs(3)).fit(X, Y)
    rest = trainer(**made, stop=stop.Epochs(6)).fit(X, Y, resume=half.state)
    np.testing.assert_array_equal(rest.network.weight, whole.network.weight)


def test_settings_that_make_no_sense_are_refused() -> None:
    for make in (
        lambda: optim.ExponentialAverage(1.0),
        lambda: optim.EqualAverage(start=-1),
        lambda: optim.EqualAverage(start=0, every=0),
    ):
        with pytest.raises(ParameterError, match="must be"):
            make()
    with pytest.raises(ParameterError, match="leave out average"):
        trainer(optimiser=optim.LBFGS(), average=optim.ExponentialAverage())
