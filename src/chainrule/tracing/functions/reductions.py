"""Sums, means and extremes over axes."""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np

from chainrule.errors import ShapeError
from chainrule.ops import CARDS
from chainrule.tracing.array import Array, apply, as_array, lift
from chainrule.tracing.functions import elementwise as e
from chainrule.tracing.functions import shaping

Axis = int | tuple[int, ...] | None


def _axes(x: Any, axis: Axis) -> tuple[int, ...]:
    ndim = np.ndim(x) if not isinstance(x, Array) else x.ndim
    if axis is None:
        return tuple(range(ndim))
    given = (axis,) if isinstance(axis, int) else tuple(axis)
    axes = sorted({a + ndim if a < 0 else a for a in given})
    if len(axes) != len(given) or builtins.any(not 0 <= a < ndim for a in axes):
        raise ShapeError(f"axis {axis} is not one of the {ndim} axes of the array, or given twice")
    return tuple(axes)


def _concrete(x: Any) -> Any:
    return x if isinstance(x, Array) else as_array(x)


def _kept(y: Any, x: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    if not keepdims:
        return y
    return shaping.reshape(y, tuple(1 if i in axes else n for i, n in enumerate(x.shape)))


def sum(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """Sum over one axis, several, or (None) all; 0 for an empty axis; bool counts.

    >>> sum(np.ones((2, 3)), axis=0).tolist()
    [2.0, 2.0, 2.0]
    """
    x = _concrete(x)
    axes = _axes(x, axis)
    if x.dtype == bool:
        x = e.astype(x, "int32")
    y = apply(CARDS["sum"], x, axes=axes) if axes else x
    return _kept(y, x, axes, keepdims)


def max(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """Largest entry over axes; NaN if there is one; at ties all share the gradient equally.

    >>> float(max(np.array([1.0, 3.0, 2.0])))
    3.0
    """
    x = _concrete(x)
    axes = _axes(x, axis)
    y = apply(CARDS["max"], x, axes=axes) if axes else x
    return _kept(y, x, axes, keepdims)


def min(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """Smallest entry over axes; NaN if there is one; at ties all share the gradient equally.

    >>> float(min(np.array([1.0, 3.0, 2.0])))
    1.0
    """
    x = _concrete(x)
    axes = _axes(x, axis)
    y = apply(CARDS["min"], x, axes=axes) if axes else x
    return _kept(y, x, axes, keepdims)


def _count(x: Any, axes: tuple[int, ...], dtype: Any) -> Any:
    count: Any = 1
    for a in axes:
        count = x.shape[a] * count
    if isinstance(count, int):
        return count
    return lift(count, x.recorder, np.dtype(dtype).name)


def mean(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """Mean over axes; NaN for an empty axis.

    >>> float(mean(np.array([1.0, 2.0, 6.0])))
    3.0
    """
    x = _concrete(x)
    x = x if x.dtype.kind == "f" else e.astype(x, "float32")
    return e.divide(sum(x, axis, keepdims), _count(x, _axes(x, axis), x.dtype))


def var(x: Any, axis: Axis = None, correction: float = 0.0, keepdims: bool = False) -> Any:
    """Variance over axes, around the mean; divided by the count less `correction`.

    >>> float(var(np.array([1.0, 3.0])))
    1.0
    """
    x = _concrete(x)
    x = x if x.dtype.kind == "f" else e.astype(x, "float32")
    centred = x - mean(x, axis, keepdims=True)
    count = _count(x, _axes(x, axis), x.dtype) - correction
    return e.divide(sum(centred * centred, axis, keepdims), count)


def std(x: Any, axis: Axis = None, correction: float = 0.0, keepdims: bool = False) -> Any:
    """Standard deviation over axes; its gradient is infinite where all entries agree.

    >>> float(std(np.array([1.0, 3.0])))
    1.0
    """
    return e.elementwise("sqrt", var(x, axis, correction, keepdims))


def prod(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """Product over axes; 1 for an empty axis; gradients are exact where entries are zero.

    Entries are multiplied in pairs, so that derivatives need no division.

    >>> float(prod(np.array([2.0, 3.0, 4.0])))
    24.0
    """
    x = _concrete(x)
    axes = _axes(x, axis)
    kept = [a for a in range(x.ndim) if a not in axes]
    y = shaping.permute_dims(x, (*kept, *axes))
    count: Any = 1
    for a in axes:
        count = x.shape[a] * count
    if not isinstance(count, int):
        raise ShapeError("a product over the symbolic batch axis cannot be traced")
    y = shaping.reshape(y, (*(x.shape[a] for a in kept), count))
    if count == 0:
        return _kept(np.ones([x.shape[a] for a in kept], x.dtype), x, axes, keepdims)
    while count > 1:
        half = count // 2
        pairs = y[..., :half] * y[..., half : 2 * half]
        y = pairs if count % 2 == 0 else shaping.concat([pairs, y[..., 2 * half :]], axis=-1)
        count -= half
    return _kept(y[..., 0], x, axes, keepdims)


def argmax(x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
    """Position of the largest entry (int32), the first at ties; of the flat array for None.

    >>> int(argmax(np.array([1.0, 3.0, 3.0])))
    1
    """
    x = _concrete(x)
    if axis is None:
        x, axes = shaping.reshape(x, (-1,)), (0,)
        axis = 0
    else:
        axes = (axis + x.ndim if axis < 0 else axis,)
    return _kept(apply(CARDS["argmax"], x, axis=axes[0]), x, axes, keepdims)


def argmin(x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
    """Position of the smallest entry (int32), the first at ties.

    >>> int(argmin(np.array([2.0, 1.0, 1.0])))
    1
    """
    return argmax(-_concrete(x), axis, keepdims)


def all(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """Tell whether every entry along axes is true.

    >>> bool(all(np.array([True, False])))
    False
    """
    return min(e.astype(e.astype(x, bool), "int32"), axis, keepdims) > 0


def any(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """Tell whether at least one entry along axes is true.

    >>> bool(any(np.array([True, False])))
    True
    """
    return max(e.astype(e.astype(x, bool), "int32"), axis, keepdims) > 0


def count_nonzero(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """Count the entries that are not zero (int32).

    >>> int(count_nonzero(np.array([0.0, 2.0, 3.0])))
    2
    """
    return sum(e.astype(_concrete(x) != 0, "int32"), axis, keepdims)


def cumulative_sum(x: Any, axis: int | None = None, reverse: bool = False) -> Any:
    """Running sum along an axis, from the first entry or (`reverse`) from the last.

    >>> cumulative_sum(np.array([1.0, 2.0, 3.0])).tolist()
    [1.0, 3.0, 6.0]
    """
    x = _concrete(x)
    if axis is None:
        if x.ndim != 1:
            raise ShapeError(f"cumulative_sum needs an axis for an array with {x.ndim} axes")
        axis = 0
    return apply(CARDS["cumulative_sum"], x, axis=axis % x.ndim, reverse=reverse)
