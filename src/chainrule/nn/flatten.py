"""Flatten: all axes behind the batch become one."""

from __future__ import annotations

from typing import Any

import chainrule.numpy as cnp
from chainrule.errors import ShapeError
from chainrule.ir import element_count
from chainrule.nn.module import Module


class Flatten(Module):
    """Join all axes but the first: (batch, ...) becomes (batch, features).

    >>> import numpy as np
    >>> Flatten()(np.zeros((2, 3, 4))).shape
    (2, 12)
    """

    def __call__(self, x: Any, *, key: Any = None) -> Any:
        """Join the axes."""
        if not x.shape:
            raise ShapeError("Flatten expects a batch axis, received one number")
        return cnp.reshape(x, (x.shape[0], element_count(x.shape[1:])))
