"""Loops over values that are reshaped count every index; they do not divide for it."""

from __future__ import annotations

from typing import Any

import numpy as np

import chainrule.numpy as cnp
from chainrule import random
from chainrule.execute import numpy as executor
from chainrule.execute import trace
from chainrule.execute.native.nesting import refines
from chainrule.ir import ArrayType, Dim


def _dropped(x: Any, bias: Any, key: Any) -> Any:
    flat = cnp.reshape(cnp.relu(x + bias), (x.shape[0], 35))
    return cnp.where(random.uniform(key, flat.shape) < 0.5, flat, 0)


def test_a_mask_behind_a_reshape_divides_nothing() -> None:
    types = ArrayType((Dim("batch"), 7, 5)), ArrayType((5,)), ArrayType((2,), "int32")
    traced = trace(_dropped, *types)
    compiled = traced.plan({"batch": 4}).compile("native")
    assert "srem" not in compiled.llvm()
    assert "sdiv" not in compiled.llvm()
    x, bias = np.random.default_rng(0).normal(size=(4, 7, 5)), np.arange(5.0)
    arguments = [x.astype("float32"), bias.astype("float32"), random.key(1)]
    (expected,) = executor.run(traced.graph, arguments)
    np.testing.assert_array_equal(compiled(*arguments), expected)


def test_a_shape_refines_another_if_it_only_splits_its_axes() -> None:
    batch = Dim("batch")
    assert refines((batch, 7, 5), (batch, 35))
    assert refines((batch, 7, 5), (7 * batch, 5))
    assert refines((2, 1, 3), (2, 3))
    assert refines((2, 3, 1), (2, 3))
    assert not refines((7 * batch, 5), (batch, 35))
    assert not refines((2, 3, 4), (3, 8))
    assert not refines((2, 3), (2, 3, 4))
