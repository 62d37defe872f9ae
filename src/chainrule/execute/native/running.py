"""Kernels that carry a value along an axis: the place of the largest entry, and running sums."""

from __future__ import annotations

from typing import Any

from chainrule.execute.native.code import LLVM_TYPES, Value
from chainrule.execute.native.kernels import Flat, Kernel


def argmax(kernel: Kernel) -> None:
    """Write where the largest entry of each row stands, the first of them if there are several."""
    (node,) = kernel.group.outputs
    x, axis = node.inputs[0], node.options["axis"]
    shape, kind = x.type.shape, LLVM_TYPES[x.type.dtype]
    code, scalars = kernel.code, kernel.scalars

    def row(index: tuple[Any, ...]) -> None:
        best, where = code.allocate(kind), code.allocate("i32")
        first = kernel.value(x, (*index[:axis], 0, *index[axis:]))
        code.line(f"store {kind} {first.name}, ptr {best}")
        code.line(f"store i32 0, ptr {where}")

        def step(at: Flat) -> None:
            entry = kernel.value(x, (*index[:axis], at.place, *index[axis:]))
            so_far = Value(code.set(f"load {kind}, ptr {best}"), x.type.dtype)
            place = Value(code.set(f"load i32, ptr {where}"), "int32")
            better = node.card.native(scalars, so_far, entry)
            here = scalars.cast(at.place, "int32")
            chosen = scalars.select(better, entry, so_far)
            code.line(f"store {kind} {chosen.name}, ptr {best}")
            code.line(f"store i32 {scalars.select(better, here, place).name}, ptr {where}")

        kernel.flat_loop((shape[axis],), step, unroll=True)
        kernel.store(node, index, Value(code.set(f"load i32, ptr {where}"), "int32"))

    kernel.nest(shape[:axis] + shape[axis + 1 :], row)


def cumulate(kernel: Kernel) -> None:
    """Write what a fold has come to at each entry of a row, from the first or the last one on."""
    (node,) = kernel.group.outputs
    x, axis, reverse = node.inputs[0], node.options["axis"], node.options["reverse"]
    shape, kind, fold = x.type.shape, LLVM_TYPES[node.type.dtype], node.card.native
    code, scalars, indices = kernel.code, kernel.scalars, kernel.indices

    def row(index: tuple[Any, ...]) -> None:
        total = code.allocate(kind)
        start = fold.start(scalars, node.type.dtype)
        code.line(f"store {kind} {start.name}, ptr {total}")

        def step(entry: Flat) -> None:
            last = indices.subtract(shape[axis], 1)
            place = indices.subtract(last, entry.place) if reverse else entry.place
            at = (*index[:axis], place, *index[axis:])
            so_far = Value(code.set(f"load {kind}, ptr {total}"), node.type.dtype)
            result = fold.step(scalars, so_far, kernel.value(x, at))
            code.line(f"store {kind} {result.name}, ptr {total}")
            kernel.store(node, at, result)

        kernel.flat_loop((shape[axis],), step)

    kernel.nest(shape[:axis] + shape[axis + 1 :], row)
