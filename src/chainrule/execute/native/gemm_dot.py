"""Products with very few columns: dot products, vectorised over the inner dimension.

An element of the result is the sum of as many chains as a vector has lanes, folded half onto
half. That order depends on the inner dimension alone, so here too a row's result has the same
bits in any batch.
"""

from __future__ import annotations

from chainrule.execute.native.gemm_nest import Operands
from chainrule.execute.native.gemm_text import BYTES, Size, Text, Vector, constant


def dot_scratch(element: str, lanes: int, operands: Operands) -> int:
    """Return the bytes that the transposed copy of B needs."""
    if _rows_lie_ready(operands):
        return 0
    return constant(operands.columns) * _padded(operands.k, lanes) * BYTES[element]


def write_dot(text: Text, operands: Operands, lanes: int, registers: int) -> None:
    """Write a product whose number of columns is a small constant, and A not transposed.

    Parameters
    ----------
    operands
        `k` is a constant, unless B is stored transposed or has one column.
    lanes
        Elements in a vector.
    registers
        Number of vector registers.
    """
    n, m, k = constant(operands.columns), operands.m, operands.k
    vector = Vector(text.element, lanes)
    if _rows_lie_ready(operands):
        columns, distance = operands.b, k
    else:
        columns, distance = operands.scratch, _padded(k, lanes)
        _transpose(text, vector, operands, distance)
    # Enough sums to hide the latency of an addition, few enough to stay in registers.
    rows = max(1, min(8, (registers - n - 1) // n, -(-8 // n)))
    if isinstance(m, int):
        rows = min(rows, max(m, 1))

    def tile(first: Size, _: list[str]) -> list[str]:
        index = [text.minimum(text.add(first, row), text.subtract(m, 1)) for row in range(rows)]
        index[0] = first
        left = [text.address(operands.a, text.multiply(row, k)) for row in index]
        right = [text.address(columns, text.multiply(column, distance)) for column in range(n)]

        def step(inner: Size, sums: list[str], valid: Size | None = None) -> list[str]:
            b = [text.load(vector, text.address(pointer, inner), valid) for pointer in right]
            results: list[str] = []
            for pointer in left:
                a = text.load(vector, text.address(pointer, inner), valid)
                for value in b:
                    results.append(text.multiply_add(vector, a, value, sums[len(results)]))
            return results

        sums = ["zeroinitializer"] * (rows * n)
        whole = text.round_down(k, lanes)
        carried = [(vector, value) for value in sums]
        sums = text.loop(0, whole, lanes, step, carried)
        rest = text.subtract(k, whole)
        if rest != 0:
            # At most one round, on the lanes that are left.
            carried = [(vector, value) for value in sums]
            sums = text.loop(
                0, text.minimum(rest, 1), 1, lambda _, old: step(whole, old, rest), carried
            )
        _store(text, operands, index, fold(text, vector, sums))
        return []

    text.loop(0, m, rows, tile)


def fold(text: Text, vector: Vector, sums: list[str]) -> list[str]:
    """Return the sum of each vector's lanes.

    Vectors are folded in pairs, so that each addition works on whole registers; which partner a
    vector has makes no difference to its own sum.
    """
    width, lanes, count = vector.lanes, vector.lanes, len(sums)
    packed = list(sums)
    # packed[i] holds the sums of `lanes // width` vectors, `width` partial sums for each.
    while width > 1:
        half = width // 2
        low = [lane for lane in range(2 * lanes) if lane % width < half]
        high = [lane for lane in range(2 * lanes) if lane % width >= half]
        if len(packed) % 2:
            packed.append("zeroinitializer")
        packed = [
            text.value(
                f"fadd {vector} {text.shuffle(vector, a, b, low)}, "
                f"{text.shuffle(vector, a, b, high)}"
            )
            for a, b in zip(packed[::2], packed[1::2], strict=True)
        ]
        width = half
    return [
        text.value(f"extractelement {vector} {packed[i // lanes]}, i64 {i % lanes}")
        for i in range(count)
    ]


def _store(text: Text, operands: Operands, rows: list[Size], values: list[str]) -> None:
    align = f"align {BYTES[text.element]}"
    addresses = []
    for row in rows:
        base = text.address(operands.c, text.multiply(row, operands.n))
        addresses += [text.address(base, column) for column in range(len(values) // len(rows))]
    if operands.accumulate:
        # All are read before any is written: rows beyond the end repeat the last one.
        old = [text.value(f"load {text.element}, ptr {place}, {align}") for place in addresses]
        values = [
            text.value(f"fadd {text.element} {a}, {b}") for a, b in zip(old, values, strict=True)
        ]
    for value, place in zip(values, addresses, strict=True):
        text.line(f"store {text.element} {value}, ptr {place}, {align}")


def _rows_lie_ready(operands: Operands) -> bool:
    return operands.transpose_b or operands.n == 1


def _padded(k: Size, lanes: int) -> int:
    return -(-constant(k) // lanes) * lanes


def _transpose(text: Text, vector: Vector, operands: Operands, distance: int) -> None:
    """Copy the wanted columns of B to the scratch memory, column by column."""
    n, k = constant(operands.columns), constant(operands.k)
    stride, lanes = operands.n, vector.lanes

    def block(inner: Size, _: list[str]) -> list[str]:
        rows = text.load(wide, text.address(operands.b, text.multiply(inner, n)))
        place = text.address(operands.scratch, inner)
        for column in range(n):
            value = text.shuffle(wide, rows, "poison", range(column, lanes * n, n))
            text.store(vector, value, text.address(place, column * distance))
        return []

    def single(inner: Size, _: list[str]) -> list[str]:
        row = text.address(operands.b, text.multiply(inner, stride))
        place = text.address(operands.scratch, inner)
        for column in range(n):
            value = text.load(scalar, text.address(row, column))
            text.store(scalar, value, text.address(place, column * distance))
        return []

    scalar = Vector(text.element, 1)
    wide = Vector(text.element, lanes * n)
    # Whole rows are neighbours, and can be taken apart many at a time.
    whole = k // lanes * lanes if n == stride else 0
    text.loop(0, whole, lanes, block)
    text.loop(whole, k, 1, single)
