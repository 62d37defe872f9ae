"""Formulas of functions built on the logarithm: log, log1p, log2, softplus, asinh, acosh, atanh.

A number is split as 2^e (1 + r) with 1 + r between sqrt(1/2) and sqrt(2). `f` is always the
formula that is being written.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from chainrule.execute.native import coefficients as c
from chainrule.execute.native.exponential import LN2, exp_of_negative
from chainrule.execute.native.expression import FORMATS, Formula, Term, bits

_SMALLEST_NORMAL = {"float32": 2.0**-126, "float64": 2.0**-1022}

# Squares of larger numbers may overflow, while adding 1 to them changes nothing.
_HUGE = 2.0**500


@dataclass(frozen=True, slots=True)
class Split:
    """A number as 2^e (1 + r).

    Attributes
    ----------
    exponent, rest
        The numbers e and r, as floats.
    field
        The exponent as the bits of 2^e.
    """

    exponent: Term
    rest: Term
    field: Term


def split_normal(f: Formula, x: Term) -> Split:
    """Split a positive normal number; others give parts without meaning."""
    form = FORMATS[x.dtype]
    root = bits(math.sqrt(0.5), x.dtype)
    shifted = f.to_bits(x) - (root - (form.bias << form.fraction))
    mantissa = (shifted & ((1 << form.fraction) - 1)) + root
    # The exponent becomes a float by way of the bits of 2^fraction + exponent + bias, since
    # few processors convert vectors of 64-bit integers.
    carrier = 2.0**form.fraction
    number = f.from_bits((shifted >> form.fraction) | bits(carrier, x.dtype))
    return Split(
        exponent=number - (carrier + form.bias),
        rest=f.from_bits(mantissa) - 1,
        field=shifted & -(1 << form.fraction),
    )


def split(f: Formula, x: Term) -> Split:
    """Split a positive number, which may be subnormal."""
    lift = FORMATS[x.dtype].fraction + 2
    subnormal = x < _SMALLEST_NORMAL[x.dtype]
    parts = split_normal(f, f.select(subnormal, x * 2.0**lift, x))
    exponent = parts.exponent - f.select(subnormal, f.constant(lift), 0.0)
    return Split(exponent, parts.rest, parts.field)


def with_ends(f: Formula, x: Term, y: Term) -> Term:
    """Correct the logarithm y of x >= 0 where x is zero, infinite or NaN."""
    return f.select(f.equals(x, 0.0), -math.inf, f.select(x < math.inf, y, x))


def _with_edges(f: Formula, x: Term, y: Term) -> Term:
    """Correct the logarithm y of x also where x is negative."""
    return f.select(x < 0.0, math.nan, with_ends(f, x, y))


def _log(f: Formula, r: Term, exponent: Term) -> Term:
    """ln(1 + r) + exponent ln 2.

    float32: a polynomial in r, summed in the order of Cephes' logf. float64:
    r - (r^2 / 2 - s (r^2 / 2 + R)) with s = r / (2 + r), as in fdlibm's e_log.c, where a much
    shorter polynomial in s^2 is enough.
    """
    high, low = LN2[r.dtype]
    if r.dtype == "float32":
        square = r * r
        rest = f.multiply_add(r * square, f.polynomial(r, c.LOG[r.dtype]), exponent * low)
        return f.multiply_add(exponent, high, r + f.multiply_add(square, -0.5, rest))
    s = r / (2 + r)
    z = s * s
    half = 0.5 * r * r
    rest = f.multiply_add(z, f.polynomial(z, c.ATANH[r.dtype]), half)
    return f.multiply_add(exponent, high, r - (half - f.multiply_add(s, rest, exponent * low)))


def log(f: Formula, x: Term) -> Term:
    """Natural logarithm."""
    parts = split(f, x)
    return _with_edges(f, x, _log(f, parts.rest, parts.exponent))


def log2(f: Formula, x: Term) -> Term:
    """Logarithm to base 2, exact for powers of two."""
    parts = split(f, x)
    mantissa = _log(f, parts.rest, f.constant(0.0))
    return _with_edges(f, x, f.multiply_add(mantissa, 1 / math.log(2), parts.exponent))


def log1p(f: Formula, x: Term) -> Term:
    """ln(1 + x): what 1 + x loses in rounding is added to r, scaled as r is.

    Where x rounds to the result, the result is x itself: so zeros keep their sign.
    """
    form = FORMATS[x.dtype]
    total, lost = f.two_sum(1.0, x)
    parts = split_normal(f, total)
    # 2^-e, or 0 for huge x, where it leaves the range of exponents and the loss does not matter.
    factor = f.from_bits(((2 * form.bias) << form.fraction) - parts.field)
    factor = f.select(x < 2.0 ** (form.bias - 1), factor, 0.0)
    y = _log(f, f.multiply_add(lost, factor, parts.rest), parts.exponent)
    y = _with_edges(f, total, y)
    return f.select(f.abs(x) < 2.0 ** -(form.fraction + 2), x, y)


def softplus(f: Formula, x: Term) -> Term:
    """ln(1 + e^x) = max(x, 0) + ln(1 + z) with z = e^-|x|.

    1 + z lies in [1, 2], so its exponent is 0 or 1, and r comes from z without rounding 1 + z.
    """
    z = exp_of_negative(f, x)
    above = z > math.sqrt(2) - 1
    rest = f.select(above, f.multiply_add(z, 0.5, -0.5), z)
    return f.select(x > 0.0, x, 0.0) + _log(f, rest, f.select(above, f.constant(1.0), 0.0))


def _in_double(f: Formula, name: str, x: Term) -> Term:
    """Go by way of float64, whose rounding errors vanish in a float32."""
    return f.cast(f.call(name, f.cast(x, "float64")), x.dtype)


def asinh(f: Formula, x: Term) -> Term:
    """ln(a + sqrt(a^2 + 1)) with a = |x|, as log1p(a + a^2 / (1 + sqrt(a^2 + 1)))."""
    if x.dtype == "float32":
        return _in_double(f, "asinh", x)
    a = f.abs(x)
    huge, square = a > _HUGE, a * a
    y = f.call("log1p", f.select(huge, a, a + square / (1 + f.sqrt(1 + square))))
    return f.with_sign(y + f.select(huge, f.constant(math.log(2)), 0.0), x)


def acosh(f: Formula, x: Term) -> Term:
    """ln(x + sqrt(x^2 - 1)), as log1p(t + sqrt(t^2 + 2 t)) with t = x - 1."""
    if x.dtype == "float32":
        return _in_double(f, "acosh", x)
    huge, t = x > _HUGE, x - 1
    y = f.call("log1p", f.select(huge, t, t + f.sqrt(f.multiply_add(t, t, t + t))))
    y = y + f.select(huge, f.constant(math.log(2)), 0.0)
    return f.select(x < 1.0, math.nan, y)


def atanh(f: Formula, x: Term) -> Term:
    """ln((1 + a) / (1 - a)) / 2 with a = |x|, as log1p(2 a / (1 - a)) / 2."""
    if x.dtype == "float32":
        return _in_double(f, "atanh", x)
    a = f.abs(x)
    return f.with_sign(0.5 * f.call("log1p", (a + a) / (1 - a)), x)
