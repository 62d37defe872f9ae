"""Formulas for functions built on e^x: exp, expm1, sigmoid, tanh, sinh, cosh, erf and 2^x.

All split x = n ln 2 + r with |r| <= ln(2) / 2 (Cody and Waite, 1980) and use a polynomial in r.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from chainrule.execute.native import coefficients as c
from chainrule.execute.native.expression import FORMATS, Formula, Term

# ln 2 in two parts. The first has so few bits that its products with exponents are exact.
LN2 = {
    "float32": (float.fromhex("0x1.62e4p-1"), float.fromhex("0x1.7f7d1cp-20")),
    "float64": (float.fromhex("0x1.62e42fefa4p-1"), float.fromhex("-0x1.8432a1b0e2634p-43")),
}

# Beyond these e^x is infinite, or rounds to zero.
_HIGHEST = {"float32": 89.0, "float64": 710.0}
_LOWEST = {"float32": -104.0, "float64": -746.0}


@dataclass(frozen=True, slots=True)
class Split:
    """A number as n ln 2 + r.

    Attributes
    ----------
    n, rest
        The two numbers, as floats.
    field
        An integer whose low bits hold n plus twice the exponent's bias; its higher bits have no
        meaning, and vanish when it is shifted into the place of an exponent.
    """

    n: Term
    rest: Term
    field: Term


def nearest(f: Formula, x: Term, scale: float) -> tuple[Term, Term]:
    """Round x times `scale` to a whole number n; return it as a float and as `Split.field`.

    Adding 1.5 * 2^(fraction bits) leaves no room for a fraction, and the low bits hold the number.
    NaN gives some bits, never an undefined value as a conversion to an integer would.
    """
    form = FORMATS[x.dtype]
    magic = 1.5 * 2.0**form.fraction + 2 * form.bias
    shifted = f.multiply_add(x, scale, magic)
    return shifted - magic, f.to_bits(shifted)


def split(f: Formula, x: Term) -> Split:
    """Split a number whose e^x is neither far above nor far below all floats."""
    n, field = nearest(f, x, 1 / math.log(2))
    high, low = LN2[x.dtype]
    return Split(n, f.multiply_add(n, -low, f.multiply_add(n, -high, x)), field)


def rest_minus_one(f: Formula, r: Term) -> Term:
    """e^r - 1 for |r| <= ln(2) / 2."""
    return f.multiply_add(r * r, f.polynomial(r, c.EXP[r.dtype]), r)


def scale(f: Formula, x: Term, field: Term) -> Term:
    """X times 2^n, rounded once also where the result is subnormal.

    Two factors of about 2^(n / 2) each, since 2^n itself need not be a float.
    """
    place = FORMATS[x.dtype].fraction
    half = field >> 1
    return x * f.from_bits(half << place) * f.from_bits((field - half) << place)


def _exp_of_moderate(f: Formula, x: Term) -> Term:
    """e^x, where 2^n and the result are normal floats."""
    form = FORMATS[x.dtype]
    parts = split(f, x)
    power = f.from_bits((parts.field - form.bias) << form.fraction)
    return (1 + rest_minus_one(f, parts.rest)) * power


def _exp_between(f: Formula, x: Term) -> Term:
    """e^x, for x that neither overflows nor underflows by far."""
    parts = split(f, x)
    return scale(f, 1 + rest_minus_one(f, parts.rest), parts.field)


def within_range(f: Formula, x: Term) -> Term:
    """X, or the end of the range outside of which e^x is the same; NaN stays."""
    return f.at_most(f.at_least(x, _LOWEST[x.dtype]), _HIGHEST[x.dtype])


def exp(f: Formula, x: Term) -> Term:
    """e^x."""
    return _exp_between(f, within_range(f, x))


def exp2(f: Formula, x: Term) -> Term:
    """2^x."""
    bias = FORMATS[x.dtype].bias
    x = f.at_most(f.at_least(x, -1.5 * bias), bias + 2.0)
    n, field = nearest(f, x, 1.0)
    r = x - n
    return scale(f, f.multiply_add(r, f.polynomial(r, c.EXP2[x.dtype]), 1.0), field)


def exp_of_negative(f: Formula, x: Term) -> Term:
    """e^-|x|."""
    return _exp_between(f, f.at_least(-f.abs(x), _LOWEST[x.dtype]))


def expm1(f: Formula, x: Term) -> Term:
    """e^x - 1 = 2 ((e^r - 1) 2^(n-1) + (2^(n-1) - 1/2)).

    The halves keep 2^n finite for the largest results. Below `tiny` the result is x itself, sign of
    zero and subnormals included.
    """
    form = FORMATS[x.dtype]
    tiny = 2.0 ** -(form.fraction + 2)
    near = f.at_most(f.at_least(x, -1.0 * (form.fraction + 2)), _HIGHEST[x.dtype])
    parts = split(f, near)
    half = f.from_bits((parts.field - (form.bias + 1)) << form.fraction)
    r = parts.rest
    leading = f.multiply_add(r, half, half - 0.5)
    y = f.multiply_add(r * r * f.polynomial(r, c.EXP[x.dtype]), half, leading)
    return f.select(f.abs(x) < tiny, x, y + y)


def sigmoid(f: Formula, x: Term) -> Term:
    """1 / (1 + e^-x), by way of w = z / (1 + z) of z = e^-|x|.

    What 1 + z loses in rounding is put right to first order, with 1 / (1 + z) = 1 - w.
    """
    z = exp_of_negative(f, x)
    total, lost = f.fast_two_sum(1.0, z)
    w = z / total
    w = f.multiply_add(-(w * lost), 1 - w, w)
    return f.select(x < 0.0, w, 1 - w)


def tanh(f: Formula, x: Term) -> Term:
    """1 - 2 / (e^2x + 1), and an odd polynomial near zero."""
    a = f.abs(x)
    z = x * x
    small = f.multiply_add(a * z, f.polynomial(z, c.TANH[x.dtype]), a)
    saturated = 0.5 * (FORMATS[x.dtype].fraction + 3) * math.log(2)
    twice = f.at_most(a, saturated)
    large = 1 - 2 / (1 + _exp_of_moderate(f, twice + twice))
    return f.with_sign(f.select(a < 0.55, small, large), x)


def _half_exp(f: Formula, x: Term) -> tuple[Term, Term]:
    """e^x / 2 and e^-x / 2 for x >= 0."""
    parts = split(f, f.at_most(x, _HIGHEST[x.dtype] + 1))
    rise = scale(f, f.multiply_add(rest_minus_one(f, parts.rest), 0.5, 0.5), parts.field)
    return rise, 0.25 / rise


def sinh(f: Formula, x: Term) -> Term:
    """(e^x - e^-x) / 2, and an odd polynomial near zero."""
    a = f.abs(x)
    z = x * x
    small = f.multiply_add(a * z, f.polynomial(z, c.SINH[x.dtype]), a)
    rise, fall = _half_exp(f, a)
    return f.with_sign(f.select(a < 1.0, small, rise - fall), x)


def cosh(f: Formula, x: Term) -> Term:
    """(e^x + e^-x) / 2."""
    rise, fall = _half_exp(f, f.abs(x))
    return rise + fall


def erf(f: Formula, x: Term) -> Term:
    """1 - e^q(x) where q = ln erfc, and an odd polynomial near zero."""
    a = f.abs(x)
    z = x * x
    small = f.multiply_add(a, f.polynomial(z, c.ERF[x.dtype]), a)
    q = f.polynomial(f.at_most(a, _ERF_IS_ONE[x.dtype]), c.ERFC[x.dtype])
    large = 1 - _exp_of_moderate(f, q)
    return f.with_sign(f.select(a < 1.0, small, large), x)


_ERF_IS_ONE = {"float32": 4.0, "float64": 6.0}
