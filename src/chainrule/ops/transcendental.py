"""Exponentials, logarithms, trigonometric and hyperbolic functions, and close relatives.

Functions that would overflow or cancel when composed of others have cards of their own.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from math import inf, nan
from typing import Any

from chainrule.ir import Card, Example, absent
from chainrule.ops.rules import same_float

_SQRT_PI = math.sqrt(math.pi)


def _function(
    name: str,
    doc: str,
    slope: Callable[[Any, Any, Any], Any],
    *,
    onnx: str | None,
    numpy: Callable[..., Any] | None = None,
    domain: tuple[float, float] = (-2.0, 2.0),
    cost: int = 20,
    kink: str = "",
    examples: tuple[Example, ...] = (),
) -> Card:
    """A function of one number, given by the derivative `slope(o, y, x)`."""
    return Card(
        name=name,
        kind="elementwise",
        doc=doc,
        type=same_float,
        vjp=lambda o, g, y, x: (g * slope(o, y, x),),
        numpy=numpy or (lambda np, x: getattr(np, name)(x)),
        native=lambda b, x: b.call(name, x),
        onnx=onnx or absent("not an ONNX operator; exported as a composition"),
        domain=domain,
        cost=cost,
        kink=kink,
        examples=examples,
    )


exp = _function(
    "exp",
    "e to the power of each entry.",
    lambda o, y, x: y,
    onnx="Exp",
    examples=(Example((0.0,), 1.0, (1.0,)), Example((-inf,), 0.0, (0.0,))),
)

expm1 = _function(
    "expm1",
    "e^x - 1, exact for small entries.",
    lambda o, y, x: y + 1,
    onnx=None,
    examples=(Example((0.0,), 0.0, (1.0,)), Example((-inf,), -1.0, (0.0,))),
)

log = _function(
    "log",
    "Natural logarithm.",
    lambda o, y, x: 1 / x,
    onnx="Log",
    domain=(0.25, 4.0),
    kink="-inf at 0 and NaN below",
    examples=(Example((1.0,), 0.0, (1.0,)), Example((0.0,), -inf), Example((-1.0,), nan)),
)

log1p = _function(
    "log1p",
    "ln(1 + x), exact for small entries.",
    lambda o, y, x: 1 / (1 + x),
    onnx=None,
    domain=(-0.75, 4.0),
    kink="-inf at -1 and NaN below",
    examples=(Example((0.0,), 0.0, (1.0,)), Example((-1.0,), -inf), Example((-2.0,), nan)),
)

sqrt = Card(
    name="sqrt",
    kind="elementwise",
    doc="Square root.",
    type=same_float,
    vjp=lambda o, g, y, x: (g * 0.5 / y,),
    numpy=lambda np, x: np.sqrt(x),
    native=lambda b, x: b.sqrt(x),
    onnx="Sqrt",
    cost=6,
    domain=(0.25, 4.0),
    kink="the derivative at 0 is infinite; NaN below",
    examples=(Example((9.0,), 3.0, (1 / 6,)), Example((0.0,), 0.0, (inf,)), Example((-1.0,), nan)),
)

sin = _function(
    "sin",
    "Sine.",
    lambda o, y, x: o.cos(x),
    onnx="Sin",
    examples=(Example((0.0,), 0.0, (1.0,)), Example((math.pi / 6,), 0.5, (math.sqrt(3) / 2,))),
)
cos = _function(
    "cos",
    "Cosine.",
    lambda o, y, x: -o.sin(x),
    onnx="Cos",
    examples=(Example((0.0,), 1.0, (0.0,)), Example((math.pi / 6,), math.sqrt(3) / 2, (-0.5,))),
)
tan = _function(
    "tan",
    "Tangent.",
    lambda o, y, x: 1 + y * y,
    onnx="Tan",
    domain=(-1.2, 1.2),
    examples=(Example((0.0,), 0.0, (1.0,)), Example((math.pi / 4,), 1.0, (2.0,))),
)
asin = _function(
    "asin",
    "Inverse sine.",
    lambda o, y, x: 1 / o.sqrt((1 - x) * (1 + x)),
    numpy=lambda np, x: np.arcsin(x),
    onnx="Asin",
    domain=(-0.9, 0.9),
    kink="the derivative at ±1 is infinite; NaN outside",
    examples=(
        Example((0.0,), 0.0, (1.0,)),
        Example((1.0,), math.pi / 2, (inf,)),
        Example((2.0,), nan),
    ),
)
acos = _function(
    "acos",
    "Inverse cosine.",
    lambda o, y, x: -1 / o.sqrt((1 - x) * (1 + x)),
    numpy=lambda np, x: np.arccos(x),
    onnx="Acos",
    domain=(-0.9, 0.9),
    kink="the derivative at ±1 is infinite; NaN outside",
    examples=(
        Example((1.0,), 0.0, (-inf,)),
        Example((0.0,), math.pi / 2, (-1.0,)),
        Example((2.0,), nan),
    ),
)
atan = _function(
    "atan",
    "Inverse tangent.",
    lambda o, y, x: 1 / (1 + x * x),
    numpy=lambda np, x: np.arctan(x),
    onnx="Atan",
    examples=(
        Example((0.0,), 0.0, (1.0,)),
        Example((1.0,), math.pi / 4, (0.5,)),
        Example((inf,), math.pi / 2, (0.0,)),
    ),
)
sinh = _function(
    "sinh",
    "Hyperbolic sine.",
    lambda o, y, x: o.cosh(x),
    onnx="Sinh",
    examples=(Example((0.0,), 0.0, (1.0,)), Example((math.log(2),), 0.75, (1.25,))),
)
cosh = _function(
    "cosh",
    "Hyperbolic cosine.",
    lambda o, y, x: o.sinh(x),
    onnx="Cosh",
    examples=(Example((0.0,), 1.0, (0.0,)), Example((math.log(2),), 1.25, (0.75,))),
)
asinh = _function(
    "asinh",
    "Inverse hyperbolic sine.",
    lambda o, y, x: 1 / o.sqrt(1 + x * x),
    numpy=lambda np, x: np.arcsinh(x),
    onnx="Asinh",
    examples=(Example((0.0,), 0.0, (1.0,)), Example((0.75,), math.log(2), (0.8,))),
)
acosh = _function(
    "acosh",
    "Inverse hyperbolic cosine.",
    lambda o, y, x: 1 / o.sqrt((x - 1) * (x + 1)),
    numpy=lambda np, x: np.arccosh(x),
    onnx="Acosh",
    domain=(1.25, 4.0),
    kink="the derivative at 1 is infinite; NaN below",
    examples=(
        Example((1.0,), 0.0, (inf,)),
        Example((1.25,), math.log(2), (4 / 3,)),
        Example((0.0,), nan),
    ),
)
atanh = _function(
    "atanh",
    "Inverse hyperbolic tangent.",
    lambda o, y, x: 1 / ((1 - x) * (1 + x)),
    numpy=lambda np, x: np.arctanh(x),
    onnx="Atanh",
    domain=(-0.9, 0.9),
    kink="infinite at ±1; NaN outside",
    examples=(
        Example((0.0,), 0.0, (1.0,)),
        Example((0.6,), math.log(2), (1.5625,)),
        Example((1.0,), inf),
        Example((2.0,), nan),
    ),
)

tanh = _function(
    "tanh",
    "Hyperbolic tangent.",
    lambda o, y, x: 1 - y * y,
    onnx="Tanh",
    examples=(
        Example((0.0,), 0.0, (1.0,)),
        Example((math.log(2),), 0.6, (0.64,)),
        Example((inf,), 1.0, (0.0,)),
    ),
)


def _sigmoid(np: Any, x: Any) -> Any:
    small = np.exp(-np.abs(x))
    return np.where(x >= 0, 1 / (1 + small), small / (1 + small)).astype(x.dtype)


sigmoid = _function(
    "sigmoid",
    "Logistic function 1 / (1 + e^-x), without overflow for any entry.",
    lambda o, y, x: y * (1 - y),
    numpy=_sigmoid,
    onnx="Sigmoid",
    examples=(
        Example((0.0,), 0.5, (0.25,)),
        Example((math.log(3),), 0.75, (0.1875,)),
        Example((-300.0,), math.exp(-300), (math.exp(-300),)),
        Example((300.0,), 1.0, (0.0,)),
    ),
)


softplus = _function(
    "softplus",
    "ln(1 + e^x), without overflow for any entry.",
    lambda o, y, x: o.sigmoid(x),
    numpy=lambda np, x: np.logaddexp(x, np.zeros((), x.dtype)),
    onnx="Softplus",
    examples=(
        Example((-1000.0,), 0.0, (0.0,)),
        Example((0.0,), math.log(2), (0.5,)),
        Example((1000.0,), 1000.0, (1.0,)),
    ),
)


def _erf(np: Any, x: Any) -> Any:
    from scipy.special import erf

    return erf(np.asarray(x))


erf = _function(
    "erf",
    "Error function.",
    lambda o, y, x: (2 / _SQRT_PI) * o.exp(-x * x),
    numpy=_erf,
    onnx="Erf",
    examples=(
        Example((0.0,), 0.0, (2 / _SQRT_PI,)),
        Example((inf,), 1.0, (0.0,)),
        Example((-inf,), -1.0, (0.0,)),
    ),
)
