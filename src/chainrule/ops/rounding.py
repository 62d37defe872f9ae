"""Piecewise constant functions, casts, and the gradient's stop."""

from __future__ import annotations

from math import inf, nan
from typing import Any

from chainrule.errors import DtypeError
from chainrule.ir import DTYPES, ArrayType, Card, Example, absent, is_float
from chainrule.ops.rules import same, same_float, same_number


def _flat(o: Any, g: Any, y: Any, x: Any) -> tuple[None]:
    return (None,)


sign = Card(
    name="sign",
    kind="elementwise",
    doc="-1, 0 or 1; NaN stays NaN.",
    type=same_number,
    vjp=_flat,
    numpy=lambda np, x: np.sign(x),
    native=lambda b, x: b.sign(x),
    onnx="Sign",
    smooth=False,
    kink="the derivative is 0 everywhere, also at the jump",
    examples=(Example((-2.0,), -1.0, (0.0,)), Example((0.0,), 0.0, (0.0,)), Example((nan,), nan)),
)

floor = Card(
    name="floor",
    kind="elementwise",
    doc="The largest whole number that is not larger.",
    type=same_float,
    vjp=_flat,
    numpy=lambda np, x: np.floor(x),
    native=lambda b, x: b.floor(x),
    onnx="Floor",
    smooth=False,
    kink="the derivative is 0 everywhere, also at the jumps",
    examples=(Example((-1.5,), -2.0, (0.0,)), Example((3.0,), 3.0, (0.0,))),
)

ceil = Card(
    name="ceil",
    kind="elementwise",
    doc="The smallest whole number that is not smaller.",
    type=same_float,
    vjp=_flat,
    numpy=lambda np, x: np.ceil(x),
    native=lambda b, x: b.ceil(x),
    onnx="Ceil",
    smooth=False,
    kink="the derivative is 0 everywhere, also at the jumps",
    examples=(Example((-1.5,), -1.0, (0.0,)), Example((3.0,), 3.0, (0.0,))),
)

round = Card(
    name="round",
    kind="elementwise",
    doc="The nearest whole number; halves go to the even one.",
    type=same_float,
    vjp=_flat,
    numpy=lambda np, x: np.round(x),
    native=lambda b, x: b.round(x),
    onnx="Round",
    smooth=False,
    kink="the derivative is 0 everywhere, also at the jumps",
    examples=(
        Example((1.7,), 2.0, (0.0,)),
        Example((2.5,), 2.0, (0.0,)),
        Example((3.5,), 4.0, (0.0,)),
    ),
)

stop_gradient = Card(
    name="stop_gradient",
    kind="elementwise",
    doc="The same value, which counts as a constant when derivatives are taken.",
    type=same,
    vjp=_flat,
    numpy=lambda np, x: np.asarray(x),
    native=lambda b, x: x,
    onnx="Identity",
    cost=0,
    smooth=False,
    kink="the derivative is 0 by definition",
    examples=(Example((3.0,), 3.0, (0.0,)),),
)


def _cast_type(x: ArrayType, *, dtype: str) -> ArrayType:
    if dtype not in DTYPES:
        raise DtypeError(f"unknown dtype {dtype!r}; expected one of {', '.join(DTYPES)}")
    return ArrayType(x.shape, dtype)


def _cast_vjp(o: Any, g: Any, y: Any, x: Any, *, dtype: str) -> tuple[Any]:
    both = is_float(x.dtype) and is_float(dtype)
    return (o.astype(g, x.dtype) if both else None,)


cast = Card(
    name="cast",
    kind="elementwise",
    doc="The same numbers in another dtype; floats lose their fraction on the way to integers.",
    type=_cast_type,
    vjp=_cast_vjp,
    numpy=lambda np, x, *, dtype: np.asarray(x).astype(dtype),
    native=lambda b, x, *, dtype: b.cast(x, dtype),
    onnx="Cast",
    kink="through integers and truth values no gradient flows; NaN has no meaning as an integer",
)

is_finite = Card(
    name="isfinite",
    kind="elementwise",
    doc="Tell where an entry is neither infinite nor NaN.",
    type=lambda x: ArrayType(same_float(x).shape, "bool"),
    vjp=absent("truth values carry no gradient"),
    numpy=lambda np, x: np.isfinite(x),
    native=lambda b, x: b.is_finite(x),
    onnx=absent("exported as Abs and Less"),
    examples=(Example((1.0,), True), Example((inf,), False), Example((nan,), False)),
)

is_nan = Card(
    name="isnan",
    kind="elementwise",
    doc="Tell where an entry is NaN.",
    type=lambda x: ArrayType(same_float(x).shape, "bool"),
    vjp=absent("truth values carry no gradient"),
    numpy=lambda np, x: np.isnan(x),
    native=lambda b, x: b.compare("!=", x, x),
    onnx="IsNaN",
    examples=(Example((1.0,), False), Example((nan,), True)),
)
