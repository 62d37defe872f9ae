"""Pooling: the largest entry or the mean of every patch; channels stand last."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from chainrule.errors import ShapeError
from chainrule.tracing.functions import elementwise as e
from chainrule.tracing.functions import reductions, shaping
from chainrule.tracing.functions.convolution import Padding, pad_widths
from chainrule.tracing.functions.windows import Numbers, per_axis, window
from chainrule.tracing.values import concrete, show

Reduction = Callable[..., Any]


def max_pool(
    x: Any, size: Numbers = 2, stride: Numbers | None = None, padding: Padding = "valid"
) -> Any:
    """The largest entry of every patch; NaN if there is one.

    Where several entries of a patch are largest they share its gradient equally (PyTorch gives it
    to the first). What is padded never wins.

    Parameters
    ----------
    x
        Shape (batch, *places, channels).
    size, stride
        Of the patches, for each axis or one for all; the stride is the size unless it is given.
    padding
        As for `conv`.

    >>> import numpy as np
    >>> max_pool(np.array([[[1.0], [3.0], [2.0], [0.0]]])).tolist()
    [[[3.0], [2.0]]]
    """
    x = e.floats(concrete(x))
    sizes, steps, pairs = _settings(x, size, stride, padding)
    if any(n for pair in pairs for n in pair):
        x = shaping.pad(x, ((0, 0), *pairs, (0, 0)), -np.inf)
    return _pooled(reductions.max, x, sizes, steps)


def average_pool(
    x: Any,
    size: Numbers = 2,
    stride: Numbers | None = None,
    padding: Padding = "valid",
    count_padding: bool = False,
) -> Any:
    """The mean of every patch.

    Parameters
    ----------
    x
        Shape (batch, *places, channels).
    size, stride
        Of the patches, for each axis or one for all; the stride is the size unless it is given.
    padding
        As for `conv`.
    count_padding
        Whether padded zeros count (as in PyTorch by default) or not (as in Keras).

    >>> import numpy as np
    >>> average_pool(np.array([[[1.0], [3.0], [2.0], [0.0]]])).tolist()
    [[[2.0], [1.0]]]
    """
    x = e.floats(concrete(x))
    sizes, steps, pairs = _settings(x, size, stride, padding)
    if not any(n for pair in pairs for n in pair):
        return _pooled(reductions.mean, x, sizes, steps)
    padded = shaping.pad(x, ((0, 0), *pairs, (0, 0)))
    if count_padding:
        return _pooled(reductions.mean, padded, sizes, steps)
    ones = np.pad(np.ones((1, *x.shape[1:-1], 1), x.dtype), ((0, 0), *pairs, (0, 0)))
    return _pooled(reductions.sum, padded, sizes, steps) / _pooled(np.sum, ones, sizes, steps)


def _settings(
    x: Any, size: Numbers, stride: Numbers | None, padding: Padding
) -> tuple[tuple[int, ...], tuple[int, ...], tuple[tuple[int, int], ...]]:
    count = x.ndim - 2
    if count < 1:
        raise ShapeError(f"pooling expects (batch, *places, channels), received {show(x.shape)}")
    sizes = per_axis(size, count, "size")
    steps = per_axis(sizes if stride is None else stride, count, "stride")
    return sizes, steps, pad_widths(padding, x.shape[1:-1], sizes, steps, (1,) * count)


def _pooled(reduce: Reduction, x: Any, size: Sequence[int], stride: Sequence[int]) -> Any:
    """Reduce over the entries of every patch."""
    count = len(size)
    if tuple(size) == tuple(stride):
        return reduce(*_blocks(x, size))
    patches = window(x, size, range(1, count + 1), stride)
    return reduce(patches, axis=tuple(range(count + 1, 2 * count + 1)))


def _blocks(x: Any, size: Sequence[int]) -> tuple[Any, tuple[int, ...]]:
    """Patches that lie side by side, as blocks of a reshaped array: it and the axes inside."""
    whole = [slice(None), *(slice(0, n // k * k) for n, k in zip(x.shape[1:-1], size, strict=True))]
    shape = [x.shape[0]]
    for n, k in zip(x.shape[1:-1], size, strict=True):
        if n < k:
            raise ShapeError(f"a patch of {k} entries does not fit an axis of {n}")
        shape += [n // k, k]
    inside = tuple(range(2, len(shape) + 1, 2))
    return shaping.reshape(x[tuple(whole)], (*shape, x.shape[-1])), inside


def adaptive_max_pool(x: Any, size: Numbers) -> Any:
    """The largest entry of each of `size` nearly equal parts of every axis.

    Part i of n entries begins at ``floor(i n / size)`` and ends before ``ceil((i + 1) n / size)``,
    as in PyTorch, so neighbours may share an entry.

    >>> import numpy as np
    >>> adaptive_max_pool(np.array([[[1.0], [3.0], [2.0]]]), 2).tolist()
    [[[3.0], [3.0]]]
    """
    return _adaptive(reductions.max, x, size)


def adaptive_average_pool(x: Any, size: Numbers) -> Any:
    """The mean of each of `size` nearly equal parts of every axis; parts as `adaptive_max_pool`.

    >>> import numpy as np
    >>> adaptive_average_pool(np.array([[[1.0], [3.0], [2.0]]]), 2).tolist()
    [[[2.0], [2.5]]]
    """
    return _adaptive(reductions.mean, x, size)


def _adaptive(reduce: Reduction, x: Any, size: Numbers) -> Any:
    """Axis by axis: a maximum of maxima is a maximum, and means of means over a grid are means."""
    x = e.floats(concrete(x))
    sizes = per_axis(size, x.ndim - 2, "size")
    for axis, parts in enumerate(sizes, 1):
        n = x.shape[axis]
        before = (slice(None),) * axis
        if n % parts == 0:
            x = reduce(
                shaping.reshape(x, (*x.shape[:axis], parts, n // parts, *x.shape[axis + 1 :])),
                axis=axis + 1,
            )
            continue
        ends = [(i * n // parts, -(-(i + 1) * n // parts)) for i in range(parts)]
        x = shaping.stack([reduce(x[(*before, slice(*end))], axis=axis) for end in ends], axis)
    return x
