"""Patches: sliding windows over axes, and adding them up again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chainrule.errors import ParameterError
from chainrule.ops import CARDS
from chainrule.tracing.record import apply
from chainrule.tracing.values import axis_of, concrete

Numbers = int | Sequence[int]


def per_axis(value: Numbers, count: int, name: str) -> tuple[int, ...]:
    """One number for each of `count` axes; a single one stands for all of them."""
    values = (value,) * count if isinstance(value, int) else tuple(value)
    if len(values) != count or not all(isinstance(n, int) and n >= 1 for n in values):
        raise ParameterError(
            f"{name} is a whole number >= 1, or one for each of {count} axes; received {value!r}"
        )
    return values


def window(
    x: Any, size: Numbers, axes: Sequence[int], stride: Numbers = 1, dilation: Numbers = 1
) -> Any:
    """All patches of a size along axes.

    Parameters
    ----------
    x
        Any array; the sizes of `axes` must be known numbers.
    size
        Entries of a patch along each of the axes, in sorted order; one number for all.
    axes
        Where patches slide.
    stride
        Entries from one patch to the next.
    dilation
        Entries from one entry of a patch to the next.

    Returns
    -------
    An array in which each of the axes counts patches, and the entries of a patch stand in new axes
    behind the last of them.

    >>> import numpy as np
    >>> window(np.arange(4.0), 2, [0]).tolist()
    [[0.0, 1.0], [1.0, 2.0], [2.0, 3.0]]
    """
    x = concrete(x)
    along = tuple(sorted(axis_of(a, x.ndim) for a in axes))
    count = len(along)
    return apply(
        CARDS["window"],
        x,
        axes=along,
        size=per_axis(size, count, "size"),
        stride=per_axis(stride, count, "stride"),
        dilation=per_axis(dilation, count, "dilation"),
    )


def overlap_add(
    x: Any, length: Numbers, axes: Sequence[int], stride: Numbers = 1, dilation: Numbers = 1
) -> Any:
    """Patches added up where `window` would take them from: its adjoint.

    Parameters
    ----------
    x
        Patches, as `window` returns them.
    length
        Sizes that the axes shall have.
    axes, stride, dilation
        As for `window`.

    >>> import numpy as np
    >>> overlap_add(np.ones((3, 2)), 4, [0]).tolist()
    [1.0, 2.0, 2.0, 1.0]
    """
    x = concrete(x)
    count = len(axes)
    return apply(
        CARDS["overlap_add"],
        x,
        axes=tuple(sorted(axis_of(a, x.ndim - count) for a in axes)),
        length=per_axis(length, count, "length"),
        stride=per_axis(stride, count, "stride"),
        dilation=per_axis(dilation, count, "dilation"),
    )
