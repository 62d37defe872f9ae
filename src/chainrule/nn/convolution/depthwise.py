"""Depthwise convolution: every channel has filters of its own."""

from __future__ import annotations

from abc import ABC
from collections.abc import Mapping
from typing import Any

import chainrule.numpy as cnp
from chainrule.ir import ArrayType
from chainrule.nn.convolution.images import OverPlaces
from chainrule.nn.initialisers import GlorotUniform, Initialiser, Zeros
from chainrule.nn.scope import Variable
from chainrule.tracing import per_axis, static


class Depthwise(OverPlaces, ABC):
    """What `DepthwiseConv1D` and `DepthwiseConv2D` share; see there."""

    kernel_size: int | tuple[int, ...] = static(default=3)
    multiplier: int = static(default=1)
    stride: int | tuple[int, ...] = static(default=1)
    padding: Any = static(default="valid")
    dilation: int | tuple[int, ...] = static(default=1)
    use_bias: bool = static(default=True)
    initial: Initialiser = static(default=GlorotUniform())
    initial_bias: Initialiser = static(default=Zeros())
    weight: Any = None
    bias: Any = None

    def declare(self, x: ArrayType) -> Mapping[str, Variable]:
        """Say which arrays this layer holds, for an input of this type."""
        self.check(x)
        size, channels = per_axis(self.kernel_size, self.rank, "kernel_size"), x.shape[-1]
        filters = channels * self.multiplier
        arrays = {"weight": Variable((*size, 1, filters), self.initial)}
        if self.use_bias:
            arrays["bias"] = Variable((filters,), self.initial_bias)
        return arrays

    def __call__(self, x: Any, *, key: Any = None) -> Any:
        """Compute the weighted sums."""
        self.check(x)
        groups = x.shape[-1]
        y = cnp.conv(x, self.weight, self.stride, self.padding, self.dilation, groups)
        return y + self.bias if self.use_bias else y


class DepthwiseConv1D(Depthwise):
    """Convolution along one axis in which every channel has filters of its own.

    As `DepthwiseConv2D`, with one axis of places.

    >>> from chainrule import nn
    >>> nn.DepthwiseConv1D(3).initialise(0, ArrayType((1, 20, 4))).weight.shape
    (3, 1, 4)
    """

    rank = 1


class DepthwiseConv2D(Depthwise):
    """Convolution over images in which every channel has filters of its own.

    The output has ``channels * multiplier`` channels, those of one input channel side by side, as
    ``Conv2D`` with as many groups as channels.

    Parameters
    ----------
    kernel_size, stride, padding, dilation, use_bias, initial, initial_bias
        As for `Conv2D`.
    multiplier
        Filters of each channel.
    weight
        Shape (height, width, 1, channels * multiplier).
    bias
        Shape (channels * multiplier,).

    >>> import numpy as np
    >>> layer = DepthwiseConv2D(2, use_bias=False, weight=np.ones((2, 2, 1, 2)))
    >>> layer(np.arange(8.0).reshape(1, 2, 2, 2)).tolist()
    [[[[12.0, 16.0]]]]
    """

    rank = 2
