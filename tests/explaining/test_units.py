"""The equation of every single entry is true, for every op there is."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest

import chainrule.numpy as cnp
from chainrule.backprop.formula import Symbol, text
from chainrule.execute.numpy import run
from chainrule.explaining.labels import Labels
from chainrule.explaining.units import Entries
from chainrule.ir import Node
from chainrule.tracing import capture
from tests.explaining.reading import value

RANDOM = np.random.default_rng(3)
A, B, C = RANDOM.normal(size=(2, 3)), RANDOM.normal(size=(2, 3)), RANDOM.normal(size=(3, 4))
LABELS = np.array([2, 0, 2], np.int32)


def entries(function: Callable[..., Any], *args: Any) -> tuple[Entries, Node, Any]:
    graph = capture(function, args).graph
    values: dict[Node, Any] = {}
    (result,) = run(graph, args, values.__setitem__)
    names = {node: Symbol(f"x{i}", "", node.type.ndim) for i, node in enumerate(graph.inputs)}
    return Entries(names, values, Labels()), graph.outputs[0], result


CASES: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    "elementwise": (lambda a, b: cnp.tanh(a) * b - a / (1 + b * b), (A, B)),
    "broadcast": (lambda a, c: a + c[0, :3], (A, C)),
    "matmul": (cnp.matmul, (A, C)),
    "stacked matmul": (cnp.matmul, (A.reshape(2, 1, 3), np.stack([C, -C]))),
    "transposed": (lambda a, b: a.T @ b, (A, B)),
    "sum": (lambda a: cnp.sum(a * a, axis=1), (A,)),
    "sum over all": (lambda a: cnp.sum(cnp.abs(a)), (A,)),
    "max": (lambda a: cnp.max(a, axis=0), (A,)),
    "softmax": (cnp.softmax, (A,)),
    "running sum": (lambda a: cnp.cumulative_sum(a, axis=1), (A,)),
    "reshape": (lambda a: a.reshape(3, 2) * 2, (A,)),
    "slice": (lambda c: c[1:, ::-2] + 1, (C,)),
    "concatenate": (lambda a, b: cnp.concat([a, 2 * b], axis=0), (A, B)),
    "pad": (lambda a: cnp.pad(a, ((1, 0), (0, 2))) + 1, (A,)),
    "take": (lambda c, rows: cnp.take(c, rows, axis=0), (C, LABELS)),
    "where": (lambda a, b: cnp.where(a > b, a, -b), (A, B)),
    "relu": (lambda a: cnp.relu(a) ** 2, (A,)),
    "one hot": (lambda rows: cnp.one_hot(rows, 3, "float64"), (LABELS,)),
    "iota": (lambda a: a * cnp.arange(3), (A,)),
    "attention": (lambda a, b: cnp.softmax(a @ b.T) @ b, (A, B)),
}


@pytest.mark.parametrize("name", CASES)
def test_every_entry_computes_to_its_value(name: str) -> None:
    function, args = CASES[name]
    found, node, result = entries(function, *args)
    for index in product(*map(range, result.shape)):
        equation = found.equation(Symbol("y", ndim=result.ndim), node, index)
        assert value(equation.numbers) == pytest.approx(result[index], rel=1e-12, abs=1e-14)
        assert equation.value == result[index]


def test_an_entry_of_a_convolution_names_the_window_it_reads() -> None:
    def convolved(x: Any, kernel: Any) -> Any:
        windows = cnp.stack([x[k : k + 4] for k in range(3)], axis=1)
        return windows @ kernel

    x, kernel = np.arange(6.0), np.array([1.0, 0.0, -1.0])
    found, node, result = entries(convolved, x, kernel)
    equation = found.equation(Symbol("y", ndim=1), node, (2,))
    assert text(equation.formula) == "x0[3]·x1[1] + x0[4]·x1[2] + x0[5]·x1[3]"
    assert equation.text().endswith("= 2·1 + 3·0 + 4·(−1) = −2")
    assert result[2] == -2


def test_of_many_terms_the_first_and_the_last_are_written() -> None:
    found, node, _ = entries(cnp.matmul, np.ones((1, 50)), np.ones((50, 1)))
    equation = found.equation(Symbol("y", ndim=2), node, (0, 0))
    assert text(equation.numbers) == "1·1 + 1·1 + 1·1 + 1·1 + ⋯ + 1·1"
    assert equation.value == 50


def test_a_choice_shows_the_branch_that_was_taken() -> None:
    found, node, _ = entries(lambda a, b: cnp.where(a > b, a, -b), A, B)
    taken = [found.equation(Symbol("y", ndim=2), node, (0, k)) for k in range(3)]
    assert [text(e.formula) for e in taken] == [
        f"x0[1, {k + 1}]" if A[0, k] > B[0, k] else f"−x1[1, {k + 1}]" for k in range(3)
    ]


def test_numbers_are_written_with_the_digits_that_were_asked_for() -> None:
    found, node, _ = entries(lambda a: cnp.tanh(a), np.array([1 / 3]))
    short = found.equation(Symbol("y", ndim=1), node, (0,), digits=3)
    assert short.text() == "y[1] = tanh(x0[1]) = tanh(0.333) = 0.322"
    assert short.to_dict()["value"] == math.tanh(1 / 3)


def test_units_have_names_where_they_are_given() -> None:
    labels = Labels((("p", "q"), ("h",), ("o1", "o2")))
    W, z, b = Symbol("W'", "2", 2), Symbol("z", "1", 2), Symbol("m_b", "2", 1)
    x, t = Symbol("x", "", 2), Symbol("t", "", 2)
    assert text(labels(W, (0, 1), (1, 2))) == "W'⁽²⁾[h→o2]"
    assert text(labels(z, (0, 0), (1, 1))) == "z⁽¹⁾[h]"
    assert text(labels(b, (1,), (2,))) == "m_b⁽²⁾[o2]"
    assert text(labels(x, (0, 1), (1, 2))) == "q"
    assert text(labels(t, (0, 1), (1, 2))) == "t[o2]"
    assert text(labels(x, (2, 1), (4, 2))) == "q[3]"
    assert text(labels(z, (2, 0), (4, 1))) == "z⁽¹⁾[3, h]"
