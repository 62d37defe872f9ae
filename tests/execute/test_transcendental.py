"""The inline functions of native code are as accurate as they say, over all floats."""

from __future__ import annotations

import inspect
import itertools
import math
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import special

from chainrule.errors import ExecutorError
from chainrule.execute.native import coefficients
from chainrule.execute.native.transcendental import NAMES, ULP, definition, requires
from chainrule.ir import Card
from chainrule.ops import transcendental as cards
from tests.execute import minimax
from tests.execute.vector_loop import VectorLoop, definitions, optimised

Long = np.longdouble
# Where long double is no wider than float64 the reference itself may be off by one.
SLACK = 0.0 if np.finfo(Long).nmant >= 63 else 1.0
DTYPES = ("float32", "float64")

every_function = pytest.mark.parametrize(
    ("name", "dtype"), [(name, dtype) for name in sorted(NAMES) for dtype in DTYPES]
)
both_dtypes = pytest.mark.parametrize("dtype", DTYPES)

inf, nan = math.inf, math.nan


# ---------------------------------------------------------------------------------------------
# Reference values: float64 for float32, and long double for float64.


def long_erf(x: Any) -> Any:
    """2 / sqrt(pi) e^(-x^2) times a series of positive terms, all in long double."""
    near = np.clip(x, -6.5, 6.5)
    square = 2 * near * near
    term = near * 2 / np.sqrt(4 * np.arctan(Long(1)))
    total = term.copy()
    for n in range(180):
        term = term * square / (2 * n + 3)
        total += term
    return total * np.exp(-near * near)


REFERENCES: dict[str, Callable[..., Any]] = {
    **{name: getattr(np, name) for name in ("cos", "cosh", "exp", "exp2", "expm1")},
    **{name: getattr(np, name) for name in ("log", "log1p", "log2", "sin", "sinh", "tan", "tanh")},
    **{name: getattr(np, "arc" + name[1:]) for name in ("acos", "acosh", "asin", "asinh")},
    "atan": np.arctan,
    "atanh": np.arctanh,
    "pow": np.power,
    "erf": lambda x: special.erf(x) if x.dtype == np.float64 else long_erf(x),
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "softplus": lambda x: np.where(x > 100, x, np.log1p(np.exp(np.minimum(x, 100)))),
}


@cache
def compiled(name: str, dtype: str, baseline: bool = False) -> VectorLoop:
    return VectorLoop(name, dtype, baseline=baseline)


def reference(name: str, *arguments: Any) -> Any:
    wide = np.float64 if arguments[0].dtype == np.float32 else Long
    with np.errstate(all="ignore"):
        return np.asarray(REFERENCES[name](*(x.astype(wide) for x in arguments)))


def errors_in_ulp(got: Any, exact: Any) -> Any:
    """Distance from the exact values, in units of their last place; 0 for NaN where NaN belongs."""
    limits = np.finfo(got.dtype)
    with np.errstate(all="ignore"):
        rounded = exact.astype(got.dtype)
        unit = np.spacing(np.minimum(np.abs(rounded), limits.max)).astype(exact.dtype)
        # Infinity stands for the float that would come after the largest.
        beyond = np.where(np.isinf(got), np.ldexp(np.sign(got), limits.maxexp - 1), 0)
        finite = np.where(np.isinf(got), 0, got).astype(exact.dtype) + 2 * beyond.astype(
            exact.dtype
        )
        distance = np.abs(finite - exact) / unit
    right = (np.isnan(got) & np.isnan(exact)) | (got == rounded) & np.isinf(rounded)
    return np.where(right, 0, np.where(np.isnan(distance), inf, distance))


def random_bits(dtype: str, count: int, seed: int) -> Any:
    """Floats of all sizes, NaN included: any bits are as likely as any others."""
    kind = np.dtype(dtype.replace("float", "uint"))
    bits = np.random.default_rng(seed).integers(0, np.iinfo(kind).max, count, kind, endpoint=True)
    return bits.view(dtype)


def points(dtype: str, count: int, seed: int = 0) -> Any:
    """Floats of all sizes, more where functions bend, and all special ones."""
    rng = np.random.default_rng(seed)
    limits = np.finfo(dtype)
    ends: list[Any] = [0, 0.5, 1, 2, inf, limits.tiny, limits.smallest_subnormal, limits.max]
    ranges = (1e-3, 0.1, 1, 3, 10, 30, 100, 750)
    near_one = 1 + rng.uniform(-1, 1, count) * 10.0 ** rng.uniform(-9, 0, count)
    parts = [
        random_bits(dtype, count, seed),
        *(rng.uniform(-width, width, count // 2) for width in ranges),
        near_one,
        ends,
        np.negative(ends),
        [nan],
    ]
    return np.concatenate([np.asarray(part, dtype) for part in parts])


def arguments_for(name: str, dtype: str, count: int) -> tuple[Any, ...]:
    x = points(dtype, count)
    if name != "pow":
        return (x,)
    # Half of the pairs are such that the power is neither zero nor infinite.
    rng = np.random.default_rng(1)
    base = np.exp(rng.uniform(-5, 5, x.size)).astype(dtype)
    largest = 88.7 if dtype == "float32" else 709.7
    exponent = rng.uniform(-1.1, 1, x.size) * largest / np.abs(np.log(base))
    y = rng.permutation(points(dtype, count, seed=2))
    return np.concatenate([x, base]), np.concatenate([y, exponent.astype(dtype)])


# ---------------------------------------------------------------------------------------------
# Accuracy.


@every_function
def test_the_error_stays_within_its_bound(name: str, dtype: str) -> None:
    arguments = arguments_for(name, dtype, 20_000)
    got = compiled(name, dtype)(*arguments)
    exact = reference(name, *arguments)
    errors = errors_in_ulp(got, exact)
    worst = int(np.argmax(errors))
    at = [x[worst] for x in arguments]
    assert errors[worst] <= ULP[name][dtype] + SLACK, f"at {at}: {got[worst]}, not {exact[worst]}"
    assert np.array_equal(np.signbit(got)[~np.isnan(got)], np.signbit(exact)[~np.isnan(got)])


@pytest.mark.parametrize("name", ["exp", "expm1", "log", "sigmoid", "tanh", "erf", "sin", "pow"])
@both_dtypes
def test_bounds_hold_without_fused_multiply_add(name: str, dtype: str) -> None:
    arguments = arguments_for(name, dtype, 2_000)
    got = compiled(name, dtype, baseline=True)(*arguments)
    errors = errors_in_ulp(got, reference(name, *arguments))
    assert errors.max() <= ULP[name][dtype] + SLACK


def test_the_promises_are_those_that_were_asked_for() -> None:
    assert all(bound["float32"] <= 2 for bound in ULP.values())
    narrow = {"exp", "expm1", "log", "log1p", "sigmoid", "tanh"}
    assert all(ULP[name]["float64"] <= (2 if name in narrow else 4) for name in NAMES)


@pytest.mark.parametrize("name", ["sin", "cos", "tan"])
@both_dtypes
def test_angles_next_to_multiples_of_a_quarter_turn_are_reduced_exactly(
    name: str, dtype: str
) -> None:
    # The floats of either format that come closest to such a multiple (Kahan, 1983), then
    # everyday multiples of pi, then huge powers of ten.
    closest = {"float32": math.ldexp(16367173, 72), "float64": math.ldexp(6381956970095103, 797)}
    everyday = np.arange(1, 2_000) * (math.pi / 2)
    tens = 10.0 ** np.arange(1, 39 if dtype == "float32" else 309)
    x = np.concatenate([[closest[dtype]], everyday, tens]).astype(dtype)
    errors = errors_in_ulp(compiled(name, dtype)(x), reference(name, x))
    assert errors.max() <= ULP[name][dtype] + SLACK


@both_dtypes
def test_powers_of_two_and_their_logarithms_are_exact(dtype: str) -> None:
    limits = np.finfo(dtype)
    n = np.arange(limits.minexp - limits.nmant, limits.maxexp).astype(dtype)
    powers = np.ldexp(np.ones_like(n), n.astype(int))
    assert np.array_equal(compiled("exp2", dtype)(n), powers)
    assert np.array_equal(compiled("log2", dtype)(powers), n)


def test_coefficients_are_those_that_the_derivation_gives() -> None:
    source = Path(inspect.getfile(coefficients)).read_text(encoding="utf-8")
    assert source.endswith(minimax.text())


# ---------------------------------------------------------------------------------------------
# Special values.

ODD = ("asin", "asinh", "atan", "atanh", "erf", "expm1", "log1p", "sin", "sinh", "tan", "tanh")

SPECIAL_VALUES = {
    "acos": [(1, 0), (1.5, nan), (-1.5, nan), (inf, nan)],
    "acosh": [(1, 0), (0.5, nan), (-inf, nan), (inf, inf)],
    "asin": [(1.5, nan), (-inf, nan)],
    "asinh": [(inf, inf), (-inf, -inf)],
    "atan": [(inf, math.pi / 2), (-inf, -math.pi / 2)],
    "atanh": [(1, inf), (-1, -inf), (1.5, nan), (inf, nan)],
    "cos": [(0, 1), (inf, nan), (-inf, nan)],
    "cosh": [(0, 1), (1e30, inf), (inf, inf), (-inf, inf)],
    "erf": [(30, 1), (-30, -1), (inf, 1), (-inf, -1)],
    "exp": [(0, 1), (-inf, 0), (inf, inf), (1e30, inf), (-1e30, 0)],
    "exp2": [(0, 1), (10, 1024), (-inf, 0), (inf, inf), (1e30, inf), (-1e30, 0)],
    "expm1": [(-inf, -1), (-1e30, -1), (inf, inf), (1e30, inf)],
    "log": [(1, 0), (0, -inf), (-0.0, -inf), (-1, nan), (-inf, nan), (inf, inf)],
    "log1p": [(-1, -inf), (-2, nan), (-inf, nan), (inf, inf)],
    "log2": [(8, 3), (0, -inf), (-0.0, -inf), (-1, nan), (inf, inf)],
    "sigmoid": [(0, 0.5), (-inf, 0), (inf, 1), (-1e30, 0), (1e30, 1)],
    "sin": [(inf, nan), (-inf, nan)],
    "sinh": [(inf, inf), (-inf, -inf), (-1e30, -inf)],
    "softplus": [(-inf, 0), (-1e30, 0), (inf, inf), (1e30, np.float32(1e30))],
    "tan": [(inf, nan), (-inf, nan)],
    "tanh": [(30, 1), (-30, -1), (inf, 1), (-inf, -1)],
}


@pytest.mark.parametrize("name", SPECIAL_VALUES)
@both_dtypes
def test_special_values(name: str, dtype: str) -> None:
    x, expected = np.array(SPECIAL_VALUES[name], np.float64).T
    x[np.abs(x) == 1e30] = np.copysign(np.float32(1e30), x[np.abs(x) == 1e30])
    np.testing.assert_array_equal(compiled(name, dtype)(x), expected.astype(dtype))


@pytest.mark.parametrize("name", sorted(NAMES - {"pow"}))
@both_dtypes
def test_not_a_number_stays(name: str, dtype: str) -> None:
    assert np.isnan(compiled(name, dtype)(np.full(9, nan))).all()


@pytest.mark.parametrize("name", ODD)
@both_dtypes
def test_functions_that_pass_through_zero_keep_its_sign_and_subnormals(
    name: str, dtype: str
) -> None:
    if name == "erf":
        x = np.array([0.0, -0.0], dtype)
    else:
        smallest = np.finfo(dtype).smallest_subnormal
        x = np.array([0.0, -0.0, smallest, -smallest, 12345 * smallest], dtype)
    got = compiled(name, dtype)(x)
    assert np.array_equal(got, x)
    assert np.array_equal(np.signbit(got), np.signbit(x))


@pytest.mark.parametrize("name", sorted(set(ODD) - {"expm1", "log1p"}))
@both_dtypes
def test_odd_functions_are_odd_to_the_last_bit(name: str, dtype: str) -> None:
    x = points(dtype, 1_000)
    np.testing.assert_array_equal(compiled(name, dtype)(-x), -compiled(name, dtype)(x))


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [("sigmoid", 0, 1), ("tanh", -1, 1), ("erf", -1, 1), ("sin", -1, 1), ("cos", -1, 1)],
)
@both_dtypes
def test_rounding_never_leaves_the_range(name: str, low: int, high: int, dtype: str) -> None:
    x = points(dtype, 10_000)
    y = compiled(name, dtype)(x[np.isfinite(x)])
    assert y.min() >= low
    assert y.max() <= high


@both_dtypes
def test_powers_of_special_numbers_are_those_of_ieee_754(dtype: str) -> None:
    limits = np.finfo(dtype)
    sizes: list[Any] = [
        0,
        1,
        0.5,
        2,
        3,
        1.5,
        7,
        inf,
        limits.tiny,
        limits.max,
        2.0**limits.nmant + 1,
    ]
    values = np.array([*sizes, *np.negative(sizes), nan], dtype)
    x, y = (np.array(side, dtype) for side in zip(*itertools.product(values, values), strict=True))
    got, exact = compiled("pow", dtype)(x, y), reference("pow", x, y)
    assert errors_in_ulp(got, exact).max() <= ULP["pow"][dtype] + SLACK
    ordered = ~np.isnan(exact)
    assert np.array_equal(np.signbit(got[ordered]), np.signbit(exact[ordered]))


# ---------------------------------------------------------------------------------------------
# As text.


@every_function
def test_loops_that_call_the_function_are_vectorised(name: str, dtype: str) -> None:
    body = compiled(name, dtype).body()
    assert re.search(r"fmul <\d+ x (float|double)>", body)
    assert not re.search(r"call (float|double) ", body), "a scalar call is left"


def test_all_functions_fit_into_one_module() -> None:
    every = [(name, dtype) for name in sorted(NAMES) for dtype in DTYPES]
    optimised(definitions(*every))


def test_requirements_are_functions_too() -> None:
    for name, dtype in itertools.product(NAMES, DTYPES):
        for required in requires(name, dtype):
            assert definition(*required)


def test_every_card_of_a_transcendental_function_has_its_native_function() -> None:
    names = {card.name for card in vars(cards).values() if isinstance(card, Card)}
    assert names - {"sqrt"} <= NAMES


def test_an_unknown_function_is_named_with_those_that_exist() -> None:
    with pytest.raises(ExecutorError, match=r"'gamma'.*sigmoid"):
        definition("gamma", "float32")


def test_integers_are_refused() -> None:
    with pytest.raises(ExecutorError, match=r"exp needs float32 or float64, received 'int32'"):
        definition("exp", "int32")
