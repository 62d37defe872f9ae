"""The gradient rule of every card is right, at order one and two, backwards and forwards."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import chainrule.numpy as cnp
from chainrule.backprop import check_gradients, differentiate, grad, jvp, vjp
from chainrule.ir import check
from chainrule.ops import CARDS
from chainrule.tracing import capture, replay
from tests.cards import Case, differentiable_cases, draw

DIFFERENTIABLE = pytest.mark.parametrize("case", differentiable_cases(), ids=str)


def _inner(a: Any, b: Any) -> float:
    return float(sum(np.sum(x * y) for x, y in zip(a, b, strict=True)))


def _directions(values: Any, seed: int) -> tuple[Any, ...]:
    """Random numbers for floats, zeros of their own type for the rest."""
    return tuple(
        draw("float64", x.shape, seed=seed + i) if x.dtype.kind == "f" else np.zeros_like(x)
        for i, x in enumerate(values)
    )


def test_every_card_with_a_gradient_is_tried() -> None:
    tried = {case.card.name for case in differentiable_cases()}
    with_gradient = {card.name for card in CARDS.values() if callable(card.vjp)}
    # Random ops have keys for inputs, and those are integers.
    assert with_gradient - tried == {"uniform", "fold_in"}


@DIFFERENTIABLE
def test_first_and_second_derivatives_agree_with_differences(case: Case) -> None:
    verdict = check_gradients(case.function, *case.inputs, directions=1)
    if case.card.name == "stop_gradient":
        # Differences see the value through; that is what stopping means.
        assert not verdict
        return
    assert verdict, str(verdict)


@DIFFERENTIABLE
def test_forward_and_backward_mode_are_transposes_of_each_other(case: Case) -> None:
    u = _directions(case.inputs, seed=10)
    value, slope = jvp(case.function, case.inputs, u)
    v = draw("float64", value.shape, seed=20)
    gradients = vjp(case.function, *case.inputs)[1](v)
    moving = [(g, d) for g, d in zip(gradients, u, strict=True) if d.dtype.kind == "f"]
    forward = _inner([v], [slope])
    backward = _inner(*zip(*moving, strict=True))
    assert forward == pytest.approx(backward, rel=1e-12, abs=1e-12)


@DIFFERENTIABLE
def test_the_program_of_a_gradient_is_well_formed(case: Case) -> None:
    graph = capture(lambda *x: cnp.sum(case.function(*x) * 0.5), case.inputs).graph
    wrt = [i for i, t in enumerate(case.types) if t.dtype == "float64"]
    first = check(differentiate(graph, wrt))
    assert len(first.outputs) == 1 + len(wrt)
    again = capture(lambda *x: cnp.sum(replay(first, x)[1] * 0.5), case.inputs).graph
    check(differentiate(again, wrt))


# ---------------------------------------------------------------------------------------------
# Kinks, ties and zeros of ops that are not elementwise; elementwise cards carry theirs.


@pytest.mark.parametrize("name", ["max", "min"])
@pytest.mark.parametrize(
    ("x", "expected"),
    [
        ([1.0, 1.0, 1.0, 1.0], [0.25, 0.25, 0.25, 0.25]),
        ([0.0, -0.0], [0.5, 0.5]),
        ([np.inf, np.inf], [0.5, 0.5]),
        ([7.0], [1.0]),
    ],
)
def test_tied_extremes_share_the_gradient(name: str, x: list[float], expected: list[float]) -> None:
    gradient = grad(getattr(cnp, name))(np.array(x))
    np.testing.assert_array_equal(gradient, expected)


def test_only_the_extreme_entries_of_each_row_share() -> None:
    x = np.array([[3.0, 1.0, 3.0], [0.0, 2.0, 1.0]])
    gradient = grad(lambda x: cnp.sum(cnp.max(x, axis=1)))(x)
    np.testing.assert_array_equal(gradient, [[0.5, 0.0, 0.5], [0.0, 1.0, 0.0]])


def test_the_gradient_of_a_largest_entry_that_is_nan_is_nan() -> None:
    assert np.isnan(grad(cnp.max)(np.array([1.0, np.nan]))).all()


def test_repeated_positions_add_their_gradients_up() -> None:
    rows = np.array([1, 1, 0], np.int32)
    gradient = grad(lambda x: cnp.sum(cnp.take(x, rows) * np.array([1.0, 10.0, 100.0])))(np.ones(3))
    assert gradient.tolist() == [100.0, 11.0, 0.0]


def test_a_repeated_array_receives_the_sum_of_its_copies() -> None:
    weights = np.arange(6.0).reshape(2, 3)
    gradient = grad(lambda x: cnp.sum(x * weights))(np.ones(3))
    assert gradient.tolist() == [3.0, 5.0, 7.0]


def test_a_where_keeps_infinity_and_nan_of_the_other_branch_out_of_the_gradient() -> None:
    x = np.array([0.0, 4.0])
    safe = grad(lambda x: cnp.sum(cnp.where(x > 0, 2 * x, 0.0)))
    assert safe(x).tolist() == [0.0, 2.0]
    # The branch itself still has an infinite slope at 0, and 0 times infinity is not a number:
    # the well-known remedy is to make its input safe as well.
    remedy = grad(lambda x: cnp.sum(cnp.where(x > 0, cnp.sqrt(cnp.where(x > 0, x, 1.0)), 0.0)))
    assert remedy(x).tolist() == [0.0, 0.25]


def test_a_stopped_gradient_counts_as_a_constant() -> None:
    assert float(grad(lambda x: x * cnp.stop_gradient(x))(3.0)) == 3.0


def test_no_gradient_flows_through_integers_and_truth_values() -> None:
    through_int = grad(lambda x: cnp.sum(cnp.astype(cnp.astype(x, "int32"), "float64") + x))
    assert through_int(np.array([1.5, 2.5])).tolist() == [1.0, 1.0]
    through_bool = grad(lambda x: cnp.sum(cnp.astype(x > 0, "float64") * x))
    assert through_bool(np.array([1.5, -2.5])).tolist() == [1.0, 0.0]


def test_a_cast_gives_the_gradient_back_in_the_dtype_of_its_input() -> None:
    gradient = grad(lambda x: cnp.sum(cnp.astype(x, "float64") ** 2))(np.array([3.0], "float32"))
    assert gradient.dtype == np.float32
    assert gradient.tolist() == [6.0]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("x", [-300.0, 300.0])
def test_saturated_activations_have_finite_gradients_of_every_order(x: float, dtype: str) -> None:
    for function in (cnp.sigmoid, cnp.tanh, cnp.softplus, cnp.erf, cnp.silu, cnp.mish, cnp.gelu):
        derivative: Callable[..., Any] = function
        for _ in range(3):
            derivative = grad(derivative)
            value = derivative(np.array(x, dtype))
            assert np.isfinite(value), function.__name__
            assert value.dtype == dtype
