"""Copies blocks of A and B into the order in which tiles read them."""

from __future__ import annotations

from chainrule.execute.native.gemm_text import BYTES, Size, Text, Vector
from chainrule.execute.native.gemm_tile import Span

AHEAD = 8
"""Rows that are asked for before they are copied: no hardware does it across pages of memory."""

SHORT = 8
"""Length of rows up to which a vector's worth of them is taken apart by a few shuffles."""


def pack_columns(
    text: Text,
    *,
    source: str,
    ahead: str,
    target: str,
    spans: tuple[Span, ...],
    lanes: int,
) -> None:
    """Copy a few vectors of one row of a row-major block, so that they are neighbours.

    Parameters
    ----------
    source, target
        Addresses of the first element, and of its copy.
    ahead
        Where the first element of a later row lies, to be brought near.
    spans
        Which columns to copy.
    lanes
        Distance of vectors in the copy.
    """
    loaded = []
    for span in spans:
        text.prefetch(text.address(ahead, span.start))
        vector = span.vector(text.element)
        loaded.append(text.load(vector, text.address(source, span.start), span.valid))
    for index, (span, value) in enumerate(zip(spans, loaded, strict=True)):
        text.store(span.vector(text.element), value, text.address(target, index * lanes))


def pack_transposed(
    text: Text,
    vector: Vector,
    *,
    source: str,
    rows: list[Size],
    stride: Size,
    target: str,
    step: int,
    depth: Size,
) -> None:
    """Copy a vector's worth of rows of a row-major block, so that they become columns.

    Parameters
    ----------
    source, rows, stride
        Address of the block's first element, which rows to copy, and their distance.
    target, step
        Address of the copy, and the distance of its rows; there is room for `depth` of them,
        rounded up to whole vectors.
    """
    lanes = vector.lanes
    places = [text.address(source, text.multiply(row, stride)) for row in rows]

    def block(k: Size, valid: Size | None) -> None:
        loaded = [text.load(vector, text.address(place, k), valid) for place in places]
        first = text.address(target, text.multiply(k, step))
        count = valid if isinstance(valid, int) else lanes
        for lane, value in enumerate(transpose(text, vector, loaded)[:count]):
            text.store(vector, value, text.address(first, lane * step))

    def whole(k: Size, _: list[str]) -> list[str]:
        # The last block overlaps the one before it.
        block(text.minimum(k, latest), None)
        return []

    if isinstance(depth, int) and depth >= lanes:
        latest: Size = depth - lanes
        text.loop(0, depth, lanes, whole)
        return
    latest = end = text.round_down(depth, lanes)
    text.loop(0, end, lanes, whole)
    rest = text.subtract(depth, end)
    text.when(text.less(0, rest), lambda: block(end, rest))


def pack_apart(
    text: Text, vector: Vector, *, source: str, depth: int, target: str, step: int, valid: Size
) -> None:
    """Copy neighbouring short rows, so that they become columns, by taking all of them apart.

    Parameters
    ----------
    source, depth
        Address of the first row, and how long all of them are.
    target, step
        Address of the copy, and the distance of its rows.
    valid
        How many of the rows exist.
    """
    wide = Vector(vector.element, vector.lanes * depth)
    rows = text.load(wide, source, text.multiply(valid, depth))
    for inner in range(depth):
        value = text.shuffle(wide, rows, "poison", range(inner, wide.lanes, depth))
        text.store(vector, value, text.address(target, inner * step))


def pack_rows(
    text: Text,
    vector: Vector,
    *,
    source: str,
    stride: Size,
    target: str,
    depth: Size,
    rows: int,
    valid: Size,
) -> None:
    """Copy a few columns of a row-major block, so that those of one row are neighbours.

    Parameters
    ----------
    source, stride
        Address of the first element, and the distance of rows.
    target
        Address of the copy: `depth` times `rows` elements, and room for a vector after them.
    valid
        How many of the columns exist; the others become zero.
    """
    starts = range(0, rows, vector.lanes)
    counts = [text.minimum(text.subtract(valid, start), vector.lanes) for start in starts]

    def write(k: Size, _: list[str]) -> list[str]:
        row = text.address(source, text.multiply(k, stride))
        place = text.address(target, text.multiply(k, rows))
        for start, count in zip(starts, counts, strict=True):
            value = text.load(vector, text.address(row, start), count)
            # Whole vectors: what spills over is written again by the next round.
            text.store(vector, value, text.address(place, start))
        return []

    text.loop(0, depth, 1, write)


def copy_transposed(
    text: Text,
    vector: Vector,
    *,
    source: str,
    target: str,
    rows: int,
    columns: int,
    accumulate: bool,
) -> None:
    """Copy a small row-major array of `rows` by `columns` elements to its transpose, or add it."""
    lanes = vector.lanes

    def block(column: Size, valid: int) -> None:
        for first in range(0, rows, lanes):
            count = min(lanes, rows - first)
            loaded = ["zeroinitializer"] * lanes
            for row in range(count):
                place = text.address(source, text.add(column, (first + row) * columns))
                loaded[row] = text.load(vector, place, valid)
            base = text.address(target, text.add(text.multiply(column, rows), first))
            for lane, value in enumerate(transpose(text, vector, loaded)[:valid]):
                place = text.address(base, lane * rows)
                if accumulate:
                    old = text.load(vector, place, count)
                    value = text.value(f"fadd {vector} {old}, {value}")
                text.store(vector, value, place, count)

    def step(column: Size, _: list[str]) -> list[str]:
        block(column, lanes)
        return []

    whole = columns // lanes * lanes
    text.loop(0, whole, lanes, step)
    if columns > whole:
        block(whole, columns - whole)


def transpose(text: Text, vector: Vector, rows: list[str]) -> list[str]:
    """Return the columns of a square block of vectors.

    First within groups of 128 bits, by interleaving, then groups as wholes: the shuffles that
    x86 and ARM have as single instructions.
    """
    lanes = vector.lanes
    group = min(16 // BYTES[vector.element], lanes)
    rows = list(rows)
    distance = 1
    while distance < group:
        # Rows i and i + distance exchange runs of `distance` lanes, low half and high half.
        low, high = _interleave(lanes, group, distance)
        mixed = list(rows)
        for first in range(lanes):
            if first & distance == 0:
                a, b = rows[first], rows[first + distance]
                mixed[first] = text.shuffle(vector, a, b, low)
                mixed[first + distance] = text.shuffle(vector, a, b, high)
        rows = mixed
        distance *= 2
    if group == 4:
        # Two rounds of interleaving leave the middle columns of each group exchanged.
        rows = [rows[i & ~3 | (i & 1) << 1 | (i & 2) >> 1] for i in range(lanes)]
    distance = group
    while distance < lanes:
        keep = [lane if lane & distance == 0 else lanes + lane - distance for lane in range(lanes)]
        take = [lane + distance if lane & distance == 0 else lanes + lane for lane in range(lanes)]
        mixed = list(rows)
        for first in range(lanes):
            if first & distance == 0:
                a, b = rows[first], rows[first + distance]
                mixed[first] = text.shuffle(vector, a, b, keep)
                mixed[first + distance] = text.shuffle(vector, a, b, take)
        rows = mixed
        distance *= 2
    return rows


def _interleave(lanes: int, group: int, run: int) -> tuple[list[int], list[int]]:
    """Return the orders that interleave runs of lanes of two vectors, within groups."""
    halves: tuple[list[int], list[int]] = ([], [])
    for start in range(0, lanes, group):
        for half, order in enumerate(halves):
            for position in range(start + half * group // 2, start + (half + 1) * group // 2, run):
                order += range(position, position + run)
                order += range(lanes + position, lanes + position + run)
    return halves


def clear(text: Text, pointer: str, count: Size) -> None:
    """Set neighbouring elements to zero."""
    vector = Vector(text.element, text.lanes)

    def step(offset: Size, _: list[str]) -> list[str]:
        text.store(vector, "zeroinitializer", text.address(pointer, offset))
        return []

    whole = text.round_down(count, text.lanes)
    text.loop(0, whole, text.lanes, step)
    rest = text.subtract(count, whole)
    place = text.address(pointer, whole)
    text.when(text.less(0, rest), lambda: text.store(vector, "zeroinitializer", place, rest))
