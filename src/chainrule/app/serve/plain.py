"""Numbers and arrays as JSON has them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np


def plain(value: Any) -> Any:
    """Give numbers, arrays and trees of them as JSON values.

    JSON has neither infinity nor NaN: they become the texts "inf", "-inf" and "nan".

    >>> plain({"losses": np.array([[0.5, np.inf]]), "best": 0.5, "name": "w"})
    {'losses': [[0.5, 'inf']], 'best': 0.5, 'name': 'w'}
    """
    if isinstance(value, dict):
        return {name: plain(x) for name, x in value.items()}
    if isinstance(value, np.ndarray):
        listed = value.tolist()
        return listed if np.isfinite(value).all() else plain(listed)
    if isinstance(value, list | tuple):
        return [plain(x) for x in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
