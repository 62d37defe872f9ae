"""Sums, means and extremes over axes."""

from __future__ import annotations

from typing import Any

from chainrule.errors import ShapeError
from chainrule.ir import Size, element_count
from chainrule.ops import CARDS
from chainrule.tracing.functions import creation, shaping
from chainrule.tracing.functions import elementwise as e
from chainrule.tracing.record import apply, elementwise, lift, quiet
from chainrule.tracing.values import axis_of, concrete

Axis = int | tuple[int, ...] | None


def _axes(x: Any, axis: Axis) -> tuple[int, ...]:
    if axis is None:
        return tuple(range(x.ndim))
    given = (axis,) if isinstance(axis, int) else tuple(axis)
    axes = sorted({axis_of(a, x.ndim) for a in given})
    if len(axes) != len(given):
        raise ShapeError(f"an axis is given twice in {axis}")
    return tuple(axes)


def _numbers(x: Any) -> Any:
    """The array itself; truth values count as 0 and 1."""
    x = concrete(x)
    return e.astype(x, "int32") if x.dtype.kind == "b" else x


def _kept(y: Any, x: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    if not keepdims:
        return y
    return shaping.reshape(y, tuple(1 if i in axes else n for i, n in enumerate(x.shape)))


def sum(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """Sum over one axis, several, or (None) all; 0 for an empty axis; bool counts.

    >>> sum([[1.0, 2.0], [3.0, 4.0]], axis=0).tolist()
    [4.0, 6.0]
    """
    x = _numbers(x)
    axes = _axes(x, axis)
    y = apply(CARDS["sum"], x, axes=axes) if axes else x
    return _kept(y, x, axes, keepdims)


def max(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """Largest entry over axes; NaN if there is one; at ties all share the gradient equally.

    >>> float(max([1.0, 3.0, 2.0]))
    3.0
    """
    x = concrete(x)
    axes = _axes(x, axis)
    y = apply(CARDS["max"], x, axes=axes) if axes else x
    return _kept(y, x, axes, keepdims)


def min(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """Smallest entry over axes; NaN if there is one; at ties all share the gradient equally.

    >>> float(min([1.0, 3.0, 2.0]))
    1.0
    """
    x = concrete(x)
    axes = _axes(x, axis)
    y = apply(CARDS["min"], x, axes=axes) if axes else x
    return _kept(y, x, axes, keepdims)


def _sizes(x: Any, axes: tuple[int, ...]) -> Size:
    return element_count(tuple(x.shape[a] for a in axes))


def _count(x: Any, axis: Axis) -> Any:
    """How many entries are reduced: a number, or one that is traced."""
    count = _sizes(x, _axes(x, axis))
    return count if isinstance(count, int) else lift(count, x.recorder, x.dtype.name)


@quiet
def mean(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """Mean over axes; NaN for an empty axis.

    >>> float(mean([1.0, 2.0, 6.0]))
    3.0
    """
    x = e.floats(x)
    return e.divide(sum(x, axis, keepdims), _count(x, axis))


@quiet
def var(x: Any, axis: Axis = None, correction: float = 0.0, keepdims: bool = False) -> Any:
    """Variance over axes, around the mean; divided by the count less `correction`.

    >>> float(var([1.0, 3.0]))
    1.0
    """
    x = e.floats(x)
    centred = x - mean(x, axis, keepdims=True)
    count = _count(x, axis) - correction
    return e.divide(sum(centred * centred, axis, keepdims), count)


@quiet
def std(x: Any, axis: Axis = None, correction: float = 0.0, keepdims: bool = False) -> Any:
    """Standard deviation over axes; its gradient is infinite where all entries agree.

    >>> float(std([1.0, 3.0]))
    1.0
    """
    return elementwise("sqrt", var(x, axis, correction, keepdims))


@quiet
def prod(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """Product over axes; 1 for an empty axis; gradients are exact where entries are zero.

    Entries are multiplied in pairs, so that derivatives need no division.

    >>> float(prod([2.0, 3.0, 4.0]))
    24.0
    """
    x = _numbers(x)
    axes = _axes(x, axis)
    count = _sizes(x, axes)
    if not isinstance(count, int):
        raise ShapeError("a product over the symbolic batch axis cannot be traced")
    if count == 0:
        return creation.ones_like(sum(x, axis, keepdims))
    kept = [a for a in range(x.ndim) if a not in axes]
    y = shaping.permute_dims(x, (*kept, *axes))
    y = shaping.reshape(y, (*(x.shape[a] for a in kept), count))
    while count > 1:
        half = count // 2
        pairs = y[..., :half] * y[..., half : 2 * half]
        y = pairs if count % 2 == 0 else shaping.concat([pairs, y[..., 2 * half :]], axis=-1)
        count -= half
    return _kept(y[..., 0], x, axes, keepdims)


def argmax(x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
    """Position of the largest entry (int32), the first at ties; of the flat array for None.

    >>> int(argmax([1.0, 3.0, 3.0]))
    1
    """
    x = concrete(x)
    if axis is None:
        y = apply(CARDS["argmax"], shaping.reshape(x, -1), axis=0)
    else:
        y = apply(CARDS["argmax"], x, axis=axis_of(axis, x.ndim))
    return _kept(y, x, _axes(x, axis), keepdims)


def argmin(x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
    """Position of the smallest entry (int32), the first at ties.

    >>> int(argmin([2.0, 1.0, 1.0]))
    1
    """
    x = concrete(x)
    # The least int32 has no negative, but -1 - x reverses the order without overflow.
    return argmax(-1 - x if x.dtype.kind == "i" else elementwise("negative", x), axis, keepdims)


def all(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """Tell whether every entry along axes is true; so it is where there is none.

    >>> bool(all([True, False]))
    False
    """
    return elementwise("equal", count_nonzero(elementwise("equal", x, 0), axis, keepdims), 0)


def any(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """Tell whether at least one entry along axes is true.

    >>> bool(any([True, False]))
    True
    """
    return elementwise("greater", count_nonzero(x, axis, keepdims), 0)


def count_nonzero(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """Count the entries that are not zero (int32).

    >>> int(count_nonzero([0.0, 2.0, 3.0]))
    2
    """
    return sum(elementwise("not_equal", concrete(x), 0), axis, keepdims)


def cumulative_sum(x: Any, axis: int | None = None, reverse: bool = False) -> Any:
    """Running sum along an axis, from the first entry or (`reverse`) from the last.

    >>> cumulative_sum([1.0, 2.0, 3.0]).tolist()
    [1.0, 3.0, 6.0]
    """
    return _cumulated("cumulative_sum", x, axis, reverse)


def cumulative_max(x: Any, axis: int | None = None, reverse: bool = False) -> Any:
    """Largest entry so far along an axis, from the first entry or (`reverse`) from the last.

    NaN stays from where it appears. Of equal largest entries the latest gets the gradient, as in
    PyTorch's ``cummax``.

    >>> cumulative_max([1.0, 3.0, 2.0, 5.0]).tolist()
    [1.0, 3.0, 3.0, 5.0]
    """
    return _cumulated("cumulative_max", x, axis, reverse)


def _cumulated(name: str, x: Any, axis: int | None, reverse: bool) -> Any:
    x = _numbers(x)
    if axis is None:
        if x.ndim != 1:
            raise ShapeError(f"{name} needs an axis for an array with {x.ndim} axes")
        axis = 0
    return apply(CARDS[name], x, axis=axis_of(axis, x.ndim), reverse=reverse)
