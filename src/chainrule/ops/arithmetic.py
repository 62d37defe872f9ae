"""Sums, products, powers, and what is built on sign and order."""

from __future__ import annotations

from math import inf, log, nan
from typing import Any

from chainrule.ir import Card, Example
from chainrule.ops.rules import same_float, same_number

add = Card(
    name="add",
    kind="elementwise",
    doc="Sum of two arrays.",
    type=same_number,
    vjp=lambda o, g, y, a, b: (g, g),
    numpy=lambda np, a, b: np.add(a, b),
    native=lambda b, x, y: b.add(x, y),
    onnx="Add",
    examples=(Example((2.0, 3.0), 5.0, (1.0, 1.0)),),
)

subtract = Card(
    name="subtract",
    kind="elementwise",
    doc="Difference of two arrays.",
    type=same_number,
    vjp=lambda o, g, y, a, b: (g, -g),
    numpy=lambda np, a, b: np.subtract(a, b),
    native=lambda b, x, y: b.subtract(x, y),
    onnx="Sub",
    examples=(Example((2.0, 3.0), -1.0, (1.0, -1.0)),),
)

multiply = Card(
    name="multiply",
    kind="elementwise",
    doc="Product of two arrays, entry by entry.",
    type=same_number,
    vjp=lambda o, g, y, a, b: (g * b, g * a),
    numpy=lambda np, a, b: np.multiply(a, b),
    native=lambda b, x, y: b.multiply(x, y),
    onnx="Mul",
    examples=(Example((2.0, 3.0), 6.0, (3.0, 2.0)),),
)

divide = Card(
    name="divide",
    kind="elementwise",
    doc="Quotient of two arrays of floats.",
    type=same_float,
    vjp=lambda o, g, y, a, b: (g / b, -(g / b) * y),
    numpy=lambda np, a, b: np.divide(a, b),
    native=lambda b, x, y: b.divide(x, y),
    onnx="Div",
    cost=4,
    domain=((-2.0, 2.0), (0.5, 2.0)),
    kink="division by zero gives infinity or NaN, as IEEE 754 says",
    examples=(
        Example((1.0, 4.0), 0.25, (0.25, -0.0625)),
        Example((1.0, 0.0), inf),
        Example((0.0, 0.0), nan),
    ),
)

negative = Card(
    name="negative",
    kind="elementwise",
    doc="The same number with the other sign.",
    type=same_number,
    vjp=lambda o, g, y, x: (-g,),
    numpy=lambda np, x: np.negative(x),
    native=lambda b, x: b.negate(x),
    onnx="Neg",
    examples=(Example((2.0,), -2.0, (-1.0,)),),
)


def _power_vjp(o: Any, g: Any, y: Any, a: Any, b: Any) -> tuple[Any, Any]:
    slope = o.where(b == 0, 0.0, b * o.power(a, o.where(b == 0, 1.0, b - 1)))
    growth = o.where(a == 0, 0.0, y * o.log(o.where(a == 0, 1.0, a)))
    return g * slope, g * growth


power = Card(
    name="power",
    kind="elementwise",
    doc="`a` raised to the power `b`, for floats.",
    type=same_float,
    vjp=_power_vjp,
    numpy=lambda np, a, b: np.power(a, b),
    native=lambda b, x, y: b.call("pow", x, y),
    onnx="Pow",
    cost=40,
    domain=((0.25, 3.0), (-2.0, 2.0)),
    kink="d/da at b = 0 is 0; d/db at a = 0 is 0; a negative base gives NaN for d/db",
    examples=(
        Example((2.0, 3.0), 8.0, (12.0, 8 * log(2))),
        Example((0.0, 0.0), 1.0, (0.0, 0.0)),
        Example((0.0, 2.0), 0.0, (0.0, 0.0)),
        Example((0.0, -1.0), inf, (-inf, 0.0)),
        Example((-2.0, 3.0), -8.0, (12.0, nan)),
    ),
)

maximum = Card(
    name="maximum",
    kind="elementwise",
    doc="The larger of two numbers; NaN if one of them is.",
    type=same_number,
    vjp=lambda o, g, y, a, b: (g * o.share(a, b), g * o.share(b, a)),
    numpy=lambda np, a, b: np.maximum(a, b),
    native=lambda b, x, y: b.maximum(x, y),
    onnx="Max",
    smooth=False,
    kink="at ties each of the two receives half of the gradient",
    examples=(
        Example((2.0, 3.0), 3.0, (0.0, 1.0)),
        Example((2.0, 2.0), 2.0, (0.5, 0.5)),
        Example((nan, 1.0), nan),
    ),
)

minimum = Card(
    name="minimum",
    kind="elementwise",
    doc="The smaller of two numbers; NaN if one of them is.",
    type=same_number,
    vjp=lambda o, g, y, a, b: (g * o.share(b, a), g * o.share(a, b)),
    numpy=lambda np, a, b: np.minimum(a, b),
    native=lambda b, x, y: b.minimum(x, y),
    onnx="Min",
    smooth=False,
    kink="at ties each of the two receives half of the gradient",
    examples=(
        Example((2.0, 3.0), 2.0, (1.0, 0.0)),
        Example((2.0, 2.0), 2.0, (0.5, 0.5)),
        Example((nan, 1.0), nan),
    ),
)

abs = Card(
    name="abs",
    kind="elementwise",
    doc="Distance of each entry from zero.",
    type=same_number,
    vjp=lambda o, g, y, x: (g * o.sign(x),),
    numpy=lambda np, x: np.abs(x),
    native=lambda b, x: b.abs(x),
    onnx="Abs",
    smooth=False,
    kink="the derivative at 0 is 0",
    examples=(Example((-2.0,), 2.0, (-1.0,)), Example((0.0,), 0.0, (0.0,))),
)

relu = Card(
    name="relu",
    kind="elementwise",
    doc="Rectified linear unit: the entry itself where positive, else 0; NaN stays NaN.",
    type=same_float,
    vjp=lambda o, g, y, x: (o.where(y > 0, g, 0.0),),
    numpy=lambda np, x: np.maximum(x, np.zeros((), x.dtype)),
    native=lambda b, x: b.maximum(x, b.constant(0.0, b.dtype(x))),
    onnx="Relu",
    smooth=False,
    kink="the derivative at 0 is 0",
    examples=(
        Example((2.0,), 2.0, (1.0,)),
        Example((-2.0,), 0.0, (0.0,)),
        Example((0.0,), 0.0, (0.0,)),
        Example((nan,), nan),
    ),
)
