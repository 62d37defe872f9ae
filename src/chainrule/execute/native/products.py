"""Calls of matrix products, each a function written for its sizes."""

from __future__ import annotations

import math

from chainrule.errors import ExecutorError
from chainrule.execute.native.blas import matrix_product
from chainrule.execute.native.frame import Frame
from chainrule.execute.native.gemm import GemmText, gemm
from chainrule.execute.native.gemm_plan import worth_blas
from chainrule.execute.native.layout import rounded
from chainrule.ir import Dim, element_count, itemsize
from chainrule.plan import Group
from chainrule.plan.fuse import matrix_operand
from chainrule.plan.loops import LoopPlan


def call_product(frame: Frame, group: Group) -> None:
    """Call the product of a group, for each matrix of a stack."""
    (node,) = group.outputs
    a, b = (matrix_operand(x)[0] for x in node.inputs)
    addresses, sizes = frame.addresses, frame.sizes
    bases = [addresses[a], frame.packed.get(group, addresses[b]), addresses[node]]
    product, symbolic = _write(frame, group, repeated=group in frame.packed)
    frame.scratch = max(frame.scratch, frame.held + product.scratch)
    name = frame.keep_product(product.declarations, product.text, "ptr, ptr, ptr, i64, ptr")
    size = sizes.size(symbolic[0]) if symbolic else 0
    scratch = frame.at(frame.scratch_address, frame.held)
    with frame.code.loop(sizes.size(element_count(node.type.shape[:-2]))) as i:
        pointers = []
        for base, matrix in zip(bases, (*node.inputs, node), strict=True):
            count = element_count(matrix.type.shape[-2:])
            step = sizes.multiply(count, itemsize(matrix.type.dtype))
            pointers.append(f"ptr {frame.at(base, sizes.multiply(i, step))}")
        frame.code.line(f"call void @{name}({', '.join(pointers)}, i64 {size}, ptr {scratch})")


def pack_constants(frame: Frame, loop: LoopPlan) -> None:
    """Pack matrices that products read in every step of a loop, once before it.

    The copies lie where the scratch memory of products begins, until the loop ends.
    """
    constants = set(loop.constants)
    for group in loop.groups:
        if group.kind != "contract" or group.outputs[0].type.ndim != 2:
            continue
        b, _ = matrix_operand(group.outputs[0].inputs[1])
        product, _ = _write(frame, group, repeated=True)
        if b not in constants or not product.packed:
            continue
        packed = frame.packed[group] = frame.at(frame.scratch_address, frame.held)
        name = frame.keep_product(product.declarations, product.packing, "ptr, ptr")
        frame.code.line(f"call void @{name}(ptr {frame.addresses[b]}, ptr {packed})")
        frame.held += rounded(product.packed)
        frame.scratch = max(frame.scratch, frame.held)


def _write(frame: Frame, group: Group, *, repeated: bool) -> tuple[GemmText, list[Dim]]:
    """Write the text of a product; give it with its symbolic size, if it has one."""
    (node,) = group.outputs
    a, transpose_a = matrix_operand(node.inputs[0])
    b, transpose_b = matrix_operand(node.inputs[1])
    m, n = node.type.shape[-2:]
    k = node.inputs[0].type.shape[-1]
    symbolic = [s for s in (m, n, k) if isinstance(s, Dim)]
    if len(symbolic) > 1:
        raise ExecutorError(f"a product of {a.type} and {b.type} has two symbolic sizes")
    fixed = [None if isinstance(s, Dim) else s for s in (m, n, k)]
    limits = (frame.limit(m), frame.limit(n), frame.limit(k))
    large = worth_blas(math.prod(limits), frame.target)
    blas = matrix_product(node.type.dtype) if large else None
    product = gemm(
        "product",
        node.type.dtype,
        *fixed,
        transpose_a=transpose_a,
        transpose_b=transpose_b,
        accumulate=frame.chunk is not None and node in frame.partial,
        target=frame.target,
        limits=limits,
        blas=blas,
        repeated=repeated,
    )
    if blas is not None:
        frame.imports |= dict.fromkeys(product.symbols, blas.address)
    return product, symbolic
