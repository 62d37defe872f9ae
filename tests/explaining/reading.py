"""What a reader of a formula of numbers would compute."""

from __future__ import annotations

import math
from collections.abc import Callable

from chainrule.backprop.formula import (
    Call,
    Choice,
    Expression,
    Fence,
    Number,
    Power,
    Product,
    Relation,
    Sum,
)

FUNCTIONS: dict[str, Callable[..., float]] = {
    "tanh": math.tanh,
    "exp": math.exp,
    "sign": lambda x: float((x > 0) - (x < 0)),
    "erf": math.erf,
    "log": math.log,
    "sqrt": math.sqrt,
    "sin": math.sin,
    "sigmoid": lambda x: 1 / (1 + math.exp(-x)),
    "relu": lambda x: max(x, 0.0),
    "softplus": lambda x: math.log1p(math.exp(x)),
    "max": max,
    "min": min,
    "maximum": max,
}


def value(x: Expression) -> float:
    """Compute a formula of numbers, as its reader would."""
    match x:
        case Number(value=number):
            return float(number)
        case Sum(terms=terms):
            return sum(map(value, terms))
        case Product(factors=factors, under=under):
            return math.prod(map(value, factors)) / math.prod(map(value, under))
        case Power(base=base, exponent=exponent):
            return float(value(base) ** value(exponent))
        case Call(name=name, arguments=arguments):
            return FUNCTIONS[name](*map(value, arguments))
        case Fence(of=of):
            return abs(value(of))
        case Relation(sign=sign, left=left, right=right):
            a, b = value(left), value(right)
            return float({">": a > b, "<": a < b, "=": a == b}[sign])
        case Choice(test=test, then=then, otherwise=otherwise):
            return value(then if value(test) else otherwise)
        case _:
            raise TypeError(x)
