"""Activations and their relatives, in forms that neither overflow nor cancel."""

from __future__ import annotations

import math
from typing import Any

from chainrule.tracing.functions import elementwise as e
from chainrule.tracing.functions import reductions, shaping
from chainrule.tracing.record import elementwise, quiet


@quiet
def leaky_relu(x: Any, slope: float = 0.01) -> Any:
    """The entry where positive, else `slope` times it (Maas, Hannun and Ng, 2013).

    >>> leaky_relu([-1.0, 2.0]).tolist()
    [-0.01, 2.0]
    """
    x = e.floats(x)
    return e.where(x > 0, x, slope * x)


@quiet
def elu(x: Any, alpha: float = 1.0) -> Any:
    """The entry where positive, else alpha (e^x - 1) (Clevert, Unterthiner, Hochreiter, 2016).

    >>> elu([0.0, 2.0]).tolist()
    [0.0, 2.0]
    """
    x = e.floats(x)
    negative = e.where(x > 0, 0.0, x)
    return e.where(x > 0, x, alpha * elementwise("expm1", negative))


@quiet
def selu(x: Any) -> Any:
    """The self-normalising unit (Klambauer, Unterthiner, Mayr and Hochreiter, 2017).

    >>> float(selu(0.0))
    0.0
    """
    return 1.0507009873554805 * elu(x, 1.6732632423543772)


@quiet
def gelu(x: Any, approximate: bool = False) -> Any:
    """x times the normal distribution function (Hendrycks and Gimpel, 2016).

    With `approximate`, the distribution function by tanh, as in GPT-2.

    >>> round(float(gelu(1.0)), 6)
    0.841345
    """
    x = e.floats(x)
    if approximate:
        near = e.clip(x, -30.0, 30.0)  # beyond, tanh is 1 and the cube may overflow
        inner = math.sqrt(2 / math.pi) * (near + 0.044715 * (near * near * near))
        return 0.5 * x * (1 + elementwise("tanh", inner))
    return 0.5 * x * (1 + elementwise("erf", x * (1 / math.sqrt(2))))


@quiet
def silu(x: Any) -> Any:
    """x times its sigmoid, also called swish (Elfwing, Uchibe and Doya, 2018).

    >>> float(silu(0.0))
    0.0
    """
    x = e.floats(x)
    return x * elementwise("sigmoid", x)


@quiet
def mish(x: Any) -> Any:
    """x times tanh of its softplus (Misra, 2019).

    >>> float(mish(0.0))
    0.0
    """
    x = e.floats(x)
    return x * elementwise("tanh", elementwise("softplus", x))


def log_sigmoid(x: Any) -> Any:
    """Logarithm of the sigmoid, without underflow.

    >>> float(log_sigmoid(-1000.0))
    -1000.0
    """
    return -elementwise("softplus", -e.floats(x))


def _shift(x: Any, axis: Any) -> Any:
    """The largest entry as a constant; 0 where it is infinite, since inf - inf is NaN."""
    top = e.stop_gradient(reductions.max(x, axis, keepdims=True))
    return e.where(elementwise("isfinite", top), top, 0.0)


@quiet
def logsumexp(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """ln of the sum of e^x over axes, without overflow; -inf where all entries are -inf.

    >>> float(logsumexp([1000.0, 1000.0])) == 1000 + math.log(2)
    True
    """
    x = e.floats(x)
    shift = _shift(x, axis)
    total = reductions.sum(elementwise("exp", x - shift), axis, keepdims=True)
    y = elementwise("log", total) + shift
    if keepdims:
        return y
    axes = range(x.ndim) if axis is None else (axis,) if isinstance(axis, int) else axis
    return shaping.squeeze(y, tuple(axes))


@quiet
def softmax(x: Any, axis: int = -1) -> Any:
    """e^x divided by its sum along an axis, without overflow.

    >>> softmax([0.0, 0.0]).tolist()
    [0.5, 0.5]
    """
    x = e.floats(x)
    weights = elementwise("exp", x - _shift(x, axis))
    return weights / reductions.sum(weights, axis, keepdims=True)


@quiet
def log_softmax(x: Any, axis: int = -1) -> Any:
    """Logarithm of softmax along an axis, without overflow or underflow.

    >>> round(float(log_softmax([0.0, 0.0])[0]), 6)
    -0.693147
    """
    x = e.floats(x)
    shifted = x - _shift(x, axis)
    total = reductions.sum(elementwise("exp", shifted), axis, keepdims=True)
    return shifted - elementwise("log", total)
