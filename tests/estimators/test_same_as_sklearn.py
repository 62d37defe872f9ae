"""The same settings and seed give the same numbers as scikit-learn's perceptrons."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import load_iris, make_multilabel_classification
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier as TheirClassifier
from sklearn.neural_network import MLPRegressor as TheirRegressor
from sklearn.neural_network._stochastic_optimizers import AdamOptimizer, SGDOptimizer
from sklearn.utils import shuffle

from chainrule import MLPClassifier, MLPRegressor
from chainrule.estimators.rows import RowOrder
from chainrule.estimators.solvers import AdamSolver, MomentumSolver

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, SPECIES = load_iris(return_X_y=True)
TARGETS = {
    "three classes": (MLPClassifier, TheirClassifier, np.array(["c", "a", "b"])[SPECIES]),
    "two classes": (MLPClassifier, TheirClassifier, SPECIES == 1),
    "labels": (MLPClassifier, TheirClassifier, np.c_[SPECIES == 1, SPECIES > 0].astype(int)),
    "numbers": (MLPRegressor, TheirRegressor, X[:, 3] + SPECIES),
    "two numbers": (MLPRegressor, TheirRegressor, np.c_[SPECIES, X[:, 0]]),
}
SETTINGS: dict[str, dict[str, Any]] = {
    "defaults": {},
    "small batches": {"batch_size": 32, "activation": "tanh"},
    "uneven batches, in order": {"batch_size": 40, "shuffle": False, "activation": "logistic"},
    "momentum": {"solver": "sgd", "learning_rate_init": 0.01},
    "plain momentum": {"solver": "sgd", "nesterovs_momentum": False, "learning_rate_init": 0.01},
    "no momentum": {"solver": "sgd", "momentum": 0.0, "learning_rate_init": 0.1, "batch_size": 50},
    "invscaling": {"solver": "sgd", "learning_rate": "invscaling", "batch_size": 50},
    "adaptive": {"solver": "sgd", "learning_rate": "adaptive", "tol": 0.02, "max_iter": 200},
    "early stopping": {"early_stopping": True, "n_iter_no_change": 3, "learning_rate_init": 0.01},
    "two layers, much alpha": {"hidden_layer_sizes": (7, 5), "alpha": 1.0, "epsilon": 1e-3},
}
# Sums are taken in another order, and a few dozen steps amplify that a little.
ROUNDING = {"rtol": 1e-7, "atol": 1e-9}


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
@pytest.mark.parametrize("target", TARGETS)
def test_a_fit_gives_the_same_numbers(target: str, settings: dict[str, Any]) -> None:
    ours, theirs, y = TARGETS[target]
    options = {"max_iter": 30, "random_state": 3, "hidden_layer_sizes": (8,), **settings}
    a = ours(**options, executor="numpy").fit(X, y)
    b = theirs(**options).fit(X, y)
    assert (a.n_iter_, a.t_, a.n_layers_, a.n_outputs_) == (
        b.n_iter_,
        b.t_,
        b.n_layers_,
        b.n_outputs_,
    )
    assert a.out_activation_ == b.out_activation_
    for mine, other in zip(a.coefs_ + a.intercepts_, b.coefs_ + b.intercepts_, strict=True):
        assert mine.dtype == other.dtype
        np.testing.assert_allclose(mine, other, **ROUNDING)
    np.testing.assert_allclose(a.loss_curve_, b.loss_curve_, **ROUNDING)
    np.testing.assert_allclose(a.loss_, b.loss_, **ROUNDING)
    assert (a.validation_scores_ is None) == (b.validation_scores_ is None)
    if b.validation_scores_ is not None:
        np.testing.assert_allclose(a.validation_scores_, b.validation_scores_, **ROUNDING)
        assert a.best_validation_score_ == pytest.approx(b.best_validation_score_)
        assert a.best_loss_ is b.best_loss_ is None
    np.testing.assert_array_equal(a.predict(X).dtype, b.predict(X).dtype)
    if ours is MLPClassifier:
        np.testing.assert_array_equal(a.classes_, b.classes_)
        np.testing.assert_array_equal(a.predict(X), b.predict(X))
        np.testing.assert_allclose(a.predict_proba(X), b.predict_proba(X), **ROUNDING)
        np.testing.assert_allclose(a.predict_log_proba(X), b.predict_log_proba(X), **ROUNDING)
    else:
        np.testing.assert_allclose(a.predict(X), b.predict(X), **ROUNDING)


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_weights_of_rows_give_the_same_numbers(solver: str) -> None:
    weight = np.random.default_rng(0).integers(0, 4, len(X)).astype(float)
    options = {"solver": solver, "max_iter": 15, "random_state": 0, "batch_size": 60}
    a = MLPClassifier(**options, executor="numpy").fit(X, SPECIES, weight)
    b = TheirClassifier(**options).fit(X, SPECIES, weight)
    np.testing.assert_allclose(a.coefs_[0], b.coefs_[0], rtol=1e-5, atol=1e-7)
    assert a.loss_ == pytest.approx(b.loss_, rel=1e-6)


def test_a_poisson_loss_gives_the_same_numbers() -> None:
    counts = np.random.default_rng(0).poisson(X[:, 0])
    options = {"loss": "poisson", "max_iter": 20, "random_state": 0}
    a, b = MLPRegressor(**options).fit(X, counts), TheirRegressor(**options).fit(X, counts)
    assert a.out_activation_ == b.out_activation_ == "exp"
    np.testing.assert_allclose(a.loss_curve_, b.loss_curve_, **ROUNDING)
    np.testing.assert_allclose(a.predict(X), b.predict(X), **ROUNDING)


def test_lbfgs_gives_the_same_numbers_where_its_path_is_stable() -> None:
    options = {"solver": "lbfgs", "random_state": 0, "alpha": 1.0, "tol": 1e-6, "max_iter": 500}
    a = MLPClassifier(**options).fit(X, SPECIES > 0)
    b = TheirClassifier(**options).fit(X, SPECIES > 0)
    assert a.loss_ == pytest.approx(b.loss_, rel=1e-5)
    np.testing.assert_allclose(a.predict_proba(X), b.predict_proba(X), atol=2e-3)


def test_sparse_inputs_give_the_same_numbers_as_dense_ones() -> None:
    options = {"max_iter": 5, "random_state": 0}
    dense = MLPClassifier(**options).fit(X, SPECIES)
    for kind in (sparse.csr_matrix, sparse.csc_array):
        thin = MLPClassifier(**options).fit(kind(X), SPECIES)
        np.testing.assert_array_equal(dense.coefs_[0], thin.coefs_[0])
        np.testing.assert_array_equal(dense.predict_proba(X), thin.predict_proba(kind(X)))


def test_sparse_indicators_come_back_sparse() -> None:
    inputs, labels = make_multilabel_classification(n_samples=30, random_state=0)
    options = {"max_iter": 5, "random_state": 0}
    a = MLPClassifier(**options).fit(inputs, sparse.csr_matrix(labels)).predict(inputs)
    b = TheirClassifier(**options).fit(inputs, sparse.csr_matrix(labels)).predict(inputs)
    assert sparse.issparse(a)
    assert sparse.issparse(b)
    np.testing.assert_array_equal(a.toarray(), b.toarray())


def test_partial_fit_gives_the_same_numbers_call_after_call() -> None:
    pieces = np.array_split(np.random.default_rng(0).permutation(len(X)), 5)
    for solver in ("adam", "sgd"):
        a = MLPClassifier(solver=solver, random_state=0)
        b = TheirClassifier(solver=solver, random_state=0)
        for rows in pieces * 2:
            for each in (a, b):
                each.partial_fit(X[rows], SPECIES[rows], classes=[0, 1, 2])
        np.testing.assert_allclose(a.coefs_[0], b.coefs_[0], **ROUNDING)
        assert (a.t_, a.n_iter_, len(a.loss_curve_)) == (b.t_, b.n_iter_, len(b.loss_curve_))


def test_a_random_state_that_goes_on_is_left_where_scikit_learn_leaves_it() -> None:
    # The fit stops in the middle of a tick of several epochs, whose order is drawn at once.
    mine, other = np.random.RandomState(5), np.random.RandomState(5)
    options = {"tol": 0.05, "n_iter_no_change": 7, "max_iter": 300}
    a = MLPClassifier(random_state=mine, **options).fit(X, SPECIES)
    b = TheirClassifier(random_state=other, **options).fit(X, SPECIES)
    assert a.n_iter_ == b.n_iter_
    assert a.n_iter_ not in (1, 3, 7, 15, 31)  # where ticks end
    assert mine.randint(10**6) == other.randint(10**6)


def test_the_order_of_rows_is_that_of_repeated_shuffles() -> None:
    draws = np.random.RandomState(0)
    positions, expected = np.arange(7), []
    for _ in range(3):
        positions = shuffle(positions, random_state=draws)
        expected.append(positions)
    order = RowOrder(7, np.random.RandomState(0))
    order.take(5)
    np.testing.assert_array_equal(order.retake(2), expected[:2])
    np.testing.assert_array_equal(order.take(1)[0], expected[2])


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (AdamSolver(0.1, 0.9, 0.999, 1e-3), lambda p: AdamOptimizer(p, 0.1, epsilon=1e-3)),
        (MomentumSolver(0.1, 0.9, True), lambda p: SGDOptimizer(p, 0.1, momentum=0.9)),
        (
            MomentumSolver(0.1, 0.5, False),
            lambda p: SGDOptimizer(p, 0.1, momentum=0.5, nesterov=False),
        ),
    ],
    ids=["adam", "nesterov", "momentum"],
)
def test_a_solver_takes_the_same_steps(ours: Any, theirs: Any) -> None:
    weights = [np.array([1.0, -2.0]), np.array([0.5])]
    other = [w.copy() for w in weights]
    optimiser, state = theirs(other), ours.initial(weights)
    for number in range(4):
        slopes = [np.cos(w + number) for w in weights]
        weights, state = ours.update(slopes, state, weights, np.int32(number))
        optimiser.update_params(other, slopes)
        for mine, expected in zip(weights, other, strict=True):
            np.testing.assert_allclose(mine, expected, rtol=1e-12)


def test_warnings_and_errors_say_the_same() -> None:
    said = []
    for kind in (MLPClassifier, TheirClassifier):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            kind(max_iter=2, random_state=0, batch_size=1000).fit(X, SPECIES)
            kind(max_iter=1, solver="lbfgs", random_state=0).fit(X, SPECIES)
        said.append([(w.category, str(w.message)) for w in caught])
    assert said[0] == said[1]
    assert [category for category, _ in said[0]] == [
        UserWarning,
        ConvergenceWarning,
        ConvergenceWarning,
    ]


@pytest.mark.parametrize(
    "settings",
    [
        {"alpha": -1},
        {"hidden_layer_sizes": (5, -1)},
        {"batch_size": 0},
        {"validation_fraction": 1.5},
        {"learning_rate_init": 0},
        {"n_iter_no_change": 0},
    ],
    ids=str,
)
def test_wrong_settings_are_refused_with_the_same_words(settings: dict[str, Any]) -> None:
    said = []
    for kind in (MLPClassifier, TheirClassifier):
        with pytest.raises(ValueError, match="must be") as caught:
            kind(**settings).fit(X, SPECIES)
        said.append((type(caught.value), str(caught.value)))
    assert said[0] == said[1]
