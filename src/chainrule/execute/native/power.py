"""Formula for x to the power y, by way of y ln |x|.

An error of ln |x| grows by up to 700 times on its way through the exponential, so for float64 the
logarithm is a sum of two floats of about 65 correct bits together.
"""

from __future__ import annotations

import math

from chainrule.execute.native import coefficients as c
from chainrule.execute.native import exponential, logarithm
from chainrule.execute.native.expression import FORMATS, Formula, Term

_TWO_THIRDS = (2 / 3, float.fromhex("0x1.5555555555555p-55"))


def pow(f: Formula, x: Term, y: Term) -> Term:
    """X to the power y, with the edge cases of IEEE 754."""
    a = f.abs(x)
    if x.dtype == "float32":
        power = _in_double(f, f.cast(a, "float64"), f.cast(y, "float64"))
    else:
        power = _exp(f, *_times(f, y, *_log(f, a)))
    return _with_edges(f, x, y, power)


def _in_double(f: Formula, a: Term, y: Term) -> Term:
    """a^y as a float32, by way of 2^(y log2 a) in float64, whose rounding errors vanish."""
    parts = logarithm.split(f, a)
    s = parts.f / (2 + parts.f)
    log = f.multiply_add(s, f.polynomial(s * s, c.LOG2_COARSE["float64"]), parts.exponent)
    x = y * _with_ends(f, a, log)
    x = f.at_most(f.at_least(x, -160.0), 130.0)
    n, field = exponential.nearest(f, x, 1.0)
    r = x - n
    mantissa = f.multiply_add(r, f.polynomial(r, c.EXP2_COARSE["float64"]), 1.0)
    form = FORMATS["float64"]
    return f.cast(mantissa * f.from_bits((field - form.bias) << form.fraction), f.dtype)


def _with_ends(f: Formula, a: Term, log: Term) -> Term:
    """The logarithm of a >= 0, corrected for 0, infinity and NaN."""
    return f.select(f.equals(a, 0.0), -math.inf, f.select(a < math.inf, log, a))


def _log(f: Formula, a: Term) -> tuple[Term, Term]:
    """ln a in two parts, as 2 s + 2/3 s^3 + s^5 P(s^2) of s = f / (2 + f)."""
    parts = logarithm.normalised(f, a)
    total, lost = f.fast_two_sum(2.0, parts.f)
    inverse = 1 / total
    s = parts.f * inverse
    s_low = f.multiply_add(-s, lost, f.fused(-s, total, parts.f)) * inverse
    z, z_low = f.two_product(s, s)
    z_low = f.multiply_add(s + s, s_low, z_low)
    # p = 2/3 + z P(z), then q = z p, then u = s q.
    series = f.polynomial(z, c.ATANH5[a.dtype])
    p, p_low = f.fast_two_sum(_TWO_THIRDS[0], z * series)
    p_low = p_low + f.multiply_add(z_low, series, _TWO_THIRDS[1])
    q, q_low = _product(f, z, z_low, p, p_low)
    u, u_low = _product(f, s, s_low, q, q_low)
    high, low = f.fast_two_sum(s + s, u)
    low = low + (s_low + s_low + u_low)
    ln2, ln2_low = exponential.LN2[a.dtype]
    total, lost = f.fast_two_sum(parts.exponent * ln2, high)
    total, lost = f.fast_two_sum(total, lost + f.multiply_add(parts.exponent, ln2_low, low))
    return _with_ends(f, a, total), lost


def _product(f: Formula, a: Term, a_low: Term, b: Term, b_low: Term) -> tuple[Term, Term]:
    """Product of two numbers in two parts each."""
    high, low = f.two_product(a, b)
    return high, low + f.multiply_add(a, b_low, a_low * b)


def _times(f: Formula, y: Term, log: Term, log_low: Term) -> tuple[Term, Term]:
    product, lost = f.two_product(y, log)
    # The second part has no meaning, and may be NaN, where the first is infinite.
    return product, f.select(f.abs(product) < 800.0, f.multiply_add(y, log_low, lost), 0.0)


def _exp(f: Formula, x: Term, low: Term) -> Term:
    """e^(x + low), with low far smaller than x."""
    x = exponential.within_range(f, x)
    parts = exponential.split(f, x)
    ln2, ln2_low = exponential.LN2[x.dtype]
    r, lost = f.fast_two_sum(f.multiply_add(parts.n, -ln2, x), parts.n * -ln2_low)
    r, r_low = f.fast_two_sum(r, lost + low)
    total, lost = f.fast_two_sum(1.0, r)
    rest = f.multiply_add(r * r, f.polynomial(r, c.EXP[x.dtype]), lost + r_low)
    return exponential.scale(f, total + rest, parts.field)


def _with_edges(f: Formula, x: Term, y: Term, power: Term) -> Term:
    """|x|^y corrected for the sign of x, and where y ln |x| has no value."""
    whole = f.equals(f.nearest(y), y)
    half = 0.5 * y
    odd = whole & f.differs(f.nearest(half), half)
    result = f.select(odd, f.with_sign(power, x), power)
    undefined = (x < 0.0) & (x > -math.inf) & f.negate(whole)
    result = f.select(undefined, math.nan, result)
    endless = f.equals(f.abs(y), math.inf) & f.equals(f.abs(x), 1.0)
    one = f.equals(y, 0.0) | f.equals(x, 1.0) | endless
    return f.select(one, 1.0, result)
