"""Formulas of functions built on e^x: exp, expm1, sigmoid, tanh, sinh, cosh, erf; and 2^x.

All split x = n ln 2 + r with |r| <= ln(2) / 2 and use a polynomial in r (Cody and Waite, "Software
manual for the elementary functions", 1980). `f` is always the formula that is being written.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from chainrule.execute.native import coefficients as c
from chainrule.execute.native.expression import FORMATS, Formula, Term

LN2 = {
    "float32": (float.fromhex("0x1.62e4p-1"), float.fromhex("0x1.7f7d1cp-20")),
    "float64": (float.fromhex("0x1.62e42fefa4p-1"), float.fromhex("-0x1.8432a1b0e2634p-43")),
}
"""ln 2 in two parts. The first has so few bits that its products with exponents are exact."""

# Beyond these e^x is infinite, or rounds to zero.
_HIGHEST = {"float32": 89.0, "float64": 710.0}
_LOWEST = {"float32": -104.0, "float64": -746.0}

# From here on erf rounds to 1; ERFC is fitted up to here.
_ERF_IS_ONE = {"float32": 4.0, "float64": 6.0}


@dataclass(frozen=True, slots=True)
class Split:
    """A number as n ln 2 + r.

    Attributes
    ----------
    n, rest
        The numbers n and r, as floats.
    field
        An integer whose low bits hold n plus twice the exponent's bias. Its higher bits have no
        meaning, and vanish when it is shifted into the place of an exponent.
    """

    n: Term
    rest: Term
    field: Term


def nearest(f: Formula, x: Term, factor: float) -> tuple[Term, Term]:
    """Round x times `factor` to a whole number; return it as a float and as `Split.field`.

    Adding 1.5 * 2^(fraction bits) leaves no room for a fraction, and the low bits hold the number.
    NaN gives some bits, but never an undefined value as a conversion to an integer would.
    """
    form = FORMATS[x.dtype]
    magic = 1.5 * 2.0**form.fraction + 2 * form.bias
    shifted = f.multiply_add(x, factor, magic)
    return shifted - magic, f.to_bits(shifted)


def within_range(f: Formula, x: Term) -> Term:
    """Limit x to where e^x is neither zero nor infinite for certain; NaN stays."""
    return f.at_most(f.at_least(x, _LOWEST[x.dtype]), _HIGHEST[x.dtype])


def split(f: Formula, x: Term) -> Split:
    """Split a number that `within_range` leaves as it is."""
    n, field = nearest(f, x, 1 / math.log(2))
    high, low = LN2[x.dtype]
    return Split(n, f.multiply_add(n, -low, f.multiply_add(n, -high, x)), field)


def scale(f: Formula, x: Term, field: Term) -> Term:
    """Multiply x by 2^n, with one rounding also where the result is subnormal.

    Two factors of about 2^(n / 2) each, since 2^n itself need not be a float.
    """
    place = FORMATS[x.dtype].fraction
    half = field >> 1
    return x * f.from_bits(half << place) * f.from_bits((field - half) << place)


def _exp_of_rest(f: Formula, r: Term) -> Term:
    return 1 + f.multiply_add(r * r, f.polynomial(r, c.EXP[r.dtype]), r)


def _exp_within_range(f: Formula, x: Term) -> Term:
    parts = split(f, x)
    return scale(f, _exp_of_rest(f, parts.rest), parts.field)


def _exp_of_moderate(f: Formula, x: Term) -> Term:
    """e^x where 2^n and the result are normal floats."""
    form = FORMATS[x.dtype]
    parts = split(f, x)
    power = f.from_bits((parts.field - form.bias) << form.fraction)
    return _exp_of_rest(f, parts.rest) * power


def exp(f: Formula, x: Term) -> Term:
    """e^x."""
    return _exp_within_range(f, within_range(f, x))


def exp_of_negative(f: Formula, x: Term) -> Term:
    """e^-|x|."""
    return _exp_within_range(f, f.at_least(-f.abs(x), _LOWEST[x.dtype]))


def exp2(f: Formula, x: Term) -> Term:
    """2^x."""
    bias = FORMATS[x.dtype].bias
    x = f.at_most(f.at_least(x, -1.5 * bias), bias + 2.0)
    n, field = nearest(f, x, 1.0)
    r = x - n
    return scale(f, f.multiply_add(r, f.polynomial(r, c.EXP2[x.dtype]), 1.0), field)


def expm1(f: Formula, x: Term) -> Term:
    """e^x - 1 = 2 (((h - 1/2) + h r) + h (e^r - 1 - r)) with h = 2^(n-1).

    The halves keep 2^n finite for the largest results. Where x rounds to the result, the result is
    x itself: so zeros keep their sign and subnormals all their bits.
    """
    form = FORMATS[x.dtype]
    # Below -(fraction bits + 2) ln 2 the result rounds to -1; the limit is a little lower.
    limited = f.at_least(x, -1.0 * (form.fraction + 2))
    parts = split(f, f.at_most(limited, _HIGHEST[x.dtype]))
    r, h = parts.rest, f.from_bits((parts.field - (form.bias + 1)) << form.fraction)
    leading = f.multiply_add(r, h, h - 0.5)
    half = f.multiply_add(r * r * f.polynomial(r, c.EXP[x.dtype]), h, leading)
    return f.select(f.abs(x) < 2.0 ** -(form.fraction + 2), x, half + half)


def sigmoid(f: Formula, x: Term) -> Term:
    """1 / (1 + e^-x), by way of w = z / (1 + z) with z = e^-|x|.

    The remainder of the division, with what 1 + z loses in rounding, corrects the quotient: else
    the errors would add up to more than two units in the last place.
    """
    z = exp_of_negative(f, x)
    total, lost = f.fast_two_sum(1.0, z)
    inverse = 1 / total
    quotient = z * inverse
    remainder = f.multiply_add(-quotient, lost, f.fused(-quotient, total, z))
    w = f.multiply_add(remainder, inverse, quotient)
    return f.select(x < 0.0, w, 1 - w)


def tanh(f: Formula, x: Term) -> Term:
    """1 - 2 / (e^2x + 1), and an odd polynomial near zero."""
    a = f.abs(x)
    z = x * x
    small = f.multiply_add(a * z, f.polynomial(z, c.TANH[x.dtype]), a)
    # From here on 2 / (e^2a + 1) is less than a quarter of the last place of 1.
    limited = f.at_most(a, 0.5 * (FORMATS[x.dtype].fraction + 5) * math.log(2))
    large = 1 - 2 / (1 + _exp_of_moderate(f, limited + limited))
    return f.with_sign(f.select(a < 0.55, small, large), x)


def _half_exps(f: Formula, x: Term) -> tuple[Term, Term]:
    """e^x / 2 and e^-x / 2 for x >= 0; the first may be finite where e^x is not."""
    parts = split(f, f.at_most(x, _HIGHEST[x.dtype] + 1))
    rise = scale(f, 0.5 * _exp_of_rest(f, parts.rest), parts.field)
    return rise, 0.25 / rise


def sinh(f: Formula, x: Term) -> Term:
    """(e^x - e^-x) / 2, and an odd polynomial near zero."""
    a = f.abs(x)
    z = x * x
    small = f.multiply_add(a * z, f.polynomial(z, c.SINH[x.dtype]), a)
    rise, fall = _half_exps(f, a)
    return f.with_sign(f.select(a < 1.0, small, rise - fall), x)


def cosh(f: Formula, x: Term) -> Term:
    """(e^x + e^-x) / 2."""
    rise, fall = _half_exps(f, f.abs(x))
    return rise + fall


def erf(f: Formula, x: Term) -> Term:
    """1 - e^q(x) where q(x) = ln erfc(x), and an odd polynomial near zero."""
    a = f.abs(x)
    z = x * x
    small = f.multiply_add(a, f.polynomial(z, c.ERF[x.dtype]), a)
    q = f.polynomial(f.at_most(a, _ERF_IS_ONE[x.dtype]), c.ERFC[x.dtype])
    large = 1 - _exp_of_moderate(f, q)
    return f.with_sign(f.select(a < 1.0, small, large), x)
