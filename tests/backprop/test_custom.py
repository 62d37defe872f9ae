"""Functions whose gradient the user writes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import chainrule.numpy as cnp
from chainrule.backprop import check_gradients, custom_vjp, grad, jvp, value_and_grad
from chainrule.errors import GradientError
from chainrule.execute import jit
from chainrule.execute import numpy as executor
from chainrule.ir import check
from chainrule.tracing import capture

X = np.array([0.3, -1.7, 2.2])


@custom_vjp
def reversed_gradient(x: Any) -> Any:
    """The identity, with a gradient of the other sign."""
    return x, lambda g: (-g,)


@custom_vjp
def softplus(x: Any) -> Any:
    """As chainrule.numpy.softplus, written by hand."""
    y = cnp.logaddexp(x, 0.0)
    slope = cnp.exp(x - y)
    return y, lambda g: (g * slope,)


def test_the_value_is_that_of_the_function() -> None:
    np.testing.assert_array_equal(reversed_gradient(X), X)
    np.testing.assert_allclose(softplus(X), np.logaddexp(X, 0))
    (traced,) = executor.run(check(capture(softplus, (X,)).graph), [X])
    np.testing.assert_allclose(traced, np.logaddexp(X, 0))


def test_the_gradient_is_the_one_that_was_written() -> None:
    value, gradient = value_and_grad(lambda x: cnp.sum(reversed_gradient(x) ** 2))(X)
    assert float(value) == pytest.approx(np.sum(X**2))
    np.testing.assert_allclose(gradient, -2 * X)


def test_a_written_gradient_is_differentiated_again() -> None:
    assert check_gradients(softplus, X)
    second = grad(lambda x: cnp.sum(grad(lambda x: cnp.sum(softplus(x)))(x)))(X)
    s = 1 / (1 + np.exp(-X))
    np.testing.assert_allclose(second, s * (1 - s), rtol=1e-13)


def test_it_works_forwards_and_compiled() -> None:
    _, slope = jvp(softplus, (X,), (np.ones(3),))
    np.testing.assert_allclose(slope, 1 / (1 + np.exp(-X)))
    compiled = jit(grad(lambda x: cnp.sum(softplus(x))), executor="numpy")
    np.testing.assert_allclose(compiled(X), 1 / (1 + np.exp(-X)))


def test_arguments_may_be_trees_and_need_not_have_a_gradient() -> None:
    @custom_vjp
    def affine(params: Any, x: Any, steps: int) -> Any:
        y = params["scale"] * x + params["shift"] * steps
        return y, lambda g: ({"scale": cnp.sum(g * x), "shift": 7.0 * cnp.sum(g)}, None, None)

    params = {"scale": 2.0, "shift": 3.0}
    f = lambda p, x: cnp.sum(affine(p, x, 4))  # noqa: E731
    value, (slope, nothing) = value_and_grad(f, (0, 1))(params, X)
    assert float(value) == pytest.approx(2 * X.sum() + 36)
    assert float(slope["scale"]) == pytest.approx(X.sum())
    assert float(slope["shift"]) == 21.0
    assert nothing.tolist() == [0.0, 0.0, 0.0]


def test_a_gradient_may_be_a_constant() -> None:
    @custom_vjp
    def fixed(x: Any) -> Any:
        return x * x, lambda g: (cnp.ones_like(x) * 5,)

    assert grad(lambda x: cnp.sum(fixed(x)))(X).tolist() == [5.0, 5.0, 5.0]

    @custom_vjp
    def plain(x: Any) -> Any:
        return x * x, lambda g: (np.array([1.0, 2.0, 3.0]),)

    assert grad(lambda x: cnp.sum(plain(x)))(X).tolist() == [1.0, 2.0, 3.0]


def test_a_gradient_by_a_constant_argument_goes_nowhere() -> None:
    @custom_vjp
    def product(a: Any, b: Any) -> Any:
        return a * b, lambda g: (g * b, g * a)

    table = np.array([2.0, 3.0, 5.0])
    assert grad(lambda x: cnp.sum(product(x, table)))(X).tolist() == table.tolist()
    assert grad(lambda x: cnp.sum(product(table, x)))(X).tolist() == table.tolist()
    assert check_gradients(product, X, table)


def test_a_gradient_has_the_dtype_of_its_argument() -> None:
    @custom_vjp
    def half(x: Any) -> Any:
        return x / 2, lambda g: (np.full(3, 0.5),)

    assert grad(lambda x: cnp.sum(half(x)))(X.astype("float32")).dtype == np.float32


def test_the_name_and_the_documentation_are_kept() -> None:
    assert reversed_gradient.__name__ == "reversed_gradient"
    assert reversed_gradient.__doc__ == "The identity, with a gradient of the other sign."


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda x: (x, lambda g: (g, g)), "one gradient for each of 1 arguments.* returned 2"),
        (lambda x: (x, lambda g: ([g],)), "must have the structure of its argument"),
        (lambda x: (x, lambda g: (cnp.sum(g),)), r"as the gradient of .*: shapes differ"),
        (lambda x: ((x, x), lambda g: (g,)), "must return one array, received"),
    ],
)
def test_a_gradient_that_does_not_fit_is_refused(function: Any, message: str) -> None:
    with pytest.raises(GradientError, match=message):
        grad(lambda x: cnp.sum(custom_vjp(function)(x)))(X)
