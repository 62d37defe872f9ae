"""The NumPy executor: every value can be seen, and none is kept longer than needed."""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np
import pytest

import chainrule.numpy as cnp
from chainrule.errors import DtypeError, IndexRangeError, ShapeError
from chainrule.execute import jit, trace
from chainrule.execute import numpy as executor
from chainrule.ir import ArrayType, Dim, Node
from chainrule.tracing import capture, fresh_input

X = np.array([[1.0, -2.0], [0.5, 3.0]])


def test_a_program_gives_one_array_for_each_output() -> None:
    graph = capture(lambda x: (x + 1, cnp.sum(x), x), (X,)).graph
    plus, total, same = executor.run(graph, [X])
    np.testing.assert_array_equal(plus, X + 1)
    assert total.shape == ()
    assert float(total) == 2.5
    np.testing.assert_array_equal(same, X)


def test_an_output_may_be_listed_twice_and_be_an_input() -> None:
    graph = capture(lambda x: (x * 2, x * 2, x), (X,)).graph
    assert graph.outputs[0] is graph.outputs[1]
    first, second, third = executor.run(graph, [X])
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(third, X)


def test_a_program_without_nodes_runs() -> None:
    assert executor.run(capture(lambda: (), ()).graph, []) == []
    assert executor.run(capture(lambda: 3.0, ()).graph, []) == [3.0]


def test_values_take_the_dtype_that_was_traced() -> None:
    graph = capture(lambda x: x * 2, (ArrayType((2,), "float32"),)).graph
    (y,) = executor.run(graph, [np.array([1, 2])])
    assert y.dtype == np.float32
    integers = capture(lambda x: x * 2, (ArrayType((2,), "int32"),)).graph
    with pytest.raises(DtypeError, match="expected integers, received float64"):
        executor.run(integers, [np.array([0.5, 1.0])])
    with pytest.raises(IndexRangeError, match="do not fit into int32"):
        executor.run(integers, [np.array([2**31, 0])])


def test_a_watcher_sees_every_node_in_order() -> None:
    graph = capture(lambda x: cnp.sum(cnp.exp(x) * x), (X,)).graph
    seen: list[tuple[Node, Any]] = []
    executor.run(graph, [X], watch=lambda node, value: seen.append((node, value)))
    assert [node for node, _ in seen] == list(graph.nodes)
    values = {node.card.name: value for node, value in seen}
    np.testing.assert_array_equal(values["input"], X)
    np.testing.assert_array_equal(values["exp"], np.exp(X))
    np.testing.assert_array_equal(values["multiply"], np.exp(X) * X)


def test_a_value_is_freed_after_its_last_use() -> None:
    def chain(x: Any) -> Any:
        for _ in range(20):
            x = cnp.sin(x)
        return x

    graph = capture(chain, (X,)).graph
    alive: list[weakref.ref[Any]] = []
    most = 0

    def watch(node: Node, value: Any) -> None:
        nonlocal most
        alive.append(weakref.ref(value))
        most = max(most, sum(ref() is not None for ref in alive))

    executor.run(graph, [X.copy()], watch=watch)
    assert most <= 4


def test_last_uses_name_each_value_once_and_spare_the_outputs() -> None:
    graph = capture(lambda x: (cnp.exp(x), cnp.exp(x) + x), (X,)).graph
    x, exp, add = graph.nodes
    assert executor.last_uses(graph) == [[], [], [x]]
    assert {exp, add} == set(graph.outputs)


def test_overflow_and_nan_pass_without_a_warning() -> None:
    graph = capture(lambda x: (cnp.exp(x), cnp.log(x), x / 0.0), (np.zeros(2),)).graph
    exp, log, ratio = executor.run(graph, [np.array([1e4, -1e4])])
    assert exp.tolist() == [np.inf, 0.0]
    assert np.isnan(log[1])
    assert ratio.tolist() == [np.inf, -np.inf]


@pytest.mark.parametrize("batch", [0, 1, 7])
def test_a_symbolic_batch_takes_any_size(batch: int) -> None:
    spec = ArrayType((Dim("batch"), 2), "float64")
    graph = capture(lambda x: (cnp.sum(x, axis=0), x.shape[0] + cnp.sum(x)), (spec,)).graph
    total, number = executor.run(graph, [np.ones((batch, 2))])
    assert total.tolist() == [batch, batch]
    assert number == 3 * batch


def test_a_wrong_shape_names_the_argument() -> None:
    graph = capture(lambda weights: weights, (X,)).graph
    with pytest.raises(
        ShapeError, match=r"weights has the shape \(2,\), .* traced for f64\[2, 2\]"
    ):
        executor.run(graph, [np.ones(2)])


def test_an_index_that_is_out_of_range_when_the_program_runs_is_an_error() -> None:
    graph = capture(lambda x, i: cnp.take(x, i), (X, np.zeros(3, np.int32))).graph
    with pytest.raises(IndexRangeError, match="position 2 lies outside of an axis with 2 entries"):
        executor.run(graph, [X, np.array([0, 2, 1])])


def test_stages_and_jit_agree_with_the_function() -> None:
    def loss(w: Any) -> Any:
        return cnp.mean(cnp.tanh(X @ w) ** 2)

    w = np.array([0.3, -0.4])
    value, gradient = trace(loss, w).differentiate(0).plan().compile("numpy")(w)
    assert float(value) == pytest.approx(float(loss(w)), rel=1e-15)
    y = np.tanh(X @ w)
    np.testing.assert_allclose(gradient, X.T @ (y * (1 - y * y)), rtol=1e-14)
    assert float(jit(loss, executor="numpy")(w)) == pytest.approx(float(loss(w)), rel=1e-15)


def test_an_input_of_a_program_is_a_node_of_its_own() -> None:
    assert fresh_input(0, ArrayType(())) is not fresh_input(0, ArrayType(()))
