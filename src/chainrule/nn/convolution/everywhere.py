"""Pooling over all places: one number for each channel."""

from __future__ import annotations

from typing import Any

import chainrule.numpy as cnp
from chainrule.errors import ShapeError
from chainrule.nn.module import Module
from chainrule.tracing import static


def _places(x: Any) -> tuple[int, ...]:
    if x.ndim < 3:
        raise ShapeError(f"global pooling expects (batch, *places, channels), received {x.shape}")
    return tuple(range(1, x.ndim - 1))


class GlobalAveragePool(Module):
    """The mean of each channel over all places: (batch, *places, channels) to (batch, channels).

    Lin, Chen and Yan, "Network in network", ICLR 2014, section 3.2.

    Parameters
    ----------
    keepdims
        Whether places stay, as axes of size 1.

    >>> import numpy as np
    >>> GlobalAveragePool()(np.arange(8.0).reshape(1, 2, 2, 2)).tolist()
    [[3.0, 4.0]]
    """

    keepdims: bool = static(default=False)

    def __call__(self, x: Any, *, key: Any = None) -> Any:
        """Take the means."""
        x = cnp.asarray(x)
        return cnp.mean(x, axis=_places(x), keepdims=self.keepdims)


class GlobalMaxPool(Module):
    """The largest entry of each channel: (batch, *places, channels) to (batch, channels).

    Parameters
    ----------
    keepdims
        Whether places stay, as axes of size 1.

    >>> import numpy as np
    >>> GlobalMaxPool()(np.arange(8.0).reshape(1, 2, 2, 2)).tolist()
    [[6.0, 7.0]]
    """

    keepdims: bool = static(default=False)

    def __call__(self, x: Any, *, key: Any = None) -> Any:
        """Take the largest entries."""
        x = cnp.asarray(x)
        return cnp.max(x, axis=_places(x), keepdims=self.keepdims)
