"""The gradient check tells right from wrong, and says which."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import chainrule.numpy as cnp
from chainrule.backprop import check_gradients, custom_vjp
from chainrule.errors import GradientError

X = np.array([0.5, -1.0, 2.0])


@custom_vjp
def wrong_first(x: Any) -> Any:
    return cnp.sin(x), lambda g: (g * cnp.cos(x) * 1.001,)


@custom_vjp
def wrong_second(x: Any) -> Any:
    """The first derivative is right, but counts as a constant."""
    slope = cnp.stop_gradient(cnp.cos(x))
    return cnp.sin(x), lambda g: (g * slope,)


def test_right_gradients_pass_and_say_so() -> None:
    verdict = check_gradients(lambda x: cnp.sum(cnp.sin(x) * x), X)
    assert verdict
    assert verdict.ok
    assert verdict.worst < 1e-9
    assert len(verdict.comparisons) == 6
    first, *lines = str(verdict).splitlines()
    assert first.startswith("gradients are right: largest relative error ")
    assert first.endswith("(tolerance 1e-06, 6 directions, float64)")
    assert len(lines) == 6
    assert "differs" not in str(verdict)


def test_a_wrong_first_derivative_is_found() -> None:
    verdict = check_gradients(wrong_first, X)
    assert not verdict
    assert verdict.worst > 1e-4
    assert str(verdict).startswith("GRADIENTS ARE WRONG")
    assert "first derivative, direction 1" in str(verdict)
    assert str(verdict).count("<-- differs") >= 3


def test_a_wrong_second_derivative_is_found_at_order_two_only() -> None:
    assert check_gradients(wrong_second, X, order=1)
    verdict = check_gradients(wrong_second, X)
    assert not verdict
    wrong = [c.what for c in verdict.comparisons if c.error > verdict.tolerance]
    assert wrong == [f"second derivative, direction {n}" for n in (1, 2, 3)]


def test_a_gradient_that_is_nan_is_wrong() -> None:
    verdict = check_gradients(lambda x: cnp.where(x > 0, 0.0, cnp.sqrt(x * 0 - 1)), X)
    assert not verdict
    assert verdict.worst == np.inf


def test_trees_of_arguments_and_results_are_taken() -> None:
    def f(params: Any, x: Any, rows: Any, scale: float) -> Any:
        hidden = cnp.tanh(x @ params["w"]) * scale
        return {"hidden": hidden, "rows": cnp.take(hidden, rows), "label": cnp.argmax(hidden)}

    args = ({"w": np.ones((3, 2), "float32")}, np.ones((4, 3)), np.array([1, 3]), 0.5)
    assert check_gradients(f, *args)


def test_one_seed_tries_the_same_directions() -> None:
    f = lambda x: cnp.sum(x**3)  # noqa: E731
    assert check_gradients(f, X) == check_gradients(f, X)
    assert check_gradients(f, X) != check_gradients(f, X, seed=1)


@pytest.mark.parametrize(
    ("function", "args", "message"),
    [
        (lambda i: i * 2.0, (3,), "at least one argument of floats"),
        (lambda x: x, (np.zeros((0,)),), "at least one argument of floats"),
        (lambda x: cnp.argmax(x), (X,), "a function that returns at least one float"),
        (lambda x: (), (X,), "a function that returns at least one float"),
    ],
)
def test_what_cannot_be_checked_is_said(function: Any, args: Any, message: str) -> None:
    with pytest.raises(GradientError, match=message):
        check_gradients(function, *args)
