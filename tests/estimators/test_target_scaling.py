"""Numbers to be predicted are scaled for raw tables, and predictions are mapped back."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import TransformedTargetRegressor
from sklearn.preprocessing import StandardScaler

from chainrule import MLPRegressor, NetworkRegressor, losses
from chainrule.estimators.target_scaling import TargetScaling

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

DRAWS = np.random.default_rng(0)
ROWS = 200
X = DRAWS.normal(size=(ROWS, 2))
TABLE = pd.DataFrame({"a": X[:, 0], "b": X[:, 1], "kind": DRAWS.choice(["x", "y"], ROWS)})
PRICE = 300_000 + 50_000 * X[:, 0] + 20_000 * (TABLE["kind"] == "x").to_numpy()


def regressor(loss: str = "squared_error", **settings: Any) -> MLPRegressor:
    base = {"random_state": 0, "executor": "numpy", "learning_rate_init": 0.01, "max_iter": 60}
    return MLPRegressor(loss, (16,), **{**base, **settings})


def network(**settings: Any) -> NetworkRegressor:
    return NetworkRegressor(**{"random_state": 0, "executor": "numpy", "max_iter": 60, **settings})


@pytest.mark.parametrize("model", [regressor(), network()])
def test_large_numbers_are_learnt_from_raw_tables(model: Any) -> None:
    assert model.fit(TABLE, PRICE).score(TABLE, PRICE) > 0.9
    assert model.target_scaling_.columns[0].mean == pytest.approx(PRICE.mean())
    copy = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copy.predict(TABLE), model.predict(TABLE))


@pytest.mark.parametrize("model", [regressor(), network()])
def test_numbers_are_left_alone_without_a_raw_table(model: Any) -> None:
    assert model.fit(X, PRICE).target_scaling_ is None
    assert model.set_params(target_scaling=None).fit(TABLE, PRICE).target_scaling_ is None


def test_standardising_is_what_scikit_learn_does_around_a_regressor() -> None:
    ours = regressor(target_scaling="standard").fit(X, PRICE)
    around = TransformedTargetRegressor(regressor(), transformer=StandardScaler()).fit(X, PRICE)
    np.testing.assert_allclose(ours.predict(X), around.predict(X), rtol=1e-9)
    assert ours.score(X, PRICE) == pytest.approx(around.score(X, PRICE))


def test_skewed_numbers_are_learnt_as_logarithms() -> None:
    amount = np.exp(8 + 2 * X[:, 0])
    model = regressor().fit(TABLE, amount)
    assert model.target_scaling_.columns[0].shape == "log"
    assert "skewed: ln(1 + y /" in model.target_scaling_.describe()[0]
    ratio = model.predict(TABLE) / amount
    assert 0.9 < np.median(ratio) < 1.1


def test_each_of_several_outputs_has_its_own_scale() -> None:
    both = np.c_[PRICE, 0.001 * X[:, 1]]
    for model in (regressor(), network()):
        found = model.fit(TABLE, both).predict(TABLE)
        assert np.corrcoef(found[:, 0], both[:, 0])[0, 1] > 0.95
        assert np.corrcoef(found[:, 1], both[:, 1])[0, 1] > 0.95
        assert [column.name for column in model.target_scaling_.columns] == ["y0", "y1"]


def test_rates_are_learnt_in_units_of_their_mean() -> None:
    counts = DRAWS.poisson(5_000 * np.exp(X[:, 0]))
    model = regressor("poisson").fit(TABLE, counts)
    assert model.target_scaling_.columns[0].shape == "count"
    assert model.score(TABLE, counts) > 0.8
    assert (model.predict(TABLE) > 0).all()
    assert network(loss=losses.PoissonNLL()).fit(TABLE, counts).target_scaling_ is None


def test_the_scale_is_that_of_the_rows_to_train_on() -> None:
    held = np.full(3, 1e9)
    model = regressor(max_iter=2, early_stopping=True)
    model.fit(TABLE, PRICE, X_val=TABLE[:3], y_val=held)
    assert model.target_scaling_ == regressor(max_iter=2).fit(TABLE, PRICE).target_scaling_
    model = regressor(max_iter=2, early_stopping=True).fit(TABLE, PRICE)
    assert model.target_scaling_.columns[0].mean != PRICE.mean()


def test_validation_scores_are_of_the_numbers_themselves() -> None:
    amount = np.exp(8 + 2 * X[:, 0])
    model = regressor(early_stopping=True).fit(TABLE, amount, X_val=TABLE, y_val=amount)
    assert model.best_validation_score_ == pytest.approx(model.score(TABLE, amount), abs=1e-6)


def test_a_scale_survives_partial_fits_and_warm_starts() -> None:
    model = regressor().partial_fit(TABLE[:50], PRICE[:50])
    first = model.target_scaling_
    assert model.partial_fit(TABLE[50:], PRICE[50:]).target_scaling_ is first
    warm = regressor(warm_start=True, max_iter=2).fit(TABLE, PRICE)
    first = warm.target_scaling_
    assert warm.fit(TABLE, PRICE + 1).target_scaling_ is first


@pytest.mark.parametrize("shape", ["standard", "log", "asinh", "count"])
def test_a_scale_is_undone(shape: str) -> None:
    y = np.abs(DRAWS.normal(size=(50, 2))) * [1.0, 1e6]
    scaling = TargetScaling.fit(y, shape)
    np.testing.assert_allclose(scaling.restore(scaling.apply(y)), y, rtol=1e-9)


@pytest.mark.parametrize(
    ("model", "y", "said"),
    [
        (regressor(target_scaling="minmax"), PRICE, "'target_scaling' parameter"),
        (network(target_scaling="minmax"), PRICE, "'target_scaling' parameter"),
        (regressor(target_scaling="log"), X[:, 0], "needs y of at least 0"),
        (regressor("poisson", target_scaling="log"), PRICE, "does not suit the loss 'poisson'"),
        (
            network(loss=losses.PoissonNLL(), target_scaling="log"),
            *(PRICE, "does not suit PoissonNLL"),
        ),
    ],
)
def test_a_scale_that_does_not_suit_is_refused(model: Any, y: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        model.fit(TABLE, y)
