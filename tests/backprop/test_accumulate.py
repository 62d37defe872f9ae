"""Shares of a gradient that lie beside each other are joined, all others added."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import chainrule as cr
import chainrule.numpy as cnp
from chainrule.ir import Graph


def _gradient(function: Any, x: Any) -> Graph:
    return cr.trace(lambda x: cnp.sum(function(x)), x).differentiate().graph


def _gates(x: Any, order: tuple[int, ...]) -> Any:
    parts = cnp.split(x, len(order), axis=-1)
    total = 0.0
    for i in order:
        total = total + cnp.sin(parts[i]) * (i + 1)
    return total


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 1, 0, 2), (2, 0, 3, 1)])
def test_gradients_of_all_parts_are_joined_in_whatever_order_they_come(order: Any) -> None:
    x = np.random.default_rng(0).standard_normal((2, 8))
    gradient = _gradient(lambda x: _gates(x, order), x).outputs[1]
    assert gradient.card.name == "concatenate"
    assert len(gradient.inputs) == 4
    expected = np.cos(x) * np.repeat([1, 2, 3, 4], 2)
    for run in (lambda f: f, cr.jit):
        found = run(cr.grad(lambda x: cnp.sum(_gates(x, order))))(x)
        np.testing.assert_allclose(found, expected, rtol=1e-14)


def test_what_no_part_reads_stays_zero() -> None:
    def ends(x: Any) -> Any:
        return x[:, 1:2] * 3 + x[:, 3:4] * 5

    gradient = cr.grad(lambda x: cnp.sum(ends(x)))(np.ones((2, 5)))
    np.testing.assert_array_equal(gradient, [[0, 3, 0, 5, 0]] * 2)
    assert _gradient(ends, np.ones((2, 5))).outputs[1].card.name == "pad"


def test_parts_that_overlap_are_added() -> None:
    def windows(x: Any) -> Any:
        return x[:3] * 2 + x[1:]

    gradient = cr.grad(lambda x: cnp.sum(windows(x)))(np.ones(4))
    np.testing.assert_array_equal(gradient, [2, 3, 3, 1])
    assert _gradient(windows, np.ones(4)).outputs[1].card.name == "add"


def test_parts_along_different_axes_are_added() -> None:
    gradient = cr.grad(lambda x: cnp.sum(x[:1]) + cnp.sum(x[:, 1:] * 3))(np.ones((2, 2)))
    np.testing.assert_array_equal(gradient, [[1, 4], [0, 3]])


def test_one_kernel_computes_all_parts_and_writes_each_to_its_place() -> None:
    x = np.random.default_rng(0).standard_normal((3, 8))
    traced = cr.trace(lambda x: cnp.sum(_gates(x, (0, 1, 2, 3))), x).differentiate()
    assert [g.kind for g in traced.plan().plan.groups].count("map") == 1
    value, gradient = traced.plan().compile()(x)
    np.testing.assert_allclose(gradient, np.cos(x) * np.repeat([1, 2, 3, 4], 2), rtol=1e-14)
    np.testing.assert_allclose(value, np.sum(np.sin(x) * np.repeat([1, 2, 3, 4], 2)), rtol=1e-13)
