"""Activations and layers: values by hand, gradients by differences."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from chainrule import nn
from chainrule.backprop import check_gradients, grad
from chainrule.ir import ArrayType
from chainrule.nn.activations import ACTIVATIONS

AT_ONE = {
    "relu": 1.0,
    "leaky_relu": 1.0,
    "elu": 1.0,
    "selu": 1.0507009873554805,
    "gelu": 0.5 * (1 + math.erf(1 / math.sqrt(2))),
    "silu": 1 / (1 + math.exp(-1)),
    "mish": math.tanh(math.log(1 + math.e)),
    "softplus": math.log(1 + math.e),
    "tanh": math.tanh(1),
    "sigmoid": 1 / (1 + math.exp(-1)),
    "identity": 1.0,
}
AT_MINUS_ONE = {
    "relu": 0.0,
    "leaky_relu": -0.01,
    "elu": math.expm1(-1),
    "selu": 1.0507009873554805 * 1.6732632423543772 * math.expm1(-1),
    "gelu": -0.5 * (1 - math.erf(1 / math.sqrt(2))),
    "silu": -1 / (1 + math.e),
    "mish": -math.tanh(math.log(1 + math.exp(-1))),
    "softplus": math.log(1 + math.exp(-1)),
    "tanh": -math.tanh(1),
    "sigmoid": 1 / (1 + math.e),
    "identity": -1.0,
}
LAYERS = {
    **{name: make() for name, make in ACTIVATIONS.items()},
    "gelu by tanh": nn.GELU(approximate=True),
    "softmax": nn.Softmax(),
    "log_softmax": nn.LogSoftmax(axis=0),
    "dense": nn.Dense(3),
    "mlp": nn.MLP((4, 4), 2, "tanh"),
    "flatten": nn.Flatten(),
}


def test_every_activation_is_in_the_table_of_values() -> None:
    assert set(AT_ONE) == set(AT_MINUS_ONE) == set(ACTIVATIONS)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_values_by_hand(name: str) -> None:
    found = ACTIVATIONS[name]()(np.array([1.0, -1.0]))
    # The executor's own polynomials are exact to a few units in the last place.
    np.testing.assert_allclose(found, [AT_ONE[name], AT_MINUS_ONE[name]], rtol=1e-13)


@pytest.mark.parametrize("name", LAYERS)
def test_first_and_second_derivatives_are_right(name: str) -> None:
    layer = LAYERS[name].initialise(3, ArrayType((4, 5), "float64"), dtype="float64")
    x = np.random.default_rng(0).normal(size=(4, 5))
    x = np.where(np.abs(x) < 0.05, 0.1, x)  # away from kinks
    verdict = check_gradients(lambda layer, x: layer(x), layer, x)
    assert verdict, str(verdict)


def test_embeddings_have_gradients_at_the_rows_that_were_read() -> None:
    layer = nn.Embedding(4, 2, weight=np.zeros((4, 2)))
    slope = grad(lambda layer: layer(np.array([1, 3, 1], np.int32)).sum())(layer)
    assert slope.weight.tolist() == [[0, 0], [2, 2], [0, 0], [1, 1]]


def test_dropped_entries_have_no_gradient() -> None:
    key = np.array([0, 5], np.int32)
    layer = nn.Dropout(0.5)
    x = np.ones(50)
    slope = grad(lambda x: layer(x, key=key).sum())(x)
    np.testing.assert_array_equal(slope, layer(x, key=key))


@pytest.mark.parametrize("name", [*ACTIVATIONS, "softmax", "log_softmax"])
@pytest.mark.parametrize("size", [1e2, 1e4, 1e30])
def test_large_inputs_give_no_nan(name: str, size: float) -> None:
    layer: Any = LAYERS[name]
    for dtype in ("float32", "float64"):
        x = np.array([[size, -size, 0.0]], dtype)
        assert not np.isnan(layer(x)).any()
        slope = grad(lambda x: layer(x)[0, :2].sum())(x)
        assert not np.isnan(slope).any()
