"""Look-ups: integers, slices, and positions that are computed."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.errors import DtypeError, IndexRangeError, TraceError
from chainrule.ir import Dim, Size
from chainrule.ops import CARDS
from chainrule.tracing.array import Array
from chainrule.tracing.functions import elementwise as e
from chainrule.tracing.functions import reductions, shaping
from chainrule.tracing.record import apply, elementwise, record
from chainrule.tracing.values import axis_of, broadcast_shapes, concrete, dtype_name

_Bounds = tuple[Any, Any, int]  # start, stop and step
_WHOLE = slice(None)


def getitem(x: Any, key: Any) -> Any:
    """Indexing as in NumPy: integers, slices, `...`, None, and one array of positions."""
    keys = list(key) if isinstance(key, tuple) else [key]
    used = sum(k is not None and k is not Ellipsis for k in keys)
    if used > x.ndim:
        raise IndexRangeError(f"{used} indices for an array with {x.ndim} axes")
    dots = [i for i, k in enumerate(keys) if k is Ellipsis]
    if len(dots) > 1:
        raise TraceError("an index can hold `...` only once")
    at = dots[0] if dots else len(keys)
    keys[at : at + 1] = [_WHOLE] * (x.ndim - used)
    if any(map(_is_fancy, keys)):
        return _take_item(x, keys)
    bounds: list[_Bounds] = []
    shape: list[Size] = []
    for k in keys:
        if k is None:
            shape.append(1)
            continue
        n = x.shape[len(bounds)]
        if isinstance(k, slice):
            first, last, step = _slice_bounds(k, n)
            shape.append(last - first if step == 1 else len(range(first, last, step)))
        else:
            first, last, step = _entry_bounds(k, n)
        bounds.append((first, last, step))
    if any(b != (0, n, 1) for b, n in zip(bounds, x.shape, strict=True)):
        x = cut(x, *(tuple(column) for column in zip(*bounds, strict=True)))
    return shaping.reshape(x, tuple(shape))


def cut(x: Any, start: Any, stop: Any, step: Any) -> Any:
    """Every `step`-th entry from `start` up to `stop`, for each axis."""
    return apply(CARDS["slice"], x, start=start, stop=stop, step=step)


def _entry_bounds(k: Any, n: Size) -> _Bounds:
    if isinstance(k, bool) or not isinstance(k, (int, np.integer)):
        raise TraceError(f"indexing a traced array with {type(k).__name__} is not supported")
    first = int(k) + n if k < 0 else int(k)
    if isinstance(n, int) and not (isinstance(first, int) and 0 <= first < n):
        raise IndexRangeError(f"index {k} is out of range for an axis of {n} entries")
    return first, first + 1, 1


def _slice_bounds(k: Any, n: Size) -> _Bounds:
    if isinstance(n, int):
        first, last, step = k.indices(n)
        return first, max(first, last) if step == 1 else last, step
    first = 0 if k.start is None else k.start
    last = 0 if k.stop is None or k.stop == n else k.stop  # counted from the end
    from_end = k.stop is None or k.stop == n or (isinstance(last, int) and last < 0)
    if k.step not in (None, 1) or not isinstance(first, int) or first < 0 or not from_end:
        raise TraceError(
            f"the symbolic axis {n} can be cut with [a:] or [a:-b]; received {k}; "
            "trace with a concrete batch size for others"
        )
    return first, n + last, 1


def _is_fancy(k: Any) -> bool:
    return isinstance(k, (Array, np.ndarray, list))


def _take_item(x: Any, keys: list[Any]) -> Any:
    fancy = [k for k in keys if _is_fancy(k)]
    if len(fancy) > 1 or any(not _is_fancy(k) and k != _WHOLE for k in keys):
        raise TraceError(
            "a traced array can be indexed by one array of positions beside full slices; "
            "use take, take_along_axis, expand_dims or where for more"
        )
    if concrete(fancy[0]).dtype == np.dtype(bool):
        raise TraceError(
            "a mask would give a shape that depends on the numbers; use where(mask, x, 0)"
        )
    return take(x, fancy[0], axis=next(i for i, k in enumerate(keys) if _is_fancy(k)))


def take(x: Any, positions: Any, axis: int = 0) -> Any:
    """The slices at given positions along an axis; a position outside is an error.

    Positions that are not traced may count from the end of an axis whose size is known.

    >>> take(np.array([1.0, 2.0, 3.0]), np.array([2, -3])).tolist()
    [3.0, 1.0]
    """
    x, positions = concrete(x), concrete(positions)
    axis = axis_of(axis, x.ndim)
    n = x.shape[axis]
    if not isinstance(positions, Array):
        if positions.size and positions.dtype != np.dtype("int32"):
            raise DtypeError(f"positions must be integers, received {positions.dtype.name}")
        if isinstance(n, int) and positions.size:
            low, high = positions.min(), positions.max()
            if low < -n or high >= n:
                raise IndexRangeError(f"positions {low} to {high} for an axis of {n} entries")
            positions = np.where(positions < 0, positions + n, positions)
        positions = positions.astype("int32")
    return apply(CARDS["take"], x, positions, axis=axis)


def take_along_axis(x: Any, positions: Any, axis: int = -1) -> Any:
    """For each entry of `positions`, the entry of `x` at that place along the axis.

    A position outside gives 0, and so does one that counts from the end.

    >>> take_along_axis(np.array([[1.0, 2.0]]), np.array([[1]])).tolist()
    [[2.0]]
    """
    x, positions = concrete(x), concrete(positions)
    axis = axis_of(axis, x.ndim)
    if positions.shape[axis] != 1:
        return apply(CARDS["take_along_axis"], *_aligned(x, positions, axis), axis=axis)
    # One entry of each row is found by comparisons, which join the loops around them.
    chosen = shaping.moveaxis(one_hot(positions, x.shape[axis], dtype="bool"), -1, axis + 1)
    return reductions.sum(e.where(chosen, shaping.expand_dims(x, axis), 0), axis=axis + 1)


def add_along_axis(updates: Any, positions: Any, axis: int, size: Size) -> Any:
    """Zeros, `size` of them along an axis, to which entries are added at positions along it.

    What `take_along_axis` picks, this puts back: its adjoint. A position outside adds nothing.

    >>> add_along_axis(np.array([1.0, 2.0, 4.0]), np.array([0, 2, 0]), 0, 3).tolist()
    [5.0, 0.0, 2.0]
    """
    updates, positions = concrete(updates), concrete(positions)
    axis = axis_of(axis, updates.ndim)
    return apply(CARDS["add_along_axis"], updates, positions, axis=axis, size=size)


def _aligned(x: Any, positions: Any, axis: int) -> tuple[Any, Any]:
    """Both repeated along the other axes, where one of them has the size 1."""
    if positions.ndim != x.ndim:
        return x, positions
    around = broadcast_shapes(*[(*a.shape[:axis], 1, *a.shape[axis + 1 :]) for a in (x, positions)])
    shapes = [(*around[:axis], a.shape[axis], *around[axis + 1 :]) for a in (x, positions)]
    repeated = zip((x, positions), shapes, strict=True)
    first, second = (shaping.broadcast_to(a, shape) for a, shape in repeated)
    return first, second


def scatter_add(updates: Any, positions: Any, axis: int, size: Size) -> Any:
    """Zeros to which slices are added at given positions along an axis.

    >>> scatter_add(np.array([1.0, 2.0, 4.0]), np.array([0, 2, 0]), 0, 3).tolist()
    [5.0, 0.0, 2.0]
    """
    updates, positions = concrete(updates), concrete(positions)
    axis = axis_of(axis, updates.ndim - positions.ndim + 1)
    return apply(CARDS["scatter_add"], updates, positions, axis=axis, size=size)


def one_hot(labels: Any, classes: Size, dtype: Any = "float32") -> Any:
    """For each label a vector with a one at its place; all zeros for a label outside.

    >>> one_hot(np.array([1]), 3).tolist()
    [[0.0, 1.0, 0.0]]
    """
    labels = concrete(labels)
    if isinstance(labels, Array):
        shape = (*labels.shape, classes)
        places: Any = record(
            labels.recorder, CARDS["iota"], shape=shape, axis=labels.ndim, dtype="int32"
        )
    elif isinstance(classes, Dim):
        raise TraceError(f"labels that are not traced cannot have {classes} classes")
    else:
        places = np.arange(classes, dtype="int32")
    chosen = elementwise("equal", shaping.expand_dims(labels, -1), places)
    return e.astype(chosen, dtype_name(dtype))
