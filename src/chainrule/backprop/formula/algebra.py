"""Tidy sums and products: what a person would simplify in passing, and no more."""

from __future__ import annotations

import math
from fractions import Fraction

from chainrule.backprop.formula.expression import (
    Call,
    Choice,
    Expression,
    Fold,
    Number,
    Power,
    Product,
    Relation,
    Sum,
    Transpose,
    ndim,
)

_OPPOSITE = {">": "≤", "<": "≥", "≥": "<", "≤": ">", "=": "≠", "≠": "="}
_LARGEST_DENOMINATOR = 64  # above it a fraction reads worse than a decimal number

Split = tuple[Fraction, tuple[Expression, ...], tuple[Expression, ...]]


def number(value: float) -> Number:
    """Make a number."""
    return Number(value)


def is_number(expression: Expression, value: float) -> bool:
    """Tell whether a formula is a certain number."""
    return isinstance(expression, Number) and expression.value == value


def add(*terms: Expression) -> Expression:
    """Add formulas: like terms are counted together, zeros vanish.

    >>> from chainrule.backprop.formula import Symbol, text
    >>> x = Symbol("x")
    >>> text(add(x, Symbol("b"), x))
    '2·x + b'
    """
    counts: dict[tuple[tuple[Expression, ...], tuple[Expression, ...]], Fraction] = {}
    for term in terms:
        for part in term.terms if isinstance(term, Sum) else (term,):
            coefficient, factors, under = _split(part)
            key = (factors, under)
            counts[key] = counts.get(key, Fraction(0)) + coefficient
    kept = [_join(count, *key) for key, count in counts.items() if count]
    if not kept:
        return Number(0)
    return kept[0] if len(kept) == 1 else Sum(_positive_first(kept))


def _positive_first(terms: list[Expression]) -> tuple[Expression, ...]:
    """Let a positive term lead, if there is one; the others stay in order."""
    for i, term in enumerate(terms):
        if _split(term)[0] > 0:
            return (term, *terms[:i], *terms[i + 1 :])
    return tuple(terms)


def negate(x: Expression) -> Expression:
    """Turn the sign; of a sum, that of every term.

    >>> from chainrule.backprop.formula import Symbol, text
    >>> text(negate(subtract(Symbol("t"), Symbol("y"))))
    'y − t'
    """
    if isinstance(x, Sum):
        return Sum(_positive_first([negate(term) for term in x.terms]))
    return multiply(Number(-1), x)


def subtract(a: Expression, b: Expression) -> Expression:
    """Subtract one formula from another."""
    return add(a, negate(b))


def multiply(*factors: Expression) -> Expression:
    """Multiply formulas entry by entry: numbers are gathered, equal factors become powers.

    >>> from chainrule.backprop.formula import Symbol, text
    >>> x = Symbol("x", ndim=2)
    >>> text(multiply(Number(0.5), x, Number(4), x))
    '2·x²'
    """
    coefficient = Fraction(1)
    above: list[Expression] = []
    below: list[Expression] = []
    for factor in factors:
        count, top, bottom = _split(factor)
        coefficient *= count
        above += top
        below += bottom
    for part in list(below):
        if part in above:
            above.remove(part)
            below.remove(part)
    return _join(coefficient, tuple(_powers(above)), tuple(_powers(below)))


def divide(a: Expression, b: Expression) -> Expression:
    """Divide one formula by another, entry by entry."""
    coefficient, above, below = _split(b)
    if not coefficient:
        return Product((a,), (b,))
    return multiply(a, _join(1 / coefficient, below, above))


def power(base: Expression, exponent: Expression) -> Expression:
    """Raise a formula to a power."""
    if is_number(exponent, 1):
        return base
    if is_number(exponent, 0.5):
        return Call("sqrt", (base,))
    return Power(base, exponent)


def exponential(x: Expression) -> Expression:
    """Write exp(x); of a number times something, as a power of a number.

    >>> from chainrule.backprop.formula import Symbol, text
    >>> text(exponential(multiply(Number(math.log(0.9)), Symbol("k"))))
    '0.9^k'
    """
    count, above, below = _split(x)
    if count in (1, -1) or not above:
        return Call("exp", (x,))
    return power(Number(math.exp(count)), _join(Fraction(1), above, below))


def transpose(x: Expression) -> Expression:
    """Swap rows and columns.

    >>> from chainrule.backprop.formula import Symbol, text
    >>> text(transpose(transpose(Symbol("W", ndim=2))))
    'W'
    """
    if isinstance(x, Transpose):
        return x.of
    return Transpose(x) if ndim(x) > 1 else x


def fold(sign: str, axes: str, x: Expression, left: int) -> Expression:
    """Add up over axes; a sum of sums over everything that is left becomes one.

    Parameters
    ----------
    axes
        Letters of the axes; "" for all.
    left
        How many axes are left.
    """
    if sign != "Σ":
        return Fold(sign, axes, x, left)
    coefficient, factors, under = _split(x)
    arrays = [f for f in factors if ndim(f)]
    numbers = tuple(f for f in factors if not ndim(f))
    if not arrays and not any(map(ndim, under)) and not isinstance(x, Number):
        return Fold(sign, axes, x, left)  # a number repeated along axes: nothing to take out
    constant = tuple(u for u in under if not ndim(u))
    under = tuple(u for u in under if ndim(u))
    inner = arrays[0] if len(arrays) == 1 and not under else None
    if not axes and isinstance(inner, Fold) and inner.sign == "Σ":
        body: Expression = Fold(sign, "", inner.of, left)
    else:
        body = Fold(sign, axes, _join(Fraction(1), tuple(arrays), under), left)
    return multiply(_join(coefficient, numbers, constant), body)


def choose(test: Expression, then: Expression, otherwise: Expression) -> Expression:
    """One formula where a test holds, else another; beside a zero the test becomes a factor.

    >>> from chainrule.backprop.formula import Symbol, text
    >>> z, g = Symbol("z", ndim=2), Symbol("g", ndim=2)
    >>> text(choose(Relation(">", z, Number(0)), g, Number(0)))
    'g ⊙ [z > 0]'
    """
    if is_number(otherwise, 0):
        return multiply(then, test)
    if is_number(then, 0) and isinstance(test, Relation) and test.sign in _OPPOSITE:
        return multiply(otherwise, Relation(_OPPOSITE[test.sign], test.left, test.right))
    return Choice(test, then, otherwise)


def _split(x: Expression) -> Split:
    """A formula as a fraction of whole numbers, factors, and what they are divided by."""
    if isinstance(x, Number):
        value = float(x.value)
        return (Fraction(value), (), ()) if value - value == 0 else (Fraction(1), (x,), ())
    if not isinstance(x, Product):
        return Fraction(1), (x,), ()
    coefficient, above, below = Fraction(1), [], []
    for part in x.factors:
        if isinstance(part, Number) and part.value - part.value == 0:
            coefficient *= Fraction(part.value)
        else:
            above.append(part)
    for part in x.under:
        if isinstance(part, Number) and part.value:
            coefficient /= Fraction(part.value)
        else:
            below.append(part)
    return coefficient, tuple(above), tuple(below)


def _join(
    coefficient: Fraction, above: tuple[Expression, ...], below: tuple[Expression, ...]
) -> Expression:
    if coefficient == 0:
        return Number(0)
    small = coefficient.denominator <= _LARGEST_DENOMINATOR and above + below
    top, bottom = (coefficient.numerator, coefficient.denominator) if small else (coefficient, 1)
    value = float(top)
    front = () if value == 1 and above else (Number(int(value) if value.is_integer() else value),)
    under = () if bottom == 1 else (Number(bottom),)
    if len(front + above) == 1 and not under + below:
        return (front + above)[0]
    return Product(front + above, under + below)


def _powers(factors: list[Expression]) -> list[Expression]:
    """Join equal factors to powers, in the order of their first appearance."""
    counts: dict[Expression, float] = {}
    for factor in factors:
        base, times = factor, 1.0
        if isinstance(factor, Power) and isinstance(factor.exponent, Number):
            base, times = factor.base, factor.exponent.value
        counts[base] = counts.get(base, 0) + times
    return [power(x, Number(n)) for x, n in counts.items()]
