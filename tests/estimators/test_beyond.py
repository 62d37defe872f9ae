"""What the perceptrons have beyond scikit-learn's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from sklearn.callback import ProgressBar
from sklearn.datasets import load_iris
from sklearn.metrics import log_loss

from chainrule import MLPClassifier, MLPRegressor, nn, optim
from chainrule.errors import ParameterError
from chainrule.estimators.programs import table_rows
from chainrule.tracing import map_leaves
from chainrule.train import EpochRecord
from chainrule.train.schedules import rate_at

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = load_iris(return_X_y=True)


def classifier(**settings: Any) -> MLPClassifier:
    return MLPClassifier(**{"max_iter": 20, "random_state": 0, "executor": "numpy", **settings})


# -------------------------------------------------------------------------------------------------
# The network.


def test_each_hidden_layer_can_have_its_own_activation_and_dropout() -> None:
    model = classifier(
        hidden_layer_sizes=(8, 6), activation=["tanh", "gelu"], dropout=[0.5, 0.0]
    ).fit(X, Y)
    assert [type(layer) for layer in model.network_.layers] == [
        *(nn.Dense, nn.Tanh, nn.Dropout),
        *(nn.Dense, nn.GELU),
        nn.Dense,
    ]


def test_the_network_behind_a_model_gives_its_raw_outputs() -> None:
    model = classifier().fit(X, Y)
    raw = np.asarray(model.network_(X))
    np.testing.assert_allclose(model.decision_function(X), raw, rtol=1e-9)
    shares = np.exp(raw) / np.exp(raw).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(model.predict_proba(X), shares, rtol=1e-9)


def test_dropout_is_drawn_from_the_random_state_and_off_while_predicting() -> None:
    plain, a, b = classifier(), classifier(dropout=0.5), classifier(dropout=0.5)
    plain.fit(X, Y), a.fit(X, Y), b.fit(X, Y)
    np.testing.assert_array_equal(a.coefs_[0], b.coefs_[0])
    assert not np.allclose(a.coefs_[0], plain.coefs_[0])
    np.testing.assert_array_equal(a.predict_proba(X), a.predict_proba(X))


def test_a_list_of_the_wrong_length_is_refused() -> None:
    with pytest.raises(ValueError, match="activation has 1 entries for 2 hidden layers"):
        classifier(hidden_layer_sizes=(4, 4), activation=["tanh"]).fit(X, Y)


def test_lbfgs_refuses_dropout_and_validation_rows() -> None:
    with pytest.raises(ValueError, match="dropout needs the solver 'sgd' or 'adam'"):
        classifier(solver="lbfgs", dropout=0.1).fit(X, Y)
    with pytest.raises(ValueError, match="X_val and y_val need the solver"):
        classifier(solver="lbfgs").fit(X, Y, X_val=X, y_val=Y)


# -------------------------------------------------------------------------------------------------
# Rows and what they count.


def test_class_weights_are_weights_of_the_rows_of_these_classes() -> None:
    a = classifier(class_weight={0: 1.0, 1: 2.0, 2: 0.5}).fit(X, Y)
    b = classifier().fit(X, Y, sample_weight=np.array([1.0, 2.0, 0.5])[Y])
    np.testing.assert_array_equal(a.coefs_[0], b.coefs_[0])


def test_balanced_classes_make_a_rare_class_count_as_much_as_the_others() -> None:
    rows = np.r_[0:50, 50:53]  # 50 of the first species, 3 of the second
    a = classifier(class_weight="balanced").fit(X[rows], Y[rows])
    weight = np.where(Y[rows] == 0, 53 / (2 * 50), 53 / (2 * 3))
    b = classifier().fit(X[rows], Y[rows], sample_weight=weight)
    np.testing.assert_allclose(a.coefs_[0], b.coefs_[0], rtol=1e-12)
    with pytest.raises(ValueError, match="not supported for partial_fit"):
        classifier(class_weight="balanced").partial_fit(X, Y, classes=[0, 1, 2])


def test_validation_rows_can_be_given() -> None:
    train, held = np.r_[0:150:2], np.r_[1:150:2]
    model = classifier(early_stopping=True, learning_rate_init=0.01, max_iter=40)
    model.fit(X[train], Y[train], X_val=X[held], y_val=Y[held])
    assert model.t_ == model.n_iter_ * len(train)  # nothing was set aside
    assert model.best_validation_score_ == max(model.validation_scores_)
    assert model.score(X[held], Y[held]) == pytest.approx(model.best_validation_score_)


def test_without_early_stopping_validation_rows_are_only_scored() -> None:
    a = classifier().fit(X, Y, X_val=X[:9], y_val=Y[:9], sample_weight_val=np.ones(9))
    b = classifier().fit(X, Y)
    np.testing.assert_array_equal(a.coefs_[0], b.coefs_[0])
    assert len(a.validation_scores_) == a.n_iter_ == 20
    assert a.best_loss_ == b.best_loss_
    assert b.validation_scores_ is None


def test_validation_rows_are_checked() -> None:
    with pytest.raises(ValueError, match="X_val is provided, but y_val was not"):
        classifier().fit(X, Y, X_val=X)
    with pytest.raises(ValueError, match="y_val is provided, but X_val was not"):
        classifier().fit(X, Y, y_val=Y)
    with pytest.raises(ValueError, match="expecting 4 features as input"):
        classifier().fit(X, Y, X_val=X[:, :2], y_val=Y)
    with pytest.raises(ValueError, match="classes not in"):
        classifier().fit(X, Y, X_val=X, y_val=Y + 7)
    numbers = MLPRegressor(max_iter=2, executor="numpy")
    with pytest.raises(ValueError, match="y_val has 1 outputs, but y has 2"):
        numbers.fit(X, np.c_[Y, Y], X_val=X, y_val=Y)


def test_counts_must_not_be_negative() -> None:
    with pytest.raises(ValueError, match="valid range of the loss 'poisson'"):
        MLPRegressor("poisson").fit(X, Y - 1)


# -------------------------------------------------------------------------------------------------
# Optimisers.


def test_any_optimiser_and_schedule_can_take_the_place_of_the_solver() -> None:
    rate = optim.Cosine(0.1, steps=40)
    model = classifier(optimizer=optim.AdamW(rate), max_iter=30).fit(X, Y)
    rates = model.history_["learning_rate"].to_list()
    # One step per epoch; the first is at the top of the wave, the 21st half-way down.
    assert rates[0] == pytest.approx(0.1)
    assert rates[20] == pytest.approx(0.05)
    assert model.score(X, Y) > 0.9


def test_our_sgd_takes_the_steps_that_scikit_learns_takes_without_momentum() -> None:
    a = classifier(optimizer=optim.SGD(0.1)).fit(X, Y)
    b = classifier(solver="sgd", momentum=0.0, learning_rate_init=0.1).fit(X, Y)
    np.testing.assert_allclose(a.coefs_[0], b.coefs_[0], rtol=1e-12)


@dataclass
class Descent:
    """An optimiser of a user's own, which cannot be hashed."""

    learning_rate: float

    def initial(self, parameters: Any) -> Any:
        return {}

    def update(self, gradients: Any, state: Any, parameters: Any, number: Any) -> Any:
        rate = rate_at(self.learning_rate, number, "float64")
        return map_leaves(lambda p, g: p - rate * g, parameters, gradients), state


def test_an_optimiser_can_be_of_your_own() -> None:
    a = classifier(optimizer=Descent(0.1)).fit(X, Y)
    b = classifier(optimizer=optim.SGD(0.1)).fit(X, Y)
    np.testing.assert_allclose(a.coefs_[0], b.coefs_[0], rtol=1e-12)


def test_partial_fit_follows_an_optimiser_whatever_the_solver_is() -> None:
    model = classifier(solver="lbfgs", optimizer=optim.Adam(0.01))
    for _ in range(3):
        model.partial_fit(X, Y, classes=[0, 1, 2])
    assert model.t_ == 450


@pytest.mark.parametrize("clip", [1e-3, optim.ClipGlobalNorm(1e-3)])
def test_clipping_limits_a_step(clip: Any) -> None:
    settings = {"optimizer": optim.SGD(1.0), "max_iter": 1, "alpha": 0.0}
    model = classifier(clip=clip, **settings).fit(X, Y)
    begin = classifier(optimizer=optim.SGD(0.0), max_iter=1, alpha=0.0).fit(X, Y)
    pairs = zip(model.coefs_ + model.intercepts_, begin.coefs_ + begin.intercepts_, strict=True)
    moved = np.sqrt(sum(np.square(a - b).sum() for a, b in pairs))
    assert moved == pytest.approx(1e-3)
    assert model.history_["gradient_norm"][0] > 1e-3  # measured before it is cut


@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_a_warm_start_goes_on_with_the_state_of_the_optimiser(solver: str) -> None:
    # Two warm fits of 10 epochs are one of 20: rows come in order, so nothing else differs.
    settings = {"solver": solver, "shuffle": False, "n_iter_no_change": 1000}
    once = classifier(**settings, max_iter=20).fit(X, Y)
    twice = classifier(**settings, max_iter=10, warm_start=True).fit(X, Y).fit(X, Y)
    np.testing.assert_allclose(twice.coefs_[0], once.coefs_[0], rtol=1e-12)
    assert twice.loss_curve_ == pytest.approx(once.loss_curve_)
    assert (twice.n_iter_, len(twice.loss_curve_), twice.t_) == (10, 20, once.t_)


def test_a_warm_start_may_end_early_stopping() -> None:
    model = classifier(warm_start=True, early_stopping=True, max_iter=3).fit(X, Y)
    model.set_params(early_stopping=False).fit(X, Y)
    assert model.best_loss_ == min(model.loss_curve_[3:])


def test_a_warm_start_in_another_shape_is_refused() -> None:
    model = classifier(warm_start=True).fit(X, Y)
    with pytest.raises(ValueError, match="fit with warm_start=False"):
        model.set_params(hidden_layer_sizes=(3,)).fit(X, Y)


# -------------------------------------------------------------------------------------------------
# Computation.


def test_the_dtype_of_the_computation_is_not_that_of_the_attributes() -> None:
    model = classifier(dtype="float32").fit(X, Y)
    wide = classifier().fit(X, Y)
    assert model.coefs_[0].dtype == model.predict_proba(X).dtype == np.float64
    np.testing.assert_array_equal(model.coefs_[0], model.coefs_[0].astype(np.float32))
    np.testing.assert_allclose(model.coefs_[0], wide.coefs_[0], atol=1e-4)


def test_native_code_and_numpy_agree() -> None:
    for settings in ({}, {"solver": "lbfgs", "alpha": 1.0}, {"batch_size": 40, "dropout": 0.2}):
        a = classifier(executor="native", n_jobs=1, **settings).fit(X, Y)
        b = classifier(executor="numpy", **settings).fit(X, Y)
        np.testing.assert_allclose(a.coefs_[0], b.coefs_[0], rtol=1e-6, atol=1e-9)
        np.testing.assert_allclose(a.predict_proba(X), b.predict_proba(X), rtol=1e-6)


@pytest.mark.parametrize("jobs", [1, 2, -1])
def test_the_number_of_threads_changes_rounding_at_most(jobs: int) -> None:
    settings = {"executor": "native", "max_iter": 2, "hidden_layer_sizes": (300,)}
    a, b = classifier(n_jobs=jobs, **settings).fit(X, Y), classifier(**settings).fit(X, Y)
    np.testing.assert_allclose(a.coefs_[0], b.coefs_[0], rtol=1e-9, atol=1e-12)


def test_a_batch_of_auto_suits_the_rows() -> None:
    # 3000 rows in steps of 200, as scikit-learn takes them: 15 steps.
    many = np.tile(X, (20, 1))
    model = classifier(max_iter=1).fit(many, np.tile(Y, 20))
    assert model._optimizer.steps == 15


@pytest.mark.parametrize(("rows", "filled"), [(7, 8), (800, 896), (4096, 4096), (4097, 4097)])
def test_tables_are_filled_up_by_a_quarter_at_most(rows: int, filled: int) -> None:
    assert table_rows(rows) == filled <= max(8, 1.25 * rows)


def test_rows_that_fill_up_a_table_do_not_count() -> None:
    rows = slice(0, 141)  # 41 + 100 in batches of 50; the table has more rows
    a = classifier(batch_size=50).fit(X[rows], Y[rows])
    b = classifier(batch_size=50, executor="native").fit(X[rows], Y[rows])
    np.testing.assert_allclose(a.loss_curve_, b.loss_curve_, rtol=1e-6)
    assert a.t_ == 20 * 141


# -------------------------------------------------------------------------------------------------
# Looking on.


def test_history_has_a_row_per_epoch() -> None:
    model = classifier(early_stopping=True).fit(X, Y)
    history = model.history_
    assert history.columns == [
        *("epoch", "loss", "validation_score", "learning_rate", "gradient_norm", "seconds")
    ]
    assert history["epoch"].to_list() == [*range(1, model.n_iter_ + 1)]
    assert history["loss"].to_list() == model.loss_curve_
    assert history["validation_score"].to_list() == model.validation_scores_
    assert (history["seconds"].diff().drop_nulls() > 0).all()


def test_lbfgs_has_a_history_too() -> None:
    model = classifier(solver="lbfgs", max_iter=7).fit(X, Y)
    assert len(model.history_) == model.n_iter_ == 7
    assert model.loss_curve_[-1] == pytest.approx(model.loss_)


def test_history_and_network_are_absent_before_a_fit() -> None:
    assert not hasattr(classifier(), "history_")
    assert not hasattr(classifier(), "network_")


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("yes", [True, np.True_])
def test_callbacks_see_every_epoch_and_can_end_training(solver: str, yes: Any) -> None:
    seen: list[EpochRecord] = []

    def look(record: EpochRecord) -> Any:
        seen.append(record)
        return yes if record.epoch == 5 else np.False_

    model = classifier(solver=solver, callbacks=[look]).fit(X, Y)
    assert [record.epoch for record in seen] == [1, 2, 3, 4, 5]
    assert model.n_iter_ == 5
    assert seen[-1].train_loss == model.loss_


class Guest:
    """A callback of scikit-learn's protocol."""

    def __init__(self, stop_at: int) -> None:
        self.stop_at = stop_at
        self.said: list[str] = []
        self.scores: list[float] = []

    def setup(self, estimator: Any, context: Any) -> None:
        self.said.append("setup")

    def teardown(self, estimator: Any, context: Any) -> None:
        self.said.append("teardown")

    def on_fit_task_begin(self, estimator: Any, context: Any, *, X: Any) -> None:
        self.said.append(f"begin {context.task_name}")

    def on_fit_task_end(
        self, estimator: Any, context: Any, *, y: Any, fitted_estimator: Any
    ) -> bool:
        self.said.append(f"end {context.task_name}")
        self.scores.append(fitted_estimator.score(X, y))
        return context.task_id == self.stop_at


@pytest.mark.parametrize("settings", [{}, {"early_stopping": True}, {"solver": "lbfgs"}])
def test_scikit_learns_callbacks_are_called(settings: dict[str, Any]) -> None:
    guest = Guest(stop_at=1)
    model = classifier(max_iter=6, **settings).set_callbacks(guest).fit(X, Y)
    assert guest.said == [
        "setup",
        "begin fit",
        *["begin epoch", "end epoch"] * 2,
        "end fit",
        "teardown",
    ]
    assert guest.scores[-1] == model.score(X, Y)


def test_scikit_learns_progress_bar_works(capsys: pytest.CaptureFixture[str]) -> None:
    classifier(max_iter=3).set_callbacks(ProgressBar()).fit(X, Y)
    assert "MLPClassifier" in capsys.readouterr().out


def test_what_else_a_callback_returns_does_not_end_training() -> None:
    assert classifier(max_iter=3, callbacks=[lambda record: record.epoch]).fit(X, Y).n_iter_ == 3


def test_callbacks_of_l_bfgs_see_the_weights_of_their_iteration() -> None:
    losses = []
    model = classifier(solver="lbfgs", max_iter=6)
    model.callbacks = [lambda record: losses.append(log_loss(Y, model.predict_proba(X)))]
    model.alpha = 0.0
    model.fit(X, Y)
    np.testing.assert_allclose(losses, model.loss_curve_, rtol=1e-6)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_an_interrupt_keeps_what_was_learnt(solver: str) -> None:
    def interrupt(record: EpochRecord) -> None:
        if record.epoch == 3:
            raise KeyboardInterrupt

    model = classifier(solver=solver, callbacks=[interrupt])
    with pytest.warns(UserWarning, match="Training interrupted by user"):
        model.fit(X, Y)
    expected = classifier(solver=solver, max_iter=3).fit(X, Y)
    assert model.n_iter_ == 3
    np.testing.assert_array_equal(model.coefs_[0], expected.coefs_[0])


def test_verbose_prints_what_scikit_learn_prints(capsys: pytest.CaptureFixture[str]) -> None:
    classifier(max_iter=2, verbose=True, early_stopping=True).fit(X, Y)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("Iteration 1, loss = 1.")
    assert lines[1].startswith("Validation score: 0.")
    assert len(lines) == 4


# -------------------------------------------------------------------------------------------------
# Parameters inside of parameters.


def test_searches_reach_into_an_optimiser() -> None:
    shared = optim.Adam(0.01)
    model = classifier(optimizer=shared).set_params(optimizer__learning_rate=0.5, alpha=0.1)
    assert (model.optimizer, model.alpha) == (optim.Adam(0.5), 0.1)
    assert shared == optim.Adam(0.01)
    assert model.get_params()["optimizer__beta1"] == 0.9


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda m: m.set_params(optimizer__speed=1), ValueError),
        (lambda m: m.set_params(optimizer__momentum=-1), ParameterError),
        (lambda m: m.set_params(speed=1), ValueError),
    ],
)
def test_unknown_or_wrong_parameters_are_refused(
    change: Callable[[Any], Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        change(classifier(optimizer=optim.SGD(0.1, momentum=0.5)))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"hidden_layer_sizes": (4, "b")}, "must be whole numbers"),
        ({"hidden_layer_sizes": (2.5,)}, "must be whole numbers"),
        ({"activation": ["tan"]}, "no activation 'tan': use 'relu', 'leaky_relu'"),
        ({"dropout": ["x"]}, r"dropout lies in \[0, 1\), got 'x'"),
        ({"dropout": [1.0]}, r"dropout lies in \[0, 1\), got 1.0"),
        ({"optimizer": optim.Adam}, r"give an object of it, such as Adam\(0.001\)"),
        ({"callbacks": [3]}, "a callback is a function"),
        ({"column_kinds": {"x0": 3}}, "kind of column 'x0' should be a text"),
    ],
)
def test_settings_that_cannot_be_say_what_could(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        classifier(**settings).fit(X, Y)


def test_what_would_have_no_effect_is_refused() -> None:
    with pytest.raises(ValueError, match="clip needs the solver 'sgd' or 'adam', not 'lbfgs'"):
        classifier(solver="lbfgs", clip=1.0).fit(X, Y)
    with pytest.raises(ValueError, match="sample_weight_val is provided, but X_val was not"):
        classifier().fit(X, Y, sample_weight_val=np.ones(150))


@pytest.mark.parametrize("rows", [1, 2, 3])
@pytest.mark.parametrize("solver", ["lbfgs", "adam"])
def test_a_few_rows_are_enough(rows: int, solver: str) -> None:
    model = MLPRegressor(solver=solver, max_iter=5, random_state=0)
    model.fit(np.ones((rows, 2)), np.arange(rows, dtype=float))
    assert np.isfinite(model.predict([[1.0, 1.0]])).all()
