"""Convolutional layers: the same small weighted sum at every place."""

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


class Convolution(OverPlaces, ABC):
    """What `Conv1D`, `Conv2D` and `Conv3D` share; see there."""

    filters: int = static()
    kernel_size: int | tuple[int, ...] = static(default=3)
    stride: int | tuple[int, ...] = static(default=1)
    padding: Any = static(default="valid")
    dilation: int | tuple[int, ...] = static(default=1)
    groups: int = static(default=1)
    use_bias: bool = static(default=True)
    initial: Initialiser = static(default=GlorotUniform())
    initial_bias: Initialiser = static(default=Zeros())
    weight: Any = None
    bias: Any = None

    def declare(self, x: ArrayType) -> Mapping[str, Variable]:
        """Say which arrays this layer holds, for an input of this type."""
        self.check(x)
        size, channels = per_axis(self.kernel_size, self.rank, "kernel_size"), x.shape[-1]
        if self.groups < 1 or channels % self.groups or self.filters % self.groups:  # type: ignore[operator]
            raise ParameterError(
                f"{channels} channels and {self.filters} filters cannot be cut into "
                f"{self.groups} equal groups"
            )
        shape = (*size, channels // self.groups, self.filters)
        arrays = {"weight": Variable(shape, self.initial)}
        if self.use_bias:
            arrays["bias"] = Variable((self.filters,), self.initial_bias)
        return arrays

    def __call__(self, x: Any, *, key: Any = None) -> Any:
        """Compute the weighted sums."""
        self.check(x)
        y = cnp.conv(x, self.weight, self.stride, self.padding, self.dilation, self.groups)
        return y + self.bias if self.use_bias else y


class Conv1D(Convolution):
    """Convolution along one axis: (batch, length, channels) becomes (batch, length, filters).

    As `Conv2D`, with one axis of places: for series, sound and text.

    >>> from chainrule import nn
    >>> nn.Conv1D(8, 3).initialise(0, ArrayType((1, 20, 4))).weight.shape
    (3, 4, 8)
    """

    rank = 1


class Conv2D(Convolution):
    """Convolution over images: (batch, height, width, channels) to (..., filters).

    Every output is a weighted sum of the patch of `kernel_size` around its place, plus a bias,
    with the same weights everywhere (LeCun et al., "Backpropagation applied to handwritten zip code
    recognition", Neural Computation 1, 1989).

    Parameters
    ----------
    filters
        Number of outputs at each place.
    kernel_size, stride, dilation
        Size of the patches, the step from one to the next, and the step from entry to entry
        within one; a number for all axes, or a tuple.
    padding
        Zeros around the image: "valid" (none), "same" (as many places as the input, divided by
        the stride and rounded up), a number, or for each axis a number or a pair.
    groups
        Channels and filters are cut into this many parts that do not see each other; as many as
        there are channels gives a depthwise convolution.
    use_bias
        Whether a bias is added.
    initial, initial_bias
        How the arrays begin: by default the weight as in Glorot and Bengio (2010, uniform), with
        fans over the whole patch, the bias at zero. Before ReLU, ``initialisers.HeUniform()``
        suits better.
    weight
        Shape (height, width, channels / groups, filters). PyTorch's is
        ``weight.transpose(3, 2, 0, 1)`` of it.
    bias
        Shape (filters,).

    Raises
    ------
    ShapeError
        If the input has another number of axes, or is smaller than a patch.
    ParameterError
        If the groups do not divide channels and filters.

    >>> import numpy as np
    >>> layer = Conv2D(1, 2, use_bias=False, weight=np.ones((2, 2, 1, 1)))
    >>> layer(np.arange(9.0).reshape(1, 3, 3, 1))[0, :, :, 0].tolist()
    [[8.0, 12.0], [20.0, 24.0]]
    """

    rank = 2


class Conv3D(Convolution):
    """Convolution over volumes: (batch, depth, height, width, channels) to (..., filters).

    As `Conv2D`, with three axes of places.

    >>> from chainrule import nn
    >>> nn.Conv3D(8, 3).initialise(0, ArrayType((1, 9, 9, 9, 2))).weight.shape
    (3, 3, 3, 2, 8)
    """

    rank = 3
