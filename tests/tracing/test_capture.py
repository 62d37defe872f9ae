"""Capturing writes a program down; replaying runs it again."""

from __future__ import annotations

import functools
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule.numpy as cnp
import chainrule.random as random
from chainrule.backprop import grad
from chainrule.errors import DtypeError, IndexRangeError, ShapeError, TraceError
from chainrule.execute import numpy as executor
from chainrule.ir import ArrayType, Dim, check, text
from chainrule.tracing import as_array, capture, dtype_name, map_leaves, named, replay, spec_of

X = np.array([[1.0, -2.0, 3.0], [-0.5, 0.25, 2.0]])
BATCH = Dim("batch")


def layer(params: Any, x: Any) -> Any:
    hidden = named(cnp.tanh(x @ params["weight"] + params["bias"]), "hidden")
    return cnp.sum(hidden**2)


PARAMS = {"weight": np.ones((3, 2), "float32"), "bias": np.zeros(2, "float32")}

PROGRAM = """\
params.weight: f32[3, 2]
params.bias: f32[2]
x: f32[batch, 3]
%0: f32[batch, 2] = matmul(x, params.weight)
%1: f32[batch, 2] = broadcast(params.bias, axes=(0,), shape=(batch, 2))
%2: f32[batch, 2] = add(%0, %1)
%3: f32[batch, 2] = tanh(%2)  # hidden
%4: f32[batch, 2] = multiply(%3, %3)
%5: f32[] = sum(%4, axes=(0, 1))
return %5"""


def test_a_layer_reads_like_this() -> None:
    graph = check(capture(layer, (PARAMS, ArrayType((BATCH, 3)))).graph)
    assert text(graph) == PROGRAM


def test_a_node_knows_the_line_that_made_it() -> None:
    graph = capture(layer, (PARAMS, X.astype("float32"))).graph
    (tanh,) = (node for node in graph.nodes if node.card.name == "tanh")
    source = graph.notes[tanh].source
    assert source is not None
    assert (source.file, source.function) == (__file__, "layer")
    assert source.line == layer.__code__.co_firstlineno + 1


def test_equal_computations_are_written_down_once() -> None:
    def twice(x: Any) -> Any:
        return cnp.exp(x) + cnp.exp(x) * (x + 1) * (x + 1)

    names = [node.card.name for node in capture(twice, (X,)).graph.nodes]
    assert names.count("exp") == 1
    assert names.count("add") == 2  # x + 1, and the sum


def test_the_program_and_its_hash_are_the_same_in_every_process() -> None:
    code = (
        "import numpy as np, chainrule.numpy as cnp;"
        "from chainrule.ir import text; from chainrule.tracing import capture;"
        "table = np.arange(20.0);"
        "graph = capture(lambda x, y: cnp.sum(cnp.sin(x * table) / (y + 1)), (table, 2.0)).graph;"
        "print(graph.fingerprint); print(text(graph))"
    )
    source = Path(__file__).resolve().parents[2] / "src"
    said = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(source)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(said) == 1


def test_constants_are_part_of_a_program() -> None:
    graph = capture(lambda x: x + np.array([1.0, 2.0, 3.0]), (X,)).graph
    assert "constant(value=[1.0, 2.0, 3.0])" in text(graph)
    same = capture(lambda x: x + np.array([1.0, 2.0, 3.0]), (X,)).graph
    other = capture(lambda x: x + np.array([1.0, 2.0, 4.0]), (X,)).graph
    assert same.fingerprint == graph.fingerprint != other.fingerprint


def test_a_constant_does_not_change_when_its_array_does() -> None:
    table = np.array([1.0, 2.0, 3.0])
    graph = capture(lambda x: x + table, (X,)).graph
    table[:] = 0
    assert executor.run(graph, [0 * X])[0][0].tolist() == [1.0, 2.0, 3.0]


def test_an_array_of_equal_numbers_is_one_number() -> None:
    assert "constant" not in text(capture(lambda x: x + np.ones((2, 3)), (X,)).graph)


@pytest.mark.parametrize("value", [-0.0, math.nan, math.inf, -math.inf])
def test_special_numbers_stay_what_they_are(value: float) -> None:
    def use(x: Any) -> Any:
        return (
            cnp.where(x > 9, x, value),
            cnp.where(x > 9, x, np.full(3, value)),
            cnp.full_like(x, value),
            cnp.where(x > 9, x, 0.0),
        )

    *special, zero = executor.run(capture(use, (X,)).graph, [X])
    for array in special:
        np.testing.assert_array_equal(array, np.full((2, 3), value))
        assert np.signbit(array).all() == np.signbit(value)
    assert not np.signbit(zero).any()


def test_zeros_of_both_signs_keep_them() -> None:
    zeros = np.array([0.0, -0.0, 0.0])
    (y,) = executor.run(capture(lambda x: cnp.where(x > 9, x, zeros), (X,)).graph, [X])
    assert np.signbit(y).tolist() == [[False, True, False]] * 2


# ---------------------------------------------------------------------------------------------
# Arguments and results.


def test_arguments_are_named_after_parameters() -> None:
    def names(function: Any, *args: Any) -> list[Any]:
        graph = capture(function, args).graph
        return [graph.notes[node].name for node in graph.inputs]

    class Model:
        def loss(self, w: Any) -> Any:
            return w

    assert names(lambda x, y: x, 1.0, (2.0, [3.0])) == ["x", "y[0]", "y[1][0]"]
    assert names(Model().loss, 1.0) == ["w"]
    assert names(grad(lambda v: v * v), 1.0) == ["v"]
    assert names(functools.partial(cnp.add, 1.0), 1.0) == ["argument 0"]
    assert names(lambda *xs: xs[0], 1.0, 2.0) == ["argument 0", "argument 1"]


@pytest.mark.parametrize(
    ("args", "dtype"),
    [
        ((X.astype("float32"), 0.5), "float32"),
        ((X, 0.5), "float64"),
        ((X.astype("float32"), X, 0.5), "float64"),
        ((0.5,), "float64"),
        ((np.int32(1), 0.5), "float64"),
    ],
)
def test_a_plain_float_has_the_width_of_the_arrays_beside_it(
    args: tuple[Any, ...], dtype: str
) -> None:
    assert capture(lambda *xs: xs[-1], args).graph.outputs[0].type == ArrayType((), dtype)


def test_an_argument_that_is_not_used_is_kept() -> None:
    graph = capture(lambda x, y: x, (1.0, X)).graph
    assert [node.type for node in graph.inputs] == [ArrayType((), "float64"), spec_of(X)]
    assert executor.run(graph, [2.0, X]) == [2.0]


def test_a_result_may_be_a_tree_of_anything_that_is_a_number() -> None:
    captured = capture(lambda x: {"a": x, "b": (1, 2.0, True, None), "c": np.arange(3)}, (X,))
    values = executor.run(captured.graph, [X])
    assert [v.dtype.name for v in values] == ["float64", "int32", "float64", "bool", "int32"]


@pytest.mark.parametrize(
    ("function", "args", "kind", "message"),
    [
        (lambda x: "text", (1.0,), TraceError, "the function returned 'text'; expected arrays"),
        (lambda x: len, (1.0,), TraceError, "the function returned <built-in function len>"),
        (lambda x: object(), (1.0,), DtypeError, "expected numbers, received object"),
        (lambda x: x, ("text",), TraceError, "an argument is the text 'text'"),
        (lambda x: x, (object(),), DtypeError, "expected numbers, received object"),
        (lambda x: x, (np.array(["a"]),), DtypeError, "expected numbers, received ndarray"),
        (lambda x: x, (1j,), DtypeError, "dtype complex128 is not supported; use float32"),
        (lambda x: x + 2**40, (1,), IndexRangeError, "do not fit into int32"),
    ],
)
def test_what_is_no_array_is_refused(
    function: Any, args: Any, kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message):
        capture(function, args)


def test_dtypes_are_those_of_ours() -> None:
    assert [dtype_name(d) for d in ("f8", np.float16, "uint8", np.int64, bool)] == [
        "float64",
        "float32",
        "int32",
        "int32",
        "bool",
    ]
    assert as_array([1, 2]).dtype == np.int32
    assert as_array(np.float16(0.5)).dtype == np.float32
    assert as_array(1, "float32").dtype == np.float32
    with pytest.raises(DtypeError, match=r"expected integers, received float64 of shape \(2,\)"):
        as_array([0.5, 1.0], "int32")


# ---------------------------------------------------------------------------------------------
# Replaying.


def test_a_program_is_inlined_where_values_are_traced() -> None:
    inner = capture(lambda x: cnp.sin(x) * 2, (X,)).graph
    outer = capture(lambda x: replay(inner, [x + 1])[0] + cnp.sin(x + 1), (X,)).graph
    names = [node.card.name for node in outer.nodes]
    assert names.count("sin") == 1
    np.testing.assert_allclose(executor.run(outer, [X])[0], 3 * np.sin(X + 1))


def test_names_and_lines_survive_inlining() -> None:
    inner = capture(lambda x: named(cnp.sin(x), "wave"), (X,)).graph
    outer = capture(lambda x: replay(inner, [x])[0], (X,)).graph
    (note,) = (outer.notes[n] for n in outer.nodes if n.card.name == "sin")
    assert note.name == "wave"
    assert note.source is not None
    assert note.source.file == __file__


def test_symbolic_sizes_take_the_sizes_of_the_values() -> None:
    spec = ArrayType((BATCH, 3), "float64")
    inner = capture(lambda x: cnp.mean(cnp.concat([x, x]), axis=0), (spec,)).graph
    np.testing.assert_allclose(replay(inner, [X])[0], X.mean(axis=0))
    rows = ArrayType((Dim("rows") + 1, 3), "float64")
    outer = capture(lambda x: replay(inner, [x])[0], (rows,)).graph
    np.testing.assert_allclose(executor.run(outer, [X])[0], X.mean(axis=0))


@pytest.mark.parametrize(
    ("shapes", "values", "message"),
    [
        ([(BATCH, 3)], [(2, 4)], r"x has the shape \(2, 4\), .* traced for f64\[batch, 3\]"),
        ([(BATCH, 3)], [(2,)], r"x has the shape \(2,\)"),
        ([(BATCH,), (BATCH,)], [(2,), (3,)], r"y has the shape \(3,\), .* for f64\[batch\]"),
        ([(BATCH, 2 * BATCH)], [(2, 5)], r"x has the shape \(2, 5\)"),
    ],
)
def test_values_that_do_not_fit_are_refused(shapes: Any, values: Any, message: str) -> None:
    specs = [ArrayType(s, "float64") for s in shapes]
    graph = capture(lambda x, y=0: x, specs, names=["x", "y"]).graph
    arrays = [np.zeros(s) for s in values]
    for run in (replay, executor.run):
        with pytest.raises(ShapeError, match=message):
            run(graph, arrays)


def test_a_size_may_be_a_formula() -> None:
    spec = ArrayType((2 * BATCH + 1,), "float64")
    graph = capture(lambda x: cnp.sum(x[1:]) / (x.shape[0] - 1), (spec,)).graph
    assert executor.run(graph, [np.arange(5.0)]) == [2.5]
    with pytest.raises(ShapeError, match=r"has the shape \(4,\)"):
        executor.run(graph, [np.arange(4.0)])


def test_the_number_of_values_has_to_fit() -> None:
    graph = capture(lambda x: x, (1.0,)).graph
    with pytest.raises(ShapeError, match="expected 1 arrays, received 2"):
        replay(graph, [1.0, 2.0])


# ---------------------------------------------------------------------------------------------
# Functions within functions.


def test_an_inner_function_may_read_values_of_the_outer_one() -> None:
    def outer(x: Any) -> Any:
        return grad(lambda y: cnp.sum(x * y**2))(x)  # reads x from outside

    (actual,) = executor.run(check(capture(outer, (X,)).graph), [X])
    np.testing.assert_allclose(actual, 2 * X * X)


def test_an_inner_function_may_return_a_value_of_the_outer_one() -> None:
    def outer(x: Any) -> Any:
        squared = x * x
        inner = capture(lambda y: (squared, y), (x,))
        return replay(inner.graph, [x], inner.outer)[0]

    (actual,) = executor.run(check(capture(outer, (X,)).graph), [X])
    np.testing.assert_allclose(actual, X * X)


def test_a_program_of_an_inner_function_alone_does_not_run() -> None:
    leaked: list[Any] = []

    def outer(x: Any) -> Any:
        leaked.append(capture(lambda y: x * y, (1.0,)).graph)
        return x

    capture(outer, (X,))
    with pytest.raises(TraceError, match="belongs to another tracing"):
        replay(leaked[0], [1.0])


def test_random_numbers_are_the_same_traced_and_at_once() -> None:
    def draw(key: Any) -> Any:
        first, second = random.split(random.fold_in(key, 3))
        return {
            "uniform": random.uniform(first, (3, 2), -1.0, 1.0),
            "wide": random.uniform(first, 4, dtype="float64"),
            "normal": random.normal(second, (5,)),
            "coins": random.bernoulli(second, 0.3, (7,)),
        }

    key = random.key(12345)
    captured = capture(draw, (key,))
    actual = executor.run(captured.graph, [key])
    expected: list[Any] = []
    map_leaves(expected.append, draw(key))
    for x, y in zip(actual, expected, strict=True):
        np.testing.assert_array_equal(x, y)


def test_random_numbers_may_have_a_symbolic_shape() -> None:
    spec = ArrayType((BATCH, 2))
    key = random.key(0)
    graph = capture(lambda k, x: x * random.uniform(k, x.shape), (key, spec)).graph
    for rows in (1, 4):
        (actual,) = executor.run(graph, [key, np.ones((rows, 2))])
        np.testing.assert_array_equal(actual, random.uniform(key, (rows, 2)))
