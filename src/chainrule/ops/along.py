"""Positions along an axis, another one for each entry: sorting, picking, and adding back."""

from __future__ import annotations

from typing import Any

from chainrule.errors import DtypeError, ShapeError
from chainrule.ir import ArrayType, Card, Size, absent
from chainrule.ops.rules import check_axes, same_number


def _argsort_type(x: ArrayType, *, descending: bool) -> ArrayType:
    if not x.shape:
        raise ShapeError("sorting needs an axis, received one number")
    return ArrayType(same_number(x).shape, "int32")


def _argsort(np: Any, x: Any, *, descending: bool) -> Any:
    if not descending:
        return np.argsort(x, axis=-1, stable=True).astype("int32")
    backwards = np.argsort(np.flip(x, -1), axis=-1, stable=True)
    return (x.shape[-1] - 1 - np.flip(backwards, -1)).astype("int32")


def _before(b: Any, x: Any, y: Any, *, descending: bool) -> Any:
    """Whether x stands strictly before y: NaN counts as the largest of all numbers."""
    small, large = (y, x) if descending else (x, y)
    only_large_is_nan = b.logical_and(b.compare("==", small, small), b.compare("!=", large, large))
    return b.logical_or(b.compare("<", small, large), only_large_is_nan)


argsort = Card(
    name="argsort",
    kind="index",
    doc="Positions that sort the last axis; equal entries stay in order, NaN counts as largest.",
    type=_argsort_type,
    vjp=absent("positions carry no gradient"),
    numpy=_argsort,
    native=_before,
    onnx="TopK",
    cost=20,
    smooth=False,
)


def _check_along(x: ArrayType, positions: ArrayType, axis: int) -> None:
    check_axes(x.ndim, (axis,))
    if positions.dtype != "int32":
        raise DtypeError(f"positions must be int32, received {positions}")
    rest = [n for a, n in enumerate(positions.shape) if a != axis]
    if positions.ndim != x.ndim or rest != [n for a, n in enumerate(x.shape) if a != axis]:
        raise ShapeError(f"positions {positions} do not fit {x} along axis {axis}")


def _take_type(x: ArrayType, positions: ArrayType, *, axis: int) -> ArrayType:
    _check_along(x, positions, axis)
    return ArrayType(positions.shape, x.dtype)


def _take(np: Any, x: Any, positions: Any, *, axis: int) -> Any:
    inside = (positions >= 0) & (positions < x.shape[axis])
    if x.shape[axis] == 0:
        return np.zeros(positions.shape, x.dtype)
    taken = np.take_along_axis(x, np.where(inside, positions, 0), axis)
    return np.where(inside, taken, np.zeros((), x.dtype))


take_along_axis = Card(
    name="take_along_axis",
    kind="index",
    doc="For each position the entry at that place along an axis; 0 outside.",
    type=_take_type,
    vjp=lambda o, g, y, x, positions, *, axis: (
        o.add_along_axis(g, positions, axis, x.shape[axis]),
        None,
    ),
    numpy=_take,
    native="take_along_axis",
    onnx="GatherElements",
    cost=0,
    kink="a position outside of the axis gives 0, and no gradient",
)


def _add_type(updates: ArrayType, positions: ArrayType, *, axis: int, size: Size) -> ArrayType:
    _check_along(same_number(updates), positions, axis)
    if updates.shape != positions.shape:
        raise ShapeError(f"cannot add {updates} at positions {positions}: their shapes differ")
    return ArrayType((*updates.shape[:axis], size, *updates.shape[axis + 1 :]), updates.dtype)


def _add(np: Any, updates: Any, positions: Any, *, axis: int, size: int) -> Any:
    y = np.zeros((*updates.shape[:axis], size, *updates.shape[axis + 1 :]), updates.dtype)
    inside = (positions >= 0) & (positions < size)
    where = list(np.nonzero(inside))
    where[axis] = positions[inside]
    np.add.at(y, tuple(where), updates[inside])
    return y


def _add_jax(jnp: Any, updates: Any, positions: Any, *, axis: int, size: int) -> Any:
    y = jnp.zeros((*updates.shape[:axis], size, *updates.shape[axis + 1 :]), updates.dtype)
    where = list(jnp.indices(updates.shape))
    where[axis] = jnp.where(positions < 0, size, positions)
    return y.at[tuple(where)].add(updates, mode="drop")


add_along_axis = Card(
    name="add_along_axis",
    kind="index",
    doc="Zeros to which entries are added at places along an axis: adjoint of take_along_axis.",
    type=_add_type,
    vjp=lambda o, g, y, updates, positions, *, axis, size: (
        o.take_along_axis(g, positions, axis),
        None,
    ),
    numpy=_add,
    native="add_along_axis",
    onnx="ScatterElements",
    kink="a position outside of the axis adds nothing; entries that meet are added in order",
    jax=_add_jax,
)
