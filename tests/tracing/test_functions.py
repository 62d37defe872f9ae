"""Every function of `chainrule.numpy` agrees with NumPy, computed at once and traced."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.special as special

import chainrule.numpy as cnp
from chainrule.backprop import check_gradients
from chainrule.execute import numpy as executor
from chainrule.ir import check
from chainrule.ops import CARDS
from chainrule.tracing import capture, flatten
from tests.tracing.places import CASES_OVER_PLACES

RANDOM = np.random.default_rng(0)
X = RANDOM.uniform(-2, 2, (3, 4))
Y = RANDOM.uniform(-2, 2, (3, 4))
T = RANDOM.uniform(-2, 2, (2, 3, 4))
V = RANDOM.uniform(-2, 2, 4)
ROWS = np.array([2, 0, 2])
FLAGS = X > 0
WHOLE = np.arange(-6, 6, dtype=np.int32).reshape(3, 4)
HALVES = np.array([-2.5, -1.5, -0.5, -0.0, 0.0, 0.5, 1.5, 2.5])

Function = Callable[..., Any]
# Name, arguments, what NumPy says, and a label where there are several of one name.
CASES: list[tuple[str, Function, Function, tuple[Any, ...]]] = [
    ("all", lambda x: cnp.all(x, axis=0), lambda x: np.all(x, axis=0), (FLAGS,)),
    ("all", cnp.all, np.all, (np.zeros((0,), bool),)),
    ("any", lambda x: cnp.any(x, axis=1), lambda x: np.any(x, axis=1), (FLAGS,)),
    ("any", cnp.any, np.any, (np.zeros((0,), bool),)),
    ("any", cnp.any, np.any, (np.array([0.0, math.nan]),)),
    ("arange", lambda x: cnp.add(x, cnp.arange(4)), lambda x: x + np.arange(4.0), (X,)),
    ("argmax", cnp.argmax, np.argmax, (X,)),
    ("argmax", lambda x: cnp.argmax(x, axis=-1), lambda x: np.argmax(x, axis=-1), (WHOLE,)),
    ("argmin", lambda x: cnp.argmin(x, 0, True), lambda x: np.argmin(x, 0, keepdims=True), (X,)),
    ("argmin", cnp.argmin, np.argmin, (np.array([5, -(2**31), 7], np.int32),)),
    ("asarray", lambda x: cnp.asarray(x, "int32"), lambda x: np.asarray(x, np.int32), (HALVES,)),
    ("astype", lambda x: cnp.astype(x, bool), lambda x: x.astype(bool), (WHOLE,)),
    ("atan2", cnp.atan2, np.arctan2, (X, Y)),
    ("atan2", cnp.atan2, np.arctan2, (np.array([0.0, -0.0, 0.0, 1.0, 2.0]), HALVES[2:7])),
    ("atan2", lambda y: cnp.atan2(y, -0.0), lambda y: np.arctan2(y, -0.0), (HALVES,)),
    ("broadcast_arrays", cnp.broadcast_arrays, np.broadcast_arrays, (X[:, :1], V)),
    ("broadcast_to", lambda x: cnp.broadcast_to(x, (2, 3, 4)), lambda x: x + 0 * T, (X,)),
    ("clip", lambda x: cnp.clip(x, -1, 1), lambda x: np.clip(x, -1, 1), (X,)),
    ("clip", lambda x: cnp.clip(x, max=0), lambda x: np.minimum(x, 0), (WHOLE,)),
    ("concat", lambda x, y: cnp.concat([x, y], -1), lambda x, y: np.concat([x, y], -1), (X, Y)),
    (
        "concatenate",
        lambda x: cnp.concatenate([x, [[1, 2, 3, 4]]]),
        lambda x: np.concatenate([x, [[1, 2, 3, 4]]]),
        (X,),
    ),
    ("copysign", cnp.copysign, np.copysign, (X, Y)),
    ("copysign", lambda x: cnp.copysign(2.0, x), lambda x: np.copysign(2.0, x), (HALVES,)),
    (
        "count_nonzero",
        lambda x: cnp.count_nonzero(x, 0),
        lambda x: np.count_nonzero(x, 0),
        (WHOLE,),
    ),
    (
        "cumulative_max",
        lambda x: cnp.cumulative_max(x, 1),
        lambda x: np.maximum.accumulate(x, 1),
        (X,),
    ),
    ("cumulative_sum", lambda x: cnp.cumulative_sum(x, 1), lambda x: np.cumsum(x, 1), (X,)),
    ("cumulative_sum", cnp.cumulative_sum, np.cumsum, (V > 0,)),
    (
        "cumulative_sum",
        lambda x: cnp.cumulative_sum(x, -2, reverse=True),
        lambda x: np.cumsum(x[::-1], 0)[::-1],
        (X,),
    ),
    ("diff", lambda x: cnp.diff(x, axis=0), lambda x: np.diff(x, axis=0), (X,)),
    ("divide", cnp.divide, np.divide, (X, Y)),
    ("divide", lambda x: cnp.divide(x, 4), lambda x: np.float32(x / 4), (WHOLE,)),
    ("elu", lambda x: cnp.elu(x, 0.5), lambda x: np.where(x > 0, x, 0.5 * np.expm1(x)), (X,)),
    ("expand_dims", lambda x: cnp.expand_dims(x, -2), lambda x: np.expand_dims(x, -2), (X,)),
    ("eye", lambda x: x * cnp.eye(3, 4), lambda x: x * np.eye(3, 4), (X,)),
    ("flip", cnp.flip, np.flip, (X,)),
    ("flip", lambda x: cnp.flip(x, (0, -1)), lambda x: np.flip(x, (0, -1)), (T,)),
    ("floor_divide", cnp.floor_divide, np.floor_divide, (X, Y)),
    ("floor_divide", lambda x: cnp.floor_divide(x, 4), lambda x: x // 4, (WHOLE,)),
    (
        "floor_divide",
        lambda x: cnp.floor_divide(x, -3),
        lambda x: x // -3,
        (np.array([2**31 - 1, -(2**31), 2**30 + 1], np.int32),),
    ),
    ("full", lambda x: x + cnp.full((3, 1), 2), lambda x: x + 2, (X,)),
    ("full_like", lambda x: cnp.full_like(x, 2.5), lambda x: np.full_like(x, 2.5), (X,)),
    ("full_like", lambda x: cnp.full_like(x, -0.0), lambda x: np.full_like(x, -0.0), (X,)),
    ("gelu", cnp.gelu, lambda x: x * special.ndtr(x), (X,)),
    ("hypot", cnp.hypot, np.hypot, (X, Y)),
    ("hypot", lambda x: cnp.hypot(x, 1e300), lambda x: np.hypot(x, 1e300), (X * 1e300,)),
    ("hypot", lambda x: cnp.hypot(x, 0), np.abs, (np.array([0.0, 3.0, math.inf, 1e-320]),)),
    ("isinf", cnp.isinf, np.isinf, (np.array([1.0, math.inf, -math.inf, math.nan]),)),
    ("leaky_relu", lambda x: cnp.leaky_relu(x, 0.2), lambda x: np.maximum(x, 0.2 * x), (X,)),
    (
        "linspace",
        lambda x: x + cnp.linspace(0, 1, 3),
        lambda x: x + np.array([0, 0.5, 1]),
        (V[:3],),
    ),
    ("log10", lambda x: cnp.log10(x**2), lambda x: np.log10(x**2), (X,)),
    ("log2", lambda x: cnp.log2(x**2), lambda x: np.log2(x**2), (X,)),
    ("log_sigmoid", cnp.log_sigmoid, special.log_expit, (X * 100,)),
    ("log_softmax", cnp.log_softmax, lambda x: special.log_softmax(x, -1), (X * 100,)),
    ("log_softmax", lambda x: cnp.log_softmax(x, 0), lambda x: special.log_softmax(x, 0), (X,)),
    ("logaddexp", cnp.logaddexp, np.logaddexp, (X * 100, Y * 100)),
    (
        "logaddexp",
        cnp.logaddexp,
        np.logaddexp,
        (np.array([-math.inf, math.inf, math.inf, 0.0]), np.array([-math.inf, math.inf, 0.0, 0.0])),
    ),
    ("logical_xor", cnp.logical_xor, np.logical_xor, (FLAGS, Y > 0)),
    ("logsumexp", cnp.logsumexp, special.logsumexp, (X * 500,)),
    (
        "logsumexp",
        lambda x: cnp.logsumexp(x, (0, 2), True),
        lambda x: special.logsumexp(x, (0, 2), keepdims=True),
        (T,),
    ),
    (
        "logsumexp",
        lambda x: cnp.logsumexp(x, 1),
        lambda x: special.logsumexp(x, 1),
        (X * 0 - np.inf,),
    ),
    ("matmul", cnp.matmul, np.matmul, (X, Y.T.copy())),
    ("matmul", cnp.matmul, np.matmul, (X, V)),
    ("matmul", cnp.matmul, np.matmul, (V, T.swapaxes(1, 2).copy())),
    ("matmul", cnp.matmul, np.matmul, (T, Y.T.copy())),
    ("matmul", cnp.matmul, np.matmul, (X, T.swapaxes(1, 2).copy())),
    ("matmul", cnp.matmul, np.matmul, (V, V)),
    ("matrix_transpose", cnp.matrix_transpose, np.matrix_transpose, (T,)),
    ("max", lambda x: cnp.max(x, (0, 1)), lambda x: np.max(x, (0, 1)), (T,)),
    ("mean", lambda x: cnp.mean(x, 0, True), lambda x: np.mean(x, 0, keepdims=True), (X,)),
    ("mean", cnp.mean, lambda x: np.float32(np.mean(x)), (WHOLE,)),
    ("mean", cnp.mean, lambda x: np.nan, (np.zeros((0,)),)),
    ("meshgrid", cnp.meshgrid, lambda *x: list(np.meshgrid(*x)), (V, V[:3], V[:2])),
    (
        "meshgrid",
        lambda *x: cnp.meshgrid(*x, indexing="ij"),
        lambda *x: list(np.meshgrid(*x, indexing="ij")),
        (V, V[:3]),
    ),
    ("min", cnp.min, np.min, (WHOLE,)),
    ("mish", cnp.mish, lambda x: x * np.tanh(np.logaddexp(x, 0)), (X,)),
    ("moveaxis", lambda x: cnp.moveaxis(x, -1, 0), lambda x: np.moveaxis(x, -1, 0), (T,)),
    ("one_hot", lambda r: cnp.one_hot(r, 4), lambda r: np.eye(4, dtype="float32")[r], (ROWS,)),
    (
        "one_hot",
        lambda r: cnp.one_hot(r, 2, "bool"),
        lambda r: np.array([[False, False], [True, False], [False, False]]),
        (ROWS,),
    ),
    ("ones", lambda x: x + cnp.ones(4), lambda x: x + 1, (X,)),
    ("ones_like", lambda x: cnp.ones_like(x, "int32"), lambda x: np.ones((3, 4), np.int32), (X,)),
    ("outer", cnp.outer, np.outer, (V, V[:3])),
    (
        "pad",
        lambda x: cnp.pad(x, ((1, 2), (0, 3)), -math.inf),
        lambda x: np.pad(x, ((1, 2), (0, 3)), constant_values=-math.inf),
        (X,),
    ),
    ("pad", lambda x: cnp.pad(x, 2), lambda x: np.pad(x, 2), (X,)),
    ("pad", lambda x: cnp.pad(x, (1, 0)), lambda x: np.pad(x, (1, 0)), (X,)),
    ("pad", lambda x: cnp.pad(x, ((1, 2), (0, 3))), lambda x: np.pad(x, ((1, 2), (0, 3))), (X,)),
    (
        "permute_dims",
        lambda x: cnp.permute_dims(x, (1, -1, 0)),
        lambda x: x.transpose(1, 2, 0),
        (T,),
    ),
    ("positive", cnp.positive, np.positive, (X,)),
    ("pow", lambda x: cnp.pow(x, 2), lambda x: x**2, (WHOLE,)),
    ("power", lambda x: cnp.power(x, -3), lambda x: x**-3.0, (X,)),
    ("power", lambda x: cnp.power(abs(x), 0.5), lambda x: abs(x) ** 0.5, (X,)),
    ("power", lambda x: cnp.power(abs(x), 2.5), lambda x: abs(x) ** 2.5, (X,)),
    ("power", lambda x: cnp.power(x, math.inf), lambda x: np.power(x, math.inf), (abs(X),)),
    ("power", lambda x: cnp.power(2.0, x), lambda x: 2.0**x, (X,)),
    ("power", lambda x: cnp.power(x, 0), lambda x: x**0, (HALVES,)),
    ("prod", lambda x: cnp.prod(x, 1), lambda x: np.prod(x, 1), (T,)),
    (
        "prod",
        lambda x: cnp.prod(x, (0, 2), True),
        lambda x: np.prod(x, (0, 2), keepdims=True),
        (T,),
    ),
    ("prod", lambda x: cnp.prod(x, 0), lambda x: np.prod(x, 0), (np.zeros((0, 2)),)),
    ("prod", cnp.prod, lambda x: np.int32(np.prod(x)), (np.array([True, True]),)),
    ("reciprocal", cnp.reciprocal, np.reciprocal, (X,)),
    ("remainder", lambda x: cnp.remainder(x, 3), lambda x: np.remainder(x, 3), (WHOLE,)),
    ("remainder", cnp.remainder, np.remainder, (X * 3, Y)),
    ("repeat", lambda x: cnp.repeat(x, 2, 1), lambda x: np.repeat(x, 2, 1), (X,)),
    ("reshape", lambda x: cnp.reshape(x, (2, -1)), lambda x: x.reshape(2, -1), (X,)),
    ("reshape", lambda x: cnp.reshape(x, -1), lambda x: x.reshape(-1), (X,)),
    ("roll", lambda x: cnp.roll(x, 5), lambda x: np.roll(x, 5), (X,)),
    ("roll", lambda x: cnp.roll(x, -1, 0), lambda x: np.roll(x, -1, 0), (X,)),
    ("roll", lambda x: cnp.roll(x, 0, 1), lambda x: x, (X,)),
    (
        "scatter_add",
        lambda x: cnp.scatter_add(x, ROWS, -2, 4),
        lambda x: np.stack([x[1], np.zeros(4), x[0] + x[2], np.zeros(4)]),
        (X,),
    ),
    (
        "selu",
        cnp.selu,
        lambda x: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(x)),
        (X,),
    ),
    ("signbit", cnp.signbit, np.signbit, (np.array([*HALVES, math.inf, -math.inf]),)),
    ("signbit", cnp.signbit, np.signbit, (WHOLE,)),
    ("silu", cnp.silu, lambda x: x * special.expit(x), (X,)),
    ("softmax", cnp.softmax, lambda x: special.softmax(x, -1), (X * 500,)),
    ("split", lambda x: cnp.split(x, 2, 1), lambda x: np.split(x, 2, 1), (X,)),
    ("split", lambda x: cnp.split(x, [1, 1, -1]), lambda x: np.split(x, [1, 1, -1]), (X,)),
    ("square", cnp.square, np.square, (WHOLE,)),
    ("squeeze", cnp.squeeze, np.squeeze, (X[:, None, :, None],)),
    ("squeeze", lambda x: cnp.squeeze(x, -1), lambda x: np.squeeze(x, -1), (X[None, :, :, None],)),
    ("stack", lambda x, y: cnp.stack([x, y], -1), lambda x, y: np.stack([x, y], -1), (X, Y)),
    ("std", lambda x: cnp.std(x, 0), lambda x: np.std(x, 0), (X,)),
    ("stop_gradient", cnp.stop_gradient, lambda x: x, (X,)),
    ("sum", lambda x: cnp.sum(x, (0, -1)), lambda x: np.sum(x, (0, -1)), (T,)),
    ("sum", cnp.sum, lambda x: np.int32(np.sum(x)), (FLAGS,)),
    ("sum", lambda x: cnp.sum(x, ()), lambda x: x, (X,)),
    ("swapaxes", lambda x: cnp.swapaxes(x, 0, -1), lambda x: np.swapaxes(x, 0, -1), (T,)),
    ("take", lambda x: cnp.take(x, ROWS), lambda x: x[ROWS], (X,)),
    ("take", lambda x: cnp.take(x, [[-1], [1]], 1), lambda x: x[:, [[-1], [1]]], (X,)),
    ("take", lambda x: cnp.take(x, []), lambda x: x[:0], (X,)),
    ("tensordot", lambda x, y: cnp.tensordot(x, y), np.tensordot, (X, Y)),
    ("tensordot", lambda x, y: cnp.tensordot(x, y, 1), lambda x, y: np.tensordot(x, y, 1), (T, V)),
    ("tensordot", lambda x, y: cnp.tensordot(x, y, 0), lambda x, y: np.tensordot(x, y, 0), (V, V)),
    ("tile", lambda x: cnp.tile(x, (2, 1, 3)), lambda x: np.tile(x, (2, 1, 3)), (X,)),
    ("tile", lambda x: cnp.tile(x, 2), lambda x: np.tile(x, 2), (X,)),
    ("transpose", cnp.transpose, np.transpose, (T,)),
    ("tril", lambda x: cnp.tril(x, 1), lambda x: np.tril(x, 1), (T,)),
    ("triu", lambda x: cnp.triu(x, -1), lambda x: np.triu(x, -1), (X,)),
    ("trunc", cnp.trunc, np.trunc, (HALVES,)),
    ("unstack", lambda x: cnp.unstack(x, 1), lambda x: list(np.moveaxis(x, 1, 0)), (X,)),
    ("var", lambda x: cnp.var(x, 1, 1), lambda x: np.var(x, 1, ddof=1), (X,)),
    ("var", lambda x: cnp.var(x, keepdims=True), lambda x: np.var(x, keepdims=True), (X,)),
    ("vecdot", cnp.vecdot, np.vecdot, (X, Y)),
    ("vecdot", lambda x, y: cnp.vecdot(x, y, 0), lambda x, y: np.vecdot(x, y, axis=0), (X, Y)),
    ("where", lambda x, y: cnp.where(x > y, x, y), np.maximum, (X, Y)),
    ("where", lambda x: cnp.where(x > 0, x[0], 0), lambda x: np.where(x > 0, x[0], 0), (X,)),
    ("zeros", lambda x: x + cnp.zeros((3, 1)), lambda x: x, (X,)),
    ("zeros_like", cnp.zeros_like, np.zeros_like, (T,)),
    *CASES_OVER_PLACES,
]
FUNCTIONS = pytest.mark.parametrize(
    ("function", "expected", "args"),
    [pytest.param(*c[1:], id=f"{c[0]}-{i}") for i, c in enumerate(CASES)],
)


def test_every_public_function_is_tried() -> None:
    public = {name for name in cnp.__all__ if callable(getattr(cnp, name))}
    assert public - {name for name, *_ in CASES} - set(CARDS) == {
        "broadcast_shapes",
        "finfo",
        "iinfo",
        "isdtype",
        "result_type",
    }
    assert cnp.broadcast_shapes((2, 1), (3,)) == (2, 3)
    assert cnp.finfo("float32").eps == np.finfo("float32").eps
    assert cnp.iinfo("int32").min == -(2**31)
    assert cnp.isdtype("int32", "integral")
    assert cnp.result_type(np.ones(2, "float32"), 2.0) == np.dtype("float32")


def _narrow(x: Any, dtype: str) -> Any:
    return x.astype(dtype) if x.dtype == np.float64 else x


def _agree(actual: Any, expected: Any, dtype: str) -> None:
    actual, expected = flatten(actual)[0], flatten(expected)[0]
    for x, y in zip(actual, expected, strict=True):
        kind = np.asarray(x).dtype
        assert kind.kind == np.asarray(y).dtype.kind
        assert kind.kind != "f" or kind in (dtype, "float32")
        assert np.shape(x) == np.shape(y)
        # Composed in another order than NumPy does: a few roundings of numbers up to 1000.
        tolerance = 1e-14 if kind == "float64" else 2e-6
        np.testing.assert_allclose(x, y, rtol=20 * tolerance, atol=tolerance)
        np.testing.assert_array_equal(np.signbit(x) & (x == 0), np.signbit(y) & (y == 0))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@FUNCTIONS
def test_a_function_agrees_with_numpy(
    function: Function, expected: Function, args: tuple[Any, ...], dtype: str
) -> None:
    if dtype == "float32" and any(np.nanmax(np.abs(x), initial=0) > 1e37 for x in args):
        args = tuple(np.where(abs(x) > 1e37, 1.0, x) for x in args)
    args = tuple(_narrow(x, dtype) for x in args)
    with np.errstate(all="ignore"):
        wanted = expected(*args)
    _agree(function(*args), wanted, dtype)


@FUNCTIONS
def test_a_traced_function_gives_what_it_gives_at_once(
    function: Function, expected: Function, args: tuple[Any, ...]
) -> None:
    captured = capture(function, args)
    actual = executor.run(check(captured.graph), args)
    _agree(actual, flatten(function(*args))[0], "float64")


# Their steps lie where they are tried, or differences see what the gradient does not.
ROUGH = {"floor_divide", "full_like", "ones_like", "remainder", "stop_gradient", "zeros_like"}


def _is_smooth(name: str, function: Function, args: tuple[Any, ...]) -> bool:
    """Whether the function gives finite floats of ordinary floats, away from its steps."""
    results = [np.asarray(y) for y in flatten(function(*args))[0]]
    return (
        name not in ROUGH
        and args[0].dtype == np.float64
        and not np.isin(args[0], HALVES).any()
        and 0 < np.max(np.abs(args[0]), initial=0) < 500
        and all(y.dtype.kind == "f" and np.isfinite(y).all() for y in results)
    )


@pytest.mark.parametrize(
    ("function", "args"),
    [
        pytest.param(function, args, id=f"{name}-{i}")
        for i, (name, function, _, args) in enumerate(CASES)
        if _is_smooth(name, function, args)
    ],
)
def test_derivatives_of_a_function_are_right(function: Function, args: tuple[Any, ...]) -> None:
    verdict = check_gradients(function, *args, directions=1, tolerance=1e-5)
    assert verdict, str(verdict)
