"""Formulas for functions built on the logarithm: log, log1p, log2, softplus, asinh, acosh, atanh.

A number is split as x = 2^e (1 + f) with 1 + f between sqrt(1/2) and sqrt(2).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from chainrule.execute.native import coefficients as c
from chainrule.execute.native.exponential import LN2, exp_of_negative
from chainrule.execute.native.expression import FORMATS, Formula, Term, bits

_SMALLEST_NORMAL = {"float32": 2.0**-126, "float64": 2.0**-1022}


@dataclass(frozen=True, slots=True)
class Parts:
    """A number as 2^exponent (1 + f).

    Attributes
    ----------
    f, exponent
        Floats.
    field
        The exponent as the bits of 2^exponent.
    """

    f: Term
    exponent: Term
    field: Term


def split(f: Formula, x: Term) -> Parts:
    """Split a positive normal number; other numbers give some parts without meaning."""
    form = FORMATS[x.dtype]
    root = bits(math.sqrt(0.5), x.dtype)
    one = form.bias << form.fraction
    shifted = f.to_bits(x) - (root - one)
    mantissa = (shifted & ((1 << form.fraction) - 1)) + root
    # The exponent becomes a float by way of the bits of 2^fraction + exponent + bias, since
    # few processors convert vectors of 64-bit integers.
    carrier = 2.0**form.fraction
    number = f.from_bits((shifted >> form.fraction) | bits(carrier, x.dtype))
    return Parts(
        f=f.from_bits(mantissa) - 1,
        exponent=number - (carrier + form.bias),
        field=shifted & -(1 << form.fraction),
    )


def log_of_parts(f: Formula, x: Term, exponent: Term) -> Term:
    """ln(1 + x) + exponent ln 2, for sqrt(1/2) <= 1 + x <= sqrt(2).

    float32: a polynomial, in the order of Cephes' logf. float64: x - (x^2 / 2 - s (x^2 / 2 + R)) of
    s = x / (2 + x), as in fdlibm's e_log.c, whose polynomial in s^2 is much shorter.
    """
    high, low = LN2[x.dtype]
    if x.dtype == "float32":
        square = x * x
        rest = f.multiply_add(x * square, f.polynomial(x, c.LOG[x.dtype]), exponent * low)
        return f.multiply_add(exponent, high, x + f.multiply_add(square, -0.5, rest))
    s = x / (2 + x)
    z = s * s
    half = 0.5 * x * x
    rest = f.multiply_add(z, f.polynomial(z, c.ATANH[x.dtype]), half)
    correction = f.multiply_add(s, rest, exponent * low)
    return f.multiply_add(exponent, high, x - (half - correction))


def normalised(f: Formula, x: Term) -> Parts:
    """Split any positive number."""
    lift = FORMATS[x.dtype].fraction + 2
    subnormal = x < _SMALLEST_NORMAL[x.dtype]
    parts = split(f, f.select(subnormal, x * 2.0**lift, x))
    exponent = parts.exponent - f.select(subnormal, float(lift), 0.0)
    return Parts(parts.f, exponent, parts.field)


def _with_edges(f: Formula, x: Term, y: Term) -> Term:
    """The logarithm y of x, corrected for zero, negative numbers, infinity and NaN."""
    outside = f.select(f.equals(x, 0.0), -math.inf, math.nan)
    return f.select(x > 0.0, f.select(x < math.inf, y, x), outside)


def log(f: Formula, x: Term) -> Term:
    """Natural logarithm."""
    parts = normalised(f, x)
    return _with_edges(f, x, log_of_parts(f, parts.f, parts.exponent))


def log2(f: Formula, x: Term) -> Term:
    """Logarithm to base 2, exact for powers of two."""
    parts = normalised(f, x)
    mantissa = log_of_parts(f, parts.f, f.constant(0.0, x.dtype))
    return _with_edges(f, x, f.multiply_add(mantissa, 1 / math.log(2), parts.exponent))


def log1p(f: Formula, x: Term) -> Term:
    """ln(1 + x): what 1 + x loses in rounding is added to f, scaled like it."""
    form = FORMATS[x.dtype]
    total, lost = f.two_sum(1.0, x)
    parts = split(f, total)
    # 2^-exponent; for huge x, where it would leave the exponents' range, nothing of note is lost.
    scale = f.from_bits(((2 * form.bias) << form.fraction) - parts.field)
    scale = f.select(x < 2.0 ** (form.bias - 1), scale, 0.0)
    y = log_of_parts(f, f.multiply_add(lost, scale, parts.f), parts.exponent)
    y = _with_edges(f, total, y)
    tiny = 2.0 ** -(form.fraction + 2)
    return f.select(f.abs(x) < tiny, x, y)


def softplus(f: Formula, x: Term) -> Term:
    """ln(1 + e^x) = max(x, 0) + ln(1 + z) of z = e^-|x|.

    1 + z lies in [1, 2], so its exponent is 0 or 1 and f needs no rounding of 1 + z.
    """
    z = exp_of_negative(f, x)
    above = z > math.sqrt(2) - 1
    fraction = f.select(above, f.multiply_add(z, 0.5, -0.5), z)
    y = log_of_parts(f, fraction, f.select(above, f.constant(1.0), 0.0))
    return f.select(x > 0.0, x, 0.0) + y


def _in_double(f: Formula, name: str, x: Term) -> Term:
    """A float32 function by way of float64, whose rounding errors then vanish."""
    return f.cast(f.call(name, f.cast(x, "float64")), x.dtype)


def asinh(f: Formula, x: Term) -> Term:
    """ln(a + sqrt(a^2 + 1)) of a = |x|, as log1p(a + a^2 / (1 + sqrt(a^2 + 1))).

    Where a^2 would overflow it is ln(a) + ln 2.
    """
    if x.dtype == "float32":
        return _in_double(f, "asinh", x)
    a = f.abs(x)
    huge = a > 2.0**500
    square = a * a
    y = f.call("log1p", f.select(huge, a, a + square / (1 + f.sqrt(1 + square))))
    return f.with_sign(y + f.select(huge, f.constant(math.log(2)), 0.0), x)


def acosh(f: Formula, x: Term) -> Term:
    """ln(x + sqrt(x^2 - 1)), as log1p(t + sqrt(2 t + t^2)) of t = x - 1."""
    if x.dtype == "float32":
        return _in_double(f, "acosh", x)
    huge = x > 2.0**500
    t = x - 1
    y = f.call("log1p", f.select(huge, t, t + f.sqrt(f.multiply_add(t, t, t + t))))
    y = y + f.select(huge, f.constant(math.log(2)), 0.0)
    return f.select(x < 1.0, math.nan, y)


def atanh(f: Formula, x: Term) -> Term:
    """ln((1 + a) / (1 - a)) / 2 of a = |x|, as log1p(2 a / (1 - a)) / 2."""
    if x.dtype == "float32":
        return _in_double(f, "atanh", x)
    a = f.abs(x)
    return f.with_sign(0.5 * f.call("log1p", (a + a) / (1 - a)), x)
