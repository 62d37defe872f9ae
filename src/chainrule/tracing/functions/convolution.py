"""Convolutions, as matrix products of patches; channels stand last.

The axes of an array are (batch, *places, channels), those of a kernel (*size, inputs, outputs).
What is computed is a cross-correlation, as in every library for neural networks:
``y[b, p, f] = sum over i, c of x[b, stride * p + dilation * i, c] * kernel[i, c, f]``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chainrule.errors import ParameterError, ShapeError
from chainrule.ir import Size, element_count
from chainrule.ops.window import extent
from chainrule.tracing.functions import linear, reductions, shaping
from chainrule.tracing.functions.windows import Numbers, overlap_add, per_axis, window
from chainrule.tracing.values import concrete, show

Padding = str | int | Sequence[int | tuple[int, int]]
Pairs = tuple[tuple[int, int], ...]


def pad_widths(
    padding: Padding,
    length: Sequence[Size],
    size: Sequence[int],
    stride: Sequence[int],
    dilation: Sequence[int],
) -> Pairs:
    """Zeros before and after each axis.

    "valid" adds none, "same" as many as give one output for every `stride` inputs (one more behind
    than in front where their number is odd); else a number for all axes, or for each axis a number
    or a pair.
    """
    count = len(length)
    if padding == "valid":
        return ((0, 0),) * count
    if padding == "same":
        pairs = []
        for n, k, step, gap in zip(length, size, stride, dilation, strict=True):
            if not isinstance(n, int):
                raise ShapeError(f'padding "same" needs a known size, received {n}')
            total = max((-(-n // step) - 1) * step + extent(k, gap) - n, 0)
            pairs.append((total // 2, total - total // 2))
        return tuple(pairs)
    given = [padding] * count if isinstance(padding, int) else list(padding)
    both = tuple((p, p) if isinstance(p, int) else tuple(p) for p in given)
    numeric = all(len(p) == 2 and all(isinstance(n, int) and n >= 0 for n in p) for p in both)
    if isinstance(padding, str) or len(both) != count or not numeric:
        raise ParameterError(
            'padding is "same", "valid", a whole number >= 0, or for each axis a number or a pair '
            f"(before, after); received {padding!r} for {count} axes"
        )
    return both  # type: ignore[return-value]


def conv(
    x: Any,
    kernel: Any,
    stride: Numbers = 1,
    padding: Padding = "valid",
    dilation: Numbers = 1,
    groups: int = 1,
) -> Any:
    """Convolution over any number of axes, channels last.

    Parameters
    ----------
    x
        Shape (batch, *places, channels).
    kernel
        Shape (*size, channels / groups, filters).
    stride, dilation
        Steps between patches, and between the entries of a patch: for each axis, or one for all.
    padding
        Zeros around `x`: "valid" (none), "same", a number, or for each axis a number or a pair.
    groups
        Channels and filters are cut into this many parts, and each part of the filters reads its
        part of the channels alone.

    Returns
    -------
    Shape (batch, *places, filters).

    >>> import numpy as np
    >>> x = np.array([[[1.0], [2.0], [4.0]]])
    >>> conv(x, np.array([[[1.0]], [[10.0]]])).tolist()
    [[[21.0], [42.0]]]
    """
    x, kernel = linear.pair(x, kernel)
    count = x.ndim - 2
    if count < 1 or kernel.ndim != x.ndim:
        raise ShapeError(
            "conv expects (batch, *places, channels) and (*size, channels, filters), "
            f"received {show(x.shape)} and {show(kernel.shape)}"
        )
    size, filters = kernel.shape[:count], kernel.shape[-1]
    _check_groups(x, kernel, groups)
    steps, gaps = per_axis(stride, count, "stride"), per_axis(dilation, count, "dilation")
    pairs = pad_widths(padding, x.shape[1:-1], size, steps, gaps)
    x = shaping.pad(x, ((0, 0), *pairs, (0, 0)))
    if groups == 1:
        return _dense(x, kernel, steps, gaps)
    if groups == x.shape[-1]:
        return _depthwise(x, kernel, steps, gaps)
    parts = zip(_split(x, groups), _split(kernel, groups), strict=True)
    y = [_dense(part, each, steps, gaps) for part, each in parts]
    return shaping.reshape(shaping.concat(y, axis=-1), (*y[0].shape[:-1], filters))


def _check_groups(x: Any, kernel: Any, groups: int) -> None:
    channels, (inputs, filters) = x.shape[-1], kernel.shape[-2:]
    if groups < 1 or channels != inputs * groups or filters % groups:
        raise ShapeError(
            f"the kernel {show(kernel.shape)} in {groups} groups does not fit {channels} channels: "
            f"it reads {inputs} of them in each group and has {filters} filters"
        )


def _split(x: Any, groups: int) -> list[Any]:
    return shaping.split(x, groups, axis=-1)


def _patches(x: Any, size: Sequence[int], stride: Numbers, dilation: Numbers) -> Any:
    return window(x, size, range(1, x.ndim - 1), stride, dilation)


def _dense(x: Any, kernel: Any, stride: tuple[int, ...], dilation: tuple[int, ...]) -> Any:
    *size, channels, filters = kernel.shape
    if all(n == 1 for n in size):  # no patches are needed, only the places where they would begin
        x = (
            x[(slice(None), *(slice(None, None, step) for step in stride))]
            if set(stride) != {1}
            else x
        )
        return linear.matmul(x, shaping.reshape(kernel, (channels, filters)))
    patches = _patches(x, size, stride, dilation)
    places, inner = patches.shape[: x.ndim - 1], element_count(patches.shape[x.ndim - 1 :])
    rows = shaping.reshape(patches, (*places, inner))
    return linear.matmul(rows, shaping.reshape(kernel, (inner, filters)))


def _depthwise(x: Any, kernel: Any, stride: Numbers, dilation: Numbers) -> Any:
    """Every channel with filters of its own: a weighted sum over the places of a patch."""
    *size, _, filters = kernel.shape
    channels = x.shape[-1]
    each = filters // channels
    patches = _patches(x, size, stride, dilation)
    places = patches.shape[: x.ndim - 1]
    weight = shaping.reshape(kernel, (*size, channels, each))
    inside = tuple(range(len(places), len(places) + len(size)))
    if each == 1:
        return reductions.sum(patches * weight[..., 0], axis=inside)
    y = reductions.sum(shaping.expand_dims(patches, -1) * weight, axis=inside)
    return shaping.reshape(y, (*places, filters))


def conv_transpose(
    x: Any,
    kernel: Any,
    stride: Numbers = 1,
    padding: Padding = "valid",
    dilation: Numbers = 1,
    output_padding: int | Sequence[int] = 0,
    groups: int = 1,
) -> Any:
    """The adjoint of a convolution by its input: every entry paints a scaled kernel.

    Parameters
    ----------
    x
        Shape (batch, *places, channels).
    kernel
        Shape (*size, channels, filters / groups).
    stride, dilation
        Steps between painted kernels, and between the entries of a kernel.
    padding
        What the convolution would pad, and what is cut off here; "same" gives `stride` outputs for
        every input.
    output_padding
        More zeros behind each axis, below the stride: several lengths lead to one under a
        convolution with a stride.
    groups
        Channels and filters are cut into this many parts, and each part of the channels paints
        its part of the filters alone.

    Returns
    -------
    Shape (batch, *places, filters), with
    ``(n - 1) * stride + dilation * (size - 1) + 1 - before - after + output_padding`` places.

    >>> import numpy as np
    >>> conv_transpose(np.array([[[1.0], [2.0]]]), np.array([[[1.0]], [[10.0]]]), 2).tolist()
    [[[1.0], [10.0], [2.0], [20.0]]]
    """
    x, kernel = linear.pair(x, concrete(kernel))
    count = x.ndim - 2
    if count < 1 or kernel.ndim != x.ndim or kernel.shape[-2] != x.shape[-1]:
        raise ShapeError(
            "conv_transpose expects (batch, *places, channels) and (*size, channels, filters), "
            f"received {show(x.shape)} and {show(kernel.shape)}"
        )
    if groups != 1:
        if groups < 1 or x.shape[-1] % groups:
            raise ShapeError(f"{x.shape[-1]} channels cannot be cut into {groups} equal groups")
        parts = zip(_split(x, groups), shaping.split(kernel, groups, axis=-2), strict=True)
        painted = (
            conv_transpose(part, each, stride, padding, dilation, output_padding)
            for part, each in parts
        )
        return shaping.concat([*painted], axis=-1)
    *size, channels, filters = kernel.shape
    steps, gaps = per_axis(stride, count, "stride"), per_axis(dilation, count, "dilation")
    more = (output_padding,) * count if isinstance(output_padding, int) else tuple(output_padding)
    reach = [extent(k, gap) for k, gap in zip(size, gaps, strict=True)]
    length = [(n - 1) * step + e for n, step, e in zip(x.shape[1:-1], steps, reach, strict=True)]
    if padding == "same":
        short = [max(step - e, 0) for step, e in zip(steps, reach, strict=True)]
        cut = [max(e - step, 0) for step, e in zip(steps, reach, strict=True)]
        pairs: Pairs = tuple((n // 2, n - n // 2) for n in cut)
        more = tuple(a + b for a, b in zip(more, short, strict=True))
    else:
        pairs = pad_widths(padding, length, size, steps, gaps)
    flat = shaping.reshape(
        shaping.moveaxis(kernel, -2, 0), (channels, element_count((*size, filters)))
    )
    painted = shaping.reshape(linear.matmul(x, flat), (*x.shape[:-1], *size, filters))
    y = overlap_add(painted, length, range(1, count + 1), steps, gaps)
    kept, behind = [slice(None)], [(0, 0)]
    for n, (before, after), extra in zip(length, pairs, more, strict=True):
        if extra < 0 or before + after >= n + extra:
            raise ParameterError(f"{n} places cannot lose {before} and {after} and gain {extra}")
        kept.append(slice(before, n - max(after - extra, 0)))
        behind.append((0, max(extra - after, 0)))
    return shaping.pad(y[tuple(kept)], (*behind, (0, 0)))
