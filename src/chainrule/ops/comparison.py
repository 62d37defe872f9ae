"""Comparisons, logic, and the choice between two values."""

from __future__ import annotations

from math import inf, nan
from typing import Any

from chainrule.errors import DtypeError, ShapeError
from chainrule.ir import ArrayType, Card, Example, absent
from chainrule.ops.rules import same, same_bool, truth

_NO_GRADIENT = absent("truth values carry no gradient")


def _comparison(
    name: str, symbol: str, onnx: str, doc: str, *, examples: tuple[Example, ...]
) -> Card:
    return Card(
        name=name,
        kind="elementwise",
        doc=doc,
        type=truth,
        vjp=_NO_GRADIENT,
        numpy=lambda np, a, b: getattr(np, name)(a, b),
        native=lambda b, x, y: b.compare(symbol, x, y),
        onnx=onnx,
        examples=examples,
    )


equal = _comparison(
    "equal",
    "==",
    "Equal",
    "Tell where two arrays agree; NaN never does.",
    examples=(Example((2.0, 2.0), True), Example((nan, nan), False), Example((-0.0, 0.0), True)),
)
not_equal = _comparison(
    "not_equal",
    "!=",
    "Equal",
    "Tell where two arrays differ; NaN always does.",
    examples=(Example((2.0, 2.0), False), Example((nan, nan), True)),
)
less = _comparison(
    "less",
    "<",
    "Less",
    "Tell where the first is smaller.",
    examples=(Example((2.0, 3.0), True), Example((2.0, 2.0), False), Example((nan, 1.0), False)),
)
less_equal = _comparison(
    "less_equal",
    "<=",
    "LessOrEqual",
    "Tell where the first is not larger.",
    examples=(Example((2.0, 2.0), True), Example((3.0, 2.0), False), Example((nan, 1.0), False)),
)
greater = _comparison(
    "greater",
    ">",
    "Greater",
    "Tell where the first is larger.",
    examples=(Example((3.0, 2.0), True), Example((2.0, 2.0), False), Example((nan, 1.0), False)),
)
greater_equal = _comparison(
    "greater_equal",
    ">=",
    "GreaterOrEqual",
    "Tell where the first is not smaller.",
    examples=(Example((2.0, 2.0), True), Example((2.0, 3.0), False), Example((nan, 1.0), False)),
)

logical_and = Card(
    name="logical_and",
    kind="elementwise",
    doc="True where both are.",
    type=same_bool,
    vjp=_NO_GRADIENT,
    numpy=lambda np, a, b: np.logical_and(a, b),
    native=lambda b, x, y: b.logical_and(x, y),
    onnx="And",
    examples=(Example((True, False), False), Example((True, True), True)),
)

logical_or = Card(
    name="logical_or",
    kind="elementwise",
    doc="True where at least one is.",
    type=same_bool,
    vjp=_NO_GRADIENT,
    numpy=lambda np, a, b: np.logical_or(a, b),
    native=lambda b, x, y: b.logical_or(x, y),
    onnx="Or",
    examples=(Example((True, False), True), Example((False, False), False)),
)

logical_not = Card(
    name="logical_not",
    kind="elementwise",
    doc="True where the entry is not.",
    type=same_bool,
    vjp=_NO_GRADIENT,
    numpy=lambda np, x: np.logical_not(x),
    native=lambda b, x: b.logical_not(x),
    onnx="Not",
    examples=(Example((True,), False),),
)


def _select_type(test: ArrayType, a: ArrayType, b: ArrayType) -> ArrayType:
    if test.dtype != "bool":
        raise DtypeError(f"the test of where must be bool, received {test}")
    result = same(a, b)
    if test.shape != result.shape:
        raise ShapeError(f"shapes differ: {test}, {a}, {b}")
    return result


def _select_vjp(o: Any, g: Any, y: Any, test: Any, a: Any, b: Any) -> tuple[Any, ...]:
    return None, o.where(test, g, 0.0), o.where(test, 0.0, g)


select = Card(
    name="select",
    kind="elementwise",
    doc="The second input where the first is true, else the third.",
    type=_select_type,
    vjp=_select_vjp,
    numpy=lambda np, test, a, b: np.where(test, a, b),
    native=lambda b, test, x, y: b.select(test, x, y),
    onnx="Where",
    kink="the entry that was not chosen receives exactly 0, also where it is infinite or NaN",
    examples=(
        Example((True, 2.0, 3.0), 2.0, (None, 1.0, 0.0)),
        Example((False, 2.0, 3.0), 3.0, (None, 0.0, 1.0)),
        Example((True, 2.0, inf), 2.0, (None, 1.0, 0.0)),
        Example((True, 2.0, nan), 2.0, (None, 1.0, 0.0)),
    ),
)
