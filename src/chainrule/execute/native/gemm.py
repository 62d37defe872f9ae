"""Matrix products as LLVM text: one function for each product of a program.

A product ``C[m, n] = op(A)[m, k] @ op(B)[k, n]`` of row-major contiguous arrays becomes a function
of its own, made for its sizes. Layers of 64 to 1024 run at 85 to 99 % of the multiply-add peak that
way, 1.2 to 1.8 times faster than through OpenBLAS, which has to dispatch, to pack and to lock;
products with few columns 1.5 to 9 times, tiny ones more. `gemm_plan` chooses how each is computed.

The text needs no optimisation passes: index arithmetic is folded while it is written, and LLVM's
code generator makes the same machine code with and without them, in half the time.

Every element of ``a @ b`` and ``a @ b.T`` is summed in an order that depends on the inner size
alone, so a row's result has the same bits in any batch. Only the method "blas", for very large
products, does not promise it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chainrule.errors import DtypeError, ParameterError
from chainrule.execute.native.blas import Routine
from chainrule.execute.native.gemm_methods import (
    Limits,
    in_one_go,
    sweep,
    write_blas,
    write_dots,
    write_mixed,
    write_packed,
    write_tiles,
    write_turned,
)
from chainrule.execute.native.gemm_nest import Operands
from chainrule.execute.native.gemm_plan import Method, choose
from chainrule.execute.native.gemm_text import Target, Text
from chainrule.execute.native.gemm_tile import Epilogue, Part

__all__ = ["Epilogue", "GemmText", "Method", "Part", "Target", "choose", "gemm"]

ELEMENTS = {"float32": "float", "float64": "double"}

# What a size that is only known at run time is taken for, if no limit is given.
USUAL_SIZE = 256


@dataclass(frozen=True, slots=True)
class GemmText:
    """The text of a product, and what it needs.

    Attributes
    ----------
    text
        One definition: ``define internal void @name(ptr noalias %a, ptr noalias %b,
        ptr noalias %c, i64 %size, ptr %scratch) ...``. `size` is the one size that is not a
        constant, and is not read if there is none.
    scratch
        Bytes of working memory behind `scratch`, which has to be aligned to 64 bytes.
    declarations
        Lines that the module needs, once each.
    symbols
        Functions from outside that it calls: the symbol of `blas`.
    packing
        Where B is packed once for many products, the function that does it:
        ``define internal void @name(ptr noalias %b, ptr noalias %scratch) ...``. The product
        then takes the address of the copy in place of B's. Else empty.
    packed
        Bytes of that copy, which has to be aligned to 64 bytes.
    through_memory
        Whether C holds sums that are not complete, or the product before its epilogue. Else
        nothing but the epilogue touches it, if there is one.
    """

    text: str
    scratch: int
    declarations: tuple[str, ...]
    symbols: tuple[str, ...]
    packing: str = ""
    packed: int = 0
    through_memory: bool = False


def gemm(
    name: str,
    dtype: str,
    m: int | None,
    n: int | None,
    k: int | None,
    *,
    transpose_a: bool,
    transpose_b: bool,
    accumulate: bool = False,
    target: Target,
    limits: tuple[int, int, int] | None = None,
    epilogue: Epilogue | None = None,
    blas: Routine | None = None,
    repeated: bool = False,
) -> GemmText:
    """Write the function that computes ``C = op(A) @ op(B)``.

    Parameters
    ----------
    name
        The function's name, without the at sign.
    dtype
        "float32" or "float64", of all three arrays.
    m, n, k
        Sizes of C[m, n] = op(A)[m, k] op(B)[k, n]; at most one is None, and passed at run time.
        Any size may be zero; where k is zero, the product is zero.
    transpose_a, transpose_b
        Whether A is stored as [k, m], and B as [n, k].
    accumulate
        Add to what C holds, in place of overwriting it.
    target
        The processor.
    limits
        The sizes, with the largest that will ever be passed in place of None.
    epilogue
        What becomes of the elements in place of storing them, as adding a bias. It adds
        parameters to the function.
    blas
        The BLAS routine that may be called for very large products; the linker has to give
        the symbol its address. Without it, those are computed in tiles too.
    repeated
        Whether the same B will stand in many products, so that it is worth packing it before.

    Raises
    ------
    DtypeError
        If there is no such dtype.
    ParameterError
        If a size is negative, or more than one is None.

    Examples
    --------
    >>> target = Target(cpu="znver3", features="+avx2,+fma", vector_bits=256)
    >>> product = gemm(
    ...     "dense", "float32", None, 64, 54, transpose_a=False, transpose_b=False, target=target
    ... )
    >>> product.text.splitlines()[1]
    'entry:'
    >>> product.scratch
    0
    """
    sizes = _checked(dtype, (m, n, k))
    expected = Limits(limits or (_usual(m), _usual(n), _usual(k)), bounded=limits is not None)
    text = Text(ELEMENTS[dtype], target)
    rows, columns, depth = ("%size" if size is None else size for size in sizes)
    pointers = ("%a", "%b", "%c", "%scratch")
    operands = Operands(
        *pointers, rows, columns, depth, columns, transpose_a, transpose_b, accumulate
    )
    method = _method(operands, expected, text.lanes)
    if method == "blas" and blas is None:
        method = "tiles"
    fused = epilogue if method == "tiles" else None
    scratch = packed = 0
    before = Text(ELEMENTS[dtype], target)
    if repeated and method == "tiles":
        packed = write_packed(text, operands, expected, fused, before)
    if method == "blas" and blas is not None:
        scratch = write_blas(text, operands, blas)
    elif method == "dots":
        scratch = write_dots(text, operands)
    elif method == "mixed":
        scratch = write_mixed(text, operands, expected)
    elif method == "turned":
        scratch = write_turned(text, operands, expected)
    elif not packed:
        scratch = write_tiles(text, operands, expected, fused)
    if epilogue is not None and fused is None:
        sweep(text, operands, epilogue)
    text.line("ret void")
    parameters = [f"ptr noalias %{array}" for array in "abc"]
    parameters += ["i64 %size", "ptr %scratch", *(epilogue.arguments if epilogue else ())]
    before.line("ret void")
    packing = ("ptr noalias %b", "ptr noalias %scratch")
    return GemmText(
        _definition(name, parameters, text),
        scratch,
        tuple(sorted(text.declarations | before.declarations)),
        (blas.symbol,) if method == "blas" and blas is not None else (),
        _definition(name, packing, before) if packed else "",
        packed,
        epilogue is not None and (fused is None or not in_one_go(text, operands, expected)),
    )


def _definition(name: str, parameters: Sequence[str], text: Text) -> str:
    attributes = f'noinline nounwind "prefer-vector-width"="{text.target.vector_bits}"'
    head = f"define internal void @{name}({', '.join(parameters)}) {attributes}"
    return f"{head} {{\nentry:\n{text.body}\n}}\n"


def _method(operands: Operands, limits: Limits, lanes: int) -> Method:
    """Return the best method of those that work with what is a constant."""
    transpose_a, transpose_b = operands.transpose_a, operands.transpose_b
    method = choose(*limits.sizes, transpose_a=transpose_a, transpose_b=transpose_b, lanes=lanes)
    known = {
        "dots": isinstance(operands.n, int)
        and (isinstance(operands.k, int) or transpose_b or operands.n == 1),
        "mixed": isinstance(operands.n, int) and isinstance(operands.k, int),
        "turned": isinstance(operands.n, int) and isinstance(operands.m, int),
    }
    return method if known.get(method, True) else "tiles"


def _usual(size: int | None) -> int:
    return USUAL_SIZE if size is None else size


def _checked(
    dtype: str, sizes: tuple[int | None, int | None, int | None]
) -> tuple[int | None, int | None, int | None]:
    if dtype not in ELEMENTS:
        raise DtypeError(f"matrix products are float32 or float64, not {dtype}")
    if sum(size is None for size in sizes) > 1:
        raise ParameterError(f"at most one of m, n, k may be unknown, not all of {sizes}")
    if any(size is not None and size < 0 for size in sizes):
        raise ParameterError(f"m, n, k must not be negative, but are {sizes}")
    return sizes
