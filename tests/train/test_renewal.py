"""Running statistics taken anew: by hand, by training with an average, and from pieces."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chainrule import losses, nn, optim, stop
from chainrule.errors import DataError, ParameterError
from chainrule.train import Trainer, renew_statistics

EXECUTORS = pytest.mark.parametrize("executor", ["numpy", "native"])
RANDOM = np.random.default_rng(3)
X = RANDOM.normal(size=(256, 6)) * 3 + 1
Y = RANDOM.integers(0, 2, 256)
STATISTICS = {"layers[1].mean", "layers[1].variance"}


def network() -> nn.Module:
    layers = (nn.Dense(4), nn.BatchNorm(), nn.ReLU(), nn.Dropout(0.1), nn.Dense(2))
    return nn.Sequential(*layers)


def before_normalisation(trained: nn.Module, x: Any) -> Any:
    arrays = trained.arrays()
    return x @ arrays["layers[0].weight"] + arrays["layers[0].bias"]


def trainer(**changes: Any) -> Trainer:
    options: dict[str, Any] = {
        "average": optim.EqualAverage(start=20),
        "stop": stop.Epochs(10),
        "executor": "numpy",
        "dtype": "float64",
        **changes,
    }
    return Trainer(network(), losses.CrossEntropy(), optim.SGD(0.3), **options)


@EXECUTORS
def test_statistics_are_means_over_minibatches_weighed_by_their_rows(executor: str) -> None:
    made = network().initialise(0, X, dtype="float64")
    rows = X[:10]
    renewed = renew_statistics(made, rows, batch_size=10, executor=executor).arrays()
    hidden = before_normalisation(made, rows)
    np.testing.assert_allclose(renewed["layers[1].mean"], hidden.mean(axis=0), rtol=1e-12)
    variance = hidden.var(axis=0, ddof=1)
    np.testing.assert_allclose(renewed["layers[1].variance"], variance, rtol=1e-12)
    for path in made.arrays().keys() - STATISTICS:
        np.testing.assert_array_equal(renewed[path], made.arrays()[path])
    pieces = [(x, np.zeros(len(x))) for x in (rows[:6], rows[6:])]
    renewed = renew_statistics(made, pieces, batch_size=6, executor=executor).arrays()
    variance = (6 * hidden[:6].var(axis=0, ddof=1) + 4 * hidden[6:].var(axis=0, ddof=1)) / 10
    np.testing.assert_allclose(renewed["layers[1].mean"], hidden.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(renewed["layers[1].variance"], variance, rtol=1e-12)


@EXECUTORS
@pytest.mark.parametrize("validated", [False, True])
def test_training_renews_the_statistics_of_averaged_weights(executor: str, validated: bool) -> None:
    more = {"X_val": X[:50], "y_val": Y[:50]} if validated else {}
    run = trainer(executor=executor).fit(X, Y, **more)
    hidden = before_normalisation(run.network, X)
    arrays = run.network.arrays()
    np.testing.assert_allclose(arrays["layers[1].mean"], hidden.mean(axis=0), rtol=1e-9)
    # Variances within minibatches of 32 rows, drawn from the whole, differ from it by chance.
    np.testing.assert_allclose(arrays["layers[1].variance"], hidden.var(axis=0), rtol=0.1)
    if validated and run.best_epoch is not None:
        measured = run.history["validation_loss"][run.best_epoch - 1]
        assert run.evaluate(X[:50], Y[:50])["loss"] == pytest.approx(measured, rel=1e-9)


def test_training_in_pieces_renews_them_too() -> None:
    pieces = [(X[:100], Y[:100]), (X[100:], Y[100:])]
    run = trainer().fit(pieces)
    mean = before_normalisation(run.network, X).mean(axis=0)
    np.testing.assert_allclose(run.network.arrays()["layers[1].mean"], mean, rtol=1e-9)


def test_a_run_that_goes_on_renews_them_as_one_without_a_pause() -> None:
    whole = trainer().fit(X, Y, X_val=X[:50], y_val=Y[:50])
    half = trainer(stop=stop.Epochs(5)).fit(X, Y, X_val=X[:50], y_val=Y[:50])
    rest = trainer().fit(X, Y, X_val=X[:50], y_val=Y[:50], resume=half.state)
    for path, array in whole.network.arrays().items():
        np.testing.assert_array_equal(rest.network.arrays()[path], array)


def test_frozen_statistics_stay() -> None:
    start = network().initialise(0, X, dtype="float64")
    run = Trainer(
        start,
        losses.CrossEntropy(),
        average=optim.ExponentialAverage(0.9),
        frozen=["layers[1]"],
        stop=stop.Epochs(2),
        executor="numpy",
        dtype="float64",
    ).fit(X, Y)
    for path in STATISTICS:
        np.testing.assert_array_equal(run.network.arrays()[path], start.arrays()[path])


def test_a_network_without_statistics_is_given_back() -> None:
    made = nn.Dense(2).initialise(0, X)
    assert renew_statistics(made, X) is made


def test_wrong_arguments_are_refused() -> None:
    made = network().initialise(0, X)
    with pytest.raises(ParameterError, match="batch_size is at least 1, received 0"):
        renew_statistics(made, X, batch_size=0)
    with pytest.raises(DataError, match="has no rows"):
        renew_statistics(made, X[:0])
    with pytest.raises(DataError, match="iterable of pieces"):
        renew_statistics(made, None)
