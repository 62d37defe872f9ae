"""Functions of each entry: one for every elementwise card, and compositions."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.errors import ParameterError
from chainrule.ir import Card
from chainrule.ops import CARDS
from chainrule.ops.rules import same_float
from chainrule.tracing.array import Array
from chainrule.tracing.record import apply, elementwise, quiet, together
from chainrule.tracing.values import concrete, dtype_name, result_dtype, type_of, youngest

# Cards whose public function has another name or does more than bring inputs together.
_WRAPPED = ("cast", "select", "stop_gradient", "divide", "power")


def _function(card: Card) -> Callable[..., Any]:
    """Make the public function of an elementwise card."""
    floating, inputs = card.type is same_float, card.inputs

    def function(*values: Any) -> Any:
        if len(values) != len(inputs):
            raise ParameterError(
                f"{card.name} takes {len(inputs)} of ({', '.join(inputs)}), received {len(values)}"
            )
        return elementwise(card.name, *values, floating=floating)

    function.__name__ = function.__qualname__ = card.name
    function.__doc__ = _docstring(card, floating)
    kind = inspect.Parameter.POSITIONAL_ONLY
    parameters = [inspect.Parameter(name, kind) for name in inputs]
    function.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return function


def _docstring(card: Card, floating: bool) -> str:
    """Write what the card says as NumPy's documentation does."""
    result = type_of(card.examples[0].output).dtype if card.examples else ""
    lines = [
        card.doc,
        "",
        "Parameters",
        "----------",
        ", ".join(card.inputs),
        "    Arrays or numbers of any shapes that broadcast."
        + (" Integers become float32." if floating else ""),
        "",
        "Returns",
        "-------",
        f"An array of {'bool' if result == 'bool' else 'their dtype'}, of the shape they meet in.",
    ]
    if card.kink:
        lines += ["", "Notes", "-----", f"At kinks and extremes: {card.kink}."]
    for example in card.examples[:1]:
        call = f"{card.name}({', '.join(map(repr, example.inputs))})"
        kind = type(example.output).__name__
        lines += ["", "Examples", "--------", f">>> {kind}({call})", repr(example.output)]
    return "\n".join(lines)


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

    Integers become floats, except for the exponents 1 to 4.

    >>> float(power(3.0, 2))
    9.0
    """
    if isinstance(b, (int, float)) and not isinstance(b, bool):
        if b == 0.5:
            return elementwise("sqrt", a, floating=True)
        if float(b).is_integer() and 1 <= abs(b) <= 4:
            product = a
            for _ in range(int(abs(b)) - 1):
                product = elementwise("multiply", product, a)
            return positive(product) if b > 0 else divide(1, product)
    return elementwise("power", a, b, floating=True)


pow = power


def where(test: Any, a: Any, b: Any) -> Any:
    """The entries of `a` where the test holds, else those of `b`; all are broadcast.

    The entry that is not chosen receives a gradient of exactly 0, also where it is not finite.

    >>> where(np.array([True, False]), 1.0, 2.0).tolist()
    [1.0, 2.0]
    """
    values = (test, a, b)
    recorder = youngest(values)
    dtype = result_dtype(a, b, plain=recorder.width if recorder else "float64")
    return together(CARDS["select"], values, ("bool", dtype, dtype))


def astype(x: Any, dtype: Any) -> Any:
    """The same numbers in another dtype.

    >>> astype(np.array([1.7, -1.7]), "int32").tolist()
    [1, -1]
    """
    name = dtype_name(dtype)
    if isinstance(x, Array) and x.node.type.dtype == name:
        return x
    return apply(CARDS["cast"], x, dtype=name)


def floats(x: Any) -> Any:
    """The same numbers; integers and truth values as float32."""
    x = concrete(x)
    return x if x.dtype.kind == "f" else astype(x, "float32")


def stop_gradient(x: Any) -> Any:
    """The same value, which counts as a constant when derivatives are taken.

    >>> float(stop_gradient(3.0))
    3.0
    """
    return apply(CARDS["stop_gradient"], x)


def share(a: Any, b: Any) -> Any:
    """1 where `a` is larger than `b`, one half where they tie, else 0: the slope of maximum."""
    tie, larger = elementwise("equal", a, b), elementwise("greater", a, b)
    dtype = result_dtype(a, b)
    return astype(larger, dtype) + 0.5 * astype(tie, dtype)


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
    return divide(elementwise("log", x, floating=True), math.log(2))


def log10(x: Any) -> Any:
    """Logarithm to the base 10.

    >>> float(log10(100.0))
    2.0
    """
    return divide(elementwise("log", x, floating=True), math.log(10))


@quiet
def logaddexp(a: Any, b: Any) -> Any:
    """ln(e^a + e^b), without overflow.

    >>> float(logaddexp(0.0, -1000.0))
    0.0
    """
    first = elementwise("greater", a, b)
    top, low = where(first, a, b), where(first, b, a)
    gap = where(elementwise("isfinite", top, floating=True), low - top, 0.0)  # inf - inf is NaN
    return top + elementwise("softplus", gap, floating=True)


@quiet
def hypot(a: Any, b: Any) -> Any:
    """Square root of a² + b², without overflow.

    >>> float(hypot(3.0, 4.0))
    5.0
    """
    larger = elementwise("maximum", elementwise("abs", a), elementwise("abs", b))
    usable = elementwise("logical_and", larger > 0, larger < math.inf)
    scale = stop_gradient(where(usable, larger, 1.0))
    a, b = divide(a, scale), divide(b, scale)
    return scale * elementwise("sqrt", a * a + b * b, floating=True)


@quiet
def atan2(y: Any, x: Any) -> Any:
    """Angle of the point (x, y), between -pi and pi; NaN where both are infinite.

    >>> round_trip = atan2(1.0, 1.0) * 4 - math.pi
    >>> float(round_trip)
    0.0
    """
    steep = elementwise("abs", y) > elementwise("abs", x)
    divisor = where(steep, y, where(elementwise("equal", x, 0), 1.0, x))
    quotient = divide(where(steep, elementwise("negative", x), y), divisor)
    behind = where(signbit(x), copysign(math.pi, y), 0.0)
    turn = where(steep, copysign(math.pi / 2, y), behind)
    return elementwise("atan", quotient) + turn


def signbit(x: Any) -> Any:
    """Tell where an entry is negative, or -0.0.

    >>> bool(signbit(-0.0)), bool(signbit(0.0))
    (True, False)
    """
    below = elementwise("less", x, 0)
    zero = elementwise("equal", x, 0)
    one_over = divide(1.0, where(zero, x, 1.0))
    return elementwise("logical_or", below, one_over < 0)


def copysign(a: Any, b: Any) -> Any:
    """The size of `a` with the sign of `b`.

    >>> float(copysign(2.0, -0.0))
    -2.0
    """
    size = astype(elementwise("abs", a), result_dtype(a, b, floating=True))
    return where(signbit(b), -size, size)


def trunc(x: Any) -> Any:
    """The whole number next to each entry on the side of zero.

    >>> float(trunc(-1.7))
    -1.0
    """
    return where(
        elementwise("less", x, 0),
        elementwise("ceil", x, floating=True),
        elementwise("floor", x, floating=True),
    )


def logical_xor(a: Any, b: Any) -> Any:
    """True where exactly one of two truth values is.

    >>> bool(logical_xor(True, False))
    True
    """
    return elementwise("not_equal", astype(a, "bool"), astype(b, "bool"))


def floor_divide(a: Any, b: Any) -> Any:
    """The quotient rounded down; of integers an integer, which has no meaning where `b` is 0.

    >>> float(floor_divide(7.0, 2.0))
    3.0
    """
    if result_dtype(a, b) == "int32":  # float64 holds every quotient of two int32 exactly enough
        return astype(floor_divide(astype(a, "float64"), b), "int32")
    return elementwise("floor", divide(a, b))


def remainder(a: Any, b: Any) -> Any:
    """What is left of `a` after subtracting `b` as often as it fits; it has the sign of `b`.

    >>> float(remainder(-1.0, 3.0))
    2.0
    """
    return elementwise("subtract", a, elementwise("multiply", b, floor_divide(a, b)))


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
    return x if isinstance(x, Array) else np.asarray(x)[()]


__all__ = sorted(
    [
        *_FUNCTIONS,
        "astype",
        "atan2",
        "clip",
        "copysign",
        "divide",
        "floor_divide",
        "hypot",
        "isinf",
        "log2",
        "log10",
        "logaddexp",
        "logical_xor",
        "positive",
        "pow",
        "power",
        "reciprocal",
        "remainder",
        "signbit",
        "square",
        "stop_gradient",
        "trunc",
        "where",
    ]
)
