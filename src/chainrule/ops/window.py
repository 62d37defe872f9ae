"""Patches of arrays, for convolution and pooling, and their adjoint."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from chainrule.errors import ShapeError
from chainrule.ir import ArrayType, Card, Size, absent
from chainrule.ops.rules import check_axes, same_number
from chainrule.ops.shape import Index, View

Sizes = tuple[int, ...]


def extent(size: int, dilation: int) -> int:
    """Entries from the first to the last of a patch, both included.

    >>> extent(3, 2)
    5
    """
    return dilation * (size - 1) + 1


def _check(ndim: int, axes: Sizes, **settings: Sizes) -> None:
    check_axes(ndim, axes)
    if not axes:
        raise ShapeError("patches need at least one axis to slide along")
    for name, values in settings.items():
        if len(values) != len(axes) or any(n < 1 for n in values):
            raise ShapeError(f"{name} must be a number >= 1 for each of the axes {axes}: {values}")


def _window_type(
    x: ArrayType, *, axes: Sizes, size: Sizes, stride: Sizes, dilation: Sizes
) -> ArrayType:
    _check(x.ndim, axes, size=size, stride=stride, dilation=dilation)
    shape: list[Size] = list(x.shape)
    for axis, k, step, gap in zip(axes, size, stride, dilation, strict=True):
        n = x.shape[axis]
        if not isinstance(n, int):
            raise ShapeError(f"patches along the symbolic axis {n} of {x} cannot be counted")
        if n < extent(k, gap):
            raise ShapeError(f"a patch of {extent(k, gap)} entries does not fit axis {axis} of {x}")
        shape[axis] = (n - extent(k, gap)) // step + 1
    behind = axes[-1] + 1
    return ArrayType((*shape[:behind], *size, *shape[behind:]), x.dtype)


def _places(
    shape: tuple[Size, ...], axes: Sizes, size: Sizes, stride: Sizes, dilation: Sizes
) -> Iterator[tuple[Sizes, tuple[slice, ...]]]:
    """For every place in a patch: that place, and where the patches have it in the array.

    `shape` is that of the patches.
    """
    for place in itertools.product(*map(range, size)):
        region = [slice(None)] * (len(shape) - len(axes))
        for axis, i, step, gap in zip(axes, place, stride, dilation, strict=True):
            first = i * gap
            region[axis] = slice(first, first + (shape[axis] - 1) * step + 1, step)
        yield place, tuple(region)


def _window(np: Any, x: Any, *, axes: Sizes, size: Sizes, stride: Sizes, dilation: Sizes) -> Any:
    shape = _window_type(
        ArrayType(x.shape, x.dtype.name), axes=axes, size=size, stride=stride, dilation=dilation
    ).shape
    behind = axes[-1] + 1
    parts = [x[region] for _, region in _places(shape, axes, size, stride, dilation)]
    return np.reshape(np.stack(parts, axis=behind), shape)


def _window_source(
    i: Any, index: Index, x: Any, y: Any, *, axes: Sizes, size: Any, stride: Any, dilation: Any
) -> Index:
    behind = axes[-1] + 1
    source = [*index[:behind], *index[behind + len(axes) :]]
    for n, (axis, step, gap) in enumerate(zip(axes, stride, dilation, strict=True)):
        within = i.multiply(index[behind + n], gap)
        source[axis] = i.add(i.multiply(index[axis], step), within)
    return tuple(source)


window = Card(
    name="window",
    kind="shape",
    doc="Patches of `size` along axes, one every `stride` entries; `size` stands behind the axes.",
    type=_window_type,
    vjp=lambda o, g, y, x, *, axes, size, stride, dilation: (
        o.overlap_add(g, tuple(x.shape[a] for a in axes), axes, stride, dilation),
    ),
    numpy=_window,
    native=View(_window_source),
    onnx=absent("patches belong to the operators Conv and MaxPool, or are written as slices"),
    cost=0,
)


def _overlap_type(
    x: ArrayType, *, axes: Sizes, length: Sizes, stride: Sizes, dilation: Sizes
) -> ArrayType:
    same_number(x)
    _check(x.ndim - len(axes), axes, length=length, stride=stride, dilation=dilation)
    behind = axes[-1] + 1
    size = x.shape[behind : behind + len(axes)]
    whole = list(x.shape[:behind] + x.shape[behind + len(axes) :])
    for axis, n in zip(axes, length, strict=True):
        whole[axis] = n
    if not all(isinstance(n, int) for n in size):
        raise ShapeError(f"the patches {x} have a symbolic size {size}")
    y = ArrayType(tuple(whole), x.dtype)
    fits = _window_type(y, axes=axes, size=size, stride=stride, dilation=dilation)  # type: ignore[arg-type]
    if fits.shape != x.shape:
        raise ShapeError(f"{y} has the patches {fits}, received {x}")
    return y


def _overlap_places(x: Any, axes: Sizes, stride: Sizes, dilation: Sizes) -> Any:
    behind = axes[-1] + 1
    size = x.shape[behind : behind + len(axes)]
    for place, region in _places(x.shape, axes, size, stride, dilation):
        yield x[(slice(None),) * behind + place], region


def _overlap_add(np: Any, x: Any, *, axes: Sizes, length: Sizes, stride: Any, dilation: Any) -> Any:
    kind = ArrayType(x.shape, x.dtype.name)
    y = np.zeros(
        _overlap_type(kind, axes=axes, length=length, stride=stride, dilation=dilation).shape,
        x.dtype,
    )
    for part, region in _overlap_places(x, axes, stride, dilation):
        y[region] += part
    return y


def _overlap_add_jax(
    jnp: Any, x: Any, *, axes: Sizes, length: Sizes, stride: Any, dilation: Any
) -> Any:
    kind = ArrayType(x.shape, x.dtype.name)
    y = jnp.zeros(
        _overlap_type(kind, axes=axes, length=length, stride=stride, dilation=dilation).shape,
        x.dtype,
    )
    for part, region in _overlap_places(x, axes, stride, dilation):
        y = y.at[region].add(part)
    return y


overlap_add = Card(
    name="overlap_add",
    kind="window",
    doc="Patches added up where they came from: the adjoint of window; `length` counts the axes.",
    type=_overlap_type,
    vjp=lambda o, g, y, x, *, axes, length, stride, dilation: (
        o.window(g, x.shape[axes[-1] + 1 : axes[-1] + 1 + len(axes)], axes, stride, dilation),
    ),
    numpy=_overlap_add,
    native=_window_source,
    onnx=absent("patches belong to the operators Conv and ConvTranspose"),
    cost=1,
    jax=_overlap_add_jax,
)
