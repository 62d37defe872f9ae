"""One tile of a matrix product: accumulators stay in registers for the whole inner loop.

Every element of a product is one chain of multiply-adds in ascending order of the inner index,
whatever the tile's shape and wherever blocks begin, so a row's result has the same bits in any
batch. Rows and columns beyond the edge are not left out but repeated: the tile's last row is
computed as often as needed to fill it, from the same numbers in the same order, and stored to
the same place. That keeps the edge free of branches and of kernels of its own. Of the columns, a
few at the end stand in a vector of half or a quarter of the width, which costs half as much where
a multiply-add of whole lines takes two rounds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from chainrule.execute.native.gemm_text import Size, Text, Vector

UNROLLED = 4
"""Rounds of the inner loop up to which they are written one after the other."""


@dataclass(frozen=True, slots=True)
class Part:
    """Some neighbouring elements of one row of the result, as an epilogue sees them.

    Attributes
    ----------
    vector, value
        LLVM type and SSA name of the elements.
    row, column
        Where the first element stands in the result.
    valid
        Number of lanes that count, where that is not all of them.
    """

    vector: Vector
    value: str
    row: Size
    column: Size
    valid: Size | None


@dataclass(frozen=True, slots=True)
class Epilogue:
    """What happens to the elements of a product, in place of storing them.

    Attributes
    ----------
    arguments
        Further parameters of the function, as in ``("ptr noalias %bias",)``.
    write
        Writes what is computed of some parts of a row, and stored. The parts may overlap: what
        they read is read before anything is stored, so that it may be written over.
    """

    arguments: tuple[str, ...]
    write: Callable[[Text, Sequence[Part]], None]


@dataclass(frozen=True, slots=True)
class Span:
    """Neighbouring columns that stand in one vector.

    Attributes
    ----------
    start
        The first of them, counted from the first column of the tile.
    lanes
        Elements of the vector.
    valid
        How many of the columns exist, where that may be fewer.
    """

    start: int
    lanes: int
    valid: Size | None = None

    def vector(self, element: str) -> Vector:
        """The type of the vector."""
        return Vector(element, self.lanes)


@dataclass(frozen=True, slots=True)
class Left:
    """The rows of A that a tile reads: their addresses, and the distance of inner neighbours."""

    rows: tuple[str, ...]
    step: Size


@dataclass(frozen=True, slots=True)
class Right:
    """The columns of B that a tile reads.

    Attributes
    ----------
    pointer
        Address of the first row.
    step
        Distance of inner neighbours.
    spans
        Which columns of a row stand in which vector; the first vector is the widest.
    """

    pointer: str
    step: Size
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a tile of the result is stored: rows, first column, and its vectors.

    `present` tells whether a row exists; those that do not are the last one again.
    """

    pointer: str
    stride: Size
    rows: tuple[Size, ...]
    present: tuple[str | bool, ...]
    column: Size
    spans: tuple[Span, ...]

    def parts(self, text: Text) -> list[tuple[Size, Span, str]]:
        """Give row, columns and address of each accumulator, row by row."""
        parts = []
        for row in self.rows:
            first = text.add(text.multiply(row, self.stride), self.column)
            base = text.address(self.pointer, first)
            parts += [(row, span, text.address(base, span.start)) for span in self.spans]
        return parts


def multiply(text: Text, left: Left, right: Right, depth: Size, initial: list[str]) -> list[str]:
    """Add the product of a few rows of A and a few vectors of columns of B.

    Parameters
    ----------
    depth
        Length of the inner loop.
    initial
        The accumulators, row by row.

    Returns
    -------
    list[str]
        The accumulators after the loop.
    """
    vectors = [span.vector(text.element) for span in right.spans]

    def write(k: Size, sums: list[str]) -> list[str]:
        row = text.address(right.pointer, text.multiply(k, right.step))
        columns = [
            text.load(vector, text.address(row, span.start), span.valid)
            for vector, span in zip(vectors, right.spans, strict=True)
        ]
        results: list[str] = []
        inner = text.multiply(k, left.step)
        for address in left.rows:
            factor = text.broadcast(vectors[0], text.address(address, inner))
            for vector, column in zip(vectors, columns, strict=True):
                low = text.low(vectors[0], factor, vector.lanes)
                results.append(text.multiply_add(vector, low, column, sums[len(results)]))
        return results

    kinds = vectors * len(left.rows)
    if isinstance(depth, int) and depth <= UNROLLED:
        sums = list(initial)
        for k in range(depth):
            sums = write(k, sums)
        return sums
    return text.loop(0, depth, 1, write, list(zip(kinds, initial, strict=True)))


def begin(text: Text, place: Place, *, resume: bool) -> list[str]:
    """Return a tile's accumulators at the start: zero, or what is stored."""
    if not resume:
        return ["zeroinitializer"] * (len(place.rows) * len(place.spans))
    return [
        text.load(span.vector(text.element), address, span.valid)
        for _, span, address in place.parts(text)
    ]


def finish(text: Text, place: Place, sums: list[str], epilogue: Epilogue | None) -> None:
    """Store a tile, or what an epilogue makes of it."""
    if epilogue is None:
        for value, (_, span, address) in zip(sums, place.parts(text), strict=True):
            text.store(span.vector(text.element), value, address, span.valid)
        return
    columns = [text.add(place.column, span.start) for span in place.spans]
    for i, row in enumerate(place.rows):
        parts = [
            Part(span.vector(text.element), value, row, column, span.valid)
            for value, column, span in zip(
                sums[i * len(columns) :], columns, place.spans, strict=False
            )
        ]
        text.when(place.present[i], partial(epilogue.write, text, parts))
