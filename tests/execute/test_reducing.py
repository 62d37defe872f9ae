"""Folds over axes in native code: any shape, and sums over rows in the order of the rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import chainrule as cr
import chainrule.numpy as cnp
from chainrule.execute.native.function import NativeFunction
from chainrule.ir import ArrayType, Dim
from chainrule.plan import plan
from chainrule.tracing import capture

FOLDS = ("sum", "max", "min", "prod")


def _in_order(x: Any) -> Any:
    """Add up the rows of a matrix from the first one to the last, as a loop does."""
    total = np.zeros_like(x[0])
    for row in x:
        total = total + row
    return total


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("columns", [2, 17, 100])
def test_rows_are_added_in_their_order_for_any_number_of_rows(columns: int, dtype: str) -> None:
    captured = capture(lambda x: cnp.sum(x, axis=0), (ArrayType((Dim("batch"), columns), dtype),))
    native = NativeFunction(plan(captured.graph, limits={"batch": 40}))
    for rows in (0, 1, 7, 8, 9, 16, 23, 40):
        x = np.random.default_rng(rows).normal(size=(rows, columns)).astype(dtype)
        expected = _in_order(x) if rows else np.zeros(columns, dtype)
        (actual,) = native.run([x])
        assert actual.tobytes() == expected.tobytes()
        if rows == 23:
            fixed = cr.trace(lambda x: cnp.sum(x, axis=0), x).plan().compile("native")
            assert np.asarray(fixed(x)).tobytes() == expected.tobytes()


@pytest.mark.parametrize("axes", [0, 1, (0, 1), (0, 2), (1, 2), (0, 1, 2), (0, 3), 3])
def test_folds_over_any_axes_agree_with_numpy(axes: Any) -> None:
    x = np.random.default_rng(0).uniform(0.5, 1.5, (9, 3, 17, 20)).astype(np.float32)
    native = cr.trace(lambda x: [getattr(cnp, f)(x, axis=axes) for f in FOLDS], x).plan()
    for name, actual in zip(FOLDS, native.compile("native")(x), strict=True):
        expected = getattr(np, name)(x.astype(np.float64), axis=axes)
        # A product of up to 459 factors rounds as often.
        np.testing.assert_allclose(actual, expected, rtol=459 * 2**-24)


def test_what_is_added_may_be_computed_on_the_way() -> None:
    x = np.random.default_rng(0).normal(size=(21, 30)).astype(np.float32)
    native = cr.trace(lambda x: cnp.sum(cnp.maximum(x, 0) * 2, axis=0), x).plan()
    assert len(native.plan.groups) == 1
    actual = native.compile("native")(x)
    assert np.asarray(actual).tobytes() == _in_order(np.maximum(x, 0) * 2).tobytes()
