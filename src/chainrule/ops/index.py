"""Reading and adding at positions that are computed."""

from __future__ import annotations

from typing import Any

from chainrule.errors import DtypeError, IndexRangeError, ShapeError
from chainrule.ir import ArrayType, Card, Size
from chainrule.ops.rules import check_axes, same_number


def _check_positions(positions: ArrayType) -> None:
    if positions.dtype != "int32":
        raise DtypeError(f"positions must be int32, received {positions}")


def _check_range(np: Any, positions: Any, size: int) -> None:
    if positions.size and (np.min(positions) < 0 or np.max(positions) >= size):
        wrong = positions[(positions < 0) | (positions >= size)].ravel()[0]
        raise IndexRangeError(f"position {wrong} lies outside of an axis with {size} entries")


def _take_type(x: ArrayType, positions: ArrayType, *, axis: int) -> ArrayType:
    check_axes(x.ndim, (axis,))
    _check_positions(positions)
    return ArrayType(x.shape[:axis] + positions.shape + x.shape[axis + 1 :], x.dtype)


def _take(np: Any, x: Any, positions: Any, *, axis: int) -> Any:
    _check_range(np, positions, x.shape[axis])
    return np.take(x, positions, axis=axis)


take = Card(
    name="take",
    kind="index",
    doc="The slices of an array at given positions along an axis; positions may repeat.",
    type=_take_type,
    vjp=lambda o, g, y, x, positions, *, axis: (
        o.scatter_add(g, positions, axis=axis, size=x.shape[axis]),
        None,
    ),
    numpy=_take,
    native="take",
    onnx="Gather",
    cost=0,
    kink="a position outside of the axis is an error",
)


def _scatter_type(updates: ArrayType, positions: ArrayType, *, axis: int, size: Size) -> ArrayType:
    _check_positions(positions)
    same_number(updates)
    behind = axis + positions.ndim
    if axis < 0 or updates.shape[axis:behind] != positions.shape:
        raise ShapeError(f"cannot add {updates} at positions {positions} along axis {axis}")
    return ArrayType((*updates.shape[:axis], size, *updates.shape[behind:]), updates.dtype)


def _scatter(np: Any, updates: Any, positions: Any, *, axis: int, size: int) -> Any:
    _check_range(np, positions, size)
    before, behind = updates.shape[:axis], updates.shape[axis + positions.ndim :]
    y = np.zeros((*before, size, *behind), updates.dtype)
    where = (slice(None),) * axis + (positions.ravel(),)
    np.add.at(y, where, updates.reshape((*before, -1, *behind)))
    return y


scatter_add = Card(
    name="scatter_add",
    kind="index",
    doc="Zeros to which slices are added at given positions along an axis: the adjoint of take.",
    type=_scatter_type,
    vjp=lambda o, g, y, updates, positions, *, axis, size: (o.take(g, positions, axis=axis), None),
    numpy=_scatter,
    native="scatter_add",
    onnx="ScatterElements",
    kink="a position outside of the axis is an error; slices that meet are added in order",
)
