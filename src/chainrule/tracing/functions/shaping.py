"""Functions that move entries: shapes, axes, parts, joins and padding."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.errors import ParameterError, ShapeError
from chainrule.ir import Dim, Size, element_count
from chainrule.ops import CARDS
from chainrule.tracing.array import Array
from chainrule.tracing.record import apply, convert, expand, lift
from chainrule.tracing.values import (
    as_array,
    axis_of,
    broadcast_shapes,
    concrete,
    result_dtype,
    shape_of,
    show,
    youngest,
)


def reshape(x: Any, shape: Any) -> Any:
    """The same entries, row by row, in another shape; one size may be -1.

    >>> reshape(np.arange(6.0), (2, -1)).shape
    (2, 3)
    """
    x = concrete(x)
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
    x = concrete(x)
    order = tuple(axis_of(a, x.ndim) for a in axes)
    return x if order == tuple(range(x.ndim)) else apply(CARDS["transpose"], x, axes=order)


def transpose(x: Any, axes: Sequence[int] | None = None) -> Any:
    """The axes in another order, reversed when none is given.

    >>> transpose(np.zeros((2, 3))).shape
    (3, 2)
    """
    x = concrete(x)
    return permute_dims(x, tuple(reversed(range(x.ndim))) if axes is None else axes)


def swapaxes(x: Any, axis1: int, axis2: int) -> Any:
    """Two axes exchanged.

    >>> swapaxes(np.zeros((2, 3, 4)), 0, 2).shape
    (4, 3, 2)
    """
    x = concrete(x)
    order = list(range(x.ndim))
    a, b = axis_of(axis1, x.ndim), axis_of(axis2, x.ndim)
    order[a], order[b] = order[b], order[a]
    return permute_dims(x, order)


def moveaxis(x: Any, source: int, destination: int) -> Any:
    """One axis moved to another place.

    >>> moveaxis(np.zeros((2, 3, 4)), 0, -1).shape
    (3, 4, 2)
    """
    x = concrete(x)
    order = list(range(x.ndim))
    order.insert(axis_of(destination, x.ndim), order.pop(axis_of(source, x.ndim)))
    return permute_dims(x, order)


def broadcast_to(x: Any, shape: Sequence[Size]) -> Any:
    """The array repeated up to a shape, by NumPy's rules.

    >>> broadcast_to(np.array([1.0, 2.0]), (2, 2)).tolist()
    [[1.0, 2.0], [1.0, 2.0]]
    """
    x, target = concrete(x), tuple(shape)
    if broadcast_shapes(x.shape, target) != target:
        raise ShapeError(f"cannot repeat {show(x.shape)} up to {show(target)}")
    return expand(x, target) if isinstance(x, Array) else np.broadcast_to(x, _numbers(target))


def _numbers(shape: tuple[Size, ...]) -> tuple[int, ...]:
    return tuple(int(n) for n in shape)


def broadcast_arrays(*arrays: Any) -> list[Any]:
    """Arrays repeated up to the shape in which they meet.

    >>> [x.shape for x in broadcast_arrays(np.zeros((2, 1)), np.zeros(3))]
    [(2, 3), (2, 3)]
    """
    shape = broadcast_shapes(*map(shape_of, arrays))
    return [broadcast_to(x, shape) for x in arrays]


def meshgrid(*arrays: Any, indexing: str = "xy") -> list[Any]:
    """Coordinates of a grid: each vector repeated along the axes of the others.

    With "ij" the first vector runs along the first axis, with "xy" along the second.

    >>> [x.tolist() for x in meshgrid([1, 2], [3, 4, 5], indexing="ij")]
    [[[1, 1, 1], [2, 2, 2]], [[3, 4, 5], [3, 4, 5]]]
    """
    if indexing not in ("xy", "ij"):
        raise ParameterError(f"indexing is 'xy' or 'ij', received {indexing!r}")
    count = len(arrays)
    columns = [reshape(x, (*[1] * i, -1, *[1] * (count - i - 1))) for i, x in enumerate(arrays)]
    grids = broadcast_arrays(*columns)
    return [swapaxes(x, 0, 1) for x in grids] if indexing == "xy" and count > 1 else grids


def broadcast(x: Any, shape: Sequence[Size], axes: Sequence[int]) -> Any:
    """The array repeated along new axes, whose places in the result are `axes`."""
    return apply(CARDS["broadcast"], x, shape=tuple(shape), axes=tuple(axes)) if axes else x


def expand_dims(x: Any, axis: int = 0) -> Any:
    """The array with a new axis of size 1.

    >>> expand_dims(np.zeros(3), 1).shape
    (3, 1)
    """
    x = concrete(x)
    at = axis_of(axis, x.ndim + 1)
    return reshape(x, (*x.shape[:at], 1, *x.shape[at:]))


def squeeze(x: Any, axis: int | tuple[int, ...] | None = None) -> Any:
    """The array without axes of size 1: the given ones, or (None) all.

    >>> squeeze(np.zeros((1, 3, 1))).shape
    (3,)
    """
    x = concrete(x)
    if axis is None:
        gone = [a for a, n in enumerate(x.shape) if n == 1]
    else:
        gone = [axis_of(a, x.ndim) for a in ((axis,) if isinstance(axis, int) else axis)]
        if any(x.shape[a] != 1 for a in gone):
            raise ShapeError(f"cannot squeeze axes {gone} of {show(x.shape)}: not all are 1")
    return reshape(x, tuple(n for a, n in enumerate(x.shape) if a not in gone))


def _joined(arrays: Sequence[Any]) -> list[Any]:
    if len(arrays) == 0:
        raise ShapeError("there is no array to join")
    dtype, recorder = result_dtype(*arrays), youngest(arrays)
    if recorder is None:
        return [as_array(x, dtype) for x in arrays]
    return [convert(lift(x, recorder), dtype) for x in arrays]


def concat(arrays: Sequence[Any], axis: int = 0) -> Any:
    """Arrays one after the other along an axis.

    >>> concat([np.zeros(2), np.ones(1)]).tolist()
    [0.0, 0.0, 1.0]
    """
    joined = _joined(arrays)
    if len(joined) == 1:
        return joined[0]
    return apply(CARDS["concatenate"], *joined, axis=axis_of(axis, joined[0].ndim))


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
    x = concrete(x)
    axis = axis_of(axis, x.ndim)
    n = x.shape[axis]
    if isinstance(parts, int):
        if not isinstance(n, int) or parts < 1 or n % parts:
            raise ShapeError(f"an axis of {n} cannot be split into {parts} equal parts")
        parts = list(range(n // parts, n, n // parts)) if n else [0] * (parts - 1)
    before = (slice(None),) * axis
    return [x[(*before, slice(*ends))] for ends in itertools.pairwise([0, *parts, None])]


def flip(x: Any, axis: int | tuple[int, ...] | None = None) -> Any:
    """The entries in reverse order along axes.

    >>> flip(np.array([1.0, 2.0])).tolist()
    [2.0, 1.0]
    """
    x = concrete(x)
    given = range(x.ndim) if axis is None else (axis,) if isinstance(axis, int) else axis
    axes = {axis_of(a, x.ndim) for a in given}
    return x[tuple(slice(None, None, -1 if a in axes else None) for a in range(x.ndim))]


def roll(x: Any, shift: int, axis: int | None = None) -> Any:
    """The entries moved by `shift` places along an axis, or (None) in the flat array.

    What falls off the end comes in at the front.

    >>> roll(np.array([1.0, 2.0, 3.0]), 1).tolist()
    [3.0, 1.0, 2.0]
    """
    x = concrete(x)
    if axis is None:
        return reshape(roll(reshape(x, -1), shift, 0), x.shape)
    before = (slice(None),) * axis_of(axis, x.ndim)
    if x.shape[axis] == 0:
        return x
    start = -shift % x.shape[axis]
    return concat([x[(*before, slice(start, None))], x[(*before, slice(0, start))]], axis)


def repeat(x: Any, repeats: int, axis: int) -> Any:
    """Each entry along an axis `repeats` times in a row.

    >>> repeat(np.array([1.0, 2.0]), 2, axis=0).tolist()
    [1.0, 1.0, 2.0, 2.0]
    """
    x = concrete(x)
    at = axis_of(axis, x.ndim) + 1
    wide = broadcast_to(expand_dims(x, at), (*x.shape[:at], repeats, *x.shape[at:]))
    return reshape(wide, (*x.shape[: at - 1], x.shape[at - 1] * repeats, *x.shape[at:]))


def tile(x: Any, repetitions: int | Sequence[int]) -> Any:
    """The whole array several times in a row along each axis.

    >>> tile(np.array([1.0, 2.0]), 2).tolist()
    [1.0, 2.0, 1.0, 2.0]
    """
    x = concrete(x)
    times = (repetitions,) if isinstance(repetitions, int) else tuple(repetitions)
    ndim = max(x.ndim, len(times))
    times = (1,) * (ndim - len(times)) + times
    shape = (1,) * (ndim - x.ndim) + x.shape
    pairs = tuple(n for pair in zip(times, shape, strict=True) for n in pair)
    seams = tuple(n for size in shape for n in (1, size))
    wide = broadcast_to(reshape(x, seams), pairs)
    return reshape(wide, tuple(n * k for n, k in zip(shape, times, strict=True)))


def diff(x: Any, axis: int = -1) -> Any:
    """Differences between neighbours along an axis.

    >>> diff(np.array([1.0, 3.0, 2.0])).tolist()
    [2.0, -1.0]
    """
    x = concrete(x)
    before = (slice(None),) * axis_of(axis, x.ndim)
    return x[(*before, slice(1, None))] - x[(*before, slice(0, -1))]


def pad(x: Any, width: Any, value: float = 0) -> Any:
    """The array with a number around it, by default zero.

    `width` is a number, a (before, after) pair, or a pair for each axis.

    >>> pad(np.array([1.0]), (1, 2)).tolist()
    [0.0, 1.0, 0.0, 0.0]
    """
    x, widths = concrete(x), as_array(width, "int32")
    if broadcast_shapes(widths.shape, (x.ndim, 2)) != (x.ndim, 2) or (widths < 0).any():
        raise ShapeError(f"padding must be a pair >= 0 for each of {x.ndim} axes, not {width}")
    low, high = (tuple(column.tolist()) for column in np.broadcast_to(widths, (x.ndim, 2)).T)
    if value == 0:
        return interior_pad(x, low, high, (0,) * x.ndim)
    for axis, (before, after) in enumerate(zip(low, high, strict=True)):
        sides = [_filled_like(x, axis, n, value) for n in (before, after)]
        x = concat([sides[0], x, sides[1]], axis) if before or after else x
    return x


def _filled_like(x: Any, axis: int, length: int, value: float) -> Any:
    """An array of one number, of the shape of another one but for an axis, and of its dtype."""
    shape = (*x.shape[:axis], length, *x.shape[axis + 1 :])
    number = np.asarray(value, x.dtype)
    return broadcast_to(lift(number, x.recorder) if isinstance(x, Array) else number, shape)


def interior_pad(x: Any, low: Any, high: Any, gap: Any) -> Any:
    """Zeros before, after and between the entries of each axis."""
    if all(n == 0 for n in (*low, *high, *gap)):
        return x
    return apply(CARDS["pad"], x, low=low, high=high, gap=gap)
