"""Single matrix products as tests need them: written, compiled, run and guarded at their edges."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import llvmlite.binding as llvm
import numpy as np
from hypothesis import strategies as st

from chainrule.execute.native import blas
from chainrule.execute.native.gemm import Epilogue, GemmText, Target, gemm
from chainrule.execute.native.tuning import Tuning

# A sum of k products of numbers of size one is off by about the square root of k roundings.
ROUNDING = {"float32": 4e-7, "float64": 8e-16}
# Numbers before and after each array, to see that nothing else is read or written.
MARGIN = 32


@cache
def processor() -> tuple[Any, Target]:
    """Return LLVM's code generator for this machine, and what texts are written for."""
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
    tuned: Tuning | None = None

    def write(self, name: str = "product") -> GemmText:
        """Write its text."""
        machine = processor()[1]
        bits = self.vector_bits or machine.vector_bits
        sizes = [None if letter == self.symbolic else getattr(self, letter) for letter in "mnk"]
        return gemm(
            name,
            self.dtype,
            *sizes,
            transpose_a=self.transpose_a,
            transpose_b=self.transpose_b,
            accumulate=self.accumulate,
            target=Target(machine.cpu, machine.features, bits, self.tuned),
            limits=(self.m, self.n, self.k) if self.limited else None,
            epilogue=self.epilogue,
            blas=blas.matrix_product(self.dtype) if self.blas else None,
            repeated=self.repeated,
        )

    @property
    def size(self) -> int:
        """What is passed at run time."""
        return getattr(self, self.symbolic) if self.symbolic else 0


def cases(
    sizes: st.SearchStrategy[int], **further: st.SearchStrategy[Any]
) -> st.SearchStrategy[Case]:
    """Draw products of some sizes, in both dtypes and however their operands are stored."""
    return st.builds(
        Case,
        m=sizes,
        n=sizes,
        k=sizes,
        dtype=st.sampled_from(["float32", "float64"]),
        transpose_a=st.booleans(),
        transpose_b=st.booleans(),
        accumulate=st.booleans(),
        **further,
    )


@cache
def _linked(text: GemmText) -> Compiled:
    machine, _ = processor()
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


def multiply(case: Case, a: Any, b: Any, c: Any, *more: Any, offset: int = 0) -> Any:
    """Compute a product of arrays as they are stored, and check that nothing else changes."""
    compiled = _linked(case.write())
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


def random_arrays(case: Case, seed: int = 0) -> tuple[Any, Any, Any]:
    """Draw the three arrays of a product, as they are stored."""
    rng = np.random.default_rng(seed)
    shapes = [
        (case.k, case.m) if case.transpose_a else (case.m, case.k),
        (case.n, case.k) if case.transpose_b else (case.k, case.n),
        (case.m, case.n),
    ]
    a, b, c = (rng.uniform(-1, 1, shape).astype(case.dtype) for shape in shapes)
    return a, b, c


def in_float64(case: Case, a: Any, b: Any, c: Any) -> Any:
    """Compute a product by NumPy."""
    a, b, c = (x.astype(np.float64) for x in (a, b, c))
    product = (a.T if case.transpose_a else a) @ (b.T if case.transpose_b else b)
    return product + c if case.accumulate else product


def agree(case: Case, offset: int = 0) -> None:
    """Check a product against NumPy."""
    a, b, c = random_arrays(case)
    tolerance = ROUNDING[case.dtype] * 4 * (case.k + 1) ** 0.5
    actual = multiply(case, a, b, c, offset=offset)
    np.testing.assert_allclose(actual, in_float64(case, a, b, c), rtol=0, atol=tolerance)
