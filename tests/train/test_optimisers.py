"""Optimisers against PyTorch's sequences, and by hand."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from chainrule import optim
from chainrule.errors import ParameterError
from chainrule.execute import trace
from chainrule.train.optimisers import _one_minus_power
from tests.train.golden_optimisers import BIAS, PLACE, STEPS, WEIGHT, gradient

GOLDEN = json.loads(PLACE.read_text(encoding="utf-8"))
OPTIMISERS: dict[str, Any] = {
    "sgd": optim.SGD(0.1),
    "momentum": optim.SGD(0.1, momentum=0.9),
    "nesterov": optim.SGD(0.1, momentum=0.9, nesterov=True),
    "adagrad": optim.Adagrad(0.1),
    "adagrad started": optim.Adagrad(0.1, start=0.5),
    "rmsprop": optim.RMSprop(0.1),
    "rmsprop momentum": optim.RMSprop(0.1, decay=0.9, momentum=0.5),
    "adam": optim.Adam(0.1),
    "adam other": optim.Adam(0.1, beta1=0.5, beta2=0.9, epsilon=1e-2),
    "adamw": optim.AdamW(0.1, weight_decay=0.05),
    "adamw all": optim.AdamW(0.1, weight_decay=0.05, biases=True),
}


def run(optimiser: Any, dtype: str = "float64") -> list[list[float]]:
    """Weights and biases after each step, in one row."""
    parameters = {"weight": np.array(WEIGHT, dtype), "bias": np.array(BIAS, dtype)}
    state = optimiser.initial(parameters)
    rows = []
    for step in range(STEPS):
        g = np.array(gradient(step, 6), dtype)
        gradients = {"weight": g[:4].reshape(2, 2), "bias": g[4:]}
        parameters, state = optimiser.update(gradients, state, parameters, np.int32(step))
        rows.append([*np.ravel(parameters["weight"]), *parameters["bias"]])
    return rows


def test_every_golden_case_has_an_optimiser() -> None:
    assert set(OPTIMISERS) == set(GOLDEN["parameters"])


@pytest.mark.parametrize("name", OPTIMISERS)
def test_parameters_go_the_way_that_pytorch_goes(name: str) -> None:
    # Both compute in float64, in slightly different orders; steps may cancel to nearly zero.
    expected = GOLDEN["parameters"][name]
    np.testing.assert_allclose(run(OPTIMISERS[name]), expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("name", OPTIMISERS)
def test_float32_stays_within_its_rounding(name: str) -> None:
    rows = run(OPTIMISERS[name], "float32")
    assert np.asarray(rows).dtype == np.float32
    np.testing.assert_allclose(rows, GOLDEN["parameters"][name], rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("name", OPTIMISERS)
@pytest.mark.parametrize("executor", ["numpy", "native"])
def test_traced_updates_equal_computed_ones(name: str, executor: str) -> None:
    optimiser = OPTIMISERS[name]
    parameters = {"weight": np.array(WEIGHT), "bias": np.array(BIAS)}
    state = optimiser.initial(parameters)
    g = {"weight": np.ones((2, 2)), "bias": np.array([0.5, -2.0])}
    args = (g, state, parameters, np.int32(3))
    traced = trace(optimiser.update, *args).plan().compile(executor)(*args)
    expected = optimiser.update(*args)
    for name_ in parameters:
        np.testing.assert_allclose(traced[0][name_], expected[0][name_], rtol=1e-14)


def test_a_step_of_plain_descent_by_hand() -> None:
    parameters, state = optim.SGD(0.5).update([np.array([4.0])], {}, [np.array([1.0])], 0)
    assert parameters[0].tolist() == [-1.0]
    assert state == {}


def test_the_first_step_of_adam_has_the_size_of_the_learning_rate() -> None:
    adam = optim.Adam(0.25)
    p = [np.array([1.0, 1.0])]
    fresh, _ = adam.update([np.array([1e-3, -50.0])], adam.initial(p), p, 0)
    np.testing.assert_allclose(fresh[0], [0.75, 1.25], rtol=1e-4)


def test_weight_decay_spares_biases_unless_told() -> None:
    p = {"weight": np.ones((1, 1)), "bias": np.ones(1)}
    zero = {"weight": np.zeros((1, 1)), "bias": np.zeros(1)}
    for biases, expected in ((False, 1.0), (True, 0.9)):
        decaying = optim.AdamW(1.0, weight_decay=0.1, biases=biases)
        fresh, _ = decaying.update(zero, decaying.initial(p), p, 0)
        assert fresh["weight"].tolist() == [[0.9]]
        assert fresh["bias"].tolist() == [expected]


@pytest.mark.parametrize("t", [1, 2, 1000, 123_456, 10_000_000])
@pytest.mark.parametrize("beta", [0.9, 0.999, 0.9999999])
def test_the_bias_correction_is_exact_in_float32(beta: float, t: int) -> None:
    exact = -np.expm1(t * np.log(np.longdouble(beta)))
    found = _one_minus_power(beta, np.asarray(t, np.float32))
    assert abs(float(found) / float(exact) - 1) < 3e-7


def test_settings_outside_of_their_range_are_refused() -> None:
    for make in (
        lambda: optim.SGD(-1.0),
        lambda: optim.SGD(momentum=1.0),
        lambda: optim.SGD(nesterov=True),
        lambda: optim.Adam(beta2=1.0),
        lambda: optim.AdamW(weight_decay=-1.0),
        lambda: optim.RMSprop(decay=float("nan")),
        lambda: optim.LBFGS(memory=0),
    ):
        with pytest.raises(ParameterError, match=r"must|needs"):
            make()
