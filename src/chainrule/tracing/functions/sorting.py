"""Sorting: positions in order, and the entries there."""

from __future__ import annotations

from typing import Any

from chainrule.errors import ParameterError
from chainrule.ops import CARDS
from chainrule.tracing.functions import indexing, shaping
from chainrule.tracing.record import apply
from chainrule.tracing.values import axis_of, concrete, show


def argsort(x: Any, axis: int = -1, descending: bool = False) -> Any:
    """Positions (int32) that sort an axis.

    Equal entries stay in their order, and NaN counts as the largest number.

    >>> argsort([3.0, 1.0, 2.0]).tolist()
    [1, 2, 0]
    """
    x = concrete(x)
    axis = axis_of(axis, x.ndim)
    order = apply(CARDS["argsort"], shaping.moveaxis(x, axis, -1), descending=descending)
    return shaping.moveaxis(order, -1, axis)


def sort(x: Any, axis: int = -1, descending: bool = False) -> Any:
    """The entries of an axis from the smallest to the largest, or the other way round.

    NaN counts as the largest number. Each entry hands its gradient to the one it came from.

    >>> sort([3.0, 1.0, 2.0]).tolist()
    [1.0, 2.0, 3.0]
    """
    x = concrete(x)
    return indexing.take_along_axis(x, argsort(x, axis, descending), axis)


def top_k(x: Any, k: int, axis: int = -1) -> tuple[Any, Any]:
    """The `k` largest entries along an axis, the largest first, and their positions (int32).

    Of equal entries the first comes first; NaN counts as the largest number.

    >>> values, positions = top_k([3.0, 1.0, 4.0], 2)
    >>> values.tolist(), positions.tolist()
    ([4.0, 3.0], [2, 0])
    """
    x = concrete(x)
    axis = axis_of(axis, x.ndim)
    n = x.shape[axis]
    if k < 1 or (isinstance(n, int) and k > n):
        raise ParameterError(f"cannot take the {k} largest of {n} entries of {show(x.shape)}")
    kept = (slice(None),) * axis + (slice(0, k),)
    positions = argsort(x, axis, descending=True)[kept]
    return indexing.take_along_axis(x, positions, axis), positions
