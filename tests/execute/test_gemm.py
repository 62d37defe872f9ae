"""Matrix products as LLVM text: right for all sizes, the same bits in any batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.errors import DtypeError, ParameterError
from chainrule.execute.native.gemm import Epilogue, Part, Target, choose, gemm
from chainrule.execute.native.gemm_plan import tiling, worth_blas
from chainrule.execute.native.gemm_text import Text
from tests.execute.products import ROUNDING, Case, agree, cases, in_float64, multiply, random_arrays

SIZES = st.one_of(st.integers(0, 12), st.sampled_from([15, 16, 17, 24, 25, 31, 33, 54, 64, 65]))


@given(
    case=cases(
        SIZES,
        symbolic=st.sampled_from(["", "m", "n", "k"]),
        limited=st.booleans(),
        vector_bits=st.sampled_from([0, 0, 128]),
    ),
    offset=st.integers(0, 3),
)
def test_products_of_any_size_agree_with_numpy(case: Case, offset: int) -> None:
    agree(case, offset)


BLOCKED = [
    Case(40, 100, 700, symbolic="m"),  # blocks of the inner size, B packed, an edge of columns
    Case(33, 90, 701, symbolic="m", transpose_b=True),
    Case(5, 2100, 300, symbolic="m", transpose_b=True),  # blocks of columns
    Case(50, 130, 600, symbolic="k", transpose_a=True),  # A packed too
    Case(50, 130, 600, "float64", symbolic="k", transpose_a=True, accumulate=True),
    Case(70, 10, 300, symbolic="k", transpose_a=True, limited=False),  # turned
    Case(40, 130, 300, symbolic="k", transpose_a=True, transpose_b=True),
    Case(33, 300, 70, symbolic="n", transpose_a=True),
    Case(35, 1030, 600, symbolic="m"),  # rows of B more than a page apart
    Case(35, 1030, 600, symbolic="k", transpose_a=True),
    Case(18, 90, 1100, symbolic="m"),  # an inner dimension longer than a page
    Case(18, 90, 1100, "float64", symbolic="m", transpose_b=True),
]


@pytest.mark.parametrize("case", BLOCKED, ids=str)
def test_products_in_blocks_agree_with_numpy(case: Case) -> None:
    agree(case)


@pytest.mark.parametrize("transpose_b", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("n", "k"), [(128, 96), (200, 700), (2100, 300), (67, 601), (40, 257)])
def test_a_matrix_packed_for_many_products_gives_the_same_bits(
    n: int, k: int, dtype: str, transpose_b: bool
) -> None:
    # On registers of 128 bits, as wider ones read many a matrix as it is.
    case = Case(33, n, k, dtype, transpose_b=transpose_b, symbolic="m", vector_bits=128)
    packed = replace(case, repeated=True)
    a, b, c = random_arrays(case)
    assert packed.write().packed >= n * k * b.itemsize
    assert multiply(packed, a, b, c).tobytes() == multiply(case, a, b, c).tobytes()
    added = multiply(replace(packed, accumulate=True), a, b, c)
    assert added.tobytes() == multiply(replace(case, accumulate=True), a, b, c).tobytes()


def test_a_matrix_that_tiles_read_as_it_is_needs_no_packing() -> None:
    for case in (Case(256, 16, 20), Case(4, 128, 128), Case(256, 1, 64), Case(64, 64, 256)):
        text = replace(case, symbolic="m", repeated=True, vector_bits=128).write()
        assert bool(text.packed) == bool(text.packing) == (case.k == 256)


def test_a_product_that_can_be_checked_by_hand() -> None:
    a, b = np.array([[1, 2], [3, 4]], np.float32), np.array([[5, 6], [7, 8]], np.float32)
    product = multiply(Case(2, 2, 2, symbolic="m"), a, b, np.zeros_like(a))
    assert product.tolist() == [[19, 22], [43, 50]]
    gradient = multiply(Case(2, 2, 2, symbolic="k", transpose_a=True), a, b, np.zeros_like(a))
    assert gradient.tolist() == [[26, 30], [38, 44]]
    added = multiply(
        Case(2, 2, 2, symbolic="m", transpose_b=True, accumulate=True), a, b, np.ones_like(a)
    )
    assert added.tolist() == [[18, 24], [40, 54]]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("transpose_b", [False, True])
@pytest.mark.parametrize(("n", "k"), [(1, 40), (3, 30), (7, 20), (10, 70), (33, 9), (50, 300)])
def test_a_row_has_the_same_bits_in_any_batch(
    n: int, k: int, transpose_b: bool, dtype: str
) -> None:
    case = Case(23, n, k, dtype, transpose_b=transpose_b, symbolic="m")
    a, b, c = random_arrays(case)
    whole = multiply(case, a, b, c)
    for first, last in [(0, 1), (7, 8), (22, 23), (3, 16), (0, 22)]:
        part = Case(last - first, n, k, dtype, transpose_b=transpose_b, symbolic="m")
        rows = multiply(part, np.ascontiguousarray(a[first:last]), b, c[first:last])
        assert rows.tobytes() == whole[first:last].tobytes()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("transpose_b", [False, True])
@pytest.mark.parametrize("vector_bits", [128, 256, 512])
def test_a_column_has_the_same_bits_in_a_narrow_vector_and_in_a_wide_one(
    vector_bits: int, transpose_b: bool, dtype: str
) -> None:
    # The last columns stand in vectors of 128 bits or more, whatever the processor has.
    wide = Case(9, 96, 40, dtype, transpose_b=transpose_b, vector_bits=vector_bits)
    a, b, c = random_arrays(wide)
    whole = multiply(wide, a, b, c)
    for n in (33, 35, 36, 37, 40, 41, 50, 68, 70, 95):
        first = np.ascontiguousarray(b[:n] if transpose_b else b[:, :n])
        columns = multiply(replace(wide, n=n), a, first, c[:, :n])
        assert columns.tobytes() == whole[:, :n].tobytes()


def test_an_empty_sum_is_zero() -> None:
    for symbolic in ("m", "k"):
        for transpose in (False, True):
            case = Case(3, 5, 0, symbolic=symbolic, transpose_a=transpose)
            assert (multiply(case, *random_arrays(case)) == 0).all()
            case = Case(3, 5, 0, symbolic=symbolic, transpose_a=transpose, accumulate=True)
            a, b, c = random_arrays(case)
            assert (multiply(case, a, b, c) == c).all()


@pytest.mark.parametrize("n", [2, 7, 10, 40])
def test_a_nan_stays_in_its_row(n: int) -> None:
    case = Case(9, n, 37, symbolic="m")
    a, b, c = random_arrays(case)
    a[4, 36] = np.nan
    product = multiply(case, a, b, c)
    assert np.isnan(product[4]).all()
    assert np.isfinite(np.delete(product, 4, axis=0)).all()


def _bias(n: int) -> Epilogue:
    def write(text: Text, parts: Sequence[Part]) -> None:
        for part in parts:
            kind = part.vector
            bias = text.load(kind, text.address("%bias", part.column), part.valid)
            total = text.value(f"fadd {kind} {part.value}, {bias}")
            zero = (kind, "zeroinitializer")
            value = text.call(str(kind), f"llvm.maxnum.{kind.suffix}", (kind, total), zero)
            place = text.add(text.multiply(part.row, n), part.column)
            text.store(kind, value, text.address("%c", place), part.valid)

    return Epilogue(("ptr noalias %bias",), write)


@pytest.mark.parametrize(
    ("m", "n", "k", "symbolic", "transpose_a"),
    [
        (9, 20, 30, "m", False),
        (9, 20, 700, "m", False),
        (9, 2, 30, "m", False),
        (9, 10, 70, "m", False),
        (30, 5, 20, "k", True),
    ],
)
def test_an_epilogue_sees_every_element_once_it_is_complete(
    m: int, n: int, k: int, symbolic: str, transpose_a: bool
) -> None:
    case = Case(m, n, k, symbolic=symbolic, transpose_a=transpose_a, epilogue=_bias(n))
    a, b, c = random_arrays(case)
    bias = np.linspace(-2, 2, n, dtype=np.float32)
    actual = multiply(case, a, b, c, bias)
    expected = np.maximum(in_float64(case, a, b, c) + bias, 0)
    np.testing.assert_allclose(actual, expected, rtol=0, atol=ROUNDING["float32"] * 4 * k**0.5)


def test_very_large_products_call_blas() -> None:
    big = Case(1 << 11, 1 << 10, 1 << 10, blas=True)
    assert big.write().symbols == ("chainrule_sgemm",)
    assert "inttoptr" not in big.write().text
    assert Case(1 << 11, 1 << 10, 1 << 10).write().symbols == ()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("transpose_a", [False, True])
@pytest.mark.parametrize("transpose_b", [False, True])
@pytest.mark.parametrize("accumulate", [False, True])
def test_blas_gets_its_arguments_in_the_right_order(
    dtype: str, transpose_a: bool, transpose_b: bool, accumulate: bool, monkeypatch: Any
) -> None:
    monkeypatch.setattr("chainrule.execute.native.gemm_plan.BLAS_WORK", 0)
    for m, n, k in [(5, 24, 3), (0, 24, 2), (4, 24, 0)]:
        for symbolic in ("m", "k"):
            case = Case(m, n, k, dtype, transpose_a, transpose_b, accumulate, symbolic, blas=True)
            assert case.write().symbols
            agree(case)


@pytest.mark.parametrize(
    ("sizes", "transposed", "method"),
    [
        ((256, 64, 54), (False, False), "tiles"),
        ((256, 64, 64), (False, True), "tiles"),
        ((64, 64, 256), (True, False), "tiles"),
        ((256, 7, 64), (False, False), "tiles"),
        ((32, 2, 100), (False, False), "dots"),
        ((128, 10, 128), (False, False), "mixed"),
        ((128, 10, 128), (True, False), "turned"),
        ((4, 4, 2), (False, False), "tiles"),
        ((2048, 1024, 1024), (False, False), "blas"),
    ],
)
def test_the_method_follows_from_the_sizes(
    sizes: tuple[int, int, int], transposed: tuple[bool, bool], method: str
) -> None:
    a, b = transposed
    assert choose(*sizes, transpose_a=a, transpose_b=b, lanes=8) == method


def _tiling(m: int, n: int, k: int, kind: str, vector_bits: int) -> Any:
    return tiling(
        m,
        n,
        k,
        (m, n, k),
        bounded=True,
        element="float",
        transpose_a=kind[0] == "T",
        transpose_b=kind[1] == "T",
        target=Target("znver4", "+avx2,+fma,+avx512f,+avx512vl", vector_bits),
    )


@pytest.mark.parametrize(
    ("sizes", "kind", "packed"),
    [
        ((64, 256, 784), "NN", (False, False)),  # a row of B takes a quarter of a page
        ((128, 1024, 1024), "NN", (False, True)),  # a whole page
        ((64, 256, 2048), "NN", (False, True)),  # an inner dimension longer than a page
        ((784, 256, 64), "TN", (False, False)),
        ((1024, 1024, 128), "TN", (True, True)),
        ((64, 256, 128), "NT", (False, True)),
    ],
)
def test_whole_lines_are_read_from_where_they_lie_unless_rows_are_a_page_apart(
    sizes: tuple[int, int, int], kind: str, packed: tuple[bool, bool]
) -> None:
    lines = _tiling(*sizes, kind, 512)
    assert (lines.pack_left, lines.pack_right) == packed
    assert (lines.rows, lines.vectors) == ((16, 1) if kind == "TN" else (4, 4))
    half = _tiling(*sizes, kind, 256)
    assert half.pack_right
    assert half.lanes == 8


def test_blas_gets_very_large_products_but_where_vectors_are_lines() -> None:
    assert worth_blas(2**30, Target("znver3", "+avx2,+fma", 256))
    assert not worth_blas(2**30 - 1, Target("znver3", "+avx2,+fma", 256))
    assert not worth_blas(2**34, Target("znver4", "+avx512f", 512))


def test_texts_stay_small() -> None:
    for n, k in [(64, 64), (100, 30), (7, 64), (10, 128), (256, 784), (1024, 1024)]:
        for transpose_a, transpose_b in [(False, False), (True, False), (False, True)]:
            symbolic = "k" if transpose_a else "m"
            case = Case(256, n, k, "float32", transpose_a, transpose_b, symbolic=symbolic)
            assert len(case.write().text) < 60_000


@pytest.mark.parametrize(("n", "last"), [(100, 4), (103, 8), (105, 16), (49, 4), (41, 16)])
def test_the_last_columns_stand_in_the_narrowest_vector_that_holds_them(n: int, last: int) -> None:
    text = Case(32, n, 30, vector_bits=512).write().text
    for lanes in (4, 8):
        assert (f"@llvm.fma.v{lanes}f32" in text) == (lanes == last)


@pytest.mark.parametrize("k", [2, 4, 7])
def test_short_rows_are_taken_apart_with_one_shuffle_each(k: int) -> None:
    text = Case(8, 16, k, transpose_b=True, vector_bits=512).write().text
    assert text.count(f"shufflevector <{16 * k} x float>") == k


@pytest.mark.parametrize("k", [1, 2, 4, 5, 8, 9])
@pytest.mark.parametrize("n", [3, 21, 100])
def test_products_ofshort_rows_agree_with_numpy(n: int, k: int) -> None:
    for dtype in ("float32", "float64"):
        agree(Case(9, n, k, dtype, transpose_b=True, symbolic="m", vector_bits=512))


def test_processors_with_wide_registers_get_wide_vectors() -> None:
    wide = Target("skylake-avx512", "+avx2,+fma,+avx512f,+avx512vl", 512)
    product = gemm(
        "product", "float32", None, 64, 54, transpose_a=False, transpose_b=False, target=wide
    )
    assert "@llvm.fma.v16f32" in product.text
    # What a narrower processor makes of it is slower, and the same.
    agree(Case(17, 64, 54, symbolic="m", vector_bits=512))
    agree(Case(17, 39, 54, "float64", symbolic="m", transpose_b=True, vector_bits=512))


def test_processors_without_fused_multiply_add_are_served() -> None:
    plain = Target("x86-64", "", 128)
    product = gemm(
        "product", "float32", None, 64, 54, transpose_a=False, transpose_b=False, target=plain
    )
    assert "llvm.fma" not in product.text
    assert "fmul <4 x float>" in product.text


def test_what_cannot_be_multiplied_is_refused() -> None:
    target = Target("x86-64", "", 128)
    order = {"transpose_a": False, "transpose_b": False, "target": target}
    with pytest.raises(DtypeError, match="not int32"):
        gemm("product", "int32", 1, 2, 3, **order)  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="at most one"):
        gemm("product", "float32", None, None, 3, **order)  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="negative"):
        gemm("product", "float32", 1, -2, 3, **order)  # type: ignore[arg-type]
