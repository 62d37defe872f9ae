"""Windows whose place differs from example to example, by halving steps."""

from __future__ import annotations

from typing import Any

import chainrule.numpy as cnp
from chainrule import random


def window(x: Any, start: Any, size: int, axis: int) -> Any:
    """Cut a window out of an axis, at a place that is computed for each example.

    The way to the place is cut in halves, as in a barrel shifter: of the entries that are too
    many, the first half is dropped or the last, and so on. That takes about log2 of the number of
    places, each step one choice per entry along plain slices, which native code does many at a
    time.

    Parameters
    ----------
    x
        An array; its size along `axis` is known.
    start
        int32, of as many axes as `x`: where the window begins, from 0 to ``x.shape[axis] - size``.
        Axes of size 1 are repeated.
    size
        Entries of the window.
    axis
        The axis.

    >>> import numpy as np
    >>> x = np.array([[1, 2, 3, 4], [1, 2, 3, 4]])
    >>> window(x, np.array([[0], [2]], np.int32), 2, axis=1).tolist()
    [[1, 2], [3, 4]]
    """
    before = (slice(None),) * axis
    left = x.shape[axis] - size
    while left:
        half = (left + 1) // 2
        far = start >= half
        x = cnp.where(far, x[(*before, slice(half, None))], x[(*before, slice(0, -half))])
        start = cnp.where(far, start - half, start)
        left -= half
    return x


def whole_number(key: Any, shape: Any, count: Any) -> Any:
    """Draw whole numbers (int32) from 0 to `count` - 1, all equally likely.

    Float64 has enough digits for every count that int32 can hold.
    """
    return cnp.astype(cnp.floor(random.uniform(key, shape, dtype="float64") * count), "int32")
