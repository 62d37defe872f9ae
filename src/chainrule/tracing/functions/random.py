"""Random numbers as functions of a key: the same key always gives the same numbers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from chainrule.errors import ParameterError
from chainrule.ir import Dim
from chainrule.ops import CARDS
from chainrule.tracing.array import Array
from chainrule.tracing.record import apply, elementwise
from chainrule.tracing.values import as_array, dtype_name


def key(seed: int) -> Any:
    """Make a key, two int32 words, from a seed of up to 64 bits.

    >>> key(0).tolist()
    [0, 0]
    """
    if not 0 <= seed < 2**64:
        raise ParameterError(f"a seed lies between 0 and 2**64 - 1, received {seed}")
    return np.array([seed >> 32, seed & 0xFFFFFFFF], np.uint32).view(np.int32)


def fold_in(key: Any, data: Any) -> Any:
    """Make a new key of a key and a whole number, such as a step or a layer's position.

    >>> fold_in(key(0), 1).tolist() == fold_in(key(0), 2).tolist()
    False
    """
    data = data if isinstance(data, Array) else as_array(data, "int32")
    return apply(CARDS["fold_in"], key, data)


def split(key: Any, count: int = 2) -> tuple[Any, ...]:
    """Make several independent keys of one.

    >>> len(split(key(0), 3))
    3
    """
    return tuple(fold_in(key, i) for i in range(count))


def uniform(key: Any, shape: Any, low: Any = 0.0, high: Any = 1.0, dtype: Any = "float32") -> Any:
    """Uniform random numbers in [low, high).

    >>> bool((uniform(key(0), (100,)) < 1).all())
    True
    """
    sizes = (shape,) if isinstance(shape, (int, Dim)) else tuple(shape)
    unit = apply(CARDS["uniform"], key, shape=sizes, dtype=dtype_name(dtype))
    if isinstance(low, (int, float)) and low == 0 and isinstance(high, (int, float)) and high == 1:
        return unit
    return unit * (high - low) + low


def normal(key: Any, shape: Any, dtype: Any = "float32") -> Any:
    """Standard normal random numbers, by the method of Box and Muller (1958).

    >>> bool(abs(normal(key(0), (1000,)).mean()) < 0.1)
    True
    """
    first, second = split(key)
    radius = elementwise("sqrt", -2.0 * elementwise("log1p", -uniform(first, shape, dtype=dtype)))
    return radius * elementwise("cos", 2.0 * math.pi * uniform(second, shape, dtype=dtype))


def bernoulli(key: Any, probability: Any, shape: Any) -> Any:
    """Truth values that hold with a probability.

    >>> bernoulli(key(0), 1.0, (2,)).tolist()
    [True, True]
    """
    return elementwise("less", uniform(key, shape), probability)


def permutation(key: Any, count: int) -> Any:
    """The numbers from 0 to `count` - 1 in random order (int32); not traced.

    >>> sorted(permutation(key(0), 3).tolist())
    [0, 1, 2]
    """
    return np.argsort(uniform(key, (count,), dtype="float64"), kind="stable").astype(np.int32)
