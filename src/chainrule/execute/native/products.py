"""Calls of matrix products, each a function written for its sizes and for the map behind it."""

from __future__ import annotations

import math
from collections.abc import Mapping

from chainrule.errors import ExecutorError
from chainrule.execute.native.blas import matrix_product
from chainrule.execute.native.epilogue import RESULT, tile_map
from chainrule.execute.native.frame import Frame
from chainrule.execute.native.gemm import GemmText, gemm
from chainrule.execute.native.gemm_plan import worth_blas
from chainrule.execute.native.layout import rounded
from chainrule.ir import Dim, Node, Size, element_count, itemsize
from chainrule.plan import Group
from chainrule.plan.epilogue import EVERY, Reach, reaches
from chainrule.plan.fuse import matrix_operand
from chainrule.plan.loops import LoopPlan


def call_product(frame: Frame, group: Group) -> None:
    """Call the product of a group, for each matrix of a stack."""
    node, addresses, sizes = group.product, frame.addresses, frame.sizes
    pointers = _pointers(frame, group)
    product = _write(frame, group, pointers, repeated=group in frame.packed)
    scratch = frame.held + product.scratch
    a, b = (matrix_operand(x)[0] for x in node.inputs)
    matrices = zip(node.inputs, (addresses[a], frame.packed.get(group, addresses[b])), strict=True)
    bases = [(base, element_count(x.type.shape[-2:])) for x, base in matrices]
    results = {name: (addresses[x], _count(node, reach)) for x, (name, reach) in pointers.items()}
    if RESULT not in results:
        results[RESULT] = (frame.at(frame.scratch_address, rounded(scratch)), 0)
        if product.through_memory:
            entries = math.prod(frame.limit(n) for n in node.type.shape[-2:])
            scratch = rounded(scratch) + entries * itemsize(node.type.dtype)
    bases += [results.pop(RESULT), *results.values()]
    frame.scratch = max(frame.scratch, scratch)
    kinds = ["ptr", "ptr", "ptr", "i64", "ptr", *("ptr" for _ in results)]
    name = frame.keep_product(product.declarations, product.text, ", ".join(kinds))
    size = sizes.size(_symbolic(node)[0]) if _symbolic(node) else 0
    memory = frame.at(frame.scratch_address, frame.held)
    with frame.code.loop(sizes.size(element_count(node.type.shape[:-2]))) as i:
        places = []
        for base, count in bases:
            step = sizes.multiply(count, itemsize(node.type.dtype))
            places.append(f"ptr {frame.at(base, sizes.multiply(i, step))}")
        arguments = [*places[:3], f"i64 {size}", f"ptr {memory}", *places[3:]]
        frame.code.line(f"call void @{name}({', '.join(arguments)})")


def pack_constants(frame: Frame, loop: LoopPlan) -> None:
    """Pack matrices that products read in every step of a loop, once before it.

    The copies lie where the scratch memory of products begins, until the loop ends.
    """
    constants = set(loop.constants)
    for group in loop.groups:
        if group.kind != "contract" or group.product.type.ndim != 2:
            continue
        b, _ = matrix_operand(group.product.inputs[1])
        product = _write(frame, group, {}, repeated=True)
        if b not in constants or not product.packed:
            continue
        packed = frame.packed[group] = frame.at(frame.scratch_address, frame.held)
        name = frame.keep_product(product.declarations, product.packing, "ptr, ptr")
        frame.code.line(f"call void @{name}(ptr {frame.addresses[b]}, ptr {packed})")
        frame.held += rounded(product.packed)
        frame.scratch = max(frame.scratch, frame.held)


def _pointers(frame: Frame, group: Group) -> dict[Node, tuple[str, Reach]]:
    """Name the pointers to the values that a product and its map write, and that the map reads."""
    node, addresses = group.product, frame.addresses
    reach = dict.fromkeys(group.outputs, EVERY)
    if group.mapped:
        reach |= reaches(node, group) or {}
    if node not in group.outputs:
        reach.pop(node, None)
    read = {addresses[x] for x in reach if x not in group.members}
    free = [x for x in group.outputs if addresses[x] not in read]
    result = node if node in group.outputs else free[0] if free else None
    names = {addresses[result]: RESULT} if result is not None else {}
    return {x: (names.setdefault(addresses[x], f"%e{len(names)}"), r) for x, r in reach.items()}


def _count(node: Node, reach: Reach) -> Size:
    """How many entries of a value belong to one matrix of a stack."""
    rows, columns = node.type.shape[-2:]
    if not reach.rows:
        return 0
    return rows * columns if reach.columns else rows


def _symbolic(node: Node) -> list[Dim]:
    """The sizes of a product that are only known at run time."""
    sizes = (*node.type.shape[-2:], node.inputs[0].type.shape[-1])
    return [n for n in sizes if isinstance(n, Dim)]


def _write(
    frame: Frame, group: Group, pointers: Mapping[Node, tuple[str, Reach]], *, repeated: bool
) -> GemmText:
    """Write the text of a product and its map."""
    node = group.product
    a, transpose_a = matrix_operand(node.inputs[0])
    b, transpose_b = matrix_operand(node.inputs[1])
    m, n = node.type.shape[-2:]
    k = node.inputs[0].type.shape[-1]
    if len(_symbolic(node)) > 1:
        raise ExecutorError(f"a product of {a.type} and {b.type} has two symbolic sizes")
    fixed = [None if isinstance(s, Dim) else s for s in (m, n, k)]
    limits = (frame.limit(m), frame.limit(n), frame.limit(k))
    large = worth_blas(math.prod(limits), frame.target)
    blas = matrix_product(node.type.dtype) if large else None
    names = {x: name for x, (name, _) in pointers.items()}
    product = gemm(
        "product",
        node.type.dtype,
        *fixed,
        transpose_a=transpose_a,
        transpose_b=transpose_b,
        accumulate=frame.chunk is not None and node in frame.partial,
        target=frame.target,
        limits=limits,
        epilogue=tile_map(group, names) if group.mapped and pointers else None,
        blas=blas,
        repeated=repeated,
    )
    if blas is not None:
        frame.imports |= dict.fromkeys(product.symbols, blas.address)
    return product
