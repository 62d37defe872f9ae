"""Scores agree with scikit-learn's, and with numbers worked by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from chainrule.data.scores import confusion, residuals, score_classes, score_numbers
from chainrule.errors import DataError


def shares(seed: int, rows: int, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Classes and probabilities with many ties, every class present."""
    random = np.random.default_rng(seed)
    truth = np.concatenate([np.arange(classes), random.integers(0, classes, rows)])
    counts = random.integers(1, 5, (len(truth), classes))
    return truth, counts / counts.sum(axis=1, keepdims=True)


@given(st.integers(0, 10**6), st.integers(0, 40), st.integers(2, 5))
def test_scores_of_classes_are_those_of_scikit_learn(seed: int, rows: int, classes: int) -> None:
    truth, probabilities = shares(seed, rows, classes)
    scores = score_classes(truth, probabilities)
    positive = probabilities[:, 1] if classes == 2 else probabilities
    assert scores == pytest.approx(
        {
            "accuracy": metrics.accuracy_score(truth, probabilities.argmax(axis=1)),
            "auc": metrics.roc_auc_score(truth, positive, multi_class="ovr"),
            "log_loss": metrics.log_loss(truth, probabilities),
        }
    )


@given(st.lists(st.tuples(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3)), min_size=2, max_size=20))
def test_scores_of_numbers_are_those_of_scikit_learn(pairs: list[tuple[float, float]]) -> None:
    truth, predicted = np.array(pairs).T
    scores = score_numbers(truth, predicted)
    if np.var(truth) < 1e-6:  # hardly any variance: one minus a quotient of roundings
        return
    assert scores == pytest.approx(
        {
            "r2": metrics.r2_score(truth, predicted),
            "rmse": metrics.root_mean_squared_error(truth, predicted),
            "mae": metrics.mean_absolute_error(truth, predicted),
        }
    )


def test_three_of_four_pairs_in_order_are_an_area_of_three_quarters() -> None:
    truth, yes = np.array([0, 1, 0, 1]), np.array([0.1, 0.3, 0.4, 0.9])
    assert score_classes(truth, np.stack([1 - yes, yes], axis=1))["auc"] == 0.75


def test_a_tie_counts_half() -> None:
    even = np.full((2, 2), 0.5)
    assert score_classes(np.array([0, 1]), even)["auc"] == 0.5


def test_one_class_alone_has_no_area() -> None:
    assert score_classes(np.array([1, 1]), np.full((2, 2), 0.5))["auc"] is None


def test_a_wrong_certainty_costs_much_but_not_infinitely_much() -> None:
    sure = np.array([[1.0, 0.0]], np.float32)
    assert score_classes(np.array([1]), sure)["log_loss"] == pytest.approx(52 * np.log(2))


def test_a_constant_truth_has_no_share_of_variance() -> None:
    assert score_numbers(np.array([2.0, 2.0]), np.array([1.0, 3.0])) == {
        "r2": None,
        "rmse": 1.0,
        "mae": 1.0,
    }


def test_the_mean_explains_nothing() -> None:
    assert score_numbers(np.array([1.0, 3.0]), np.array([2.0, 2.0]))["r2"] == 0.0


def test_confusions_are_counted_by_true_class() -> None:
    table = confusion(np.array([0, 0, 1, 2]), np.array([0, 2, 1, 1]), 3)
    assert table.tolist() == [[1, 0, 1], [0, 1, 0], [0, 1, 0]]


def test_residuals_are_predictions_less_truth() -> None:
    found = residuals(np.zeros(5), np.array([-2.0, -1.0, 0.0, 1.0, 7.0]))
    assert (found["mean"], found["lowest"], found["median"], found["highest"]) == (1, -2, 0, 7)


def test_no_rows_have_no_score() -> None:
    none = np.empty(0)
    with pytest.raises(DataError, match="no row to score"):
        score_numbers(none, none)
    with pytest.raises(DataError, match="no row to score"):
        score_classes(none.astype(int), np.empty((0, 2)))
