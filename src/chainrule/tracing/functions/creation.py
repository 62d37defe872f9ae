"""Arrays made of nothing; concrete unless a size is symbolic."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.errors import TraceError
from chainrule.ir import Dim
from chainrule.tracing.array import Array
from chainrule.tracing.functions import elementwise as e
from chainrule.tracing.record import filled
from chainrule.tracing.values import concrete, dtype_name


def _shape(shape: Any) -> tuple[Any, ...]:
    sizes = (shape,) if isinstance(shape, (int, Dim)) else tuple(shape)
    if any(isinstance(n, Dim) for n in sizes):
        raise TraceError(
            f"an array of the symbolic shape {tuple(map(str, sizes))} must be made from a traced "
            "one: use zeros_like, full_like, or arithmetic that broadcasts"
        )
    return sizes


def asarray(x: Any, dtype: Any = None) -> Any:
    """An array of anything that NumPy takes; a traced array stays one.

    >>> asarray([1, 2], dtype="float32").tolist()
    [1.0, 2.0]
    """
    return concrete(x) if dtype is None else e.astype(concrete(x), dtype)


def full(shape: Any, value: float, dtype: Any = "float32") -> Any:
    """An array with one number in every entry.

    >>> full(2, 0.5).tolist()
    [0.5, 0.5]
    """
    return np.full(_shape(shape), value, dtype_name(dtype))


def zeros(shape: Any, dtype: Any = "float32") -> Any:
    """An array of zeros.

    >>> zeros((2, 2)).dtype.name
    'float32'
    """
    return full(shape, 0, dtype)


def ones(shape: Any, dtype: Any = "float32") -> Any:
    """An array of ones.

    >>> ones(2).tolist()
    [1.0, 1.0]
    """
    return full(shape, 1, dtype)


def full_like(x: Any, value: float, dtype: Any = None) -> Any:
    """An array of the shape of another one, with one number in every entry.

    >>> full_like(np.zeros(2), 3).tolist()
    [3.0, 3.0]
    """
    if isinstance(x, Array):
        return filled(value, x.shape, dtype_name(dtype or x.dtype), x.recorder)
    return np.full(np.shape(x), value, dtype_name(dtype or np.asarray(x).dtype))


def zeros_like(x: Any, dtype: Any = None) -> Any:
    """An array of zeros of the shape of another one.

    >>> zeros_like(np.ones(2)).tolist()
    [0.0, 0.0]
    """
    return full_like(x, 0, dtype)


def ones_like(x: Any, dtype: Any = None) -> Any:
    """An array of ones of the shape of another one.

    >>> ones_like(np.zeros(2)).tolist()
    [1.0, 1.0]
    """
    return full_like(x, 1, dtype)


def arange(start: float, stop: float | None = None, step: float = 1, dtype: Any = None) -> Any:
    """Equally spaced numbers: int32 for whole arguments, else float32.

    >>> arange(3).tolist()
    [0, 1, 2]
    """
    array = np.arange(start, stop, step) if stop is not None else np.arange(0, start, step)
    return array.astype(dtype_name(dtype or ("int32" if array.dtype.kind == "i" else "float32")))


def linspace(start: float, stop: float, num: int = 50, dtype: Any = "float32") -> Any:
    """`num` equally spaced numbers from `start` to `stop`, both included.

    >>> linspace(0, 1, 3).tolist()
    [0.0, 0.5, 1.0]
    """
    return np.linspace(start, stop, num).astype(dtype_name(dtype))


def eye(n: int, m: int | None = None, dtype: Any = "float32") -> Any:
    """Ones on the diagonal, zeros elsewhere.

    >>> eye(2).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    return np.eye(n, m, dtype=dtype_name(dtype))


def tril(x: Any, k: int = 0) -> Any:
    """The lower triangle of matrices; zero above the `k`-th diagonal.

    >>> tril(np.ones((2, 2))).tolist()
    [[1.0, 0.0], [1.0, 1.0]]
    """
    return e.where(np.tri(x.shape[-2], x.shape[-1], k, dtype=bool), x, 0)


def triu(x: Any, k: int = 0) -> Any:
    """The upper triangle of matrices; zero below the `k`-th diagonal.

    >>> triu(np.ones((2, 2))).tolist()
    [[1.0, 1.0], [0.0, 1.0]]
    """
    return e.where(np.tri(x.shape[-2], x.shape[-1], k - 1, dtype=bool), 0, x)
