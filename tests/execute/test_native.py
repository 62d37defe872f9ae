"""The native executor gives what the NumPy executor gives."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import chainrule.numpy as cnp
import chainrule.random as random
from chainrule.backprop import grad, value_and_grad
from chainrule.errors import IndexRangeError, ParameterError, ShapeError
from chainrule.execute import numpy as numpy_executor
from chainrule.execute import trace
from chainrule.execute.native import function as native_function
from chainrule.execute.native.function import NativeFunction
from chainrule.ir import ArrayType, Dim
from chainrule.ops import CARDS
from chainrule.plan import plan
from chainrule.plan.rows import independent_rows
from chainrule.tracing import capture, flatten

# Room for one rounding more or less per operation, and for sums in another order.
TOLERANCE = {"float32": 2e-6, "float64": 4e-15}


def _agree(function: Callable[..., Any], *args: Any, scale: float = 1.0) -> None:
    captured = capture(function, args)
    leaves = flatten(args)[0]
    expected = numpy_executor.run(captured.graph, leaves)
    actual = NativeFunction(plan(captured.graph)).run(leaves)
    for x, y in zip(actual, expected, strict=True):
        assert x.dtype == y.dtype
        assert x.shape == y.shape
        tolerance = TOLERANCE.get(y.dtype.name, 0) * scale
        np.testing.assert_allclose(x, y, rtol=tolerance, atol=tolerance)


def _array(
    *shape: int, dtype: str = "float32", seed: int = 0, low: float = -2, high: float = 2
) -> Any:
    return np.random.default_rng(seed).uniform(low, high, shape).astype(dtype)


def _elementwise() -> list[str]:
    return sorted(c.name for c in CARDS.values() if c.kind == "elementwise" and c.name != "cast")


def _inputs(name: str, dtype: str, values: Callable[[float, float, int], Any]) -> list[Any]:
    card = CARDS[name]
    count = card.numpy.__code__.co_argcount - 1  # type: ignore[union-attr]
    domain = card.domain if isinstance(card.domain[0], tuple) else (card.domain,) * count
    arrays = [
        values(low, high, i) for i, (low, high) in zip(range(count), domain * count, strict=False)
    ]
    if name.startswith("logical"):
        return [x > 0 for x in arrays]
    if name == "select":
        arrays[0] = arrays[0] > 0
        return [arrays[0], *(x.astype(dtype) for x in arrays[1:])]
    return [x.astype(dtype) for x in arrays]


def _apply(name: str) -> Callable[..., Any]:
    from chainrule.tracing import apply

    return lambda *x: apply(CARDS[name], *x)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", _elementwise())
def test_elementwise_cards_agree_on_ordinary_inputs(name: str, dtype: str) -> None:
    for shape in [(103,), (3, 5), (), (0,)]:
        inputs = _inputs(
            name,
            dtype,
            lambda low, high, i, s=shape: _array(*s, dtype=dtype, seed=i, low=low, high=high),
        )
        _agree(_apply(name), *inputs, scale=4)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", _elementwise())
def test_elementwise_cards_agree_on_extreme_and_tied_inputs(name: str, dtype: str) -> None:
    special = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 300.0, -300.0, 1e-30, -1e-30, 1e30, -1e30]
    special += [np.inf, -np.inf, np.nan, 2.0**23 + 1, -3.5, 2.5]
    pairs = np.array([(a, b, c) for a in special for b in special for c in (0.0, 1.0)])
    columns = [pairs[:, 0], pairs[:, 1], pairs[:, 2]]
    if name == "select":
        columns = [pairs[:, 2], pairs[:, 0], pairs[:, 1]]
    if name in ("sin", "cos", "tan"):
        columns[0] = np.where(np.abs(columns[0]) > 1e5, 1.0, columns[0])
    with np.errstate(all="ignore"):
        inputs = _inputs(name, dtype, lambda low, high, i: columns[i].copy())
    _agree(_apply(name), *inputs, scale=8)


def _programs() -> dict[str, tuple[Callable[..., Any], list[Any]]]:
    x, w, b, v = _array(6, 5), _array(5, 4, seed=1), _array(4, seed=2), _array(6, 4, 3, seed=3)
    ties = np.array([[1.0, 3.0, 3.0], [2.0, 2.0, 2.0], [np.nan, 1.0, np.nan]], "float32")
    rows = np.array([3, 0, 0, 5], "int32")
    return {
        "sum of all": (lambda v: cnp.sum(v), [v]),
        "sum of first axis": (lambda v: cnp.sum(v, axis=0), [v]),
        "sum of middle axis": (lambda v: cnp.sum(v, axis=1), [v]),
        "sum of last axis": (lambda v: cnp.sum(v, axis=-1), [v]),
        "sum of outer axes": (lambda v: cnp.sum(v, axis=(0, 2)), [v]),
        "sum of nothing": (lambda v: cnp.sum(v[:0], axis=0), [v]),
        "max and min": (lambda v: (cnp.max(v, axis=1), cnp.min(v, axis=(0, 2))), [v]),
        "max of ties and NaN": (lambda t: (cnp.max(t, axis=1), cnp.min(t, axis=0)), [ties]),
        "argmax": (lambda t, v: (cnp.argmax(t, axis=1), cnp.argmax(v, axis=0)), [ties, v]),
        "mean and var": (lambda v: (cnp.mean(v, axis=0), cnp.var(v, axis=-1)), [v]),
        "prod": (lambda v: cnp.prod(v, axis=1), [v]),
        "softmax": (lambda x: (cnp.softmax(x), cnp.log_softmax(x), cnp.logsumexp(x, axis=1)), [x]),
        "cumulative sums": (
            lambda v: (cnp.cumulative_sum(v, axis=1), cnp.cumulative_sum(v, axis=0, reverse=True)),
            [v],
        ),
        "dense layer": (lambda x, w, b: cnp.tanh(x @ w + b), [x, w, b]),
        "product with transposed left": (lambda x, w: x.T @ cnp.relu(x @ w), [x, w]),
        "product with transposed right": (lambda x, w: (x @ w) @ w.T, [x, w]),
        "product of both transposed": (lambda x, w: w.T @ x.T, [x, w]),
        "stacked products": (lambda v: cnp.matmul(v, cnp.matrix_transpose(v)), [v]),
        "product of an expression": (lambda x, w: cnp.exp(x) @ (w * 2), [x, w]),
        "transposed sum": (lambda v: cnp.permute_dims(v, (2, 0, 1)) * 2 + 1, [v]),
        "reshape across": (lambda v: cnp.reshape(v, (4, 18)) + cnp.reshape(v, (4, 18)), [v]),
        "reshape of transposed": (lambda x: cnp.reshape(x.T, (3, 10)) * 2, [x]),
        "broadcast": (lambda x, b: x[:, :4] * b + cnp.sum(x, axis=1, keepdims=True), [x, b]),
        "slices": (lambda x: (x[1:5:2, ::-1] * 1, x[-1] * 2, x[::-2, 3] * 3), [x]),
        "padding": (lambda x: cnp.pad(cnp.sin(x), ((1, 2), (0, 3))), [x]),
        "concatenation": (lambda x: cnp.concat([x, x * 2, cnp.ones((2, 5))], axis=0), [x]),
        "concatenation of columns": (lambda x, w: cnp.concat([x, x @ w], axis=1) * 2, [x, w]),
        "stack and flip": (lambda x: cnp.flip(cnp.stack([x, -x], axis=1), axis=2), [x]),
        "take rows": (lambda x: cnp.take(x, rows, axis=0), [x]),
        "take columns": (lambda x: cnp.take(cnp.exp(x), rows % 5, axis=1), [x]),
        "scatter": (lambda x: cnp.scatter_add(x[:4], rows, 0, 7), [x]),
        "one-hot": (lambda t: cnp.one_hot(t, 6), [rows]),
        "triangle": (lambda x: cnp.tril(x[:5]), [x]),
        "casts": (lambda x: (cnp.astype(x, "int32"), cnp.astype(x > 0, "float64")), [x]),
        "integers": (lambda r: (r * 2 + 1, cnp.sum(r), cnp.maximum(r, 2), abs(-r)), [rows]),
        "constants": (lambda x: x + np.arange(30, dtype="float32").reshape(6, 5), [x]),
        "output is an input": (lambda x: (x, x, cnp.zeros_like(x)), [x]),
        "uniform": (lambda k: random.uniform(k, (5, 7)), [random.key(1)]),
        "uniform in double precision": (
            lambda k: random.uniform(k, (9,), dtype="float64"),
            [random.key(1)],
        ),
        "normal": (lambda k: random.normal(k, (40,)), [random.key(2)]),
        "keys": (lambda k: random.fold_in(random.fold_in(k, 7), -1), [random.key(2**40 + 1)]),
        "dropout": (
            lambda k, x: cnp.where(random.bernoulli(k, 0.5, (6, 5)), x / 0.5, 0.0),
            [random.key(3), x],
        ),
    }


@pytest.mark.parametrize("switch", ["simplified", "fused"])
def test_a_network_agrees_with_any_pass_switched_off(switch: str) -> None:
    y = np.array([0, 2, 1, 1, 0, 2], "int32")
    captured = capture(value_and_grad(_network), (_parameters(), _array(6, 5), y))
    leaves = flatten((_parameters(), _array(6, 5), y))[0]
    expected = numpy_executor.run(captured.graph, leaves)
    actual = NativeFunction(plan(captured.graph, **{switch: False})).run(leaves)
    for a, b in zip(actual, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=3e-5, atol=3e-6)


@pytest.mark.parametrize("name", list(_programs()))
def test_programs_agree(name: str) -> None:
    function, args = _programs()[name]
    _agree(function, *args, scale=8)


def _network(parameters: Any, x: Any, y: Any) -> Any:
    (w1, b1), (w2, b2) = parameters
    logits = cnp.gelu(x @ w1 + b1) @ w2 + b2
    return -cnp.mean(cnp.take_along_axis(cnp.log_softmax(logits), y[:, None]))


def _parameters(dtype: str = "float32") -> Any:
    return [
        (_array(5, 8, dtype=dtype), _array(8, dtype=dtype)),
        (_array(8, 3, dtype=dtype), _array(3, dtype=dtype)),
    ]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_gradients_of_a_network_agree(dtype: str) -> None:
    y = np.array([0, 2, 1, 1, 0, 2], "int32")
    _agree(value_and_grad(_network), _parameters(dtype), _array(6, 5, dtype=dtype), y, scale=16)


def test_second_derivatives_agree() -> None:
    x = _array(4, 3, dtype="float64")
    w = _array(3, 3, seed=1, dtype="float64")
    inner = lambda w: cnp.sum(cnp.sigmoid(x @ w) ** 3)  # noqa: E731
    outer = lambda w: cnp.sum(grad(inner)(w) ** 2)  # noqa: E731
    _agree(grad(outer), w, scale=64)


def test_one_program_serves_every_batch_size() -> None:
    batch = Dim("batch")
    parameters = _parameters()
    spec = (parameters, ArrayType((batch, 5)), ArrayType((batch,), "int32"))
    captured = capture(value_and_grad(_network), spec)
    native = NativeFunction(plan(captured.graph, limits={"batch": 50}))
    for rows in (1, 2, 7, 50):
        x = _array(rows, 5, seed=rows)
        y = (np.arange(rows) % 3).astype("int32")
        leaves = [a for pair in parameters for a in pair]
        expected = numpy_executor.run(captured.graph, [*leaves, x, y])
        for a, b in zip(native.run([*leaves, x, y]), expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=2e-5, atol=2e-6)


def test_rows_do_not_depend_on_the_rows_beside_them() -> None:
    w1, w2 = _array(37, 64), _array(64, 10)
    forward = lambda x: cnp.softmax(cnp.tanh(x @ w1) @ w2) * cnp.mean(x, axis=1, keepdims=True)  # noqa: E731
    captured = capture(forward, (ArrayType((Dim("batch"), 37)),))
    native = NativeFunction(plan(captured.graph, limits={"batch": 64}))
    x = _array(64, 37, seed=5)
    (together,) = native.run([x])
    alone = np.concatenate([native.run([x[i : i + 1]])[0] for i in range(64)])
    np.testing.assert_array_equal(together, alone)


def _forward(rows: int, monkeypatch: pytest.MonkeyPatch, workers: int) -> NativeFunction:
    w1, w2 = _array(37, 64), _array(64, 10)
    captured = capture(
        lambda x: cnp.softmax(cnp.tanh(x @ w1) @ w2), (ArrayType((Dim("batch"), 37)),)
    )
    monkeypatch.setattr(native_function, "WORK_PER_THREAD", 1)
    monkeypatch.setattr(native_function, "available_threads", lambda: workers)
    return NativeFunction(plan(captured.graph, limits={"batch": rows}))


@pytest.mark.parametrize("rows", [0, 1, 2, 100])
def test_threads_that_share_rows_give_the_same_bits(
    rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    x = _array(rows, 37, seed=5)
    results = [_forward(100, monkeypatch, workers).run([x])[0] for workers in (1, 3)]
    np.testing.assert_array_equal(*results)


def test_a_function_that_looks_at_all_rows_is_not_shared() -> None:
    spec = (ArrayType((Dim("batch"), 3)),)
    for mixed in (
        lambda x: x - cnp.mean(x, axis=0),
        lambda x: cnp.sum(x),
        lambda x: x / x.shape[0],
        lambda x: x.T,
    ):
        assert not independent_rows(capture(mixed, spec).graph)
    assert independent_rows(capture(lambda x: cnp.sum(x, axis=1), spec).graph)


def test_calls_from_many_threads_do_not_disturb_each_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    function = _forward(100, monkeypatch, 2)
    inputs = [_array(100, 37, seed=i) for i in range(20)]
    alone = [function.run([x])[0] for x in inputs]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda x: function.run([x])[0], inputs))
    for a, b in zip(alone, together, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_result_that_is_a_constant_is_read_and_returned_as_it_is() -> None:
    constant = _array(4, 6, seed=3)
    function = NativeFunction(
        plan(capture(lambda x: (cnp.asarray(constant), x + constant), (_array(4, 6),)).graph)
    )
    for _ in range(20):  # fresh memory, which holds something else each time
        same, total = function.run([np.zeros((4, 6), np.float32)])
        np.testing.assert_array_equal(same, constant)
        np.testing.assert_array_equal(total, constant)
        same[...] = np.nan  # the caller's own copy


def test_a_batch_over_the_limit_is_refused() -> None:
    captured = capture(lambda x: x * 2, (ArrayType((Dim("batch"), 3)),))
    native = NativeFunction(plan(captured.graph, limits={"batch": 4}))
    with pytest.raises(ShapeError, match="at most 4"):
        native.run([np.zeros((5, 3))])


def test_a_position_outside_of_its_axis_is_reported() -> None:
    compiled = (
        trace(lambda x, r: cnp.take(x, r), _array(3), np.array([0], "int32")).plan().compile()
    )
    with pytest.raises(IndexRangeError, match="outside"):
        compiled(_array(3), np.array([3], "int32"))
    with pytest.raises(IndexRangeError, match="outside"):
        compiled(_array(3), np.array([-1], "int32"))


@pytest.mark.parametrize("columns", [1, 15, 16, 54, 256, 300])
def test_rows_of_a_few_cache_lines_are_asked_for_before_they_are_copied(columns: int) -> None:
    table, kind = _array(40, columns), ArrayType((Dim("n"),), "int32")
    compiled = trace(lambda x, r: cnp.take(x, r), table, kind).plan({"n": 100}).compile("native")
    assert ("@llvm.prefetch" in compiled.llvm()) == (16 <= columns <= 256)
    for count in (0, 1, 9, 100):
        rows = np.random.default_rng(count).integers(0, 40, count).astype("int32")
        np.testing.assert_array_equal(compiled(table, rows), table[rows])


def test_the_same_call_gives_the_same_bits() -> None:
    parameters, x = _parameters(), _array(6, 5)
    y = np.array([0, 2, 1, 1, 0, 2], "int32")
    compiled = trace(_network, parameters, x, y).differentiate(0).plan().compile("native")
    first, second = compiled(parameters, x, y), compiled(parameters, x, y)
    assert first[0].tobytes() == second[0].tobytes()
    assert first[1][0][0].tobytes() == second[1][0][0].tobytes()


@pytest.mark.parametrize("columns", [2, 3, 4])
@pytest.mark.parametrize("rows", [1, 37])
def test_maps_of_few_columns_are_vectorised_over_rows(rows: int, columns: int) -> None:
    def spread(x: Any, per_row: Any, per_column: Any) -> Any:
        return cnp.exp(x - per_row) * per_column

    shapes = ((rows, columns), (rows, 1), (columns,))
    arrays = [_array(*shape, seed=i) for i, shape in enumerate(shapes)]
    kinds = [ArrayType((Dim("n"), *x.shape[1:]), "float32") for x in arrays[:2]]
    compiled = trace(spread, *kinds, arrays[2]).plan({"n": 100}).compile("native")
    np.testing.assert_allclose(compiled(*arrays), spread(*arrays), rtol=TOLERANCE["float32"])
    assert "@llvm.fmuladd.v" in compiled.llvm()


def test_explain_can_measure_every_kernel() -> None:
    x, w = _array(64, 32), _array(32, 16)
    planned = trace(lambda x, w: cnp.softmax(cnp.relu(x @ w)), x, w).plan()
    measured = planned.explain("measured")
    assert measured.count(" us, ") == len(planned.plan.groups)
    assert "GFLOP/s" in measured
    with pytest.raises(ParameterError, match="measured"):
        planned.explain("guessed")
