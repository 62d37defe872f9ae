"""Functions of each entry: one for every elementwise card, and compositions."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.ir import Card, Dim
from chainrule.ops import CARDS
from chainrule.tracing.array import (
    Array,
    apply,
    as_array,
    broadcast_shapes,
    dtype_name,
    elementwise,
    meet,
    result_dtype,
)

# Cards whose public function has another name or does more than bring inputs together.
_WRAPPED = ("cast", "select", "stop_gradient", "divide", "power")
_NEEDS_FLOATS = {card.name for card in CARDS.values() if card.type.__name__ == "same_float"}


def _function(card: Card) -> Callable[..., Any]:
    floating = card.name in _NEEDS_FLOATS

    def function(*values: Any) -> Any:
        return elementwise(card.name, *values, floating=floating)

    inputs = card.vjp.__code__.co_argcount - 3 if callable(card.vjp) else 1
    function.__name__ = function.__qualname__ = card.name
    function.__doc__ = (
        f"{card.doc}\n\n"
        f"{'Inputs are' if inputs > 1 else 'The input is'} brought to one dtype and broadcast; "
        f"the output has {'their' if inputs > 1 else 'its'} shape. "
        + (f"At kinks and extremes: {card.kink}." if card.kink else "")
    )
    return function


_FUNCTIONS = {
    card.name: _function(card)
    for card in CARDS.values()
    if card.kind == "elementwise" and card.name not in _WRAPPED
}
globals().update(_FUNCTIONS)


def divide(a: Any, b: Any) -> Any:
    """Quotient of two arrays; integers become floats.

    >>> float(divide(1, 4))
    0.25
    """
    return elementwise("divide", a, b, floating=True)


def power(a: Any, b: Any) -> Any:
    """`a` raised to the power `b`; small whole exponents become products, 0.5 a square root.

    >>> float(power(3.0, 2))
    9.0
    """
    if isinstance(b, (int, float)) and not isinstance(b, bool) and isinstance(a, Array):
        if b == 0.5:
            return elementwise("sqrt", a, floating=True)
        if b == int(b) and 1 <= abs(b) <= 4:
            product = a
            for _ in range(int(abs(b)) - 1):
                product = product * a
            return product if b > 0 else divide(1, product)
    return elementwise("power", a, b, floating=True)


pow = power


def where(test: Any, a: Any, b: Any) -> Any:
    """The entries of `a` where the test holds, else those of `b`; all are broadcast.

    >>> where(np.array([True, False]), 1.0, 2.0).tolist()
    [1.0, 2.0]
    """
    dtype = result_dtype(a, b)
    traced = [v.recorder for v in (test, a, b) if isinstance(v, Array)]
    if not traced:
        test, a, b = np.broadcast_arrays(
            as_array(test, "bool"), as_array(a, dtype), as_array(b, dtype)
        )
        return apply(CARDS["select"], test, a, b)
    recorder = max(traced, key=lambda r: r.level)
    shapes = [v.shape if isinstance(v, Array) else np.shape(v)
              for v in (test, a, b) if not isinstance(v, Dim)]
    shape = broadcast_shapes(*shapes)
    from chainrule.tracing.array import expand

    chosen = [expand(x, shape) for x in meet(recorder, dtype, a, b)]
    tests = [expand(x, shape) for x in meet(recorder, "bool", test)]
    return apply(CARDS["select"], *tests, *chosen)


def astype(x: Any, dtype: Any) -> Any:
    """The same numbers in another dtype.

    >>> astype(np.array([1.7, -1.7]), "int32").tolist()
    [1, -1]
    """
    name = dtype_name(dtype)
    if isinstance(x, Array) and x.node.type.dtype == name:
        return x
    return apply(CARDS["cast"], x, dtype=name)


def stop_gradient(x: Any) -> Any:
    """The same value, which counts as a constant when derivatives are taken.

    >>> float(stop_gradient(3.0))
    3.0
    """
    return apply(CARDS["stop_gradient"], x)


def share(a: Any, b: Any) -> Any:
    """1 where `a` is larger than `b`, one half where they tie, else 0: the slope of maximum."""
    dtype = result_dtype(a, b)
    return where(a > b, _number(1.0, dtype), where(a == b, _number(0.5, dtype), _number(0.0, dtype)))


def _number(value: float, dtype: str) -> Any:
    return np.full((), value, dtype)


def clip(x: Any, min: Any = None, max: Any = None) -> Any:
    """Entries below `min` become `min`, entries above `max` become `max`.

    The gradient is halved exactly at a bound, as for `maximum`.

    >>> clip(np.array([-2.0, 0.5, 2.0]), -1, 1).tolist()
    [-1.0, 0.5, 1.0]
    """
    if min is not None:
        x = elementwise("maximum", x, min)
    return x if max is None else elementwise("minimum", x, max)


def square(x: Any) -> Any:
    """Each entry times itself.

    >>> float(square(3.0))
    9.0
    """
    return elementwise("multiply", x, x)


def reciprocal(x: Any) -> Any:
    """1 divided by each entry.

    >>> float(reciprocal(4.0))
    0.25
    """
    return divide(1, x)


def log2(x: Any) -> Any:
    """Logarithm to the base 2.

    >>> float(log2(8.0))
    3.0
    """
    return elementwise("log", x, floating=True) * (1 / math.log(2))


def log10(x: Any) -> Any:
    """Logarithm to the base 10.

    >>> round(float(log10(1000.0)), 12)
    3.0
    """
    return elementwise("log", x, floating=True) * (1 / math.log(10))


def logaddexp(a: Any, b: Any) -> Any:
    """ln(e^a + e^b) without overflow.

    >>> round(float(logaddexp(0.0, 0.0)), 6)
    0.693147
    """
    return elementwise("maximum", a, b) + elementwise(
        "softplus", -abs_difference(a, b), floating=True
    )


def abs_difference(a: Any, b: Any) -> Any:
    """|a - b|.

    >>> float(abs_difference(1.0, 3.0))
    2.0
    """
    return elementwise("abs", elementwise("subtract", a, b))


def floor_divide(a: Any, b: Any) -> Any:
    """The quotient rounded down.

    >>> float(floor_divide(7.0, 2.0))
    3.0
    """
    return elementwise("floor", divide(a, b))


def remainder(a: Any, b: Any) -> Any:
    """What is left of `a` after subtracting `b` as often as it fits; it has the sign of `b`.

    >>> float(remainder(-1.0, 3.0))
    2.0
    """
    return a - b * floor_divide(a, b)


def isinf(x: Any) -> Any:
    """Tell where an entry is infinite.

    >>> bool(isinf(np.inf))
    True
    """
    return elementwise("equal", elementwise("abs", x), np.inf)


def positive(x: Any) -> Any:
    """The same array.

    >>> float(positive(2.0))
    2.0
    """
    return x


__all__ = sorted(
    [
        *_FUNCTIONS,
        "abs_difference",
        "astype",
        "clip",
        "divide",
        "floor_divide",
        "isinf",
        "log2",
        "log10",
        "logaddexp",
        "positive",
        "pow",
        "power",
        "reciprocal",
        "remainder",
        "share",
        "square",
        "stop_gradient",
        "where",
    ]
)
