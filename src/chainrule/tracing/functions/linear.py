"""Products of matrices and tensors."""

from __future__ import annotations

from typing import Any

from chainrule.errors import ShapeError
from chainrule.ir import element_count
from chainrule.ops import CARDS
from chainrule.tracing.functions import reductions, shaping
from chainrule.tracing.record import apply, convert, lift, quiet
from chainrule.tracing.values import as_array, broadcast_shapes, result_dtype, show, youngest


def pair(a: Any, b: Any) -> tuple[Any, Any]:
    """Two factors as floats of one dtype."""
    dtype = result_dtype(a, b, floating=True)
    recorder = youngest((a, b))
    if recorder is None:
        return as_array(a, dtype), as_array(b, dtype)
    return convert(lift(a, recorder), dtype), convert(lift(b, recorder), dtype)


def matmul(a: Any, b: Any) -> Any:
    """Matrix product, by NumPy's rules: vectors gain an axis, leading axes are broadcast.

    Integers become floats.

    >>> import numpy as np
    >>> matmul(np.ones((2, 3)), np.ones(3)).tolist()
    [3.0, 3.0]
    """
    a, b = pair(a, b)
    if a.ndim == 0 or b.ndim == 0:
        raise ShapeError(f"matmul expects axes, received {show(a.shape)} and {show(b.shape)}")
    if a.ndim == 1:
        return shaping.squeeze(matmul(shaping.expand_dims(a, 0), b), -2 if b.ndim > 1 else -1)
    if b.ndim == 1:
        return shaping.squeeze(matmul(a, shaping.expand_dims(b, 1)), -1)
    if b.ndim == 2 and a.ndim > 2:  # one product of all rows, however they are stacked
        rows = shaping.reshape(a, (element_count(a.shape[:-1]), a.shape[-1]))
        return shaping.reshape(matmul(rows, b), (*a.shape[:-1], b.shape[-1]))
    stack = broadcast_shapes(a.shape[:-2], b.shape[:-2])
    a = shaping.broadcast_to(a, (*stack, *a.shape[-2:]))
    b = shaping.broadcast_to(b, (*stack, *b.shape[-2:]))
    return apply(CARDS["matmul"], a, b)


def matrix_transpose(x: Any) -> Any:
    """The last two axes swapped.

    >>> import numpy as np
    >>> matrix_transpose(np.zeros((4, 2, 3))).shape
    (4, 3, 2)
    """
    return shaping.swapaxes(x, -2, -1)


@quiet
def vecdot(a: Any, b: Any, axis: int = -1) -> Any:
    """Sum of products along an axis.

    >>> import numpy as np
    >>> float(vecdot(np.array([1.0, 2.0]), np.array([3.0, 4.0])))
    11.0
    """
    a, b = pair(a, b)
    return reductions.sum(a * b, axis=axis)


@quiet
def outer(a: Any, b: Any) -> Any:
    """Every entry of a vector of m times every entry of one of n, as an array (m, n).

    >>> import numpy as np
    >>> outer(np.array([1.0, 2.0]), np.array([3.0])).tolist()
    [[3.0], [6.0]]
    """
    a, b = pair(a, b)
    if a.ndim != 1 or b.ndim != 1:
        raise ShapeError(f"outer expects two vectors, received {show(a.shape)} and {show(b.shape)}")
    return shaping.expand_dims(a, 1) * shaping.expand_dims(b, 0)


def tensordot(a: Any, b: Any, axes: int = 2) -> Any:
    """Sum of products over the last `axes` axes of `a` and the first ones of `b`.

    >>> import numpy as np
    >>> tensordot(np.ones((2, 3)), np.ones((3, 4)), 1).shape
    (2, 4)
    """
    a, b = pair(a, b)
    left, inner, right = a.shape[: a.ndim - axes], b.shape[:axes], b.shape[axes:]
    if a.shape[a.ndim - axes :] != inner:
        raise ShapeError(f"cannot contract {axes} axes of {show(a.shape)} and {show(b.shape)}")
    rows = shaping.reshape(a, (element_count(left), element_count(inner)))
    columns = shaping.reshape(b, (element_count(inner), element_count(right)))
    return shaping.reshape(matmul(rows, columns), (*left, *right))
