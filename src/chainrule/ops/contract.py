"""Matrix products."""

from __future__ import annotations

from chainrule.errors import ShapeError
from chainrule.ir import ArrayType, Card
from chainrule.ops.rules import same_float


def _matmul_type(a: ArrayType, b: ArrayType) -> ArrayType:
    if a.ndim < 2 or a.ndim != b.ndim or a.shape[:-2] != b.shape[:-2]:
        raise ShapeError(f"matmul expects stacks of matrices of one shape, received {a} and {b}")
    if a.shape[-1] != b.shape[-2]:
        raise ShapeError(
            f"matmul cannot multiply {a} by {b}: the first has {a.shape[-1]} columns, "
            f"the second {b.shape[-2]} rows"
        )
    same_float(ArrayType((), a.dtype), ArrayType((), b.dtype))
    return ArrayType((*a.shape[:-1], b.shape[-1]), a.dtype)


matmul = Card(
    name="matmul",
    kind="contract",
    doc="Matrix product of the last two axes; leading axes run in parallel.",
    type=_matmul_type,
    vjp=lambda o, g, y, a, b: (
        o.matmul(g, o.matrix_transpose(b)),
        o.matmul(o.matrix_transpose(a), g),
    ),
    numpy=lambda np, a, b: np.matmul(a, b),
    native="gemm",
    onnx="MatMul",
    cost=2,
)
