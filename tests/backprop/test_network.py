"""A whole network: gradients by hand, by differences, forwards, and of a known example."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import chainrule.numpy as cnp
from chainrule.backprop import (
    check_gradients,
    grad,
    hessian_vector_product,
    jvp,
    value_and_grad,
    vjp,
)
from chainrule.execute import numpy as executor
from chainrule.ir import ArrayType, Dim, check
from chainrule.tracing import capture, flatten, map_leaves, spec_of

RANDOM = np.random.default_rng(7)
SIZES = (4, 8, 6, 3)
ROWS = 10
X = RANDOM.standard_normal((ROWS, SIZES[0]))
LABELS = RANDOM.integers(0, SIZES[-1], ROWS).astype(np.int32)
PARAMS = [
    {"weight": RANDOM.standard_normal((m, n)) / m**0.5, "bias": RANDOM.standard_normal(n) / 4}
    for m, n in itertools.pairwise(SIZES)
]
ACTIVATIONS = {
    "tanh": cnp.tanh,
    "sigmoid": cnp.sigmoid,
    "relu": cnp.relu,
    "gelu": cnp.gelu,
    "mish": cnp.mish,
    "softplus": cnp.softplus,
}


def loss(params: Any, x: Any, labels: Any, activation: Any = cnp.tanh) -> Any:
    """Mean cross-entropy of a multi-layer perceptron."""
    *hidden, last = params
    for layer in hidden:
        x = activation(x @ layer["weight"] + layer["bias"])
    logits = x @ last["weight"] + last["bias"]
    chosen = cnp.take_along_axis(cnp.log_softmax(logits), labels[:, None], axis=1)
    return -cnp.mean(chosen)


def by_hand(params: Any, x: Any, labels: Any) -> Any:
    """Backpropagation as one writes it in NumPy: outputs first, then delta by delta."""
    outputs = [x]
    for layer in params[:-1]:
        outputs.append(np.tanh(outputs[-1] @ layer["weight"] + layer["bias"]))
    logits = outputs[-1] @ params[-1]["weight"] + params[-1]["bias"]
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    delta = (p - np.eye(SIZES[-1])[labels]) / len(x)
    gradients = []
    for layer, below in zip(reversed(params), reversed(outputs), strict=True):
        gradients.append({"weight": below.T @ delta, "bias": delta.sum(axis=0)})
        delta = (delta @ layer["weight"].T) * (1 - below**2)
    return gradients[::-1]


def test_the_gradients_are_those_derived_by_hand() -> None:
    gradients = grad(loss)(PARAMS, X, LABELS)
    expected = by_hand(PARAMS, X, LABELS)
    map_leaves(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-15), gradients, expected
    )


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_first_and_second_derivatives_agree_with_differences(name: str) -> None:
    activation = ACTIVATIONS[name]
    verdict = check_gradients(lambda p, x: loss(p, x, LABELS, activation), PARAMS, X)
    assert verdict, str(verdict)


def test_forward_and_backward_mode_are_transposes_of_each_other() -> None:
    def logits(params: Any) -> Any:
        x: Any = X
        for layer in params:
            x = cnp.tanh(x @ layer["weight"] + layer["bias"])
        return x

    u = map_leaves(lambda p: RANDOM.standard_normal(p.shape), PARAMS)
    value, slope = jvp(logits, (PARAMS,), (u,))
    v = RANDOM.standard_normal(value.shape)
    (gradient,) = vjp(logits, PARAMS)[1](v)
    products = [np.sum(a * b) for a, b in zip(flatten(gradient)[0], flatten(u)[0], strict=True)]
    assert float(np.sum(v * slope)) == pytest.approx(float(sum(products)), rel=1e-12)


def test_the_hessian_is_symmetric() -> None:
    u, v = (map_leaves(lambda p: RANDOM.standard_normal(p.shape), PARAMS) for _ in range(2))
    f = lambda p: loss(p, X, LABELS)  # noqa: E731
    hu, hv = (hessian_vector_product(f, (PARAMS,), t) for t in (u, v))
    product = lambda a, b: sum(  # noqa: E731
        float(np.sum(x * y)) for x, y in zip(flatten(a)[0], flatten(b)[0], strict=True)
    )
    assert product(u, hv) == pytest.approx(product(v, hu), rel=1e-11)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_one_program_serves_every_batch_and_adds_up_over_rows(dtype: str) -> None:
    params = map_leaves(lambda p: p.astype(dtype), PARAMS)
    specs = map_leaves(spec_of, params)
    batch = ArrayType((Dim("batch"), SIZES[0]), dtype)
    labels = ArrayType((Dim("batch"),), "int32")
    graph = check(capture(grad(loss), (specs, batch, labels)).graph)
    leaves = flatten(params)[0]
    whole = executor.run(graph, [*leaves, X, LABELS])
    rows = [executor.run(graph, [*leaves, X[i : i + 1], LABELS[i : i + 1]]) for i in range(ROWS)]
    tolerance = (
        {"rtol": 1e-12, "atol": 1e-15} if dtype == "float64" else {"rtol": 1e-4, "atol": 1e-6}
    )
    for total, *parts in zip(whole, *rows, strict=True):
        assert total.dtype == dtype
        np.testing.assert_allclose(total, np.mean(parts, axis=0), **tolerance)


def test_float32_and_float64_agree() -> None:
    value, gradient = value_and_grad(loss)(PARAMS, X, LABELS)
    narrow = map_leaves(lambda p: p.astype("float32"), PARAMS)
    value32, gradient32 = value_and_grad(loss)(narrow, X.astype("float32"), LABELS)
    assert value32.dtype == np.float32
    assert float(value32) == pytest.approx(float(value), rel=1e-5)
    map_leaves(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6), gradient32, gradient
    )


def test_an_overconfident_network_has_finite_loss_and_gradients() -> None:
    huge = map_leaves(lambda p: (p * 1e4).astype("float32"), PARAMS)
    value, gradient = value_and_grad(lambda p: loss(p, X.astype("float32"), LABELS, cnp.relu))(huge)
    assert np.isfinite(value)
    assert all(np.isfinite(g).all() for g in flatten(gradient)[0])


# Two inputs, two hidden, two outputs, sigmoid everywhere, rate 0.5, biases not updated: a famous
# worked example, to the digits of the exact values.
W_HIDDEN = np.array([[0.15, 0.25], [0.20, 0.30]])
W_OUTPUT = np.array([[0.40, 0.50], [0.45, 0.55]])


def example_error(weights: Any) -> Any:
    hidden = cnp.sigmoid(np.array([0.05, 0.10]) @ weights[0] + 0.35)
    outputs = cnp.sigmoid(hidden @ weights[1] + 0.60)
    return 0.5 * cnp.sum((np.array([0.01, 0.99]) - outputs) ** 2)


def test_the_famous_example_has_its_exact_values() -> None:
    error, (hidden, output) = value_and_grad(example_error)((W_HIDDEN, W_OUTPUT))
    assert float(error) == pytest.approx(0.298371109, abs=5e-10)
    new = W_HIDDEN - 0.5 * hidden, W_OUTPUT - 0.5 * output
    np.testing.assert_allclose(
        new[0].T.ravel(), [0.14978072, 0.19956143, 0.24975114, 0.29950229], atol=5e-9
    )
    np.testing.assert_allclose(
        new[1].T.ravel(), [0.35891648, 0.40866619, 0.51130127, 0.56137012], atol=5e-9
    )
    assert float(example_error(new)) == pytest.approx(0.2910277737, abs=5e-11)


def test_a_network_of_three_sigmoids_has_its_exact_values() -> None:
    # Two inputs, two hidden, one output, no biases, rate 1, one update.
    def error(weights: Any) -> Any:
        hidden = cnp.sigmoid(np.array([0.35, 0.7]) @ weights[0])
        output = cnp.sigmoid(hidden @ weights[1])
        return 0.5 * (0.5 - output) ** 2, (hidden, output)

    weights = np.array([[0.2, 0.3], [0.2, 0.3]]), np.array([0.3, 0.9])
    (_, (hidden, output)), slopes = value_and_grad(error, has_aux=True)(weights)
    np.testing.assert_allclose(hidden, [0.552308, 0.578105], atol=5e-7)
    assert float(output) == pytest.approx(0.665074, abs=5e-7)
    new = tuple(w - g for w, g in zip(weights, slopes, strict=True))
    np.testing.assert_allclose(new[1], [0.279691, 0.878743], atol=5e-7)
    np.testing.assert_allclose(new[0], [[0.199045, 0.297175], [0.198091, 0.294350]], atol=5e-7)
    _, (hidden, output) = error(new)
    np.testing.assert_allclose([*hidden, output], [0.551895, 0.576899, 0.659554], atol=5e-7)
