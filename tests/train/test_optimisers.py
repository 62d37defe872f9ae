"""Optimisers against PyTorch's sequences, and by hand."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from chainrule import optim
from chainrule.errors import ParameterError
from chainrule.execute import trace
from chainrule.tracing import map_leaves
from chainrule.train.optimisers.muon import orthogonal
from chainrule.train.optimisers.optimiser import one_minus_power
from tests.train import published_optimisers as published
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
    "adam amsgrad": optim.Adam(0.1, amsgrad=True),
    "adadelta": optim.Adadelta(),
    "adadelta other": optim.Adadelta(0.5, decay=0.7, epsilon=1e-3),
    "adamax": optim.Adamax(),
    "adamax other": optim.Adamax(0.1, beta1=0.5, beta2=0.9, epsilon=1e-3),
    "nadam": optim.Nadam(),
    "nadam other": optim.Nadam(0.1, beta1=0.5, beta2=0.9, warming=0.5),
    "rmsprop centred": optim.RMSprop(0.1, decay=0.9, centered=True),
    "muon": optim.Muon(0.1, weight_decay=0.05, rest=optim.AdamW(0.01)),
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


@pytest.mark.parametrize("name", published.CASES)
def test_parameters_go_the_way_that_keras_publishes(name: str) -> None:
    optimiser, rows = published.CASES[name]
    p, state = np.ones(10), optimiser.initial(np.ones(10))
    first, later = np.full(10, 0.01), np.arange(0.1, 1.1, 0.1)
    for step, expected in enumerate(rows):
        g = later if step else first
        p, state = optimiser.update(g, state, p, np.int32(step))
        np.testing.assert_allclose(p, np.broadcast_to(expected, 10), atol=published.TOLERANCE)


def test_adamw_takes_the_step_that_keras_publishes() -> None:
    case: dict[str, Any] = published.ADAMW_STEP
    p, optimiser = np.array(case["before"]), case["optimiser"]
    fresh, _ = optimiser.update(np.array(case["gradients"]), optimiser.initial(p), p, np.int32(0))
    np.testing.assert_allclose(fresh, case["after"], atol=1e-4)


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


def test_arrays_that_are_spared_do_not_decay() -> None:
    p = {"a": {"weight": np.ones((1, 1))}, "b": {"weight": np.ones((1, 1))}}
    zero = map_leaves(np.zeros_like, p)
    for optimiser in (
        optim.AdamW(1.0, weight_decay=0.1, spared=["b"]),
        optim.Lion(1.0, weight_decay=0.1, spared=["b.weight"]),
    ):
        fresh, _ = optimiser.update(zero, optimiser.initial(p), p, np.int32(0))
        assert float(fresh["a"]["weight"][0, 0]) == 0.9
        assert float(fresh["b"]["weight"][0, 0]) == 1.0
    with pytest.raises(ParameterError, match=r"no array 'c' to spare from decay; there are a\.w"):
        optim.AdamW(spared=["c"]).update(zero, optimiser.initial(p), p, np.int32(0))


def test_a_centred_rms_of_equal_gradients_stays_finite() -> None:
    centred = optim.RMSprop(1e-3, centered=True, decay=0.5)
    p, state = np.ones(100, np.float32), centred.initial(np.ones(100, np.float32))
    g = np.linspace(-3, 3, 100).astype(np.float32)
    for step in range(60):
        p, state = centred.update(g, state, p, np.int32(step))
    assert np.isfinite(p).all()


def test_muon_steps_along_an_orthogonal_matrix_scaled_by_its_shape() -> None:
    rng = np.random.default_rng(0)
    for shape, factor in (((4, 16), 2.0), ((16, 4), 1.0), ((2, 2, 4, 4), 1.0)):
        p = {"weight": np.zeros(shape)}
        muon = optim.Muon(1.0)
        fresh, _ = muon.update({"weight": rng.normal(size=shape)}, muon.initial(p), p, np.int32(0))
        step = fresh["weight"].reshape(-1, shape[-1]) / factor
        sizes = np.linalg.svd(step, compute_uv=False)
        assert sizes.min() > 0.6
        assert sizes.max() < 1.3


def test_newton_and_schulz_give_the_matrix_that_keras_publishes() -> None:
    # keras/src/optimizers/muon_test.py, test_Newton_Schulz, which compares to 1e-3.
    found = orthogonal(np.array([[0.2499, 0.9105], [0.2655, 0.8824]]))
    np.testing.assert_allclose(found, [[-0.4422, 0.6457], [0.7285, 0.2968]], atol=1e-3)


def test_muon_leaves_what_is_excluded_to_the_rest() -> None:
    p = {"out": np.ones((2, 2)), "bias": np.ones(2)}
    muon, adam = optim.Muon(excluded=["out"], rest=optim.Adam(0.1)), optim.Adam(0.1)
    g = {"out": np.full((2, 2), 0.5), "bias": np.ones(2)}
    found, _ = muon.update(g, muon.initial(p), p, np.int32(0))
    expected, _ = adam.update(g, adam.initial(p), p, np.int32(0))
    np.testing.assert_array_equal(found["out"], expected["out"])


def test_each_path_has_its_optimiser_and_the_longest_name_counts() -> None:
    p = {"a": {"w": np.ones(1), "b": np.ones(1)}, "c": np.ones(1)}
    g = map_leaves(np.ones_like, p)
    joined = optim.ByPath(optim.SGD(0.5), {"a": optim.SGD(0.25), "a.b": optim.Adam(0.125)})
    state = joined.initial(p)
    fresh, state = joined.update(g, state, p, np.int32(0))
    assert float(fresh["c"][0]) == 0.5
    assert float(fresh["a"]["w"][0]) == 0.75
    assert float(fresh["a"]["b"][0]) == pytest.approx(0.875)
    assert set(state["parts"]) == {"a", "a.b"}
    with pytest.raises(ParameterError, match="no array 'd' to optimise by ByPath"):
        optim.ByPath(optim.SGD(), {"d": optim.SGD()}).initial(p)
    with pytest.raises(ParameterError, match="optimisers that take steps"):
        optim.ByPath(optim.SGD(), {"a": optim.LBFGS()})


@pytest.mark.parametrize("t", [1, 2, 1000, 123_456, 10_000_000])
@pytest.mark.parametrize("beta", [0.9, 0.999, 0.9999999])
def test_the_bias_correction_is_exact_in_float32(beta: float, t: int) -> None:
    exact = -np.expm1(t * np.log(np.longdouble(beta)))
    found = one_minus_power(beta, np.asarray(t, np.float32))
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
        lambda: optim.Adadelta(decay=1.0),
        lambda: optim.Adamax(beta1=-0.1),
        lambda: optim.Nadam(warming=-1.0),
        lambda: optim.Lion(beta2=1.0),
        lambda: optim.Muon(steps=0),
    ):
        with pytest.raises(ParameterError, match=r"must|needs"):
            make()


@pytest.mark.parametrize("name", OPTIMISERS)
def test_arrays_without_entries_pass(name: str) -> None:
    parameters = {"wide": np.zeros((0, 3)), "flat": np.zeros(0), "one": np.ones((2, 2))}
    optimiser = OPTIMISERS[name]
    moved, _ = optimiser.update(parameters, optimiser.initial(parameters), parameters, np.int32(0))
    assert {path: np.shape(x) for path, x in moved.items()} == {
        path: x.shape for path, x in parameters.items()
    }
