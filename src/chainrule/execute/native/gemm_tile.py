"""One tile of a matrix product: accumulators stay in registers for the whole inner loop.

Every element of a product is one chain of multiply-adds in ascending order of the inner index,
whatever the tile's shape and wherever blocks begin, so a row's result has the same bits in any
batch. Rows and columns beyond the edge are not left out but repeated: the tile's last row is
computed as often as needed to fill it, from the same numbers in the same order, and stored to
the same place. That keeps the edge free of branches and of kernels of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from chainrule.execute.native.gemm_text import Size, Text, Vector


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
    """What happens to every element of a product before it is stored.

    Attributes
    ----------
    arguments
        Further parameters of the function, as in ``("ptr noalias %bias",)``.
    write
        Writes instructions that compute the new value of a part, and returns its SSA name. It
        may be asked for the same part twice, so it must not add to memory.
    """

    arguments: tuple[str, ...]
    write: Callable[[Text, Part], str]


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
    starts
        Where each vector begins within a row.
    valid
        Number of columns that may be read, for each vector.
    """

    pointer: str
    step: Size
    starts: tuple[int, ...]
    valid: tuple[Size | None, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a tile of the result is stored: rows, first column, and its vectors."""

    pointer: str
    stride: Size
    rows: tuple[Size, ...]
    column: Size
    starts: tuple[int, ...]
    valid: tuple[Size | None, ...]


def multiply(
    text: Text, vector: Vector, left: Left, right: Right, depth: Size, initial: list[str]
) -> list[str]:
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

    def write(k: Size, sums: list[str]) -> list[str]:
        row = text.address(right.pointer, text.multiply(k, right.step))
        columns = [
            text.load(vector, text.address(row, start), valid)
            for start, valid in zip(right.starts, right.valid, strict=True)
        ]
        results: list[str] = []
        inner = text.multiply(k, left.step)
        for address in left.rows:
            factor = text.broadcast(vector, text.address(address, inner))
            for column in columns:
                results.append(text.multiply_add(vector, factor, column, sums[len(results)]))
        return results

    return text.loop(0, depth, 1, write, [(vector, value) for value in initial])


def begin(text: Text, vector: Vector, place: Place, *, resume: bool) -> list[str]:
    """Return a tile's accumulators at the start: zero, or what is stored."""
    if not resume:
        return ["zeroinitializer"] * (len(place.rows) * len(place.starts))
    valid = place.valid * len(place.rows)
    return [
        text.load(vector, address, count)
        for address, count in zip(_addresses(text, place), valid, strict=True)
    ]


def finish(
    text: Text, vector: Vector, place: Place, sums: list[str], epilogue: Epilogue | None
) -> None:
    """Store a tile."""
    values = list(sums)
    columns = [
        (text.add(place.column, s), v) for s, v in zip(place.starts, place.valid, strict=True)
    ]
    if epilogue is not None:
        parts = [(row, *column) for row in place.rows for column in columns]
        values = [
            epilogue.write(text, Part(vector, value, row, column, valid))
            for value, (row, column, valid) in zip(sums, parts, strict=True)
        ]
    valid = place.valid * len(place.rows)
    for value, address, count in zip(values, _addresses(text, place), valid, strict=True):
        text.store(vector, value, address, count)


def _addresses(text: Text, place: Place) -> list[str]:
    addresses = []
    for row in place.rows:
        first = text.add(text.multiply(row, place.stride), place.column)
        base = text.address(place.pointer, first)
        addresses += [text.address(base, start) for start in place.starts]
    return addresses
