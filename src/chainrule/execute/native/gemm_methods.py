"""The ways to compute a whole product; `gemm_plan` chooses among them.

Each writes into a function's text, and returns how many bytes of scratch memory it uses.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod

from chainrule.execute.native.blas import Routine
from chainrule.execute.native.gemm_dot import dot_scratch, write_dot
from chainrule.execute.native.gemm_nest import Nest, Operands, Tiling
from chainrule.execute.native.gemm_pack import copy_transposed
from chainrule.execute.native.gemm_plan import dotted_columns, tiling
from chainrule.execute.native.gemm_text import BYTES, Size, Text, Vector
from chainrule.execute.native.gemm_tile import Epilogue, Part


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes m, n, k that are to be expected at most, and whether that is a promise."""

    sizes: tuple[int, int, int]
    bounded: bool


def write_tiles(
    text: Text, operands: Operands, limits: Limits, epilogue: Epilogue | None = None
) -> int:
    """Compute a product tile by tile."""
    cut = _cut(text, operands, limits)
    Nest(text, operands, cut, epilogue).write()
    return sum(cut.scratch(text.element))


def in_one_go(text: Text, operands: Operands, limits: Limits) -> bool:
    """Tell whether tiles are complete when they are stored first, so that none is read again."""
    return _cut(text, operands, limits).whole_depth


def write_packed(
    text: Text, operands: Operands, limits: Limits, epilogue: Epilogue | None, before: Text
) -> int:
    """Compute a product tile by tile, of a B that is packed once for many products.

    Parameters
    ----------
    before
        The body of the function that packs B; its parameters are B and where the copy goes.

    Returns
    -------
    int
        Bytes of the copy; zero, with nothing written, where tiles read B as it is.
    """
    cut = _cut(text, operands, limits)
    n, k = operands.columns, operands.k
    if not cut.pack_right or cut.pack_left or isinstance(n, str) or isinstance(k, str):
        return 0
    cut = replace(cut, packed_before=True)
    Nest(before, operands, cut, None).pack()
    Nest(text, replace(operands, scratch=operands.b), cut, epilogue).write()
    return prod(cut.blocks(n, k)) * cut.block * BYTES[text.element]


def _cut(text: Text, operands: Operands, limits: Limits) -> Tiling:
    m, n, k = (
        size if isinstance(size, int) else None
        for size in (operands.m, operands.columns, operands.k)
    )
    return tiling(
        m,
        n,
        k,
        limits.sizes,
        bounded=limits.bounded,
        element=text.element,
        transpose_a=operands.transpose_a,
        transpose_b=operands.transpose_b,
        target=text.target,
    )


def write_dots(text: Text, operands: Operands) -> int:
    """Compute the few columns of a product as dot products."""
    lanes = text.lanes
    while isinstance(operands.k, int) and lanes > 1 and operands.k <= lanes // 2:
        lanes //= 2
    write_dot(text, operands, lanes, text.target.registers)
    return dot_scratch(text.element, lanes, operands)


def write_mixed(text: Text, operands: Operands, limits: Limits) -> int:
    """Compute the first columns of a product in tiles, and the last few as dot products."""
    m, n, k = limits.sizes
    rest = dotted_columns(n, k, transpose_a=operands.transpose_a, lanes=text.lanes)
    first = n - rest
    scratch = write_tiles(
        text, replace(operands, columns=first), Limits((m, first, k), limits.bounded)
    )
    last = replace(
        operands,
        b=text.address(operands.b, text.multiply(first, k if operands.transpose_b else 1)),
        c=text.address(operands.c, first),
        columns=rest,
    )
    return max(scratch, write_dots(text, last))


def write_turned(text: Text, operands: Operands, limits: Limits) -> int:
    """Compute a tall product's transpose, ``B.T @ A``, whose rows fill whole vectors."""
    m, n, k = limits.sizes
    size = BYTES[text.element]
    # One column lies in memory like one row.
    result = 0 if n == 1 else -(-m * n * size // 64) * 64
    turned = replace(
        operands,
        a=operands.b,
        b=operands.a,
        c=operands.c if n == 1 else operands.scratch,
        scratch=text.address(operands.scratch, result // size),
        m=n,
        n=m,
        columns=m,
        accumulate=operands.accumulate and n == 1,
    )
    scratch = write_tiles(text, turned, Limits((n, m, k), limits.bounded))
    if n != 1:
        copy_transposed(
            text,
            Vector(text.element, text.lanes),
            source=operands.scratch,
            target=operands.c,
            rows=n,
            columns=m,
            accumulate=operands.accumulate,
        )
    return result + scratch


def write_blas(text: Text, operands: Operands, blas: Routine) -> int:
    """Call BLAS, for which a row-major array is the transpose of a column-major one."""
    integer = f"i{blas.integer_bits}"

    def variable(kind: str, value: object) -> str:
        place = text.value(f"alloca {kind}")
        text.line(f"store {kind} {value}, ptr {place}")
        return place

    def whole(size: Size) -> str:
        if isinstance(size, str) and blas.integer_bits < 64:
            return variable(integer, text.value(f"trunc i64 {size} to {integer}"))
        return variable(integer, size)

    def distance(size: Size) -> str:
        # BLAS refuses distances of zero, even between rows that do not exist.
        return whole(text.maximum(size, 1))

    m, n, k = operands.m, operands.n, operands.k
    transpose_a, transpose_b = operands.transpose_a, operands.transpose_b
    arguments = [
        variable("i8", ord("T" if transpose_b else "N")),
        variable("i8", ord("T" if transpose_a else "N")),
        whole(n),
        whole(m),
        whole(k),
        variable(text.element, "1.0"),
        operands.b,
        distance(k if transpose_b else n),
        operands.a,
        distance(m if transpose_a else k),
        variable(text.element, "1.0" if operands.accumulate else "0.0"),
        operands.c,
        distance(n),
    ]
    text.declarations.add(f"declare void @{blas.symbol}({', '.join('ptr' for _ in arguments)})")
    text.line(f"call void @{blas.symbol}({', '.join(f'ptr {place}' for place in arguments)})")
    return 0


def sweep(text: Text, operands: Operands, epilogue: Epilogue) -> None:
    """Apply an epilogue to a finished product."""
    vector, n = Vector(text.element, text.lanes), operands.n

    def part(row: Size, column: Size, valid: Size | None) -> None:
        offset = text.add(text.multiply(row, n), column)
        place = text.address(operands.c, offset)
        value = text.load(vector, place, valid)
        epilogue.write(text, [Part(vector, value, row, column, valid)])

    def row(index: Size, _: list[str]) -> list[str]:
        whole = text.round_down(n, text.lanes)

        def step(column: Size, _: list[str]) -> list[str]:
            part(index, column, None)
            return []

        text.loop(0, whole, text.lanes, step)
        rest = text.subtract(n, whole)
        text.when(text.less(0, rest), lambda: part(index, whole, rest))
        return []

    text.loop(0, operands.m, 1, row)
