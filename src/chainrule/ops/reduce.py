"""Reductions over axes, and running sums."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from chainrule.errors import DtypeError, ShapeError
from chainrule.ir import ArrayType, Card, absent
from chainrule.ops.rules import check_axes, same_number


@dataclass(frozen=True)
class Fold:
    """How native code reduces: a start value and a step, for a builder of scalar code.

    `start(b, dtype)` gives the value of an empty reduction, `step(b, so_far, x)` the next one.
    """

    start: Callable[[Any, str], Any]
    step: Callable[[Any, Any, Any], Any]


def _reduced(x: ArrayType, *, axes: tuple[int, ...]) -> ArrayType:
    check_axes(x.ndim, axes)
    same_number(x)
    return ArrayType(tuple(n for i, n in enumerate(x.shape) if i not in axes), x.dtype)


def _nonempty(x: ArrayType, *, axes: tuple[int, ...]) -> ArrayType:
    if any(x.shape[a] == 0 for a in axes if a < x.ndim):
        raise ShapeError(f"no largest or smallest entry in {x} along axes {axes}: it is empty")
    return _reduced(x, axes=axes)


def _extreme_vjp(o: Any, g: Any, y: Any, x: Any, *, axes: tuple[int, ...]) -> tuple[Any]:
    chosen = o.astype(x == o.broadcast(y, x.shape, axes), x.dtype)
    count = o.broadcast(o.sum(chosen, axis=axes), x.shape, axes)
    return (o.broadcast(g, x.shape, axes) * chosen / count,)


sum = Card(
    name="sum",
    kind="reduce",
    doc="Sum over axes; 0 for an empty axis.",
    type=_reduced,
    vjp=lambda o, g, y, x, *, axes: (o.broadcast(g, x.shape, axes),),
    numpy=lambda np, x, *, axes: np.sum(x, axis=axes, dtype=x.dtype),
    native=Fold(lambda b, dtype: b.constant(0, dtype), lambda b, a, x: b.add(a, x)),
    onnx="ReduceSum",
)

max = Card(
    name="max",
    kind="reduce",
    doc="Largest entry over axes; NaN if there is one.",
    type=_nonempty,
    vjp=_extreme_vjp,
    numpy=lambda np, x, *, axes: np.max(x, axis=axes),
    native=Fold(lambda b, dtype: b.lowest(dtype), lambda b, a, x: b.maximum(a, x)),
    onnx="ReduceMax",
    smooth=False,
    kink="at ties all the largest entries share the gradient equally",
)

min = Card(
    name="min",
    kind="reduce",
    doc="Smallest entry over axes; NaN if there is one.",
    type=_nonempty,
    vjp=_extreme_vjp,
    numpy=lambda np, x, *, axes: np.min(x, axis=axes),
    native=Fold(lambda b, dtype: b.highest(dtype), lambda b, a, x: b.minimum(a, x)),
    onnx="ReduceMin",
    smooth=False,
    kink="at ties all the smallest entries share the gradient equally",
)


def _argmax_type(x: ArrayType, *, axis: int) -> ArrayType:
    check_axes(x.ndim, (axis,))
    if x.dtype == "bool":
        raise DtypeError(f"argmax expects numbers, received {x}")
    if x.shape[axis] == 0:
        raise ShapeError(f"no largest entry in {x} along axis {axis}: it is empty")
    return ArrayType(x.shape[:axis] + x.shape[axis + 1 :], "int32")


def _later_is_larger(b: Any, best: Any, x: Any) -> Any:
    """NaN counts as largest, and the first of equals wins, as in NumPy."""
    is_nan = b.compare("!=", x, x)
    best_is_number = b.compare("==", best, best)
    return b.logical_or(b.compare(">", x, best), b.logical_and(is_nan, best_is_number))


argmax = Card(
    name="argmax",
    kind="reduce",
    doc="Position of the largest entry along an axis; the first one at ties, the first NaN.",
    type=_argmax_type,
    vjp=absent("positions carry no gradient"),
    numpy=lambda np, x, *, axis: np.argmax(x, axis=axis).astype("int32"),
    native=_later_is_larger,
    onnx="ArgMax",
    smooth=False,
)


def _cumulative_type(x: ArrayType, *, axis: int, reverse: bool) -> ArrayType:
    check_axes(x.ndim, (axis,))
    return same_number(x)


def _cumulative_sum(np: Any, x: Any, *, axis: int, reverse: bool) -> Any:
    if reverse:
        return np.flip(np.cumsum(np.flip(x, axis), axis=axis, dtype=x.dtype), axis)
    return np.cumsum(x, axis=axis, dtype=x.dtype)


cumulative_sum = Card(
    name="cumulative_sum",
    kind="cumulate",
    doc="Running sum along an axis, from the first entry or (`reverse`) from the last.",
    type=_cumulative_type,
    vjp=lambda o, g, y, x, *, axis, reverse: (o.cumulative_sum(g, axis=axis, reverse=not reverse),),
    numpy=_cumulative_sum,
    native=Fold(lambda b, dtype: b.constant(0, dtype), lambda b, a, x: b.add(a, x)),
    onnx="CumSum",
)


def _cumulative_max(np: Any, x: Any, *, axis: int, reverse: bool) -> Any:
    if reverse:
        return np.flip(np.maximum.accumulate(np.flip(x, axis), axis=axis), axis)
    return np.maximum.accumulate(x, axis=axis)


def _cumulative_max_jax(jnp: Any, x: Any, *, axis: int, reverse: bool) -> Any:
    if reverse:
        return jnp.flip(jnp.maximum.accumulate(jnp.flip(x, axis), axis=axis), axis)
    return jnp.maximum.accumulate(x, axis=axis)


def _cumulative_max_vjp(o: Any, g: Any, y: Any, x: Any, *, axis: int, reverse: bool) -> tuple[Any]:
    reaches = o.logical_or(x == y, x != x)  # once there is NaN, it stays, and is the latest
    place = o.cumulative_sum(o.astype(o.ones_like(x), "int32"), axis=axis) - 1
    if reverse:  # the latest is the smallest number of a place
        latest = -o.cumulative_max(o.where(reaches, -place, -(2**31) + 1), axis=axis, reverse=True)
    else:
        latest = o.cumulative_max(o.where(reaches, place, 0), axis=axis)
    return (o.add_along_axis(g, latest, axis, x.shape[axis]),)


cumulative_max = Card(
    name="cumulative_max",
    kind="cumulate",
    doc="Largest entry so far along an axis, from the first or (`reverse`) from the last; NaN "
    "stays.",
    type=_cumulative_type,
    vjp=_cumulative_max_vjp,
    numpy=_cumulative_max,
    native=Fold(lambda b, dtype: b.lowest(dtype), lambda b, a, x: b.maximum(a, x)),
    jax=_cumulative_max_jax,
    onnx=absent("ONNX has no running maximum"),
    smooth=False,
    kink="of equal largest entries the latest gets the gradient, as in PyTorch",
)
