"""Numbers become inputs near zero."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sklearn.preprocessing import QuantileTransformer, RobustScaler

from chainrule.data.scaling import (
    METHODS,
    Asinh,
    Ramps,
    Standard,
    choose_scaling,
    fit_scaling,
    scaling_from_dict,
    scaling_to_dict,
)
from chainrule.data.stored import Fields
from chainrule.errors import ModelFileError, ParameterError

SPIKED = np.concatenate([np.zeros(900), np.arange(1.0, 101.0) ** 3])


def test_even_numbers_are_standardised() -> None:
    scaling = choose_scaling(np.array([2.0, 4.0, 6.0, 8.0]))
    assert scaling == Standard(mean=5.0, deviation=math.sqrt(5.0))
    np.testing.assert_allclose(scaling.apply(np.array([5.0, 5.0 + math.sqrt(5.0)]))[:, 0], [0, 1])


def test_a_heavy_tail_is_pulled_in() -> None:
    values = np.exp(np.linspace(0.0, 12.0, 1000))
    scaling = choose_scaling(values)
    assert isinstance(scaling, Asinh)
    inputs = scaling.apply(values)
    assert abs(inputs.mean()) < 1e-12
    assert abs(inputs.std() - 1.0) < 1e-12
    assert np.abs(inputs).max() < 5.0
    assert (np.diff(inputs[:, 0]) > 0.0).all()


def test_asinh_is_the_formula() -> None:
    scaling = Asinh(centre=1.0, unit=2.0, mean=0.5, deviation=4.0)
    expected = (math.asinh((7.0 - 1.0) / 2.0) - 0.5) / 4.0
    assert scaling.apply(np.array([7.0]))[0, 0] == pytest.approx(expected, rel=1e-15)


def test_a_spike_among_many_values_gets_ramps() -> None:
    scaling = choose_scaling(SPIKED)
    assert isinstance(scaling, Ramps)
    assert len(scaling.means) == 10
    assert scaling.knots[0] == 0.0
    assert scaling.knots[-1] == 1e6
    np.testing.assert_allclose(scaling.apply(SPIKED).mean(axis=0), 0.0, atol=1e-13)


def test_a_spike_among_few_values_gets_none() -> None:
    values = np.concatenate([np.zeros(900), np.full(50, 1.0), np.full(50, 40.0)])
    assert isinstance(choose_scaling(values), Asinh)


def test_ramps_are_0_below_1_above_and_straight_inside() -> None:
    scaling = Ramps(knots=(0.0, 1.0, 3.0), means=(0.0, 0.0))
    inputs = scaling.apply(np.array([-1.0, 0.0, 0.5, 1.0, 2.0, 9.0]))
    np.testing.assert_array_equal(inputs[:, 0], [0, 0, 0.5, 1, 1, 1])
    np.testing.assert_array_equal(inputs[:, 1], [0, 0, 0, 0, 0.5, 1])
    assert scaling.names("gain") == ("gain>0", "gain>1")


@pytest.mark.parametrize("values", [[3.0], [3.0, 3.0], [0.1] * 7, [0.0], [1e308, -1e308]])
def test_constant_and_huge_numbers_stay_finite(values: list[float]) -> None:
    inputs = choose_scaling(np.array(values)).apply(np.array([*values, 1e308, -1e308, 5e-324]))
    assert np.isfinite(inputs).all()
    assert np.isfinite(inputs.astype(np.float32)).all()


def test_robust_and_quantile_are_scikit_learns() -> None:
    values = np.random.default_rng(0).lognormal(size=500)
    new = np.array([[0.01], [1.0], [2.5], [7.0]])
    robust = RobustScaler().fit(values[:, None])
    scaled = fit_scaling(values, "robust").apply(new[:, 0])
    np.testing.assert_allclose(scaled, robust.transform(new), rtol=1e-12)
    quantile = QuantileTransformer(n_quantiles=500, output_distribution="normal")
    inside = new[1:]
    mapped = fit_scaling(values, "quantile").apply(inside[:, 0])
    # Ours takes 200 knots, and counts a value's own place as half below it.
    np.testing.assert_allclose(mapped, quantile.fit(values[:, None]).transform(inside), atol=0.02)


def test_quantiles_of_few_values_are_where_the_rows_are() -> None:
    scaling = fit_scaling(np.array([5.0, 5.0, 5.0, 9.0]), "quantile")
    # Three of four rows share the ranks up to .75, whose middle is .375; the last has .875.
    expected = [[-0.3186393639643752], [1.1503493803760079]]
    np.testing.assert_allclose(scaling.apply(np.array([5.0, 9.0])), expected, rtol=1e-12)
    np.testing.assert_allclose(scaling.apply(np.array([-1e9, 1e9])), expected, rtol=1e-12)


def test_quantiles_make_a_bell_of_anything() -> None:
    values = np.random.default_rng(0).pareto(1.0, 5000)
    inputs = fit_scaling(values, "quantile").apply(values)[:, 0]
    assert abs(inputs.mean()) < 0.01
    assert abs(inputs.std() - 1.0) < 0.02
    assert np.abs(inputs).max() < 4.0


@pytest.mark.parametrize("method", METHODS)
def test_a_scaling_may_be_asked_for(method: str) -> None:
    assert fit_scaling(SPIKED, method).method == method
    few = fit_scaling(np.array([3.0, 3.0]), method)
    assert few.method == ("standard" if method == "ramps" else method)
    assert np.isfinite(few.apply(np.array([3.0, 1e308]))).all()
    assert np.isnan(few.apply(np.array([np.nan]))).all()


def test_an_unknown_scaling_is_refused() -> None:
    with pytest.raises(ParameterError, match="no scaling 'cube': use 'auto', 'standard', 'robust'"):
        fit_scaling(SPIKED, "cube")


finite = st.floats(allow_nan=False, allow_infinity=False)


@given(
    st.lists(finite, min_size=1, max_size=50),
    st.lists(finite, min_size=1, max_size=5),
    st.sampled_from(["auto", *METHODS]),
)
@example([np.finfo(np.float32).tiny], [2e270], "quantile")
def test_inputs_are_finite_and_the_fit_survives_json(
    fit: list[float], new: list[float], method: str
) -> None:
    scaling = fit_scaling(np.array(fit), method)
    again = scaling_from_dict(Fields(scaling_to_dict(scaling), "x"))
    assert again == scaling
    assert np.isfinite(scaling.apply(np.array(fit + new)).astype(np.float32)).all()


def test_order_is_kept() -> None:
    random = np.random.default_rng(0)
    for values in (random.normal(size=300), random.lognormal(size=300, sigma=3.0), SPIKED):
        inputs = choose_scaling(values).apply(np.sort(values)).sum(axis=1)
        assert (np.diff(inputs) >= 0.0).all()


@pytest.mark.parametrize(
    ("stored", "message"),
    [
        ({"method": "cube"}, "'method' should be one of standard, robust, quantile, asinh"),
        ({"method": "standard", "mean": 0.0, "deviation": 0.0}, "a number over zero"),
        ({"method": "standard", "mean": math.nan, "deviation": 1.0}, "a finite number"),
        ({"method": "standard", "mean": 0.0}, "field 'deviation' is not there"),
        ({"method": "standard", "mean": 0.0, "deviation": 1.0, "x": 1}, "unknown field 'x'"),
        ({"method": "ramps", "knots": [0.0, 1.0], "means": []}, "2 knots and 0 means"),
        ({"method": "ramps", "knots": [1.0, 0.0], "means": [0.5]}, "rising knots"),
        ({"method": "ramps", "knots": [0, "1"], "means": [0.5]}, "finite numbers, but is '1'"),
        ({"method": "quantile", "knots": [0.0], "places": []}, "1 knots and 0 places"),
        ({"method": "quantile", "knots": [0, 1], "places": [0, 101]}, "within 100 of zero"),
        ({"method": "robust", "centre": 0.0, "unit": 0.0}, "a number over zero"),
        ([], "expected an object"),
    ],
)
def test_a_damaged_scaling_is_refused(stored: object, message: str) -> None:
    with pytest.raises(ModelFileError, match=message):
        scaling_from_dict(Fields(stored, "column 'x'"))
