"""Separable convolution: first every channel for itself, then all channels at each place."""

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


class Separable(OverPlaces, ABC):
    """What `SeparableConv1D` and `SeparableConv2D` share; see there."""

    filters: int = static()
    kernel_size: int | tuple[int, ...] = static(default=3)
    multiplier: int = static(default=1)
    stride: int | tuple[int, ...] = static(default=1)
    padding: Any = static(default="valid")
    dilation: int | tuple[int, ...] = static(default=1)
    use_bias: bool = static(default=True)
    initial: Initialiser = static(default=GlorotUniform())
    initial_bias: Initialiser = static(default=Zeros())
    depthwise: Any = None
    pointwise: Any = None
    bias: Any = None

    def declare(self, x: ArrayType) -> Mapping[str, Variable]:
        """Say which arrays this layer holds, for an input of this type."""
        self.check(x)
        size, channels = per_axis(self.kernel_size, self.rank, "kernel_size"), x.shape[-1]
        wide = channels * self.multiplier
        arrays = {
            "depthwise": Variable((*size, 1, wide), self.initial),
            "pointwise": Variable((*(1,) * self.rank, wide, self.filters), self.initial),
        }
        if self.use_bias:
            arrays["bias"] = Variable((self.filters,), self.initial_bias)
        return arrays

    def __call__(self, x: Any, *, key: Any = None) -> Any:
        """Compute the weighted sums."""
        self.check(x)
        groups = x.shape[-1]
        y = cnp.conv(x, self.depthwise, self.stride, self.padding, self.dilation, groups)
        y = cnp.conv(y, self.pointwise)
        return y + self.bias if self.use_bias else y


class SeparableConv1D(Separable):
    """Separable convolution along one axis; as `SeparableConv2D`, with one axis of places.

    >>> from chainrule import nn
    >>> nn.SeparableConv1D(8).initialise(0, ArrayType((1, 20, 4))).pointwise.shape
    (1, 4, 8)
    """

    rank = 1


class SeparableConv2D(Separable):
    """A depthwise convolution, then one of size one that mixes the channels.

    Nearly as expressive as `Conv2D` with far fewer weights (Chollet, "Xception: deep learning with
    depthwise separable convolutions", CVPR 2017).

    Parameters
    ----------
    filters, kernel_size, stride, padding, dilation, use_bias, initial, initial_bias
        As for `Conv2D`; stride, padding and dilation belong to the depthwise part.
    multiplier
        Depthwise filters of each channel.
    depthwise
        Shape (height, width, 1, channels * multiplier).
    pointwise
        Shape (1, 1, channels * multiplier, filters).
    bias
        Shape (filters,).

    >>> from chainrule import nn
    >>> layer = nn.SeparableConv2D(16).initialise(0, ArrayType((1, 8, 8, 4)))
    >>> nn.count_parameters(layer)
    116
    """

    rank = 2
