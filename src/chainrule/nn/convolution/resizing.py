"""Layers that make images larger: repeating or interpolating places, and zeros around them."""

from __future__ import annotations

from typing import Any

import numpy as np

import chainrule.numpy as cnp
from chainrule.errors import ParameterError
from chainrule.nn.module import Module
from chainrule.tracing import per_axis, static

MODES = ("nearest", "linear")


class UpSample(Module):
    """Grow every axis of places by a whole factor: (batch, *places, channels).

    Parameters
    ----------
    factor
        How many times larger; a number for all axes, or a tuple.
    mode
        "nearest" repeats every place; "linear" interpolates between the centres of places, and
        beyond the outermost ones takes theirs (over two axes: bilinear; as PyTorch with
        ``align_corners=False``).

    >>> UpSample(2)([[[1.0], [3.0]]]).tolist()
    [[[1.0], [1.0], [3.0], [3.0]]]
    >>> UpSample(2, mode="linear")([[[1.0], [3.0]]]).tolist()
    [[[1.0], [1.5], [2.5], [3.0]]]
    """

    factor: int | tuple[int, ...] = static(default=2)
    mode: str = static(default="nearest")

    def __call__(self, x: Any, *, key: Any = None) -> Any:
        """Grow the axes one after the other."""
        if self.mode not in MODES:
            raise ParameterError(f"mode is one of {', '.join(MODES)}; received {self.mode!r}")
        x = cnp.asarray(x)
        grow = cnp.repeat if self.mode == "nearest" else _interpolated
        for axis, factor in enumerate(per_axis(self.factor, x.ndim - 2, "factor"), 1):
            x = grow(x, factor, axis)
        return x


def _interpolated(x: Any, factor: int, axis: int) -> Any:
    """Place i of the output lies at ``(i + 1/2) / factor - 1/2`` of the input."""
    n = x.shape[axis]
    at = np.clip((np.arange(n * factor) + 0.5) / factor - 0.5, 0, n - 1)
    below = np.floor(at).astype("int32")
    share = (at - below).astype(x.dtype).reshape(-1, *[1] * (x.ndim - axis - 1))
    low, high = (cnp.take(x, rows, axis) for rows in (below, np.minimum(below + 1, n - 1)))
    return low * (1 - share) + high * share


class ZeroPad(Module):
    """Zeros around every axis of places: (batch, *places, channels).

    Parameters
    ----------
    padding
        A number for all sides, or for each axis a number or a pair (before, after).

    >>> ZeroPad(((1, 2),))([[[5.0]]]).tolist()
    [[[0.0], [5.0], [0.0], [0.0]]]
    """

    padding: Any = static(default=1)

    def __call__(self, x: Any, *, key: Any = None) -> Any:
        """Add the zeros."""
        x = cnp.asarray(x)
        count = x.ndim - 2
        given = (self.padding,) * count if isinstance(self.padding, int) else self.padding
        pairs = tuple((p, p) if isinstance(p, int) else tuple(p) for p in given)
        if len(pairs) != count:
            raise ParameterError(f"padding {self.padding!r} does not fit {count} axes of places")
        return cnp.pad(x, ((0, 0), *pairs, (0, 0)))
