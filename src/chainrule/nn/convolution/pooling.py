"""Pooling layers: the largest entry or the mean of every patch."""

from __future__ import annotations

from abc import ABC
from typing import Any

import chainrule.numpy as cnp
from chainrule.nn.convolution.images import OverPlaces
from chainrule.tracing import static


class MaxPool(OverPlaces, ABC):
    """What `MaxPool1D`, `MaxPool2D` and `MaxPool3D` share; see there."""

    size: int | tuple[int, ...] = static(default=2)
    stride: int | tuple[int, ...] | None = static(default=None)
    padding: Any = static(default="valid")

    def __call__(self, x: Any, *, key: Any = None) -> Any:
        """Take the largest entries."""
        self.check(x)
        return cnp.max_pool(x, self.size, self.stride, self.padding)


class MaxPool1D(MaxPool):
    """The largest entry of every patch along one axis, for (batch, length, channels).

    >>> MaxPool1D(2)([[[1.0], [3.0], [2.0], [0.0]]]).tolist()
    [[[3.0], [2.0]]]
    """

    rank = 1


class MaxPool2D(MaxPool):
    """The largest entry of every patch of an image, for (batch, height, width, channels).

    Parameters
    ----------
    size
        Of the patches; a number for all axes, or a tuple.
    stride
        Step from one patch to the next; None for the size, so that patches lie side by side.
    padding
        As for `Conv2D`; what is padded never wins.

    Equal largest entries of a patch share its gradient; PyTorch gives it to the first of them.

    >>> import numpy as np
    >>> MaxPool2D(2)(np.arange(16.0).reshape(1, 4, 4, 1))[0, :, :, 0].tolist()
    [[5.0, 7.0], [13.0, 15.0]]
    """

    rank = 2


class MaxPool3D(MaxPool):
    """The largest entry of every patch of a volume; as `MaxPool2D`.

    >>> import numpy as np
    >>> MaxPool3D(2)(np.arange(8.0).reshape(1, 2, 2, 2, 1)).tolist()
    [[[[[7.0]]]]]
    """

    rank = 3


class AveragePool(OverPlaces, ABC):
    """What `AveragePool1D`, `AveragePool2D` and `AveragePool3D` share; see there."""

    size: int | tuple[int, ...] = static(default=2)
    stride: int | tuple[int, ...] | None = static(default=None)
    padding: Any = static(default="valid")
    count_padding: bool = static(default=False)

    def __call__(self, x: Any, *, key: Any = None) -> Any:
        """Take the means."""
        self.check(x)
        return cnp.average_pool(x, self.size, self.stride, self.padding, self.count_padding)


class AveragePool1D(AveragePool):
    """The mean of every patch along one axis, for (batch, length, channels).

    >>> AveragePool1D(2)([[[1.0], [3.0], [2.0], [0.0]]]).tolist()
    [[[2.0], [1.0]]]
    """

    rank = 1


class AveragePool2D(AveragePool):
    """The mean of every patch of an image, for (batch, height, width, channels).

    Parameters
    ----------
    size, stride, padding
        As for `MaxPool2D`.
    count_padding
        Whether padded zeros count in a mean (as in PyTorch by default) or not (as in Keras).

    >>> import numpy as np
    >>> AveragePool2D(2)(np.arange(16.0).reshape(1, 4, 4, 1))[0, :, :, 0].tolist()
    [[2.5, 4.5], [10.5, 12.5]]
    """

    rank = 2


class AveragePool3D(AveragePool):
    """The mean of every patch of a volume; as `AveragePool2D`.

    >>> import numpy as np
    >>> AveragePool3D(2)(np.arange(8.0).reshape(1, 2, 2, 2, 1)).tolist()
    [[[[[3.5]]]]]
    """

    rank = 3
