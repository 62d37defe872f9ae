"""Symbolic sizes do arithmetic; types show themselves and refuse what is unknown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.errors import DtypeError, ShapeError, TraceError
from chainrule.ir import (
    DTYPES,
    FLOATS,
    ArrayType,
    Dim,
    bind,
    element_count,
    is_float,
    itemsize,
    symbols,
)

N = Dim("batch")
small = st.integers(-20, 20)


@given(a=small, b=small, c=small, d=small, n=st.integers(0, 50))
def test_arithmetic_commutes_with_binding(a: int, b: int, c: int, d: int, n: int) -> None:
    sizes = {"batch": n}
    p, q = a * N + b, c * N + d
    assert bind(p, sizes) == a * n + b
    assert bind(p + q, sizes) == (a + c) * n + b + d
    assert bind(p - q, sizes) == (a - c) * n + b - d
    assert bind(3 - p, sizes) == 3 - a * n - b
    assert bind((c * p) // c, sizes) == a * n + b if c else True


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (N, "batch"),
        (2 * N, "2*batch"),
        (N + 1, "batch+1"),
        (3 * N - 2, "3*batch-2"),
        (1 - N, "-1*batch+1"),
    ],
)
def test_a_size_shows_itself_as_a_formula(size: Dim, expected: str) -> None:
    assert str(size) == expected


def test_a_size_without_its_symbol_is_a_number() -> None:
    assert N - N == 0
    assert 0 * N + 3 == 3
    assert isinstance(N - N, int)


def test_sizes_are_equal_when_their_formulas_are() -> None:
    assert 2 * N + 2 == (N + 1) * 2
    assert hash(N + 0) == hash(Dim("batch"))
    assert Dim("rows") != N
    assert N != 1


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: N + Dim("rows"), "cannot add the symbolic sizes batch and rows"),
        (lambda: N * N, "trace with a concrete batch size to merge these axes"),
        (lambda: (N + 1) // 2, r"the symbolic size batch\+1 cannot be divided by 2"),
    ],
)
def test_what_is_no_size_any_more_is_refused(wrong: Callable[[], Any], message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        wrong()


@pytest.mark.parametrize(
    "use",
    [
        bool,
        int,
        float,
        range,
        lambda n: n > 5,
        lambda n: n <= 5,
        lambda n: 1 / n,
        lambda n: n / 2,
        lambda n: [0, 1][n],
    ],
)
def test_python_cannot_use_a_size_as_a_number(use: Callable[[Any], Any]) -> None:
    with pytest.raises(
        TraceError, match=r"the size batch is not known while tracing.*sum\(x\) / n"
    ):
        use(N)


@pytest.mark.parametrize("use", [lambda n: n + "a", lambda n: n * 1.5, lambda n: n // 1.5])
def test_a_size_meets_nothing_but_sizes(use: Callable[[Any], Any]) -> None:
    with pytest.raises(TypeError, match="unsupported operand"):
        use(N)


def test_a_type_shows_dtype_and_shape() -> None:
    assert str(ArrayType((2, 3))) == "f32[2, 3]"
    assert str(ArrayType((), "float64")) == "f64[]"
    assert str(ArrayType((N, 2 * N + 1), "int32")) == "i32[batch, 2*batch+1]"
    assert ArrayType((4, 5)).ndim == 2


def test_an_unknown_dtype_is_refused() -> None:
    with pytest.raises(DtypeError, match="unknown dtype 'int64'; expected one of float32, float64"):
        ArrayType((), "int64")


def test_sizes_of_dtypes() -> None:
    assert [itemsize(d) for d in DTYPES] == [4, 8, 4, 1]
    assert [d for d in DTYPES if is_float(d)] == list(FLOATS)


def test_a_shape_counts_its_entries() -> None:
    assert element_count(()) == 1
    assert element_count((2, 0, 3)) == 0
    assert element_count((2, N, 3)) == 6 * N


def test_binding_goes_into_tuples_and_leaves_the_rest() -> None:
    assert bind((N, (2, N + 1), "x"), {"batch": 4}) == (4, (2, 5), "x")
    assert list(symbols((N, (2, Dim("rows")), 3))) == ["batch", "rows"]
