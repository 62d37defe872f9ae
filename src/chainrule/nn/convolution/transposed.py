"""Transposed convolution: every entry paints a scaled kernel."""

from __future__ import annotations

from abc import ABC
from collections.abc import Mapping
from typing import Any

import chainrule.numpy as cnp
from chainrule.errors import ParameterError
from chainrule.ir import ArrayType
from chainrule.nn.convolution.images import OverPlaces
from chainrule.nn.initialisers import GlorotUniform, Initialiser, Zeros
from chainrule.nn.scope import Variable
from chainrule.tracing import per_axis, static


class Transposed(OverPlaces, ABC):
    """What `ConvTranspose1D`, `ConvTranspose2D` and `ConvTranspose3D` share; see there."""

    filters: int = static()
    kernel_size: int | tuple[int, ...] = static(default=3)
    stride: int | tuple[int, ...] = static(default=1)
    padding: Any = static(default="valid")
    dilation: int | tuple[int, ...] = static(default=1)
    output_padding: int | tuple[int, ...] = static(default=0)
    groups: int = static(default=1)
    use_bias: bool = static(default=True)
    initial: Initialiser = static(default=GlorotUniform())
    initial_bias: Initialiser = static(default=Zeros())
    weight: Any = None
    bias: Any = None

    def declare(self, x: ArrayType) -> Mapping[str, Variable]:
        """Say which arrays this layer holds, for an input of this type."""
        self.check(x)
        size = per_axis(self.kernel_size, self.rank, "kernel_size")
        channels = x.shape[-1]
        if self.groups < 1 or channels % self.groups or self.filters % self.groups:  # type: ignore[operator]
            raise ParameterError(
                f"{channels} channels and {self.filters} filters cannot be cut into "
                f"{self.groups} equal groups"
            )
        shape = (*size, channels, self.filters // self.groups)
        arrays = {"weight": Variable(shape, self.initial)}
        if self.use_bias:
            arrays["bias"] = Variable((self.filters,), self.initial_bias)
        return arrays

    def __call__(self, x: Any, *, key: Any = None) -> Any:
        """Paint and add up."""
        self.check(x)
        y = cnp.conv_transpose(
            x,
            self.weight,
            self.stride,
            self.padding,
            self.dilation,
            self.output_padding,
            self.groups,
        )
        return y + self.bias if self.use_bias else y


class ConvTranspose1D(Transposed):
    """Transposed convolution along one axis; as `ConvTranspose2D`, with one axis of places.

    >>> from chainrule import nn
    >>> nn.ConvTranspose1D(8, 3).initialise(0, ArrayType((1, 20, 4))).weight.shape
    (3, 4, 8)
    """

    rank = 1


class ConvTranspose2D(Transposed):
    """Transposed convolution over images, which makes them larger.

    The adjoint of a convolution by its input: what `Conv2D` with these settings and this kernel,
    its channels and filters swapped, would make a smaller image of, this grows back (Dumoulin and
    Visin, "A guide to convolution arithmetic for deep learning", 2016, section 4).

    Parameters
    ----------
    filters
        Number of outputs at each place.
    kernel_size, stride, dilation
        Size of the painted patches, the step from one to the next, and the step from entry to
        entry within one; a number for all axes, or a tuple.
    padding
        What is cut off the painted image: "valid" (nothing), "same" (so that it has `stride` times
        as many places), a number, or for each axis a number or a pair.
    output_padding
        Places that are added behind.
    groups
        Parts that channels and filters are cut into; each part of the filters is painted by its
        part of the channels alone.
    use_bias, initial, initial_bias
        As for `Conv2D`.
    weight
        Shape (height, width, channels, filters / groups). PyTorch's is
        ``weight.transpose(2, 3, 0, 1)``.
    bias
        Shape (filters,).

    >>> import numpy as np
    >>> layer = ConvTranspose2D(1, 2, stride=2, use_bias=False, weight=np.ones((2, 2, 1, 1)))
    >>> layer(np.array([[[[1.0], [2.0]]]]))[0, :, :, 0].tolist()
    [[1.0, 1.0, 2.0, 2.0], [1.0, 1.0, 2.0, 2.0]]
    """

    rank = 2


class ConvTranspose3D(Transposed):
    """Transposed convolution over volumes; as `ConvTranspose2D`, with three axes of places.

    >>> from chainrule import nn
    >>> nn.ConvTranspose3D(8, 3).initialise(0, ArrayType((1, 4, 4, 4, 2))).weight.shape
    (3, 3, 3, 2, 8)
    """

    rank = 3
