"""Decides from sizes alone how a product is computed, and into which tiles it is cut.

The figures were measured on an AMD EPYC (Zen 3: AVX2, 32 KiB L1, 512 KiB L2), one thread, float32,
against the same product by OpenBLAS 0.3.30; those for vectors of 512 bits on a later one (Zen 4:
32 KiB L1, 1 MiB L2). The rules behind them are general.
"""

from __future__ import annotations

from typing import Literal

from chainrule.execute.native.gemm_nest import Tiling, narrowed
from chainrule.execute.native.gemm_text import BYTES, Target
from chainrule.execute.native.tuning import Tuning

Method = Literal["dots", "mixed", "turned", "tiles", "blas"]

# From here on OpenBLAS is as fast as our tiles (1024 cubed: 88 and 87 GFLOP/s of 101), or up to a
# tenth faster (2048 cubed).
BLAS_WORK = 2**30

# What a block of B may take where A is packed once for each: fewer and larger blocks are better.
PACKED_BLOCK_BYTES = 2 << 20
PACKED_LINES_BYTES = 1 << 20

# Where a vector is a whole line of the cache, it is read as fast from where it lies: up to a page
# between rows of B, and for as long an inner dimension (64 by 784 by 256: 114 GFLOP/s of 118, and
# 102 where B is packed; 784 by 64 by 256, A transposed: 114 and 107).
LINE_BYTES = 64


def choose(m: int, n: int, k: int, *, transpose_a: bool, transpose_b: bool, lanes: int) -> Method:
    """Return the way to compute a product of this size.

    Rows of ``a @ b`` do not depend on `m` in any bit as long as the method is not "blas".

    Parameters
    ----------
    m, n, k
        Sizes, or the limits of sizes that are not known yet.
    transpose_a, transpose_b
        Whether an operand is stored transposed.
    lanes
        Elements in a vector register.

    Returns
    -------
    str
        "dots" for a few columns, each a dot product (256 rows, 64 deep, 1, 2, 4 columns: 31, 54,
        58 GFLOP/s; in tiles 8, 20, 38); "mixed" for tiles that leave a few columns to dots;
        "turned" for weight gradients with a few columns, which are computed transposed (ten
        columns: 74, in tiles 57); "blas" for products of 2**30 multiply-adds and more; "tiles"
        for all others.

    Examples
    --------
    >>> choose(256, 64, 64, transpose_a=False, transpose_b=False, lanes=8)
    'tiles'
    >>> choose(256, 1, 64, transpose_a=False, transpose_b=False, lanes=8)
    'dots'
    """
    if not transpose_a and 0 < n <= min(6, 3 * lanes // 4) and k >= 4 * n:
        return "dots"
    if transpose_a and not transpose_b and 0 < n < min(m, 2 * lanes) and k >= 8:
        return "turned"
    if dotted_columns(n, k, transpose_a=transpose_a, lanes=lanes):
        return "mixed"
    return "blas" if m * n * k >= BLAS_WORK else "tiles"


def worth_blas(work: int, target: Target) -> bool:
    """Tell whether a product of so many multiply-adds should be left to BLAS.

    Where a vector is a whole line of the cache, none is: tiles of 256 by 1024 by 4096 run at 105 to
    110 GFLOP/s of 118, and BLAS at 92 to 99; 2048 cubed at 103 to 110, and 105 to 107.
    """
    return work >= BLAS_WORK and target.vector_bits < 8 * LINE_BYTES


def dotted_columns(n: int, k: int, *, transpose_a: bool, lanes: int) -> int:
    """Return how many of the last columns are left to dot products.

    Ten columns are one vector of eight, and two that would fill a second one to a quarter.
    """
    rest = n - lanes
    return rest if not transpose_a and 0 < rest <= 3 * lanes // 8 and k >= 8 * lanes else 0


def tiling(
    m: int | None,
    n: int | None,
    k: int | None,
    limits: tuple[int, int, int],
    *,
    bounded: bool,
    element: str,
    transpose_a: bool,
    transpose_b: bool,
    target: Target,
) -> Tiling:
    """Return how to cut a product up.

    Parameters
    ----------
    m, n, k
        Sizes; None where not known yet.
    limits
        The same, with the largest size that is to be expected in place of None.
    bounded
        Whether no size will exceed its limit.
    element
        LLVM type of an element.
    transpose_a, transpose_b
        Whether an operand is stored transposed.
    """
    rows_limit, columns_limit, depth_limit = limits
    size, tuning = BYTES[element], target.tuning
    lanes = tuning.vector_bits // (8 * size)
    while n is not None and lanes > 1 and n <= lanes // 2:
        lanes //= 2
    far = columns_limit * depth_limit * size > tuning.cached_bytes
    lines = lanes * size == LINE_BYTES
    rows, vectors = _shape(
        rows_limit, n, lanes, target, element=element, strided=transpose_a, far=far
    )
    pack = _packing_lines if lines else _packing
    pack_left, pack_right, depth = pack(
        limits, size, tuning, far=far, transpose_a=transpose_a, must=transpose_b or n is None
    )
    whole_depth = (bounded or k is not None) and 4 * depth_limit <= 5 * depth
    if whole_depth:
        depth = max(1, depth_limit)
    elif k is not None:
        depth = -(-k // -(-4 * k // (5 * depth)))
    padded = -(-depth // lanes) * lanes
    width = vectors * lanes
    block = tuning.block_bytes
    if pack_left:
        block = PACKED_LINES_BYTES if lines else PACKED_BLOCK_BYTES
    most = max(1, block // (padded * size * width))
    panels = most if n is None else max(1, -(-n // width))
    columns = -(-panels // -(-panels // most)) * width
    return Tiling(lanes, rows, vectors, columns, depth, whole_depth, pack_left, pack_right)


def _packing(
    limits: tuple[int, int, int],
    size: int,
    tuning: Tuning,
    *,
    far: bool,
    transpose_a: bool,
    must: bool,
) -> tuple[bool, bool, int]:
    """Return whether to pack A and B, and the depth of a block.

    Parameters
    ----------
    limits
        Rows, columns and inner dimension, as they are to be expected.
    size
        Bytes of an element.
    tuning
        Figures of the processor.
    far
        Whether B is too large for the first-level cache.
    transpose_a
        Whether A is stored transposed.
    must
        Whether tiles cannot read B where it lies.
    """
    rows, columns, _ = limits
    wide = columns * size
    pack_right = must or (
        rows >= (32 if transpose_a else 16) and (wide > 256 if transpose_a else far)
    )
    pack_left = transpose_a and pack_right and wide >= 512
    depth = tuning.depth_bytes // size
    if transpose_a and not pack_left:
        # Rows of A and B that lie far apart soon fall on the same few lines of the cache.
        depth = 256 if pack_right else 128
    return pack_left, pack_right, depth


def _packing_lines(
    limits: tuple[int, int, int],
    size: int,
    tuning: Tuning,
    *,
    far: bool,
    transpose_a: bool,
    must: bool,
) -> tuple[bool, bool, int]:
    """Return the same where a vector is a whole line of the cache."""
    rows, columns, depth = limits
    apart = not LINE_BYTES <= columns * size < tuning.page_bytes
    apart |= not transpose_a and depth * size > tuning.page_bytes
    pack_right = must or (far and rows >= 16 and apart)
    deep = not transpose_a and (must or not pack_right)
    deepest = tuning.page_bytes if deep else tuning.depth_bytes
    return transpose_a and pack_right, pack_right, deepest // size


def _shape(
    m: int, n: int | None, lanes: int, target: Target, *, element: str, strided: bool, far: bool
) -> tuple[int, int]:
    """Return the rows and vectors of the tile that is expected to be fastest.

    A tile's round costs half a cycle for each multiply-add and each load, two cycles for each
    vector of B where B comes from the second-level cache, but at least the time until an
    accumulator can be used again. It costs a little by itself, more where A is read with large
    strides.

    Where a vector is a whole line of the cache, tiles of sixteen sums are as good as any larger
    one: 105 to 117 GFLOP/s of 118 for products of 64 to 1024 rows, columns and deep. Where a
    multiply-add of it takes two rounds, those of eight are, too, and better where columns are
    left that fill half a vector, which takes one round (256 by 20 by 10: 91, and 83 GFLOP/s).
    Sixteen rows by one vector are better where A is stored transposed: they are a line of it.
    """
    tuning = target.tuning
    lines = lanes * BYTES[element] == LINE_BYTES
    twice = lines and tuning.splits
    overhead = 0.75 if strided and not lines else 0.2 if twice else 0.3
    sums = tuning.strided_sums if strided else tuning.sums
    most_rows, most_vectors = (min(sums, 16), 4) if lines else (12, 8)
    full, rest = divmod(max(1, lanes * 12 if n is None else n), lanes)
    narrow = 0.5 if rest and twice and narrowed(rest, lanes, element) < lanes else 1.0
    count = full + (rest > 0)
    fewest = min(sums, min(m, 8) * min(count, most_vectors)) if lines else 1

    def cycles(rows: int, vectors: int, saved: float = 0.0) -> float:
        # What is saved by a narrow vector; beside one whole vector, a quarter of it is lost.
        work = rows * (vectors - (0.75 if vectors == 2 else 1.0) * saved) / 2
        loads = (rows + vectors) / (4 if twice else 2)
        stream = 2 * vectors if far and not twice else 0
        return max(work, loads, stream, target.latency / (2 if twice else 1)) + overhead

    best, least = (1, 1), float("inf")
    shapes = [(r, v) for r in range(1, most_rows + 1) for v in range(1, most_vectors + 1)]
    few = 0 if lines and not strided else 1
    # Small tiles first, and of those the ones that load B (or A) the least: others have to earn it.
    for rows, vectors in sorted(shapes, key=lambda shape: (shape[0] * shape[1], shape[few])):
        needed = rows * vectors + (1 if rows == 1 else vectors) + 1
        if needed > target.registers or vectors > count or rows > max(m, 1):
            continue
        if rows * vectors < fewest:
            continue
        panels = -(-count // vectors) - 1
        cost = panels * cycles(rows, vectors) + cycles(rows, count - panels * vectors, 1 - narrow)
        if count % vectors:
            cost *= 1.02
        cost *= -(-m // rows)
        if cost < 0.98 * least:
            best, least = (rows, vectors), cost
    return best
