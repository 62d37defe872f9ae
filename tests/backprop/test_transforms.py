"""Derivatives of functions: values by hand, nesting in any order, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import chainrule.numpy as cnp
from chainrule.backprop import (
    differentiate,
    grad,
    hessian_vector_product,
    jvp,
    value_and_grad,
    vjp,
)
from chainrule.errors import GradientError, ShapeError
from chainrule.execute import jit
from chainrule.execute import numpy as executor
from chainrule.ir import ArrayType, Dim, check
from chainrule.tracing import capture

X = np.array([1.0, -2.0, 0.5])
A = np.array([[2.0, 1.0, 0.0], [0.0, 3.0, -1.0], [1.0, 1.0, 4.0]])


def test_a_slope_by_hand() -> None:
    value, slope = value_and_grad(lambda x: 3 * x**2 + 2 * x)(2.0)
    assert (float(value), float(slope)) == (16.0, 14.0)


def test_the_gradient_of_a_quadratic_form() -> None:
    gradient = grad(lambda x: x @ A @ x)(X)
    np.testing.assert_allclose(gradient, (A + A.T) @ X, rtol=1e-15)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_gradient_has_the_dtype_of_its_argument(dtype: str) -> None:
    value, gradient = value_and_grad(lambda x: cnp.sum(cnp.exp(x)))(X.astype(dtype))
    assert value.dtype == gradient.dtype == dtype
    np.testing.assert_allclose(gradient, np.exp(X.astype(dtype)), rtol=1e-6)


def test_arguments_are_chosen_by_number() -> None:
    f = lambda a, b, c: a * b**2 * c**3  # noqa: E731
    assert float(grad(f)(2.0, 3.0, 5.0)) == 1125.0
    assert float(grad(f, 1)(2.0, 3.0, 5.0)) == 1500.0
    assert float(grad(f, -1)(2.0, 3.0, 5.0)) == 1350.0
    assert [float(g) for g in grad(f, (2, 0))(2.0, 3.0, 5.0)] == [1350.0, 1125.0]


def test_what_does_not_matter_has_a_gradient_of_zero() -> None:
    assert grad(lambda x, y: cnp.sum(x), 1)(X, A).tolist() == np.zeros((3, 3)).tolist()
    assert grad(lambda x: 5.0)(X).tolist() == [0.0, 0.0, 0.0]
    assert grad(lambda x: cnp.sum(cnp.astype(x > 0, "float64")))(X).tolist() == [0.0, 0.0, 0.0]


def test_something_more_may_be_returned_beside_the_value() -> None:
    def loss(x: Any) -> Any:
        hidden = cnp.tanh(x)
        return cnp.sum(hidden), {"hidden": hidden, "count": x.size}

    (value, aux), gradient = value_and_grad(loss, has_aux=True)(X)
    assert float(value) == pytest.approx(np.tanh(X).sum())
    np.testing.assert_allclose(aux["hidden"], np.tanh(X))
    assert aux["count"] == 3
    again, same = grad(loss, has_aux=True)(X)
    np.testing.assert_array_equal(gradient, again)
    np.testing.assert_array_equal(same["hidden"], aux["hidden"])


# ---------------------------------------------------------------------------------------------
# Nesting.


def test_a_polynomial_has_every_higher_derivative() -> None:
    derivative: Callable[..., Any] = lambda x: x**4  # noqa: E731
    for expected in (32.0, 48.0, 48.0, 24.0, 0.0):
        derivative = grad(derivative)
        assert float(derivative(2.0)) == expected


def test_derivatives_of_the_sine_go_round() -> None:
    derivative: Callable[..., Any] = cnp.sin
    for expected in (np.cos, lambda x: -np.sin(x), lambda x: -np.cos(x), np.sin):
        derivative = grad(derivative)
        assert float(derivative(0.7)) == pytest.approx(expected(0.7), rel=1e-15)


def test_an_inner_derivative_does_not_confuse_its_variable_with_the_outer_one() -> None:
    # d/dx [x d/dy (x + y)] = d/dx x = 1; confusing x with y gives 2.
    assert float(grad(lambda x: x * grad(lambda y: x + y)(1.0))(1.0)) == 1.0
    # d/dx [x d/dy (x y²)] at y = x: d/dx 2x³ = 6x².
    assert float(grad(lambda x: x * grad(lambda y: x * y**2)(x))(2.0)) == 24.0
    # The same, forwards inside backwards and backwards inside forwards.
    inner = lambda x: x * jvp(lambda y: x * y**2, (x,), (cnp.ones_like(x),))[1]  # noqa: E731
    assert float(grad(inner)(2.0)) == 24.0
    assert float(jvp(lambda x: x * grad(lambda y: x * y**2)(x), (2.0,), (1.0,))[1]) == 24.0


def test_forward_and_backward_mode_nest_in_any_order() -> None:
    f = lambda x: cnp.sum(cnp.sin(x) * cnp.exp(x))  # noqa: E731
    v = np.array([0.3, -1.0, 2.0])
    expected = 2 * np.cos(X) * np.exp(X) * v
    forward_over_backward = jvp(grad(f), (X,), (v,))[1]
    backward_over_forward = grad(lambda x: jvp(f, (x,), (v,))[1])(X)
    backward_over_backward = grad(lambda x: cnp.sum(grad(f)(x) * v))(X)
    forward_over_forward = [jvp(lambda x: jvp(f, (x,), (v,))[1], (X,), (e,))[1] for e in np.eye(3)]
    for actual in (
        forward_over_backward,
        backward_over_forward,
        backward_over_backward,
        forward_over_forward,
    ):
        np.testing.assert_allclose(actual, expected, rtol=1e-13)


def test_a_derivative_may_be_compiled_and_a_compiled_function_derived() -> None:
    f = jit(lambda x: cnp.sum(x**3), executor="numpy")
    np.testing.assert_allclose(grad(f)(X), 3 * X**2, rtol=1e-15)
    np.testing.assert_allclose(jit(grad(f), executor="numpy")(X), 3 * X**2, rtol=1e-15)


def test_a_loop_in_python_is_unrolled() -> None:
    def newton(a: Any) -> Any:
        x = 0.5 * (1 + a)
        for _ in range(6):
            x = 0.5 * (x + a / x)
        return x

    value, slope = value_and_grad(newton)(2.0)
    assert float(value) == pytest.approx(2**0.5, rel=1e-15)
    assert float(slope) == pytest.approx(0.5 / 2**0.5, rel=1e-14)


# ---------------------------------------------------------------------------------------------
# Products with Jacobians and Hessians.


def test_products_with_a_jacobian_from_both_sides() -> None:
    f = lambda x: A @ x + x[0] * x  # noqa: E731
    jacobian = A + X[0] * np.eye(3)
    jacobian[:, 0] += X
    value, slope = jvp(f, (X,), (np.array([1.0, 2.0, 3.0]),))
    np.testing.assert_allclose(value, A @ X + X[0] * X)
    np.testing.assert_allclose(slope, jacobian @ [1.0, 2.0, 3.0])
    value, back = vjp(f, X)
    (gradient,) = back(np.array([1.0, 2.0, 3.0]))
    np.testing.assert_allclose(gradient, np.array([1.0, 2.0, 3.0]) @ jacobian)


def test_trees_go_in_and_come_out() -> None:
    f = lambda t, y: {"sum": t["a"] + y, "product": (t["a"] * t["b"], 1)}  # noqa: E731
    tree = {"a": 2.0, "b": 3.0}
    value, back = vjp(f, tree, 5.0)
    assert value == {"sum": 7.0, "product": (6.0, 1)}
    gradient = back({"sum": 10.0, "product": (100.0, 0)})
    assert gradient == ({"a": 310.0, "b": 200.0}, 10.0)
    _, slope = jvp(f, (tree, 5.0), ({"a": 1.0, "b": 10.0}, 100.0))
    assert slope == {"sum": 101.0, "product": (23.0, 0)}


def test_a_product_with_the_hessian() -> None:
    f = lambda x: x @ A @ x / 2 + cnp.sum(x**3)  # noqa: E731
    hessian = (A + A.T) / 2 + np.diag(6 * X)
    for v in np.eye(3):
        np.testing.assert_allclose(hessian_vector_product(f, (X,), v), hessian @ v, rtol=1e-14)


def test_a_product_with_the_hessian_takes_trees_and_further_arguments() -> None:
    f = lambda t, c: c * t["a"] ** 2 * t["b"]  # noqa: E731
    tree = {"a": 2.0, "b": 3.0}
    product = hessian_vector_product(f, (tree, 10.0), {"a": 1.0, "b": 1.0})
    # Second derivatives: 2bc = 60, 2ac = 40, 0.
    assert product == {"a": 100.0, "b": 40.0}


def test_integers_receive_zero() -> None:
    _, back = vjp(lambda x, i: cnp.take(x, i), X, np.array([2, 0], np.int32))
    gradient, nothing = back(np.array([1.0, 10.0]))
    assert gradient.tolist() == [10.0, 0.0, 1.0]
    assert nothing.tolist() == [0, 0]
    assert nothing.dtype == np.int32


def test_empty_arrays_have_empty_gradients() -> None:
    assert grad(lambda x: cnp.sum(x**2))(np.zeros((0, 3))).shape == (0, 3)


# ---------------------------------------------------------------------------------------------
# Programs.


def test_a_program_that_computes_gradients_too() -> None:
    spec = ArrayType((Dim("batch"), 3), "float64")
    weights = ArrayType((3,), "float64")
    graph = capture(lambda w, x: cnp.mean((x @ w) ** 2), (weights, spec)).graph
    both = check(differentiate(graph, [0]))
    only = check(differentiate(graph, [0], keep=False))
    for rows in (1, 4):
        x = np.arange(3.0 * rows).reshape(rows, 3)
        value, gradient = executor.run(both, [X, x])
        np.testing.assert_allclose(value, np.mean((x @ X) ** 2))
        np.testing.assert_allclose(gradient, 2 * x.T @ (x @ X) / rows)
        np.testing.assert_array_equal(executor.run(only, [X, x])[0], gradient)


def test_the_forward_part_of_a_program_is_kept_as_it_is() -> None:
    graph = capture(lambda x: cnp.sum(cnp.tanh(x)), (X,)).graph
    both = differentiate(graph, [0])
    assert both.inputs == graph.inputs
    assert both.outputs[0] is graph.outputs[0]
    assert set(graph.nodes) <= set(both.nodes)


def test_a_gradient_knows_whose_gradient_it_is() -> None:
    graph = capture(lambda x: cnp.sum(cnp.tanh(x) * 3), (X,)).graph
    both = differentiate(graph, [0])
    backward = {
        note.gradient_of.card.name
        for node, note in both.notes.items()
        if note.gradient_of is not None and node not in graph.nodes
    }
    assert {"sum", "multiply", "tanh"} <= backward


def test_the_reverse_sweep_leaves_out_what_does_not_lead_to_an_argument() -> None:
    graph = capture(lambda x, y: cnp.sum(x * cnp.exp(cnp.sin(y))), (X, X)).graph
    both = differentiate(graph, [0])
    assert [n.card.name for n in both.nodes].count("cos") == 0


# ---------------------------------------------------------------------------------------------
# What is refused.


@pytest.mark.parametrize(
    ("use", "kind", "message"),
    [
        (lambda: grad(lambda x: x)(X), GradientError, r"returns f64\[3\]. Sum or average it first"),
        (lambda: grad(lambda x: cnp.argmax(x))(X), GradientError, r"this one returns i32\[\]"),
        (
            lambda: grad(lambda x: (cnp.sum(x), x))(X),
            GradientError,
            "with has_aux=True, or use vjp",
        ),
        (
            lambda: grad(lambda x: cnp.sum(x), has_aux=True)(X),
            GradientError,
            r"must return a pair \(value, aux\)",
        ),
        (
            lambda: grad(lambda count: count * 2.0)(3),
            GradientError,
            r"cannot differentiate by count: i32\[\] is not a float",
        ),
        (lambda: grad(lambda x: x, 1)(2.0), GradientError, "there is no argument 1: the function"),
        (
            lambda: vjp(lambda x: x, X)[1](np.ones(4)),
            ShapeError,
            r"a cotangent has the shape \(4,\), expected \(3,\)",
        ),
        (
            lambda: vjp(lambda x: x, X)[1]((X,)),
            GradientError,
            "the cotangent must have the structure of the function's result",
        ),
        (
            lambda: jvp(lambda x: x, (X,), (np.ones(2),)),
            ShapeError,
            r"a tangent has the shape \(2,\), expected \(3,\)",
        ),
        (
            lambda: jvp(lambda x: x, (X,), (X, X)),
            GradientError,
            "tangents must have the structure of the arguments",
        ),
    ],
)
def test_a_derivative_that_does_not_exist_is_refused(
    use: Callable[[], Any], kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message):
        use()
