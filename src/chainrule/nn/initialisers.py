"""First values of parameters, as functions of a random key.

An initialiser is called as ``initial(key, shape, dtype)`` and returns an array. *Fan in* and *fan
out* are the numbers of values that one output reads and that one input feeds. Weights are stored
(..., inputs, outputs), so they are the last two sizes, each times the sizes before them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from chainrule import random
from chainrule.errors import ShapeError


class Initialiser(Protocol):
    """Draws the first value of a parameter."""

    def __call__(self, key: Any, shape: Sequence[int], dtype: str) -> Any:
        """Draw an array of a shape and dtype."""


def fans(shape: Sequence[int]) -> tuple[int, int]:
    """Fan in and fan out of a weight.

    >>> fans((784, 128)), fans((3, 3, 16, 32))
    ((784, 128), (144, 288))
    """
    if not shape:
        return 1, 1
    if len(shape) == 1:
        return shape[0], shape[0]
    window = math.prod(shape[:-2])
    return window * shape[-2], window * shape[-1]


@dataclass(frozen=True)
class Zeros:
    """All entries zero: for biases.

    >>> Zeros()(random.key(0), (2,), "float32").tolist()
    [0.0, 0.0]
    """

    def __call__(self, key: Any, shape: Sequence[int], dtype: str) -> Any:
        """Draw an array of a shape and dtype."""
        return np.zeros(tuple(shape), dtype)


@dataclass(frozen=True)
class Ones:
    """All entries one: for scales.

    >>> Ones()(random.key(0), (2,), "float32").tolist()
    [1.0, 1.0]
    """

    def __call__(self, key: Any, shape: Sequence[int], dtype: str) -> Any:
        """Draw an array of a shape and dtype."""
        return np.ones(tuple(shape), dtype)


@dataclass(frozen=True)
class Constant:
    """All entries the same number.

    Equal weights stay equal: the units of a layer then never learn different things. Use it for
    biases and scales.

    >>> Constant(0.5)(random.key(0), (2,), "float32").tolist()
    [0.5, 0.5]
    """

    value: float

    def __call__(self, key: Any, shape: Sequence[int], dtype: str) -> Any:
        """Draw an array of a shape and dtype."""
        return np.full(tuple(shape), self.value, dtype)


@dataclass(frozen=True)
class Normal:
    """Normal random numbers.

    >>> Normal(0.1)(random.key(0), (2, 3), "float32").shape
    (2, 3)
    """

    deviation: float = 1.0
    mean: float = 0.0

    def __call__(self, key: Any, shape: Sequence[int], dtype: str) -> Any:
        """Draw an array of a shape and dtype."""
        return random.normal(key, shape, dtype) * self.deviation + self.mean


@dataclass(frozen=True)
class Uniform:
    """Uniform random numbers between -limit and limit.

    >>> bool(abs(Uniform(0.1)(random.key(0), (100,), "float32")).max() <= 0.1)
    True
    """

    limit: float = 0.05

    def __call__(self, key: Any, shape: Sequence[int], dtype: str) -> Any:
        """Draw an array of a shape and dtype."""
        return random.uniform(key, shape, -self.limit, self.limit, dtype)


@dataclass(frozen=True)
class GlorotUniform:
    """Uniform with variance 2 / (fan in + fan out), for tanh, sigmoid and linear units.

    Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks",
    AISTATS 2010, equation 16.
    """

    gain: float = 1.0

    def __call__(self, key: Any, shape: Sequence[int], dtype: str) -> Any:
        """Draw an array of a shape and dtype."""
        return _uniform(key, shape, dtype, self.gain, _glorot(shape))


@dataclass(frozen=True)
class GlorotNormal:
    """Normal with variance 2 / (fan in + fan out); see `GlorotUniform`."""

    gain: float = 1.0

    def __call__(self, key: Any, shape: Sequence[int], dtype: str) -> Any:
        """Draw an array of a shape and dtype."""
        return _normal(key, shape, dtype, self.gain, _glorot(shape))


@dataclass(frozen=True)
class HeUniform:
    """Uniform with variance 2 / fan in, for rectified units.

    He, Zhang, Ren and Sun, "Delving deep into rectifiers", ICCV 2015, equation 10.
    """

    gain: float = 1.0

    def __call__(self, key: Any, shape: Sequence[int], dtype: str) -> Any:
        """Draw an array of a shape and dtype."""
        return _uniform(key, shape, dtype, self.gain, 2 / max(1, fans(shape)[0]))


@dataclass(frozen=True)
class HeNormal:
    """Normal with variance 2 / fan in; see `HeUniform`."""

    gain: float = 1.0

    def __call__(self, key: Any, shape: Sequence[int], dtype: str) -> Any:
        """Draw an array of a shape and dtype."""
        return _normal(key, shape, dtype, self.gain, 2 / max(1, fans(shape)[0]))


@dataclass(frozen=True)
class LeCunUniform:
    """Uniform with variance 1 / fan in, for self-normalising units.

    LeCun, Bottou, Orr and Müller, "Efficient BackProp", 1998, section 4.6.
    """

    gain: float = 1.0

    def __call__(self, key: Any, shape: Sequence[int], dtype: str) -> Any:
        """Draw an array of a shape and dtype."""
        return _uniform(key, shape, dtype, self.gain, 1 / max(1, fans(shape)[0]))


@dataclass(frozen=True)
class LeCunNormal:
    """Normal with variance 1 / fan in; see `LeCunUniform`."""

    gain: float = 1.0

    def __call__(self, key: Any, shape: Sequence[int], dtype: str) -> Any:
        """Draw an array of a shape and dtype."""
        return _normal(key, shape, dtype, self.gain, 1 / max(1, fans(shape)[0]))


@dataclass(frozen=True)
class Orthogonal:
    """Rows or columns, whichever are fewer, at right angles and of length `gain`.

    Leading axes are merged into the rows. Saxe, McClelland and Ganguli, "Exact solutions to the
    nonlinear dynamics of learning", ICLR 2014; uniform over all such matrices by the signs of
    Mezzadri, "How to generate random matrices from the classical compact groups", 2007.

    >>> w = Orthogonal()(random.key(0), (5, 3), "float64")
    >>> bool(np.allclose(w.T @ w, np.eye(3)))
    True
    """

    gain: float = 1.0

    def __call__(self, key: Any, shape: Sequence[int], dtype: str) -> Any:
        """Draw an array of a shape and dtype."""
        if len(shape) < 2:
            raise ShapeError(f"Orthogonal needs at least two axes, received the shape {shape}")
        rows, columns = math.prod(shape[:-1]), shape[-1]
        tall = random.normal(key, (max(rows, columns), min(rows, columns)), "float64")
        q, r = np.linalg.qr(tall)
        q = q * np.where(np.diagonal(r) < 0, -1.0, 1.0)
        matrix = q if rows >= columns else q.T
        return (self.gain * matrix).reshape(tuple(shape)).astype(dtype)


def _glorot(shape: Sequence[int]) -> float:
    return 2 / max(1, sum(fans(shape)))


def _uniform(key: Any, shape: Sequence[int], dtype: str, gain: float, variance: float) -> Any:
    limit = gain * math.sqrt(3 * variance)
    return random.uniform(key, shape, -limit, limit, dtype)


def _normal(key: Any, shape: Sequence[int], dtype: str, gain: float, variance: float) -> Any:
    return random.normal(key, shape, dtype) * (gain * math.sqrt(variance))
