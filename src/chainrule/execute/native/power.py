"""Formula of x to the power y, by way of y ln |x|.

An error of ln |x| grows up to 700 times on its way through the exponential. So the logarithm is
taken in a wider form: for float32 as a float64, for float64 as a sum of two floats, which have
about 65 correct bits together. `f` is always the formula that is being written.
"""

from __future__ import annotations

import math

from chainrule.execute.native import coefficients as c
from chainrule.execute.native import exponential, logarithm
from chainrule.execute.native.expression import FORMATS, Formula, Term

_TWO_THIRDS = (2 / 3, float.fromhex("0x1.5555555555555p-55"))


def pow(f: Formula, x: Term, y: Term) -> Term:
    """Raise x to the power y, with the edge cases of IEEE 754."""
    a = f.abs(x)
    if x.dtype == "float32":
        return _with_edges(f, x, y, _power_in_double(f, a, y))
    log, log_low = _log(f, a)
    product, lost = f.two_product(y, log)
    # Where the product is infinite the second part has no meaning, and may be NaN.
    low = f.select(f.abs(product) < 800.0, f.multiply_add(y, log_low, lost), 0.0)
    return _with_edges(f, x, y, _exp(f, product, low))


def _power_in_double(f: Formula, a: Term, y: Term) -> Term:
    """2^(y log2 a) in float64 for float32 numbers, with polynomials of about 34 bits."""
    form = FORMATS["float64"]
    a, y = f.cast(a, "float64"), f.cast(y, "float64")
    parts = logarithm.split_normal(f, a)
    s = parts.rest / (2 + parts.rest)
    log = f.multiply_add(s, f.polynomial(s * s, c.LOG2_COARSE["float64"]), parts.exponent)
    # Outside of these limits the result is zero or infinite as a float32.
    x = f.at_most(f.at_least(y * logarithm.with_ends(f, a, log), -160.0), 130.0)
    n, field = exponential.nearest(f, x, 1.0)
    r = x - n
    mantissa = f.multiply_add(r, f.polynomial(r, c.EXP2_COARSE["float64"]), 1.0)
    return f.cast(mantissa * f.from_bits((field - form.bias) << form.fraction), f.dtype)


def _log(f: Formula, a: Term) -> tuple[Term, Term]:
    """ln a in two parts: 2 s + 2/3 s^3 + s^5 P(s^2) with s = r / (2 + r), plus e ln 2."""
    parts = logarithm.split(f, a)
    total, lost = f.fast_two_sum(2.0, parts.rest)
    inverse = 1 / total
    s = parts.rest * inverse
    s_low = f.multiply_add(-s, lost, f.fused(-s, total, parts.rest)) * inverse
    z, z_low = f.two_product(s, s)
    z_low = f.multiply_add(s + s, s_low, z_low)
    series = f.polynomial(z, c.ATANH5[a.dtype])
    p, p_low = f.fast_two_sum(_TWO_THIRDS[0], z * series)
    p_low = p_low + f.multiply_add(z_low, series, _TWO_THIRDS[1])
    q, q_low = _product(f, (z, z_low), (p, p_low))
    u, u_low = _product(f, (s, s_low), (q, q_low))
    high, low = f.fast_two_sum(s + s, u)
    low = low + (s_low + s_low + u_low)
    ln2, ln2_low = exponential.LN2[a.dtype]
    total, lost = f.fast_two_sum(parts.exponent * ln2, high)
    total, lost = f.fast_two_sum(total, lost + f.multiply_add(parts.exponent, ln2_low, low))
    return logarithm.with_ends(f, a, total), lost


def _product(f: Formula, a: tuple[Term, Term], b: tuple[Term, Term]) -> tuple[Term, Term]:
    """Multiply two numbers in two parts each."""
    high, low = f.two_product(a[0], b[0])
    return high, low + f.multiply_add(a[0], b[1], a[1] * b[0])


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
    """Correct |x|^y for the sign of x, and where y ln |x| has no value."""
    whole = f.equals(f.nearest(y), y)
    half = 0.5 * y
    odd = whole & f.differs(f.nearest(half), half)
    result = f.select(odd, f.with_sign(power, x), power)
    undefined = (x < 0.0) & (x > -math.inf) & ~whole
    result = f.select(undefined, math.nan, result)
    endless = f.equals(f.abs(y), math.inf) & f.equals(f.abs(x), 1.0)
    one = f.equals(y, 0.0) | f.equals(x, 1.0) | endless
    return f.select(one, 1.0, result)
