"""Matrix products as LLVM text: one function for each product of a program.

A product ``C[m, n] = op(A)[m, k] @ op(B)[k, n]`` of row-major contiguous arrays becomes a function
of its own, made for its sizes. Small and middle-sized products are 1.2 to 15 times faster this way
than through BLAS, which has to dispatch, to pack and to lock; see `gemm_plan` for the choice.

Every element of ``a @ b`` and ``a @ b.T`` is summed in an order that depends on the inner size
alone, so a row's result has the same bits in any batch. Only the method "blas", for very large
products, does not promise it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from chainrule.errors import DtypeError, ParameterError
from chainrule.execute.native.gemm_dot import dot_scratch, write_dot
from chainrule.execute.native.gemm_nest import Nest, Operands
from chainrule.execute.native.gemm_pack import copy_transposed
from chainrule.execute.native.gemm_plan import Method, choose, tail_of_dots, tiling
from chainrule.execute.native.gemm_text import BYTES, Size, Target, Text, Vector
from chainrule.execute.native.gemm_tile import Epilogue, Part

__all__ = ["BLAS_SYMBOLS", "Epilogue", "GemmText", "Method", "Part", "Target", "choose", "gemm"]

ELEMENTS = {"float32": "float", "float64": "double"}

BLAS_SYMBOLS = {"float32": "chainrule_sgemm", "float64": "chainrule_dgemm"}
"""Names under which the text refers to BLAS; whoever links it gives them their addresses."""

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
        Functions from outside that it calls: some of `BLAS_SYMBOLS`.
    """

    text: str
    scratch: int
    declarations: tuple[str, ...]
    symbols: tuple[str, ...]


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
    blas_integer_bits: int = 32,
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
        The sizes, with the largest one to be expected in place of None. It only guides choices:
        results are right beyond it.
    epilogue
        What happens to each element before it is stored, as adding a bias. It adds parameters to
        the function.
    blas_integer_bits
        Width of BLAS's integers.

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
    limits = limits or tuple(USUAL_SIZE if size is None else size for size in sizes)  # type: ignore[assignment]
    assert limits is not None
    text = Text(ELEMENTS[dtype], fused=target.fused)
    rows, columns, depth = ("%size" if size is None else size for size in sizes)
    operands = Operands(
        *("%a", "%b", "%c"), rows, columns, depth, columns, transpose_a, transpose_b, accumulate
    )
    lanes = target.vector_bits // (8 * BYTES[text.element])
    method = choose(*limits, transpose_a=transpose_a, transpose_b=transpose_b, lanes=lanes)
    if (n is None and method != "blas") or (m is None and method == "turned"):
        method = "tiles"
    if k is None and method == "dots" and n != 1 and not transpose_b:
        method = "tiles"

    symbols: tuple[str, ...] = ()
    if method == "blas":
        symbols = (BLAS_SYMBOLS[dtype],)
        scratch = _write_blas(text, operands, symbols[0], blas_integer_bits)
    elif method == "dots":
        scratch = _write_dots(text, operands, lanes, target)
    elif method == "turned":
        scratch = _write_turned(text, operands, limits, target)
    else:
        scratch, fused = _write_tiles(text, operands, limits, target, epilogue)
    if epilogue is not None and not (method == "tiles" and fused):
        _sweep(text, operands, lanes, epilogue)
    text.line("ret void")
    parameters = [f"ptr noalias %{array}" for array in "abc"]
    parameters += ["i64 %size", "ptr %scratch", *(epilogue.arguments if epilogue else ())]
    attributes = f'noinline nounwind "prefer-vector-width"="{target.vector_bits}"'
    return GemmText(
        f"define internal void @{name}({', '.join(parameters)}) {attributes} {{\n"
        f"entry:\n{text.body}\n}}\n",
        scratch,
        tuple(sorted(text.declarations)),
        symbols,
    )


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


def _known(size: Size) -> int | None:
    return size if isinstance(size, int) else None


def _nest(
    text: Text,
    operands: Operands,
    limits: tuple[int, int, int],
    target: Target,
    epilogue: Epilogue | None = None,
) -> int:
    """Write a product in tiles, and return the bytes of scratch memory that it uses."""
    cut = tiling(
        *(_known(size) for size in (operands.m, operands.columns, operands.k)),
        limits,
        element=text.element,
        transpose_a=operands.transpose_a,
        transpose_b=operands.transpose_b,
        target=target,
    )
    Nest(text, operands, cut, epilogue).write()
    return sum(cut.scratch(text.element))


def _write_tiles(
    text: Text,
    operands: Operands,
    limits: tuple[int, int, int],
    target: Target,
    epilogue: Epilogue | None,
) -> tuple[int, bool]:
    """Write tiles and return the scratch bytes, and whether the epilogue is done."""
    m, n, k = limits
    lanes = target.vector_bits // (8 * BYTES[text.element])
    tail = tail_of_dots(m, n, k, transpose_a=operands.transpose_a, lanes=lanes)
    if not tail or not all(isinstance(size, int) for size in (operands.n, operands.k)):
        return _nest(text, operands, limits, target, epilogue), True
    first = n - tail
    scratch = _nest(text, replace(operands, columns=first), (m, first, k), target)
    rest = replace(
        operands,
        b=text.address(operands.b, first * k if operands.transpose_b else first),
        c=text.address(operands.c, first),
        columns=tail,
    )
    return max(scratch, _write_dots(text, rest, lanes, target)), False


def _write_dots(text: Text, operands: Operands, lanes: int, target: Target) -> int:
    k = _known(operands.k)
    while k is not None and lanes > 1 and k <= lanes // 2:
        lanes //= 2
    write_dot(text, operands, lanes, target.registers)
    return dot_scratch(text.element, lanes, operands)


def _write_turned(
    text: Text, operands: Operands, limits: tuple[int, int, int], target: Target
) -> int:
    """Compute the transposed result ``op(B).T @ op(A).T``, whose rows fill whole vectors."""
    m, n, k = limits
    assert isinstance(operands.m, int)
    assert isinstance(operands.n, int)
    turned = replace(
        operands,
        a=operands.b,
        b=operands.a,
        m=operands.n,
        n=operands.m,
        columns=operands.m,
    )
    if n == 1:
        # One column and one row lie alike in memory.
        return _nest(text, turned, (n, m, k), target)
    size = BYTES[text.element]
    result = -(-m * n * size // 64) * 64
    text.line("; the transposed result comes first in the scratch memory")
    rest = text.address("%scratch", result // size)
    raise NotImplementedError(rest)


def _write_blas(text: Text, operands: Operands, symbol: str, integer_bits: int) -> int:
    raise NotImplementedError


def _sweep(text: Text, operands: Operands, lanes: int, epilogue: Epilogue) -> None:
    raise NotImplementedError


_Write = Callable[[], None]
