"""Kernels that fold the entries along some axes into one, as sums and maxima do."""

from __future__ import annotations

from typing import Any

from chainrule.execute.native.code import LLVM_TYPES, SHORT, Value
from chainrule.execute.native.kernels import Flat, Index, Kernel
from chainrule.execute.native.scalars import ANY_ORDER, Scalars
from chainrule.ir import element_count
from chainrule.plan.fuse import SHORT_ROW

ROWS = 8
"""Rows that are added to a result at a time: it is read and written once for all of them."""

SIMPLE = 4
"""Values computed for one entry up to which the code may be written for many rows."""


def reduce(kernel: Kernel) -> None:
    """Write the fold over the axes that a group's one output leaves out."""
    (node,) = kernel.group.outputs
    axes, ndim = node.options["axes"], node.inputs[0].type.ndim
    if axes == tuple(range(ndim - len(axes), ndim)):
        _along_rows(kernel)
    else:
        _across_rows(kernel)


def _along_rows(kernel: Kernel) -> None:
    """Fold each row to one number, which stays in a register.

    A short row is added from left to right, and the loop over rows is vectorised; a long one in
    any order, which its own loop fixes: either way row by row alike.
    """
    (node,) = kernel.group.outputs
    x, axes = node.inputs[0], node.options["axes"]
    shape, fold, code = x.type.shape, node.card.native, kernel.code
    first = len(shape) - len(axes)
    outer, inner = shape[:first], shape[first:]
    flat = kernel.reads_flat(x, shape)
    count = element_count(inner)
    long = not isinstance(count, int) or count >= SHORT_ROW
    adder = Scalars(code, kernel.indices, ANY_ORDER) if long else kernel.scalars
    kind, zero = LLVM_TYPES[node.type.dtype], fold.start(kernel.scalars, node.type.dtype)

    def row(index: tuple[Any, ...]) -> None:
        total = code.allocate(kind)
        start = kernel.load(node, index) if kernel.adds else zero
        code.line(f"store {kind} {start.name}, ptr {total}")

        def entry(at: Index) -> None:
            so_far = Value(code.set(f"load {kind}, ptr {total}"), node.type.dtype)
            result = fold.step(adder, so_far, kernel.value(x, at))
            code.line(f"store {kind} {result.name}, ptr {total}")

        if flat:
            begin = kernel.indices.multiply(kernel.indices.flatten(index, outer), count)
            kernel.flat_loop(
                inner,
                lambda at: entry(Flat(kernel.indices.add(begin, at.place))),
                unroll=not long,
            )
        else:
            kernel.nest(inner, lambda at: entry((*index, *at)), unroll=not long)
        kernel.store(node, index, Value(code.set(f"load {kind}, ptr {total}"), node.type.dtype))

    kernel.nest(outer, row)


def _across_rows(kernel: Kernel) -> None:
    """Fold rows into one row, which lies in memory, in the order of the rows.

    Several rows are taken at a time, so that loading and storing the sums costs little: a sum over
    rows of 100 takes half the time.
    """
    (node,) = kernel.group.outputs
    x, axes, fold = node.inputs[0], node.options["axes"], node.card.native
    shape, i = x.type.shape, kernel.indices
    axis = max(axes)
    kept = tuple(a for a in range(len(shape)) if a not in axes)
    if not kernel.adds:
        zero = fold.start(kernel.scalars, node.type.dtype)
        kernel.flat_loop(node.type.shape, lambda at: kernel.store(node, at, zero))

    def add(before: tuple[Any, ...], first: Any, rows: int) -> None:
        """Add some rows, of which one has this index along the axis, to the result."""

        def entry(behind: tuple[Any, ...]) -> None:
            index = (*before, first, *behind)
            at = tuple(index[a] for a in kept)
            total = kernel.load(node, at)
            for row in range(rows):
                term = kernel.value(x, (*before, i.add(first, row), *behind))
                total = fold.step(kernel.scalars, total, term)
            kernel.store(node, at, total)

        kernel.nest(shape[axis + 1 :], entry, unroll=True)

    def block(before: tuple[Any, ...]) -> None:
        count = i.size(shape[axis])
        blocks = i.divide(count, rows)
        if blocks != 0:
            with kernel.code.loop(blocks) as n:
                add(before, i.multiply(n, rows), rows)
        done = i.multiply(blocks, rows)
        rest = i.subtract(count, done)
        if isinstance(rest, str):
            with kernel.code.loop(rest) as n:
                add(before, i.add(done, n), 1)
        elif rest > 0:
            add(before, done, rest)

    width = element_count(shape[axis + 1 :])
    wide = not isinstance(width, int) or width > SHORT
    rows = ROWS if wide and len(kernel.group.members) <= SIMPLE else 1
    kernel.nest(shape[:axis], block)
