"""Functions that move entries: shapes, axes, slices, joins and look-ups."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.errors import IndexRangeError, ShapeError, TraceError
from chainrule.ir import Dim, Size, element_count
from chainrule.ops import CARDS
from chainrule.tracing.array import (
    Array,
    apply,
    as_array,
    convert,
    expand,
    lift,
    result_dtype,
    show,
)


def _concrete(x: Any) -> Any:
    return x if isinstance(x, Array) else as_array(x)


def _axis(axis: int, ndim: int) -> int:
    if not -ndim <= axis < ndim:
        raise ShapeError(f"axis {axis} is not one of the {ndim} axes of the array")
    return axis % ndim


def reshape(x: Any, shape: Any) -> Any:
    """The same entries, row by row, in another shape; one size may be -1.

    >>> reshape(np.arange(6.0), (2, -1)).shape
    (2, 3)
    """
    x = _concrete(x)
    wanted = list(shape) if isinstance(shape, (tuple, list)) else [shape]
    holes = [i for i, n in enumerate(wanted) if not isinstance(n, Dim) and n == -1]
    if len(holes) > 1:
        raise ShapeError(f"only one size can be -1, received {show(tuple(wanted))}")
    if holes:
        wanted[holes[0]] = 1
        wanted[holes[0]] = _quotient(element_count(x.shape), tuple(wanted), x.shape)
    target = tuple(n if isinstance(n, Dim) else int(n) for n in wanted)
    return x if target == x.shape else apply(CARDS["reshape"], x, shape=target)


def _quotient(total: Size, known: tuple[Size, ...], shape: tuple[Size, ...]) -> Size:
    symbolic = [n for n in known if isinstance(n, Dim)]
    numbers = element_count(tuple(n for n in known if not isinstance(n, Dim)))
    if not isinstance(numbers, int) or len(symbolic) > 1 or numbers == 0:
        raise ShapeError(f"cannot tell the missing size when reshaping {show(shape)}")
    if symbolic:
        if not isinstance(total, Dim) or total.scale % symbolic[0].scale:
            raise ShapeError(f"cannot tell the missing size when reshaping {show(shape)}")
        ratio = total.scale // symbolic[0].scale
        if symbolic[0] * ratio != total or ratio % numbers:
            raise ShapeError(f"cannot tell the missing size when reshaping {show(shape)}")
        return ratio // numbers
    if isinstance(total, int) and total % numbers:
        raise ShapeError(f"cannot reshape {show(shape)}: {total} entries in rows of {numbers}")
    return total // numbers


def permute_dims(x: Any, axes: Sequence[int]) -> Any:
    """The axes in another order.

    >>> permute_dims(np.zeros((2, 3, 4)), (2, 0, 1)).shape
    (4, 2, 3)
    """
    x = _concrete(x)
    order = tuple(_axis(a, x.ndim) for a in axes)
    return x if order == tuple(range(x.ndim)) else apply(CARDS["transpose"], x, axes=order)


def transpose(x: Any, axes: Sequence[int] | None = None) -> Any:
    """The axes in another order, reversed when none is given.

    >>> transpose(np.zeros((2, 3))).shape
    (3, 2)
    """
    x = _concrete(x)
    return permute_dims(x, tuple(reversed(range(x.ndim))) if axes is None else axes)


def swapaxes(x: Any, axis1: int, axis2: int) -> Any:
    """Two axes exchanged.

    >>> swapaxes(np.zeros((2, 3, 4)), 0, 2).shape
    (4, 3, 2)
    """
    x = _concrete(x)
    order = list(range(x.ndim))
    a, b = _axis(axis1, x.ndim), _axis(axis2, x.ndim)
    order[a], order[b] = order[b], order[a]
    return permute_dims(x, order)


def moveaxis(x: Any, source: int, destination: int) -> Any:
    """One axis moved to another place.

    >>> moveaxis(np.zeros((2, 3, 4)), 0, -1).shape
    (3, 4, 2)
    """
    x = _concrete(x)
    order = list(range(x.ndim))
    order.insert(_axis(destination, x.ndim), order.pop(_axis(source, x.ndim)))
    return permute_dims(x, order)


def broadcast_to(x: Any, shape: Sequence[Size]) -> Any:
    """The array repeated up to a shape, by NumPy's rules.

    >>> broadcast_to(np.array([1.0, 2.0]), (2, 2)).tolist()
    [[1.0, 2.0], [1.0, 2.0]]
    """
    target = tuple(shape)
    if isinstance(x, Array):
        return expand(x, target)
    return np.broadcast_to(as_array(x), target)


def broadcast(x: Any, shape: Sequence[Size], axes: Sequence[int]) -> Any:
    """The array repeated along new axes, whose places in the result are `axes`."""
    return apply(CARDS["broadcast"], x, shape=tuple(shape), axes=tuple(axes)) if axes else x


def expand_dims(x: Any, axis: int = 0) -> Any:
    """The array with a new axis of size 1.

    >>> expand_dims(np.zeros(3), 1).shape
    (3, 1)
    """
    x = _concrete(x)
    at = _axis(axis, x.ndim + 1)
    return reshape(x, (*x.shape[:at], 1, *x.shape[at:]))


def squeeze(x: Any, axis: int | tuple[int, ...] | None = None) -> Any:
    """The array without axes of size 1: the given ones, or (None) all.

    >>> squeeze(np.zeros((1, 3, 1))).shape
    (3,)
    """
    x = _concrete(x)
    if axis is None:
        gone = [a for a, n in enumerate(x.shape) if n == 1]
    else:
        gone = [_axis(a, x.ndim) for a in ((axis,) if isinstance(axis, int) else axis)]
        if builtins.any(x.shape[a] != 1 for a in gone):
            raise ShapeError(f"cannot squeeze axes {gone} of {show(x.shape)}: not all are 1")
    return reshape(x, tuple(n for a, n in enumerate(x.shape) if a not in gone))


def _joined(arrays: Sequence[Any]) -> list[Any]:
    if not arrays:
        raise ShapeError("there is no array to join")
    dtype = result_dtype(*arrays)
    traced = [x.recorder for x in arrays if isinstance(x, Array)]
    if not traced:
        return [as_array(x, dtype) for x in arrays]
    recorder = builtins.max(traced, key=lambda r: r.level)
    return [convert(lift(x, recorder), dtype) for x in arrays]


def concat(arrays: Sequence[Any], axis: int = 0) -> Any:
    """Arrays one after the other along an axis.

    >>> concat([np.zeros(2), np.ones(1)]).tolist()
    [0.0, 0.0, 1.0]
    """
    joined = _joined(arrays)
    if len(joined) == 1:
        return joined[0]
    return apply(CARDS["concatenate"], *joined, axis=_axis(axis, joined[0].ndim))


def stack(arrays: Sequence[Any], axis: int = 0) -> Any:
    """Arrays of one shape along a new axis.

    >>> stack([np.zeros(2), np.ones(2)]).shape
    (2, 2)
    """
    return concat([expand_dims(x, axis) for x in _joined(arrays)], axis)


def unstack(x: Any, axis: int = 0) -> tuple[Any, ...]:
    """The slices along an axis, which disappears.

    >>> len(unstack(np.zeros((3, 2))))
    3
    """
    x = moveaxis(x, axis, 0)
    return tuple(x[i] for i in range(x.shape[0]))


def split(x: Any, parts: int | Sequence[int], axis: int = 0) -> list[Any]:
    """Equal parts along an axis, or parts that end at the given positions.

    >>> [part.tolist() for part in split(np.arange(3.0), [1])]
    [[0.0], [1.0, 2.0]]
    """
    x = _concrete(x)
    axis = _axis(axis, x.ndim)
    n = x.shape[axis]
    if isinstance(parts, int):
        if not isinstance(n, int) or n % parts:
            raise ShapeError(f"an axis of {n} cannot be split into {parts} equal parts")
        parts = list(range(n // parts, n, n // parts))
    bounds = [0, *parts, n]
    cuts = []
    for first, last in zip(bounds, bounds[1:], strict=False):
        index: list[Any] = [builtins.slice(None)] * x.ndim
        index[axis] = builtins.slice(first, None if last is n else last)
        cuts.append(x[tuple(index)])
    return cuts


def flip(x: Any, axis: int | tuple[int, ...] | None = None) -> Any:
    """The entries in reverse order along axes.

    >>> flip(np.array([1.0, 2.0])).tolist()
    [2.0, 1.0]
    """
    x = _concrete(x)
    given = range(x.ndim) if axis is None else (axis,) if isinstance(axis, int) else axis
    axes = {_axis(a, x.ndim) for a in given}
    return x[tuple(builtins.slice(None, None, -1 if a in axes else 1) for a in range(x.ndim))]


def repeat(x: Any, repeats: int, axis: int) -> Any:
    """Each entry along an axis `repeats` times in a row.

    >>> repeat(np.array([1.0, 2.0]), 2, axis=0).tolist()
    [1.0, 1.0, 2.0, 2.0]
    """
    x = _concrete(x)
    at = _axis(axis, x.ndim)
    wide = broadcast_to(
        expand_dims(x, at + 1), (*x.shape[: at + 1], repeats, *x.shape[at + 1 :])
    )
    return reshape(wide, (*x.shape[:at], x.shape[at] * repeats, *x.shape[at + 1 :]))


def pad(x: Any, width: Any) -> Any:
    """Zeros around the array: a number, a (before, after) pair, or a pair for each axis.

    >>> pad(np.array([1.0]), (1, 2)).tolist()
    [0.0, 1.0, 0.0, 0.0]
    """
    x = _concrete(x)
    pairs = np.broadcast_to(np.asarray(width), (x.ndim, 2)).tolist()
    low, high = tuple(p[0] for p in pairs), tuple(p[1] for p in pairs)
    if builtins.min((*low, *high), default=0) < 0:
        raise ShapeError(f"padding must not be negative, received {width}")
    return interior_pad(x, low, high, (0,) * x.ndim)


def interior_pad(x: Any, low: Any, high: Any, gap: Any) -> Any:
    """Zeros before, after and between the entries of each axis."""
    if builtins.all(isinstance(n, int) and n == 0 for n in (*low, *high, *gap)):
        return x
    return apply(CARDS["pad"], x, low=low, high=high, gap=gap)


def cut(x: Any, start: Any, stop: Any, step: Any) -> Any:
    """Every `step`-th entry from `start` up to `stop`, for each axis."""
    return apply(CARDS["slice"], x, start=start, stop=stop, step=step)


def getitem(x: Any, key: Any) -> Any:
    """Indexing as in NumPy: integers, slices, `...`, None, and one array of positions."""
    keys = list(key) if isinstance(key, tuple) else [key]
    used = builtins.sum(k is not None and k is not Ellipsis for k in keys)
    if used > x.ndim:
        raise IndexRangeError(f"{used} indices for an array with {x.ndim} axes")
    if not builtins.any(k is Ellipsis for k in keys):
        keys.append(Ellipsis)
    at = next(i for i, k in enumerate(keys) if k is Ellipsis)
    keys[at : at + 1] = [builtins.slice(None)] * (x.ndim - used)
    fancy = [k for k in keys if isinstance(k, (Array, np.ndarray, list))]
    if fancy:
        return _take_item(x, keys, fancy)
    start, stop, step, shape = [], [], [], []
    sizes = iter(x.shape)
    for k in keys:
        if k is None:
            shape.append(1)
            continue
        n = next(sizes)
        if isinstance(k, builtins.slice):
            first, last, jump = _bounds(k, n)
            if jump == 1:
                shape.append(last - first)
            else:
                shape.append(len(range(first, last, jump)))
        elif isinstance(k, (int, np.integer)) and not isinstance(k, bool):
            first = int(k) + n if k < 0 else int(k)
            if isinstance(n, int) and not 0 <= first < n:
                raise IndexRangeError(f"index {k} is out of range for an axis of {n} entries")
            last, jump = first + 1, 1
        else:
            raise TraceError(f"indexing a traced array with {type(k).__name__} is not supported")
        start.append(first)
        stop.append(last)
        step.append(jump)
    whole = builtins.all(
        first == 0 and last == n and jump == 1
        for first, last, jump, n in zip(start, stop, step, x.shape, strict=True)
    )
    return reshape(x if whole else cut(x, tuple(start), tuple(stop), tuple(step)), tuple(shape))


def _bounds(k: Any, n: Size) -> tuple[Any, Any, Any]:
    if isinstance(n, int):
        first, last, jump = k.indices(n)
        if jump == 1:
            last = builtins.max(first, last)
        return first, last, jump
    first = 0 if k.start is None else k.start
    last = n if k.stop is None else k.stop + n if k.stop < 0 else k.stop
    if k.step not in (None, 1) or first < 0 or (last is k.stop and k.stop is not None):
        raise TraceError(
            f"the symbolic axis {n} can be cut with [a:] or [a:-b]; received {k}; "
            "trace with a concrete batch size for others"
        )
    return first, last, 1


def _take_item(x: Any, keys: list[Any], fancy: list[Any]) -> Any:
    whole = builtins.slice(None)
    others = [k for k in keys if not isinstance(k, (Array, np.ndarray, list))]
    if len(fancy) > 1 or builtins.any(k != whole for k in others if k is not None):
        raise TraceError(
            "a traced array can be indexed by one array of positions beside full slices; "
            "use take, take_along_axis or where for more"
        )
    axis = next(i for i, k in enumerate(keys) if isinstance(k, (Array, np.ndarray, list)))
    if None in others:
        raise TraceError("None beside an array of positions is not supported; use expand_dims")
    if (fancy[0].dtype if hasattr(fancy[0], "dtype") else np.asarray(fancy[0]).dtype) == bool:
        raise TraceError(
            "a mask would give a shape that depends on the numbers; use where(mask, x, 0)"
        )
    return take(x, fancy[0], axis=axis)


def take(x: Any, positions: Any, axis: int = 0) -> Any:
    """The slices at given positions along an axis; a position outside is an error.

    >>> take(np.array([1.0, 2.0, 3.0]), np.array([2, 0])).tolist()
    [3.0, 1.0]
    """
    x, positions = _concrete(x), _concrete(positions)
    axis = _axis(axis, x.ndim)
    if isinstance(positions, np.ndarray) and positions.size:
        n = x.shape[axis]
        if isinstance(n, int) and (positions.min() < -n or positions.max() >= n):
            raise IndexRangeError(
                f"positions {positions.min()} to {positions.max()} for an axis of {n} entries"
            )
        positions = np.where(positions < 0, positions + n, positions) if isinstance(n, int) else (
            positions
        )
        positions = positions.astype("int32")
    return apply(CARDS["take"], x, positions, axis=axis)


def take_along_axis(x: Any, positions: Any, axis: int = -1) -> Any:
    """For each entry of `positions`, the entry of `x` at that place along the axis.

    Made of comparisons, so its cost grows with the length of the axis.

    >>> take_along_axis(np.array([[1.0, 2.0]]), np.array([[1]])).tolist()
    [[2.0]]
    """
    from chainrule.tracing.functions.activations import one_hot
    from chainrule.tracing.functions.elementwise import where
    from chainrule.tracing.functions.reductions import sum

    x, positions = _concrete(x), _concrete(positions)
    axis = _axis(axis, x.ndim)
    chosen = moveaxis(one_hot(positions, x.shape[axis], dtype="bool"), -1, axis + 1)
    return sum(where(chosen, expand_dims(x, axis), 0), axis=axis + 1)


def scatter_add(updates: Any, positions: Any, axis: int, size: Size) -> Any:
    """Zeros to which slices are added at given positions along an axis.

    >>> scatter_add(np.array([1.0, 2.0, 4.0]), np.array([0, 2, 0]), 0, 3).tolist()
    [5.0, 0.0, 2.0]
    """
    updates, positions = _concrete(updates), _concrete(positions)
    return apply(CARDS["scatter_add"], updates, positions, axis=axis, size=size)
