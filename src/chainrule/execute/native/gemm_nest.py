"""The loops around the tiles of a matrix product: blocks for the caches, panels, edges."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from chainrule.execute.native.gemm_pack import (
    AHEAD,
    SHORT,
    clear,
    pack_apart,
    pack_columns,
    pack_rows,
    pack_transposed,
)
from chainrule.execute.native.gemm_text import BYTES, Size, Text, Vector, constant
from chainrule.execute.native.gemm_tile import (
    Epilogue,
    Left,
    Place,
    Right,
    Span,
    begin,
    finish,
    multiply,
)


@dataclass(frozen=True, slots=True)
class Operands:
    """A product C[m, n] = op(A)[m, k] op(B)[k, n] of row-major contiguous arrays in memory.

    Attributes
    ----------
    a, b, c, scratch
        Addresses of the first elements, and of working memory.
    m, n, k
        Sizes.
    columns
        How many columns of the product are wanted, from the first one on.
    transpose_a, transpose_b
        Whether A is stored as [k, m], and B as [n, k].
    accumulate
        Whether the product is added to what C holds.
    """

    a: str
    b: str
    c: str
    scratch: str
    m: Size
    n: Size
    k: Size
    columns: Size
    transpose_a: bool
    transpose_b: bool
    accumulate: bool


@dataclass(frozen=True, slots=True)
class Tiling:
    """How a product is cut up.

    Attributes
    ----------
    lanes
        Elements in a vector.
    rows, vectors
        Shape of a tile.
    column_block, depth_block
        Largest extent of a block of B, in elements; `column_block` is a multiple of a tile's
        columns.
    whole_depth
        Whether the inner dimension is never longer than `depth_block`.
    pack_left, pack_right
        Whether a block of A (stored transposed) and of B is copied to where its tiles read it in
        one run.
    packed_before
        Whether the product finds all blocks of B copied already, one behind the other.
    """

    lanes: int
    rows: int
    vectors: int
    column_block: int
    depth_block: int
    whole_depth: bool
    pack_left: bool
    pack_right: bool
    packed_before: bool = False

    @property
    def columns(self) -> int:
        """Columns of a tile."""
        return self.lanes * self.vectors

    @property
    def block(self) -> int:
        """Elements of a packed block of B."""
        return -(-self.depth_block // self.lanes) * self.lanes * self.column_block

    def blocks(self, n: int, k: int) -> tuple[int, int]:
        """Return into how many blocks B is cut: along its depth, and along its columns."""
        return -(-k // self.depth_block), -(-n // self.column_block)

    def scratch(self, element: str) -> tuple[int, int]:
        """Return the bytes that a packed block of B and one of A need."""
        right = self.block if self.pack_right else 0
        depth = -(-self.depth_block // self.lanes) * self.lanes
        left = depth * self.rows + self.lanes if self.pack_left else 0
        lines = [-(-size * BYTES[element] // 64) * 64 for size in (right, left)]
        return lines[0], lines[1]


@dataclass(frozen=True, slots=True)
class _Panel:
    """Neighbouring columns that one tile covers."""

    column: Size
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class _Block:
    """The part of a product that is being computed: where it starts, and how deep it is.

    `packed` is the address of the block of B, where that is copied.
    """

    inner: Size
    depth: Size
    column: Size
    columns: Size
    packed: str


_Visit = Callable[[_Block, str | bool], None]
"""Writes what happens to a block; the second argument tells whether it is the last in depth."""


class Nest:
    """Writes the loops of one product into a function's text."""

    def __init__(
        self, text: Text, operands: Operands, tiling: Tiling, epilogue: Epilogue | None
    ) -> None:
        self.text = text
        self.operands = operands
        self.tiling = tiling
        self.epilogue = epilogue
        self.vector = Vector(text.element, tiling.lanes)
        right, _ = tiling.scratch(text.element)
        self.packed_right = operands.scratch
        self.packed_left = text.address(operands.scratch, right // BYTES[text.element])
        # The distances of neighbours in memory.
        self.left_row = 1 if operands.transpose_a else operands.k
        self.left_inner = operands.m if operands.transpose_a else 1

    def write(self) -> None:
        """Write the whole product."""
        text, operands, tiling = self.text, self.operands, self.tiling
        if not (tiling.whole_depth or operands.accumulate):
            clear(text, operands.c, text.multiply(operands.m, operands.n))

        def visit(where: _Block, final: str | bool) -> None:
            if tiling.pack_right and not tiling.packed_before:
                self._pack_right(where)
            self._rows(where, final)

        self._blocks(visit)

    def pack(self) -> None:
        """Write what copies all blocks of B, for products that find them packed before."""
        self._blocks(lambda where, _: self._pack_right(where))

    def _blocks(self, visit: _Visit) -> None:
        text, operands, step = self.text, self.operands, self.tiling.depth_block
        if self.tiling.whole_depth:
            self._columns(0, operands.k, True, visit)
            return

        def block(inner: Size, _: list[str]) -> list[str]:
            depth: Size = step
            if isinstance(operands.k, str) or operands.k % step:
                depth = text.minimum(text.subtract(operands.k, inner), step)
            more = text.less(text.add(inner, step), operands.k)
            self._columns(inner, depth, text.invert(more), visit)
            return []

        # An empty inner dimension still has a result, which the epilogue has to see.
        text.loop(0, text.maximum(operands.k, 1), step, block)

    def _columns(self, inner: Size, depth: Size, final: str | bool, visit: _Visit) -> None:
        text, n, step = self.text, self.operands.columns, self.tiling.column_block

        def block(column: Size, _: list[str]) -> list[str]:
            columns = text.minimum(text.subtract(n, column), step)
            visit(_Block(inner, depth, column, columns, self._place_of(inner, column)), final)
            return []

        text.loop(0, n, step, block)

    def _place_of(self, inner: Size, column: Size) -> str:
        """Return where the packed block of B lies that begins there."""
        text, operands, tiling = self.text, self.operands, self.tiling
        if not tiling.packed_before:
            return self.packed_right
        _, across = tiling.blocks(constant(operands.columns), constant(operands.k))
        number = text.add(
            text.multiply(text.divide(inner, tiling.depth_block), across),
            text.divide(column, tiling.column_block),
        )
        return text.address(self.packed_right, text.multiply(number, tiling.block))

    def _panels(self, where: _Block, write: Callable[[_Panel], None]) -> None:
        """Write something for each panel of a block: the whole ones, then the last."""
        text, width, lanes = self.text, self.tiling.columns, self.tiling.lanes
        whole = text.round_down(where.columns, width)
        spans = tuple(Span(start, lanes) for start in range(0, width, lanes))

        def panel(column: Size, _: list[str]) -> list[str]:
            write(_Panel(column, spans))
            return []

        text.loop(where.column, text.add(where.column, whole), width, panel)
        last, rest = self._last_panel()
        some = text.less(0, rest)
        if some is not False:
            text.when(self._at_end(where), lambda: text.when(some, lambda: write(last)))

    def _at_end(self, where: _Block) -> str | bool:
        """Whether a block holds the last columns."""
        end = self.text.add(where.column, where.columns)
        return self.text.less(self.operands.columns, self.text.add(end, 1))

    def _last_panel(self) -> tuple[_Panel, Size]:
        """Return the panel at the edge, and how many columns it has."""
        text, n = self.text, self.operands.columns
        width, lanes = self.tiling.columns, self.tiling.lanes
        column = text.round_down(n, width)
        rest = text.subtract(n, column)
        if isinstance(rest, str):
            starts = range(0, width, lanes)
            left = [text.maximum(text.subtract(rest, start), 0) for start in starts]
            valid = [text.minimum(count, lanes) for count in left]
            return _Panel(column, tuple(map(Span, starts, [lanes] * len(left), valid))), rest
        spans = [Span(start, lanes) for start in range(0, rest - lanes + 1, lanes)]
        if rest % lanes:
            narrow = narrowed(rest % lanes, lanes, text.element)
            # The last vector overlaps the one before it: the same numbers, stored twice.
            spans.append(Span(rest - narrow, narrow) if spans else Span(0, narrow, rest))
        return _Panel(column, tuple(spans)), rest

    def _rows(self, where: _Block, final: str | bool) -> None:
        text = self.text

        def tiles(first: Size, _: list[str]) -> list[str]:
            if self.tiling.pack_left:
                self._pack_left(where, first)
            self._panels(where, lambda panel: self._tile(where, first, panel, final))
            return []

        text.loop(0, self.operands.m, self.tiling.rows, tiles)

    def _pack_right(self, where: _Block) -> None:
        text, operands, tiling = self.text, self.operands, self.tiling
        if operands.transpose_b:
            self._pack_turned(where)
            return

        def row(index: Size, _: list[str]) -> list[str]:
            # Whole rows, one after the other, as they lie in memory.
            inner = text.add(where.inner, index)
            here = text.address(operands.b, text.multiply(inner, operands.n))
            later = text.address(operands.b, text.multiply(text.add(inner, AHEAD), operands.n))
            inside = text.multiply(index, tiling.columns)

            def pack(panel: _Panel) -> None:
                pack_columns(
                    text,
                    source=text.address(here, panel.column),
                    ahead=text.address(later, panel.column),
                    target=text.address(self._packed(where, panel.column), inside),
                    spans=panel.spans,
                    lanes=tiling.lanes,
                )

            self._panels(where, pack)
            return []

        text.loop(0, where.depth, 1, row)

    def _pack_turned(self, where: _Block) -> None:
        """Pack a block of columns that are rows in memory, vector by vector."""
        text, n, lanes = self.text, self.operands.columns, self.tiling.lanes
        end = text.add(where.column, where.columns)
        if isinstance(n, int):
            end = text.minimum(end, n // lanes * lanes)

        def pack(column: Size, _: list[str]) -> list[str]:
            self._pack_transposed(where, column, column, Span(0, lanes))
            return []

        text.loop(where.column, end, lanes, pack)
        if isinstance(n, int) and n % lanes:
            panel, _ = self._last_panel()
            span = panel.spans[-1]
            first = text.add(panel.column, span.start)
            column = n // lanes * lanes
            text.when(
                self._at_end(where), lambda: self._pack_transposed(where, column, first, span)
            )

    def _pack_transposed(self, where: _Block, column: Size, first: Size, span: Span) -> None:
        """Pack a vector of columns, from the first one on, to where a column begins."""
        text, n, k = self.text, self.operands.columns, self.operands.k
        if isinstance(k, int) and isinstance(n, int) and 0 < k <= SHORT and where.depth == k:
            pack_apart(
                text,
                span.vector(text.element),
                source=text.address(self.operands.b, text.multiply(first, k)),
                depth=k,
                target=self._packed(where, column),
                step=self.tiling.columns,
                valid=span.valid or span.lanes,
            )
            return
        rows = [text.add(first, lane) for lane in range(span.lanes)]
        if isinstance(n, str) or span.valid is not None:
            rows = [text.minimum(row, text.subtract(n, 1)) for row in rows]
        pack_transposed(
            text,
            span.vector(text.element),
            source=text.address(self.operands.b, where.inner),
            rows=rows,
            stride=self.operands.k,
            target=self._packed(where, column),
            step=self.tiling.columns,
            depth=where.depth,
        )

    def _pack_left(self, where: _Block, first: Size) -> None:
        text, rows = self.text, self.tiling.rows
        start = text.add(text.multiply(where.inner, self.left_inner), first)
        pack_rows(
            text,
            self.vector,
            source=text.address(self.operands.a, start),
            stride=self.left_inner,
            target=self.packed_left,
            depth=where.depth,
            rows=rows,
            valid=text.minimum(text.subtract(self.operands.m, first), rows),
        )

    def _packed(self, where: _Block, column: Size) -> str:
        """Return where a column begins in the packed block: panel by panel, row by row."""
        text, lanes = self.text, self.tiling.lanes
        padded = text.round_down(text.add(where.depth, lanes - 1), lanes)
        before = text.subtract(column, where.column)
        panel = text.round_down(before, self.tiling.columns)
        inside = text.subtract(before, panel)
        return text.address(where.packed, text.add(text.multiply(panel, padded), inside))

    def _tile(self, where: _Block, first: Size, panel: _Panel, final: str | bool) -> None:
        text, operands, tiling = self.text, self.operands, self.tiling
        rows = tuple(self._row(first, index) for index in range(tiling.rows))
        present = tuple(self._present(first, index) for index in range(tiling.rows))
        place = Place(operands.c, operands.n, rows, present, panel.column, panel.spans)
        resume = operands.accumulate or not tiling.whole_depth
        sums = begin(text, place, resume=resume)
        sums = multiply(
            text,
            self._left(where, first, rows),
            self._right(where, panel),
            where.depth,
            sums,
        )
        if self.epilogue is None or final is True:
            finish(text, place, sums, self.epilogue)
            return
        text.when(final, lambda: finish(text, place, sums, self.epilogue))
        text.when(text.invert(final), lambda: finish(text, place, sums, None))

    def _row(self, first: Size, index: int) -> Size:
        """Return a row of a tile; those beyond the end are the last one again."""
        row, m = self.text.add(first, index), self.operands.m
        if self._present(first, index) is True:
            return row
        return self.text.minimum(row, self.text.subtract(m, 1))

    def _present(self, first: Size, index: int) -> str | bool:
        """Whether a row of a tile exists."""
        m = self.operands.m
        if index == 0 or (isinstance(m, int) and m % self.tiling.rows == 0):
            return True
        return self.text.less(self.text.add(first, index), m)

    def _left(self, where: _Block, first: Size, rows: tuple[Size, ...]) -> Left:
        text = self.text
        if self.tiling.pack_left:
            # A repeated row reads the row that it repeats.
            return Left(
                tuple(text.address(self.packed_left, text.subtract(row, first)) for row in rows),
                self.tiling.rows,
            )
        base = text.address(self.operands.a, text.multiply(where.inner, self.left_inner))
        return Left(
            tuple(text.address(base, text.multiply(row, self.left_row)) for row in rows),
            self.left_inner,
        )

    def _right(self, where: _Block, panel: _Panel) -> Right:
        text = self.text
        if self.tiling.pack_right:
            spans = tuple(
                Span(index * self.tiling.lanes, span.lanes)
                for index, span in enumerate(panel.spans)
            )
            return Right(self._packed(where, panel.column), self.tiling.columns, spans)
        first = text.add(text.multiply(where.inner, self.operands.n), panel.column)
        base = text.address(self.operands.b, first)
        return Right(base, self.operands.n, panel.spans)


def narrowed(rest: int, lanes: int, element: str) -> int:
    """Return how wide a vector has to be for the last columns: a power of two, 128 bits or more.

    Examples
    --------
    >>> [narrowed(rest, 16, "float") for rest in (1, 4, 5, 8, 9, 15)]
    [4, 4, 8, 8, 16, 16]
    """
    while lanes // 2 >= max(rest, 16 // BYTES[element]):
        lanes //= 2
    return lanes
