"""Adaptive pooling: an output of a given size, whatever the size of the image."""

from __future__ import annotations

from abc import ABC
from typing import Any

import chainrule.numpy as cnp
from chainrule.nn.convolution.images import OverPlaces
from chainrule.tracing import static


class AdaptiveMaxPool(OverPlaces, ABC):
    """What the adaptive layers for the largest entry share; see `AdaptiveMaxPool2D`."""

    size: int | tuple[int, ...] = static(default=1)

    def __call__(self, x: Any, *, key: Any = None) -> Any:
        """Take the largest entries."""
        self.check(x)
        return cnp.adaptive_max_pool(x, self.size)


class AdaptiveMaxPool1D(AdaptiveMaxPool):
    """The largest entry of each of `size` parts of an axis; as `AdaptiveMaxPool2D`.

    >>> AdaptiveMaxPool1D(2)([[[1.0], [3.0], [2.0]]]).tolist()
    [[[3.0], [3.0]]]
    """

    rank = 1


class AdaptiveMaxPool2D(AdaptiveMaxPool):
    """The largest entry of each of `size` by `size` parts of an image.

    Part i of n places begins at ``floor(i n / size)`` and ends before
    ``ceil((i + 1) n / size)``, as in PyTorch: parts are nearly equal, and neighbours may share
    places.

    Parameters
    ----------
    size
        Places of the output; a number for all axes, or a tuple.

    >>> import numpy as np
    >>> AdaptiveMaxPool2D(1)(np.arange(9.0).reshape(1, 3, 3, 1)).tolist()
    [[[[8.0]]]]
    """

    rank = 2


class AdaptiveMaxPool3D(AdaptiveMaxPool):
    """The largest entry of each part of a volume; as `AdaptiveMaxPool2D`.

    >>> import numpy as np
    >>> AdaptiveMaxPool3D(1)(np.arange(8.0).reshape(1, 2, 2, 2, 1)).tolist()
    [[[[[7.0]]]]]
    """

    rank = 3


class AdaptiveAveragePool(OverPlaces, ABC):
    """What the adaptive layers for means share; see `AdaptiveAveragePool2D`."""

    size: int | tuple[int, ...] = static(default=1)

    def __call__(self, x: Any, *, key: Any = None) -> Any:
        """Take the means."""
        self.check(x)
        return cnp.adaptive_average_pool(x, self.size)


class AdaptiveAveragePool1D(AdaptiveAveragePool):
    """The mean of each of `size` parts of an axis; as `AdaptiveAveragePool2D`.

    >>> AdaptiveAveragePool1D(2)([[[1.0], [3.0], [2.0]]]).tolist()
    [[[2.0], [2.5]]]
    """

    rank = 1


class AdaptiveAveragePool2D(AdaptiveAveragePool):
    """The mean of each of `size` by `size` parts of an image; parts as `AdaptiveMaxPool2D`.

    Parameters
    ----------
    size
        Places of the output; a number for all axes, or a tuple.

    >>> import numpy as np
    >>> AdaptiveAveragePool2D(1)(np.arange(9.0).reshape(1, 3, 3, 1)).tolist()
    [[[[4.0]]]]
    """

    rank = 2


class AdaptiveAveragePool3D(AdaptiveAveragePool):
    """The mean of each part of a volume; as `AdaptiveAveragePool2D`.

    >>> import numpy as np
    >>> AdaptiveAveragePool3D(1)(np.arange(8.0).reshape(1, 2, 2, 2, 1)).tolist()
    [[[[[3.5]]]]]
    """

    rank = 3
