"""The estimators among scikit-learn's tools."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.datasets import load_iris
from sklearn.ensemble import StackingClassifier
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    KFold,
    cross_val_score,
    cross_validate,
)
from sklearn.multioutput import ClassifierChain
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from chainrule import (
    MLPClassifier,
    MLPRegressor,
    NetworkClassifier,
    NetworkRegressor,
    NetworkTransformer,
    nn,
    optim,
)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = load_iris(return_X_y=True)
FOLDS = KFold(3, shuffle=True, random_state=0)
ALL = (
    MLPClassifier((8,), max_iter=10, random_state=0, executor="numpy"),
    MLPRegressor("squared_error", (8,), max_iter=10, random_state=0, executor="numpy"),
    NetworkClassifier(nn.MLP((8,), 3), max_iter=10, random_state=0, executor="numpy"),
    NetworkRegressor(nn.MLP((8,), 1), max_iter=10, random_state=0, executor="numpy"),
    NetworkTransformer(nn.Dense(2), max_iter=10, random_state=0, executor="numpy"),
)
EACH = pytest.mark.parametrize("estimator", ALL, ids=lambda e: type(e).__name__)


def classifier(**settings: Any) -> MLPClassifier:
    base = {"max_iter": 60, "random_state": 0, "learning_rate_init": 0.02, "executor": "numpy"}
    return MLPClassifier((8,), **{**base, **settings})


def apply(estimator: Any, rows: Any) -> Any:
    return estimator.predict(rows) if hasattr(estimator, "predict") else estimator.transform(rows)


@EACH
def test_a_clone_learns_the_same(estimator: Any) -> None:
    a, b = clone(estimator).fit(X, Y), clone(estimator).fit(X, Y)
    np.testing.assert_array_equal(apply(a, X), apply(b, X))
    assert not hasattr(clone(a), "n_iter_")


@EACH
def test_a_pickled_model_predicts_the_same(estimator: Any, tmp_path: Path) -> None:
    model = clone(estimator).fit(X, Y)
    joblib.dump(model, tmp_path / "model.joblib")
    for copy in (pickle.loads(pickle.dumps(model)), joblib.load(tmp_path / "model.joblib")):
        np.testing.assert_array_equal(apply(copy, X), apply(model, X))
        assert len(copy.history_) == 10


@EACH
def test_a_pipeline_scales_first(estimator: Any) -> None:
    pipeline = make_pipeline(StandardScaler(), clone(estimator)).fit(X, Y)
    scaled = StandardScaler().fit_transform(X)
    np.testing.assert_array_equal(
        apply(pipeline, X), apply(clone(estimator).fit(scaled, Y), scaled)
    )


@EACH
def test_notebooks_show_the_parameters(estimator: Any) -> None:
    html = clone(estimator).fit(X, Y)._repr_html_()
    assert type(estimator).__name__ in html
    assert "max_iter" in html


def test_a_column_transformer_feeds_a_classifier() -> None:
    table = pd.DataFrame({"width": X[:, 3], "kind": np.array(["a", "b", "c"])[Y]})
    columns = ColumnTransformer(
        [("numbers", StandardScaler(), ["width"]), ("texts", OneHotEncoder(), ["kind"])]
    )
    assert make_pipeline(columns, classifier()).fit(table, Y).score(table, Y) == 1.0


def test_a_grid_search_finds_the_better_setting() -> None:
    search = GridSearchCV(classifier(), {"learning_rate_init": [1e-6, 0.02]}, cv=FOLDS).fit(X, Y)
    assert search.best_params_ == {"learning_rate_init": 0.02}
    assert search.best_estimator_.score(X, Y) > 0.9


def test_a_grid_search_reaches_into_networks_and_optimisers() -> None:
    model = NetworkClassifier(
        nn.Sequential(nn.Dense(4), nn.Tanh(), nn.Dense(3)),
        optimizer=optim.Adam(0.01),
        max_iter=30,
        batch_size="full",
        random_state=0,
        executor="numpy",
    )
    grid = {"network__layers__0__units": [3, 16], "optimizer__learning_rate": [1e-6, 0.05]}
    search = GridSearchCV(model, grid, cv=FOLDS).fit(X, Y)
    assert search.best_params_["optimizer__learning_rate"] == 0.05
    units = search.best_params_["network__layers__0__units"]
    assert search.best_estimator_.network_.layers[0].weight.shape == (4, units)
    assert model.network.layers[0].units == 4


def test_a_halving_search_gives_epochs_as_a_resource() -> None:
    search = HalvingGridSearchCV(
        classifier(),
        {"alpha": [1e-4, 1e4]},
        resource="max_iter",
        min_resources=10,
        max_resources=40,
        factor=2,
        cv=FOLDS,
        random_state=0,
    ).fit(X, Y)
    assert search.best_params_ == {"alpha": 1e-4, "max_iter": 20}


def test_folds_can_be_trained_side_by_side() -> None:
    apart = cross_val_score(classifier(executor="native"), X, Y, cv=FOLDS, n_jobs=2)
    np.testing.assert_array_equal(apart, cross_val_score(classifier(), X, Y, cv=FOLDS))


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_forked_processes_make_threads_of_their_own() -> None:
    model = classifier(executor="native", n_jobs=2).fit(X, Y)  # its threads stay behind in a fork
    with joblib.parallel_config("multiprocessing", n_jobs=2):
        apart = cross_val_score(model, X, Y, cv=FOLDS)
    np.testing.assert_array_equal(apart, cross_val_score(model, X, Y, cv=FOLDS))


def test_threads_can_train_the_same_structure_at_once() -> None:
    with joblib.parallel_config("threading", n_jobs=2):
        apart = cross_val_score(classifier(executor="native"), X, Y, cv=FOLDS)
    alone = cross_val_score(classifier(executor="native"), X, Y, cv=FOLDS)
    np.testing.assert_array_equal(apart, alone)


def test_probabilities_can_be_calibrated() -> None:
    model = CalibratedClassifierCV(classifier(), cv=FOLDS).fit(X, Y)
    np.testing.assert_allclose(model.predict_proba(X).sum(axis=1), 1.0)
    assert model.score(X, Y) > 0.9


def test_permutation_tells_which_column_matters() -> None:
    draws = np.random.default_rng(0)
    inputs = draws.normal(size=(200, 3))
    model = classifier().fit(inputs, inputs[:, 1] > 0)
    found = permutation_importance(model, inputs, inputs[:, 1] > 0, random_state=0, n_repeats=3)
    assert found.importances_mean.argmax() == 1


def test_models_can_be_stacked_and_chained() -> None:
    both = StackingClassifier([("net", classifier(max_iter=20))], LogisticRegression(), cv=FOLDS)
    assert both.fit(X, Y).score(X, Y) > 0.8
    labels = np.c_[Y == 0, Y == 1].astype(int)
    chain = ClassifierChain(classifier(max_iter=20)).fit(X, labels)
    assert chain.predict(X).shape == (150, 2)


def test_a_transformed_target_suits_a_regressor() -> None:
    regressor = MLPRegressor(learning_rate_init=0.02, random_state=0, executor="numpy")
    model = TransformedTargetRegressor(regressor, transformer=StandardScaler())
    assert model.fit(X[:, :3], 1000 * X[:, 3]).score(X[:, :3], 1000 * X[:, 3]) > 0.9


def test_a_transformer_names_its_columns() -> None:
    model = NetworkTransformer(nn.Dense(2), max_iter=2, executor="numpy")
    table = model.set_output(transform="pandas").fit_transform(X)
    assert table.columns.tolist() == ["networktransformer0", "networktransformer1"]


def test_weights_are_routed_through_a_search() -> None:
    weight = np.where(Y == 2, 1e-6, 1.0)
    with sklearn.config_context(enable_metadata_routing=True):
        model = classifier().set_fit_request(sample_weight=True)
        model = model.set_score_request(sample_weight=True)
        found = cross_validate(model, X, Y, cv=FOLDS, params={"sample_weight": weight})
        plain = cross_validate(classifier(), X, np.where(Y == 2, 1, Y), cv=FOLDS)
    # The last species counts for nothing, so only the two others need to be told apart.
    assert found["test_score"].min() > 0.98
    assert plain["test_score"].min() > 0.9


def test_validation_rows_are_routed_through_a_pipeline() -> None:
    with sklearn.config_context(enable_metadata_routing=True):
        model = classifier(early_stopping=True).set_fit_request(X_val=True, y_val=True)
        pipeline = make_pipeline(StandardScaler(), model, transform_input=["X_val"])
        pipeline.fit(X[::2], Y[::2], X_val=X[1::2], y_val=Y[1::2])
    best = pipeline[-1].best_validation_score_
    assert pipeline.score(X[1::2], Y[1::2]) == pytest.approx(best)
