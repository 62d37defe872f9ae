"""Stages: programs that can be held, printed and run; and `jit`."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule as cr
import chainrule.numpy as cnp
from chainrule.errors import ParameterError, TraceError

W, X = np.arange(6.0).reshape(3, 2) / 10, np.ones((4, 3))


def energy(w, x):
    return cnp.sum(cnp.tanh(x @ w) ** 2)


@pytest.mark.parametrize("executor", ["numpy", "native"])
def test_a_differentiated_program_returns_value_and_gradient(executor: str) -> None:
    compiled = cr.trace(energy, W, X).differentiate(0).plan().compile(executor)
    value, gradient = compiled(W, X)
    expected = cr.value_and_grad(energy)(W, X)
    np.testing.assert_allclose(value, expected[0], rtol=1e-14)
    np.testing.assert_allclose(gradient, expected[1], rtol=1e-14)


def test_every_stage_can_be_printed() -> None:
    traced = cr.trace(energy, W, X)
    assert "matmul(x, w)" in traced.text()
    assert "gradient of" in traced.differentiate(0).text()
    planned = traced.differentiate(0).plan()
    assert planned.explain().startswith("4 kernels")
    assert planned.cost() > 0
    assert planned.memory() > 0
    compiled = planned.compile("native")
    assert "define" in compiled.llvm()
    assert "ret" in compiled.assembly()
    with pytest.raises(ParameterError, match="no machine code"):
        planned.compile("numpy").llvm()


def test_jit_keeps_a_program_for_each_combination_of_types() -> None:
    traced = []

    def function(x):
        traced.append(x.shape)
        return cnp.sum(x * 2)

    fast = cr.jit(function)
    for x in (np.ones(3), np.ones(3) * 2, np.ones(4), np.ones(3, "float32")):
        assert float(fast(x)) == 2 * float(x.sum())
    assert traced == [(3,), (4,), (3,)]


def test_jit_inside_of_grad_is_a_part_of_the_larger_program() -> None:
    slope = cr.grad(lambda a: cr.jit(lambda b: a * b * b)(3.0))(2.0)
    assert float(slope) == 9.0
    assert float(cr.grad(cr.jit(lambda a: a**3))(2.0)) == 12.0


def test_jit_returns_trees_of_the_functions_making() -> None:
    result = cr.jit(lambda p: {"sum": p["a"] + p["b"], "pair": (p["a"], 1.0)})(
        {"a": np.ones(2), "b": np.ones(2)}
    )
    assert result["sum"].tolist() == [2.0, 2.0]
    assert float(result["pair"][1]) == 1.0


def test_wrong_use_is_refused_in_words() -> None:
    with pytest.raises(ParameterError, match="executor"):
        cr.jit(energy, executor="gpu")
    compiled = cr.trace(energy, W, X).plan().compile()
    with pytest.raises(ParameterError, match="structure"):
        compiled({"w": W}, X)
    with pytest.raises(TraceError, match="enclosing"):
        cr.grad(lambda a: cnp.sum(cr.trace(lambda b: a * b, 1.0).plan().compile()(1.0)))(2.0)
