"""Losses: against PyTorch, by hand, at extremes, and their gradients."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule.numpy as cnp
from chainrule import losses
from chainrule.backprop import check_gradients, grad, value_and_grad
from chainrule.errors import DataError, ParameterError, ShapeError
from chainrule.execute import jit, trace
from chainrule.ir import ArrayType, Dim
from tests.nn import golden_losses as golden

GOLDEN = json.loads(golden.PLACE.read_text(encoding="utf-8"))["losses"]
CASES: dict[str, tuple[losses.Loss, Any, Any]] = {
    "cross-entropy": (losses.CrossEntropy(), golden.LOGITS, golden.LABELS),
    "cross-entropy sum": (losses.CrossEntropy(reduction="sum"), golden.LOGITS, golden.LABELS),
    "cross-entropy smoothed": (
        losses.CrossEntropy(label_smoothing=0.1),
        golden.SMALL,
        golden.LABELS,
    ),
    "cross-entropy weighted": (
        losses.CrossEntropy(class_weight=golden.CLASS_WEIGHT),
        golden.LOGITS,
        golden.LABELS,
    ),
    "cross-entropy shares": (losses.CrossEntropy(), golden.SMALL, golden.SHARES),
    "cross-entropy padded": (losses.CrossEntropy(ignore=-1), golden.SEQUENCES, golden.PADDED),
    "cross-entropy padded, smoothed, weighted": (
        losses.CrossEntropy(ignore=-1, label_smoothing=0.1, class_weight=golden.CLASS_WEIGHT),
        [golden.SMALL, golden.SMALL],
        golden.PADDED,
    ),
    "binary": (losses.BinaryCrossEntropy(), golden.LOGITS, golden.YES),
    "binary positive": (
        losses.BinaryCrossEntropy(positive_weight=2.5),
        golden.LOGITS,
        golden.YES,
    ),
    "squared": (losses.SquaredError(), golden.LOGITS, golden.NUMBERS),
    "absolute": (losses.AbsoluteError(), golden.LOGITS, golden.NUMBERS),
    "huber": (losses.Huber(delta=1.25), golden.LOGITS, golden.NUMBERS),
    "focal": (losses.CrossEntropy(focus=2.0), golden.SMALL, golden.LABELS),
    "focal 3, padded": (
        losses.CrossEntropy(focus=3.0, ignore=-1),
        golden.SEQUENCES,
        golden.PADDED,
    ),
    "binary focal": (losses.BinaryCrossEntropy(focus=2.0), golden.LOGITS, golden.YES),
    "kullback-leibler": (losses.KullbackLeibler(), golden.SMALL, golden.SHARES),
    "cosine": (losses.CosineDistance(), golden.NUMBERS, golden.SMALL),
    "gaussian": (losses.GaussianNLL(), golden.PAIRS, [row[:1] for row in golden.SMALL]),
    "gaussian full": (
        losses.GaussianNLL(full=True),
        golden.PAIRS,
        [row[0] for row in golden.SMALL],
    ),
    "log-cosh": (losses.LogCosh(), golden.SMALL, golden.COUNTS),
    "quantile": (losses.Quantile(levels=[0.1]), golden.SMALL, golden.NUMBERS),
    "squared hinge": (
        losses.Hinge(squared=True),
        [row[:2] for row in golden.SMALL],
        golden.TWO,
    ),
    "poisson": (losses.PoissonNLL(), golden.SMALL, golden.COUNTS),
}
SMOOTH = [*CASES.values(), (losses.HalfSquaredError(), golden.SMALL, golden.NUMBERS)]


def test_every_golden_case_has_a_loss() -> None:
    assert set(CASES) == set(GOLDEN)


@pytest.mark.parametrize("name", CASES)
def test_value_and_gradient_are_those_of_pytorch(name: str) -> None:
    loss, predictions, targets = CASES[name]
    value, gradient = value_and_grad(lambda p: loss(p, np.array(targets)))(np.array(predictions))
    assert float(value) == pytest.approx(GOLDEN[name]["value"], rel=1e-12)
    np.testing.assert_allclose(gradient, GOLDEN[name]["gradient"], rtol=1e-10, atol=1e-16)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("executor", ["numpy", "native"])
def test_compiled_losses_equal_computed_ones(name: str, executor: str) -> None:
    loss, predictions, targets = CASES[name]
    weight = np.array([1.0, 0.0, 2.0, 0.5])[: len(predictions)]
    labelled = targets in (golden.LABELS, golden.PADDED, golden.TWO)
    args = (np.array(predictions), np.array(targets, np.int32 if labelled else float))
    compiled = jit(lambda p, t, w: loss(p, t, w), executor=executor)
    assert float(compiled(*args, weight)) == pytest.approx(float(loss(*args, weight)), rel=1e-12)


@pytest.mark.parametrize(("loss", "predictions", "targets"), SMOOTH)
def test_first_and_second_derivatives_are_right(
    loss: losses.Loss, predictions: Any, targets: Any
) -> None:
    # Moved away from the kinks of the absolute error, and to moderate size.
    p = np.clip(np.array(predictions), -20, 20) + 0.1
    t = np.array(targets)
    kinked = (losses.AbsoluteError, losses.Huber, losses.Quantile)
    t = np.clip(t, -20, 20) if isinstance(loss, kinked) else t
    verdict = check_gradients(lambda p: loss(p, t), p)
    assert verdict, str(verdict)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", [0.0, 1.0, 30.0, 1e3, 1e30])
def test_cross_entropy_is_exact_for_logits_of_any_size(size: float, dtype: str) -> None:
    logits = np.array([[0.0, size]], dtype)
    for label, sign in ((0, 1.0), (1, -1.0)):
        value, g = value_and_grad(lambda p, k=label: losses.CrossEntropy()(p, np.array([k])))(
            logits
        )
        exact = max(0.0, sign * size) + math.log1p(math.exp(-size))
        assert float(value) == pytest.approx(exact, rel=1e-6)
        wrong = 1 / (1 + math.exp(sign * -min(size, 700.0)))
        expected = [[-wrong, wrong]] if label == 0 else [[wrong, -wrong]]
        # The gradient is a probability minus one, so it is exact to the rounding of one.
        np.testing.assert_allclose(g, expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("size", [0.0, 20.0, 90.0, 1e3, 1e30])
def test_binary_cross_entropy_keeps_its_digits_on_both_sides(size: float) -> None:
    loss = losses.BinaryCrossEntropy()
    for target in (0.0, 1.0):
        sign = 1 if target else -1
        right = np.array([sign * size], np.float32)
        exact = math.log1p(math.exp(-size)) if size < 700 else 0.0
        assert float(loss(right, [target])) == pytest.approx(exact, rel=1e-5, abs=1e-38)
        assert float(loss(-right, [target])) == pytest.approx(size + exact, rel=1e-6)
        slope = grad(lambda z, t=target: loss(z, np.array([t])))(-right)
        assert float(slope[0]) == pytest.approx(-sign / (1 + math.exp(-min(size, 700))), rel=1e-6)


def test_second_derivatives_stay_finite_at_extremes() -> None:
    for loss, target in (
        (losses.CrossEntropy(), np.array([1])),
        (losses.CrossEntropy(label_smoothing=0.1), np.array([1])),
        (losses.BinaryCrossEntropy(), np.array([[1.0, 0.0]])),
        (losses.Huber(), np.array([[1.0, 0.0]])),
    ):
        for logits in ([[1000.0, -1000.0]], [[-1000.0, 1000.0]], [[0.0, 0.0]]):
            slope = grad(lambda p, f=loss, t=target: f(p, t))
            curve = grad(lambda p, s=slope: cnp.sum(s(p) * np.array([[1.0, 2.0]], np.float32)))
            assert np.isfinite(curve(np.array(logits, np.float32))).all()


def test_the_forms_of_textbooks_that_equations_mention_are_the_same() -> None:
    z, t = np.array([-1.5, 0.25, 2.0]), np.array([1.0, 0.0, 1.0])
    binary = losses.BinaryCrossEntropy(reduction="sum")
    assert "L = −t·ln(σ(z)) − (1 − t)·ln(1 − σ(z)) and δ = σ(z) − t" in binary.textbook
    p = 1 / (1 + np.exp(-z))
    value, slope = value_and_grad(binary)(z, t)
    assert value == pytest.approx(np.sum(-t * np.log(p) - (1 - t) * np.log(1 - p)), rel=1e-12)
    np.testing.assert_allclose(slope, p - t, rtol=1e-12)

    classes = losses.CrossEntropy(reduction="sum")
    assert "L = −ln(p[t]) and δ = p − [t = j], where p = softmax(z)" in classes.textbook
    p = np.exp(z) / np.exp(z).sum()
    value, slope = value_and_grad(classes)(z[None], np.array([2]))
    assert value == pytest.approx(-np.log(p[2]), rel=1e-12)
    np.testing.assert_allclose(slope, [p - [0, 0, 1]], rtol=1e-12)

    assert losses.CrossEntropy(label_smoothing=0.1).textbook == ""
    assert losses.BinaryCrossEntropy(focus=2).textbook == ""
    assert losses.SquaredError().textbook == ""


def test_a_masked_class_costs_nothing_where_its_target_is_zero() -> None:
    logits = np.array([[0.0, -np.inf]])
    assert float(losses.CrossEntropy()(logits, [[1.0, 0.0]])) == 0.0
    assert float(losses.CrossEntropy()(logits, [0])) == 0.0


def test_labels_one_hot_and_probabilities_agree() -> None:
    logits = np.array(golden.SMALL)
    hot = np.eye(3)[golden.LABELS]
    for loss in (losses.CrossEntropy(), losses.CrossEntropy(class_weight=[0.5, 2.0, 1.25])):
        assert float(loss(logits, golden.LABELS)) == pytest.approx(float(loss(logits, hot)))


@settings(max_examples=10)
@given(st.lists(st.integers(0, 4), min_size=4, max_size=4))
def test_whole_weights_count_as_repetitions(counts: list[int]) -> None:
    for loss, predictions, targets in SMOOTH:
        p, t = np.array(predictions), np.array(targets)
        counted = counts[: len(p)]
        repeated = np.repeat(np.arange(len(p)), counted)
        weighted = float(loss(p, t, np.array(counted, float)))
        if repeated.size:
            assert weighted == pytest.approx(float(loss(p[repeated], t[repeated])), rel=1e-9)
        else:
            assert weighted == 0.0


def test_no_weight_at_all_gives_no_loss_and_no_gradient() -> None:
    loss = losses.SquaredError()
    zero = np.zeros(2)
    value, g = value_and_grad(lambda p: loss(p, np.ones(2), zero))(np.array([3.0, 4.0]))
    assert float(value) == 0.0
    assert g.tolist() == [0.0, 0.0]


def test_places_without_a_label_cost_nothing_and_carry_no_gradient() -> None:
    loss = losses.CrossEntropy(ignore=0, label_smoothing=0.2)
    logits, labels = np.array(golden.SMALL)[None], np.array([[0, 2, 0, 1]])
    kept = losses.CrossEntropy(label_smoothing=0.2)(logits[:, [1, 3]], labels[:, [1, 3]])
    value, slope = value_and_grad(lambda p: loss(p, labels))(logits)
    assert float(value) == pytest.approx(float(kept), rel=1e-12)
    assert (slope[0, [0, 2]] == 0).all()
    assert (slope[0, [1, 3]] != 0).all()
    value, slope = value_and_grad(lambda p: loss(p, np.zeros((1, 4), int)))(logits)
    assert float(value) == 0.0
    assert (slope == 0).all()


def test_accuracy_leaves_out_places_without_a_label() -> None:
    right = losses.CrossEntropy(ignore=-1).accuracy()
    outputs = [[[0.0, 1.0], [1.0, 0.0], [1.0, 0.0]]]
    assert float(right(outputs, [[1, 1, -1]])) == 0.5
    assert float(right(outputs, [[1, 1, -1]], [2.0])) == 0.5


def test_focal_losses_keep_their_digits_where_an_example_is_right_or_wrong() -> None:
    for size in (0.0, 30.0, 90.0, 1e3):
        for dtype, rel in (("float32", 1e-5), ("float64", 1e-12)):
            right, wrong = np.array([[size, 0.0]], dtype), np.array([[0.0, size]], dtype)
            miss, hit = 1 / (1 + math.exp(min(size, 700))), 1 / (1 + math.exp(-size))
            small = miss**2 * math.log1p(math.exp(-size))
            large = hit**2 * (size + math.log1p(math.exp(-size)))
            least = 1e-37 if dtype == "float32" else 1e-300
            for loss, a, b, t, tiny in (
                (losses.CrossEntropy(focus=2.0), right, wrong, [0], 1e-12),
                (losses.BinaryCrossEntropy(focus=2.0), right[:, 0], -right[:, 0], [1], least),
            ):
                assert float(loss(a, t)) == pytest.approx(small, rel=rel, abs=tiny)
                assert float(loss(b, t)) == pytest.approx(large, rel=rel)
                slope = grad(lambda p, f=loss, t=t: f(p, np.array(t)))(b)
                assert np.isfinite(slope).all()


def test_a_cosine_has_no_direction_at_zero_and_does_not_overflow() -> None:
    loss = losses.CosineDistance(reduction="none")
    rows = np.array([[0.0, 0.0], [1e30, 1e30], [1e-30, 0.0]], np.float32)
    values = loss(rows, np.array([[1.0, 0.0], [1.0, 1.0], [0.0, -2.0]], np.float32))
    np.testing.assert_allclose(values, [1.0, 0.0, 1.0], atol=1e-6)
    slope = grad(lambda p: losses.CosineDistance()(p, np.ones((3, 2), np.float32)))(rows)
    assert slope[0].tolist() == [0.0, 0.0]
    assert np.isfinite(slope).all()


def test_a_predicted_variance_has_a_least_value() -> None:
    loss = losses.GaussianNLL(smallest=1e-4)
    value, slope = value_and_grad(lambda p: loss(p, np.array([0.5])))(np.array([[0.5, -50.0]]))
    assert float(value) == pytest.approx(0.5 * math.log(1e-4))
    assert slope.tolist() == [[0.0, 0.0]]
    outputs = np.array([[1.0, 2.0, 0.0, math.log(9.0)]])
    assert loss.predict(outputs).tolist() == [[1.0, 2.0]]
    np.testing.assert_allclose(loss.deviations(outputs), [[1.0, 3.0]])


def test_the_smallest_pinball_loss_lies_at_the_quantiles() -> None:
    numbers = np.sort(np.random.default_rng(0).normal(size=999))
    loss = losses.Quantile(levels=(0.1, 0.9))
    best = np.quantile(numbers, [0.1, 0.9])
    level = float(loss(np.broadcast_to(best, (999, 2)), numbers))
    for move in ([0.1, 0.0], [-0.1, 0.0], [0.0, 0.1], [0.0, -0.1]):
        assert float(loss(np.broadcast_to(best + move, (999, 2)), numbers)) > level


def test_log_cosh_is_smooth_at_zero_and_straight_far_away() -> None:
    f = grad(lambda p: losses.LogCosh()(p, np.zeros(1, "f4")))
    assert float(f(np.zeros(1, "f4"))[0]) == 0.0
    assert float(f(np.array([1e30], "f4"))[0]) == 1.0
    assert float(f(np.array([-0.01], "f4"))[0]) == pytest.approx(-math.tanh(0.01), rel=1e-4)


def test_reductions_by_hand() -> None:
    p, t, w = np.array([1.0, 2.0, 4.0]), np.zeros(3), np.array([1.0, 0.0, 3.0])
    for reduction, expected in (("mean", 49 / 4), ("sum", 49.0), ("none", [1.0, 0.0, 48.0])):
        found = losses.SquaredError(reduction=reduction)(p, t, w)
        assert found.tolist() == expected
    assert float(losses.SquaredError()(p, t)) == 7.0


def test_half_the_squared_error_sums_over_outputs() -> None:
    outputs, targets = np.array([[0.75136507, 0.772928465]]), np.array([[0.01, 0.99]])
    assert float(losses.HalfSquaredError()(outputs, targets)) == pytest.approx(
        0.298371109, abs=1e-9
    )
    slope = grad(lambda p: losses.HalfSquaredError()(p, targets))(outputs)
    np.testing.assert_allclose(slope, outputs - targets)


def test_hinge_by_hand() -> None:
    hinge = losses.Hinge(reduction="none")
    assert hinge([2.0, 0.5, -1.0], [1, 1, 1]).tolist() == [0.0, 0.5, 2.0]
    assert hinge([2.0, 0.5, -1.0], [-1, 0, -1]).tolist() == [3.0, 1.5, 0.0]
    classes = [[3.0, 1.0, 0.0], [0.0, 0.25, -5.0]]
    assert hinge(classes, [0, 1]).tolist() == [0.0, 0.75]
    slope = grad(lambda p: losses.Hinge(reduction="sum")(p, np.array([0, 1])))(np.array(classes))
    assert slope.tolist() == [[0.0, 0.0, 0.0], [1.0, -1.0, 0.0]]


def test_gradients_at_kinks_are_as_documented() -> None:
    absolute = grad(lambda p: losses.AbsoluteError()(p, np.zeros(1)))
    assert absolute(np.zeros(1)).tolist() == [0.0]
    hinge = grad(lambda p: losses.Hinge()(p, np.ones(1)))
    assert hinge(np.ones(1)).tolist() == [-0.5]
    huber = grad(lambda p: losses.Huber(delta=2.0)(p, np.zeros(1)))
    assert huber(np.array([2.0])).tolist() == [2.0]


def test_huber_does_not_overflow() -> None:
    value, g = value_and_grad(lambda p: losses.Huber()(p, np.zeros(1, "f4")))(
        np.array([1e30], "f4")
    )
    assert float(value) == pytest.approx(1e30)
    assert g.tolist() == [1.0]


def test_a_column_of_predictions_meets_a_vector_of_targets() -> None:
    for loss in (losses.SquaredError(), losses.BinaryCrossEntropy(), losses.Hinge()):
        p, t = np.array([[0.5], [-1.0]]), np.array([1.0, 0.0])
        assert float(loss(p, t)) == float(loss(p[:, 0], t)) == float(loss(p, t[:, None]))


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"predictions \(2, 2\) and targets \(2,\)"):
        losses.SquaredError()(np.zeros((2, 2)), np.zeros(2))
    with pytest.raises(ShapeError, match="one number per example"):
        losses.SquaredError()(np.zeros(2), np.zeros(2), np.zeros(3))
    with pytest.raises(ShapeError, match="an even number of outputs"):
        losses.GaussianNLL()(np.zeros((2, 3)), np.zeros(2))
    with pytest.raises(ShapeError, match="need two outputs each"):
        losses.GaussianNLL()(np.zeros((2, 4)), np.zeros(2))
    with pytest.raises(ShapeError, match="an output for each of 2 levels"):
        losses.Quantile(levels=(0.1, 0.9))(np.zeros((2, 3)), np.zeros(2))
    with pytest.raises(ShapeError, match="probabilities of the shape of the logits"):
        losses.KullbackLeibler()(np.zeros((2, 3)), np.zeros(2))
    with pytest.raises(DataError, match="must not be negative"):
        losses.KullbackLeibler()(np.zeros((1, 2)), [[1.5, -0.5]])
    with pytest.raises(ShapeError, match="use BinaryCrossEntropy"):
        losses.CrossEntropy()(np.zeros((2, 1)), np.zeros(2, int))


def test_targets_that_make_no_sense_are_refused() -> None:
    entropy = losses.CrossEntropy()
    with pytest.raises(DataError, match="label 3 lies outside of 0 to 2"):
        entropy(np.zeros((1, 3)), [3])
    with pytest.raises(DataError, match="label -1 lies outside"):
        entropy(np.zeros((1, 3)), [-1])
    with pytest.raises(DataError, match=r"y.astype\(int\)"):
        entropy(np.zeros((1, 3)), [0.5])
    with pytest.raises(ShapeError, match="2 entries per example"):
        entropy(np.zeros((1, 3)), [[0.5, 0.5]])
    with pytest.raises(DataError, match="between 0 and 1, received 2"):
        losses.BinaryCrossEntropy()([0.0], [2])
    with pytest.raises(DataError, match="not be negative"):
        losses.PoissonNLL()([0.0], [-1.0])
    with pytest.raises(DataError, match=r"numpy\.unique"):
        losses.SquaredError()([0.0], ["dog"])
    with pytest.raises(DataError, match="first in row 1"):
        losses.SquaredError()([0.0, 0.0], [1.0, np.nan])


def test_settings_that_make_no_sense_are_refused() -> None:
    for make in (
        lambda: losses.CrossEntropy(label_smoothing=1.0),
        lambda: losses.SquaredError(reduction="median"),
        lambda: losses.Huber(delta=0.0),
        lambda: losses.CrossEntropy(focus=0.5),
        lambda: losses.BinaryCrossEntropy(focus=-1.0),
        lambda: losses.GaussianNLL(smallest=0.0),
        lambda: losses.Quantile(levels=()),
        lambda: losses.Quantile(levels=(0.5, 1.0)),
        lambda: losses.BinaryCrossEntropy(class_weight=[1.0]),
    ):
        with pytest.raises(ParameterError):
            make()
    with pytest.raises(ParameterError, match="2 numbers for 3 classes"):
        losses.CrossEntropy(class_weight=[1.0, 2.0])(np.zeros((1, 3)), [0])


def test_a_batch_of_open_size_can_be_traced() -> None:
    logits, labels = ArrayType((Dim("batch"), 3), "float32"), ArrayType((Dim("batch"),), "int32")
    program = trace(losses.CrossEntropy(), logits, labels).plan({"batch": 4}).compile("numpy")
    for rows in (1, 4):
        p = np.array(golden.SMALL[:rows], np.float32)
        t = np.array(golden.LABELS[:rows], np.int32)
        assert float(program(p, t)) == pytest.approx(float(losses.CrossEntropy()(p, t)), rel=1e-6)


def test_predictions_follow_from_the_loss() -> None:
    outputs = np.array([[1.0, 3.0], [0.0, -1.0]], np.float32)
    assert losses.CrossEntropy().predict(outputs).tolist() == [1, 0]
    np.testing.assert_allclose(
        losses.CrossEntropy().probabilities(outputs).sum(axis=1), 1, rtol=1e-6
    )
    assert losses.BinaryCrossEntropy().predict(outputs).tolist() == [[1, 1], [0, 0]]
    assert losses.BinaryCrossEntropy().probabilities(np.zeros(1)).tolist() == [0.5]
    assert losses.SquaredError().predict(outputs) is outputs
    assert losses.PoissonNLL().predict(np.zeros(1)).tolist() == [1.0]
    assert losses.Hinge().predict(outputs).tolist() == [1, 0]
    assert losses.Hinge().predict(outputs[:, :1]).tolist() == [[1], [0]]


def test_accuracy_by_hand() -> None:
    outputs = np.array([[1.0, 3.0], [0.0, -1.0], [2.0, 2.5]])
    assert float(losses.Accuracy()(outputs, [1, 1, 1])) == pytest.approx(2 / 3)
    assert float(losses.Accuracy()(outputs, [1, 1, 1], [1.0, 2.0, 1.0])) == 0.5
    assert float(losses.Accuracy()(outputs, np.eye(2)[[1, 0, 0]])) == pytest.approx(2 / 3)
    both = losses.Accuracy(threshold=0.5)
    assert float(both(outputs, [[1, 1], [0, 0], [1, 0]])) == pytest.approx(2 / 3)


def test_penalties_by_hand_and_their_gradients() -> None:
    parameters = {"weight": np.array([[1.0, -2.0]]), "bias": np.array([10.0])}
    for penalty, value, slope in (
        (losses.L1(0.1), 0.3, [[0.1, -0.1]]),
        (losses.L2(0.1), 0.25, [[0.1, -0.2]]),
    ):
        found, g = value_and_grad(penalty)(parameters)
        assert float(found) == pytest.approx(value)
        np.testing.assert_allclose(g["weight"], slope)
        assert g["bias"].tolist() == [0.0]
    assert float(losses.L2(1.0, biases=True)(parameters)) == pytest.approx(52.5)
    assert losses.L1(1.0)({"bias": np.ones(2)}) == 0.0
