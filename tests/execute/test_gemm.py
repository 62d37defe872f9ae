"""Matrix products as LLVM text: right for all sizes, the same bits in any batch."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import llvmlite.binding as llvm
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import cython_blas

from chainrule.errors import DtypeError, ExecutorError, ParameterError
from chainrule.execute.native import blas
from chainrule.execute.native.gemm import Epilogue, GemmText, Part, Target, choose, gemm
from chainrule.execute.native.gemm_plan import tiling, worth_blas
from chainrule.execute.native.gemm_text import Text

# A sum of k products of numbers of size one is off by about the square root of k roundings.
ROUNDING = {"float32": 4e-7, "float64": 8e-16}
LANES = {"float32": 8, "float64": 4}
# Numbers before and after each array, to see that nothing else is read or written.
MARGIN = 32


@cache
def _machine() -> tuple[Any, Target]:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    features = llvm.get_host_cpu_features()
    bits = 512 if features.get("avx512f") else 256 if features.get("avx2") else 128
    name, flags = llvm.get_host_cpu_name(), features.flatten()
    machine = llvm.Target.from_default_triple().create_target_machine(
        cpu=name, features=flags, opt=2, reloc="pic", codemodel="default"
    )
    return machine, Target(name, flags, bits)


@dataclass(frozen=True)
class Compiled:
    """A product in memory."""

    text: GemmText
    call: Callable[..., None]
    pack: Callable[..., None] | None
    library: Any


@dataclass(frozen=True)
class Case:
    """One product: sizes, which of them is passed at run time, and how arrays are stored."""

    m: int
    n: int
    k: int
    dtype: str = "float32"
    transpose_a: bool = False
    transpose_b: bool = False
    accumulate: bool = False
    symbolic: str = ""
    limited: bool = True
    vector_bits: int = 0
    epilogue: Epilogue | None = None
    blas: bool = False
    repeated: bool = False

    def write(self, name: str = "product") -> GemmText:
        machine = _machine()[1]
        bits = self.vector_bits or machine.vector_bits
        sizes = [None if letter == self.symbolic else getattr(self, letter) for letter in "mnk"]
        return gemm(
            name,
            self.dtype,
            *sizes,
            transpose_a=self.transpose_a,
            transpose_b=self.transpose_b,
            accumulate=self.accumulate,
            target=Target(machine.cpu, machine.features, bits),
            limits=(self.m, self.n, self.k) if self.limited else None,
            epilogue=self.epilogue,
            blas=blas.matrix_product(self.dtype) if self.blas else None,
            repeated=self.repeated,
        )

    @property
    def size(self) -> int:
        return getattr(self, self.symbolic) if self.symbolic else 0


@cache
def _compile(text: GemmText) -> Compiled:
    machine, _ = _machine()
    packing = text.packing.replace("@product(", "@packing(")
    source = "\n".join([*text.declarations, text.text, packing])
    source = source.replace("define internal", "define")
    module = llvm.parse_assembly(source)
    module.triple = machine.triple
    module.data_layout = str(machine.target_data)
    module.verify()
    builder = llvm.JITLibraryBuilder().add_object_img(machine.emit_object(module))
    for dtype in ("float32", "float64"):
        routine = blas.matrix_product(dtype)
        if routine.symbol in text.symbols:
            builder.import_symbol(routine.symbol, routine.address)
    jit = llvm.create_lljit_compiler(machine)
    builder.export_symbol("product")
    if packing:
        builder.export_symbol("packing")
    library = builder.link(jit, "products")
    pointers = [ctypes.c_void_p] * 3
    kind = ctypes.CFUNCTYPE(None, *pointers, ctypes.c_int64, *[ctypes.c_void_p] * 3)
    pack = ctypes.CFUNCTYPE(None, *pointers[:2])(library["packing"]) if packing else None
    return Compiled(text, kind(library["product"]), pack, (library, jit))


def _guarded(values: Any, offset: int) -> tuple[Any, Any]:
    """Copy an array to the middle of a larger one that is NaN elsewhere, at an odd address."""
    whole = np.full(values.size + 2 * MARGIN, np.nan, values.dtype)
    inside = whole[MARGIN - offset : MARGIN - offset + values.size].reshape(values.shape)
    inside[...] = values
    return whole, inside


def _run(case: Case, a: Any, b: Any, c: Any, *more: Any, offset: int = 0) -> Any:
    """Compute a product of arrays as they are stored, and check that nothing else changes."""
    compiled = _compile(case.write())
    (_, a), (_, b), (whole, inside) = (_guarded(x, offset) for x in (a, b, c))
    scratch = np.full(compiled.text.scratch + 128, 7, np.uint8)
    begin = -scratch.ctypes.data % 64
    pointers = [x.ctypes.data for x in (a, b, inside)]
    if compiled.pack:
        margin = np.full(compiled.text.packed + 128, 7, np.uint8)
        pointers[1] = margin.ctypes.data + -margin.ctypes.data % 64
        compiled.pack(b.ctypes.data, pointers[1])
        assert (margin[-margin.ctypes.data % 64 + compiled.text.packed :] == 7).all()
        b[...] = np.nan  # the product reads the copy alone
    extra = [x.ctypes.data for x in more] + [0] * (2 - len(more))
    compiled.call(*pointers, case.size, scratch.ctypes.data + begin, *extra)
    assert np.isnan(whole[: MARGIN - offset]).all()
    assert np.isnan(whole[MARGIN - offset + c.size :]).all()
    assert (scratch[:begin] == 7).all()
    assert (scratch[begin + compiled.text.scratch :] == 7).all()
    return inside


def _arrays(case: Case, seed: int = 0) -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(seed)
    shapes = [
        (case.k, case.m) if case.transpose_a else (case.m, case.k),
        (case.n, case.k) if case.transpose_b else (case.k, case.n),
        (case.m, case.n),
    ]
    a, b, c = (rng.uniform(-1, 1, shape).astype(case.dtype) for shape in shapes)
    return a, b, c


def _expected(case: Case, a: Any, b: Any, c: Any) -> Any:
    a, b, c = (x.astype(np.float64) for x in (a, b, c))
    product = (a.T if case.transpose_a else a) @ (b.T if case.transpose_b else b)
    return product + c if case.accumulate else product


def _agree(case: Case, offset: int = 0) -> None:
    a, b, c = _arrays(case)
    tolerance = ROUNDING[case.dtype] * 4 * (case.k + 1) ** 0.5
    actual = _run(case, a, b, c, offset=offset)
    np.testing.assert_allclose(actual, _expected(case, a, b, c), rtol=0, atol=tolerance)


SIZES = st.one_of(st.integers(0, 12), st.sampled_from([15, 16, 17, 24, 25, 31, 33, 54, 64, 65]))


@given(
    case=st.builds(
        Case,
        m=SIZES,
        n=SIZES,
        k=SIZES,
        dtype=st.sampled_from(["float32", "float64"]),
        transpose_a=st.booleans(),
        transpose_b=st.booleans(),
        accumulate=st.booleans(),
        symbolic=st.sampled_from(["", "m", "n", "k"]),
        limited=st.booleans(),
        vector_bits=st.sampled_from([0, 0, 128]),
    ),
    offset=st.integers(0, 3),
)
def test_products_of_any_size_agree_with_numpy(case: Case, offset: int) -> None:
    _agree(case, offset)


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
    _agree(case)


@pytest.mark.parametrize("transpose_b", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("n", "k"), [(128, 96), (200, 700), (2100, 300), (67, 601), (40, 257)])
def test_a_matrix_packed_for_many_products_gives_the_same_bits(
    n: int, k: int, dtype: str, transpose_b: bool
) -> None:
    # On registers of 128 bits, as wider ones read many a matrix as it is.
    case = Case(33, n, k, dtype, transpose_b=transpose_b, symbolic="m", vector_bits=128)
    packed = replace(case, repeated=True)
    a, b, c = _arrays(case)
    assert packed.write().packed >= n * k * b.itemsize
    assert _run(packed, a, b, c).tobytes() == _run(case, a, b, c).tobytes()
    added = _run(replace(packed, accumulate=True), a, b, c)
    assert added.tobytes() == _run(replace(case, accumulate=True), a, b, c).tobytes()


def test_a_matrix_that_tiles_read_as_it_is_needs_no_packing() -> None:
    for case in (Case(256, 16, 20), Case(4, 128, 128), Case(256, 1, 64), Case(64, 64, 256)):
        text = replace(case, symbolic="m", repeated=True, vector_bits=128).write()
        assert bool(text.packed) == bool(text.packing) == (case.k == 256)


def test_a_product_that_can_be_checked_by_hand() -> None:
    a, b = np.array([[1, 2], [3, 4]], np.float32), np.array([[5, 6], [7, 8]], np.float32)
    product = _run(Case(2, 2, 2, symbolic="m"), a, b, np.zeros_like(a))
    assert product.tolist() == [[19, 22], [43, 50]]
    gradient = _run(Case(2, 2, 2, symbolic="k", transpose_a=True), a, b, np.zeros_like(a))
    assert gradient.tolist() == [[26, 30], [38, 44]]
    added = _run(
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
    a, b, c = _arrays(case)
    whole = _run(case, a, b, c)
    for first, last in [(0, 1), (7, 8), (22, 23), (3, 16), (0, 22)]:
        part = Case(last - first, n, k, dtype, transpose_b=transpose_b, symbolic="m")
        rows = _run(part, np.ascontiguousarray(a[first:last]), b, c[first:last])
        assert rows.tobytes() == whole[first:last].tobytes()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("transpose_b", [False, True])
@pytest.mark.parametrize("vector_bits", [128, 256, 512])
def test_a_column_has_the_same_bits_in_a_narrow_vector_and_in_a_wide_one(
    vector_bits: int, transpose_b: bool, dtype: str
) -> None:
    # The last columns stand in vectors of 128 bits or more, whatever the processor has.
    wide = Case(9, 96, 40, dtype, transpose_b=transpose_b, vector_bits=vector_bits)
    a, b, c = _arrays(wide)
    whole = _run(wide, a, b, c)
    for n in (33, 35, 36, 37, 40, 41, 50, 68, 70, 95):
        first = np.ascontiguousarray(b[:n] if transpose_b else b[:, :n])
        columns = _run(replace(wide, n=n), a, first, c[:, :n])
        assert columns.tobytes() == whole[:, :n].tobytes()


def test_an_empty_sum_is_zero() -> None:
    for symbolic in ("m", "k"):
        for transpose in (False, True):
            case = Case(3, 5, 0, symbolic=symbolic, transpose_a=transpose)
            assert (_run(case, *_arrays(case)) == 0).all()
            case = Case(3, 5, 0, symbolic=symbolic, transpose_a=transpose, accumulate=True)
            a, b, c = _arrays(case)
            assert (_run(case, a, b, c) == c).all()


@pytest.mark.parametrize("n", [2, 7, 10, 40])
def test_a_nan_stays_in_its_row(n: int) -> None:
    case = Case(9, n, 37, symbolic="m")
    a, b, c = _arrays(case)
    a[4, 36] = np.nan
    product = _run(case, a, b, c)
    assert np.isnan(product[4]).all()
    assert np.isfinite(np.delete(product, 4, axis=0)).all()


def _bias(text: Text, part: Part) -> str:
    bias = text.load(part.vector, text.address("%bias", part.column), part.valid)
    total = text.value(f"fadd {part.vector} {part.value}, {bias}")
    zero = (part.vector, "zeroinitializer")
    return text.call(
        str(part.vector), f"llvm.maxnum.{part.vector.suffix}", (part.vector, total), zero
    )


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
    epilogue = Epilogue(("ptr noalias %bias",), _bias)
    case = Case(m, n, k, symbolic=symbolic, transpose_a=transpose_a, epilogue=epilogue)
    a, b, c = _arrays(case)
    bias = np.linspace(-2, 2, n, dtype=np.float32)
    actual = _run(case, a, b, c, bias)
    expected = np.maximum(_expected(case, a, b, c) + bias, 0)
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
            _agree(case)


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


def test_processors_with_wide_registers_get_wide_vectors() -> None:
    wide = Target("skylake-avx512", "+avx2,+fma,+avx512f,+avx512vl", 512)
    product = gemm(
        "product", "float32", None, 64, 54, transpose_a=False, transpose_b=False, target=wide
    )
    assert "@llvm.fma.v16f32" in product.text
    # What a narrower processor makes of it is slower, and the same.
    _agree(Case(17, 64, 54, symbolic="m", vector_bits=512))
    _agree(Case(17, 39, 54, "float64", symbolic="m", transpose_b=True, vector_bits=512))


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


def test_the_blas_of_scipy_is_found() -> None:
    for dtype, name in [("float32", "sgemm"), ("float64", "dgemm")]:
        routine = blas.matrix_product(dtype)
        assert routine.name == name
        assert routine.address
        assert routine.integer_bits in (32, 64)
    with pytest.raises(DtypeError, match="not int32"):
        blas.matrix_product("int32")


def test_a_capsule_with_another_signature_is_refused() -> None:
    capsules = cython_blas.__pyx_capi__
    for dtype, name in [("float32", "dgemm"), ("float64", "sgemm"), ("float32", "sgemv")]:
        with pytest.raises(ExecutorError, match="has the signature"):
            blas.read_capsule(dtype, capsules[name])
    with pytest.raises(ExecutorError, match="None"):
        blas.read_capsule("float32", None)


def test_the_width_of_integers_is_read_from_the_signature() -> None:
    def signature(integer: str, element: str) -> str:
        kinds = {"c": "char", "n": integer, "e": element}
        return f"void ({', '.join(f'{kinds[letter]} *' for letter in 'ccnnneeneneen')})"

    assert blas.read_signature("float32", signature("int", "float")) == 32
    assert blas.read_signature("float64", signature("npy_int64", "double")) == 64
    for integer, element in [("short", "double"), ("int", "float"), ("double", "double")]:
        with pytest.raises(ExecutorError, match="expected pointers"):
            blas.read_signature("float64", signature(integer, element))
