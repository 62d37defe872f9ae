"""Formulas for sin, cos, tan and their inverses.

Angles are reduced to quarter turns in the manner of Payne and Hanek (1983): x times 2 / pi modulo
4, with as many digits of 2 / pi as the size of x asks for and none of those that only add whole
turns. So the largest float is as accurate as the smallest, and no branch stops a loop from being
vectorised.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

from chainrule.execute.native import coefficients as c
from chainrule.execute.native.expression import Formula, Term

# pi / 2 in two parts.
_HALF_PI = (math.pi / 2, float.fromhex("0x1.1a62633145c07p-54"))
_HALF_PI_SINGLE = (float.fromhex("0x1.921fb6p+0"), float.fromhex("-0x1.777a5cp-25"))


@dataclass(frozen=True, slots=True)
class Angle:
    """An angle as quarter turns and a rest of at most an eighth turn.

    Attributes
    ----------
    quarters
        An integer, of which the two lowest bits have a meaning.
    rest, tail
        The rest in radians, and what its rounding has lost.
    """

    quarters: Term
    rest: Term
    tail: Term | None


@cache
def _two_over_pi(digits: int) -> int:
    """The integer part of 2^digits times 2 / pi, with pi by Machin's formula."""
    guard = digits + 64

    def arctan_of_inverse(n: int) -> int:
        term = total = (1 << guard) // n
        k = 1
        while term:
            term //= -n * n
            k += 2
            total += term // k
        return total

    pi = 4 * (4 * arctan_of_inverse(5) - arctan_of_inverse(239))
    return (2 << (guard + digits)) // pi


def quarter_turns(exponent: int, parts: int) -> tuple[float, ...]:
    """2^exponent times 2 / pi modulo 4, as a sum of floats that get smaller.

    >>> quarter_turns(0, 1)[0] == 2 / math.pi
    True
    """
    precision = 64 * (parts + 1)
    digits = exponent + precision
    rest = _two_over_pi(digits) % (4 << precision)
    result = []
    for _ in range(parts):
        result.append(math.ldexp(float(rest), -precision))
        rest -= int(float(rest))
    return tuple(result)


def _nearest_quarter(f: Formula, x: Term) -> tuple[Term, Term]:
    """The nearest whole number as a float, and as an integer in the two lowest bits."""
    magic = 1.5 * 2.0**52
    shifted = x + magic
    return shifted - magic, f.to_bits(shifted)


def _modulo_four(f: Formula, x: Term) -> Term:
    """X without multiples of 4, in [-2, 2]; exact."""
    return f.multiply_add(f.nearest(x * 0.25), -4.0, x)


_COARSE_FIRST, _COARSE_STEP = 48, 20


def _reduce_coarse(f: Formula, x: Term) -> Angle:
    """Reduce a float32, given as a float64, with a relative error below 2^-25 of the rest.

    The sizes of x fall into five ranges with two parts of 2 / pi each. All bits of x times the
    first part count, hence the fused product; the second only needs to be there.
    """
    a = f.abs(x)
    first, second = (f.constant(v, "float64") for v in quarter_turns(0, 2))
    for start in range(_COARSE_FIRST, 128, _COARSE_STEP):
        # In this range x is a multiple of 2^shift, so multiples of 4 / 2^shift do not count.
        shift = start - 23
        above = f.compare(">=", a, 2.0**start)
        values = [math.ldexp(v, -shift) for v in quarter_turns(shift, 2)]
        first, second = (
            f.select(above, value, old) for value, old in zip(values, (first, second), strict=True)
        )
    product, rest = f.two_product(x, first)
    product = _modulo_four(f, product)
    nearest, quarters = _nearest_quarter(f, product + rest)
    turns = f.multiply_add(x, second, (product - nearest) + rest)
    return Angle(quarters, turns * (math.pi / 2), None)


_BLOCK = 32
_PARTS = 4


def _reduce(f: Formula, x: Term) -> Angle:
    """Reduce a float64, with a relative error below 2^-60 of the rest.

    Sizes of x fall into blocks of 2^32, for each of which a table holds four parts of 2 / pi. The
    products' sum cancels almost entirely where x is close to a multiple of a quarter turn, so it
    is carried through two passes of exact sums (Ogita, Rump and Oishi, 2005).
    """
    blocks = range(1 + (2046 - 1075) // _BLOCK)
    rows = [quarter_turns(_BLOCK * block, _PARTS) for block in blocks]
    table = f.table("cr.quarter_turns", [value for row in rows for value in row])
    excess = ((f.to_bits(x) >> 52) & 0x7FF) - 1075
    block = f.select(excess > 0, excess, 0) >> 5
    scaled = f.from_bits(f.to_bits(x) - (block << 57))
    (h0, l0), (h1, l1), (h2, l2), (h3, _) = (
        f.two_product(scaled, f.entry(table, (block << 2) + part)) for part in range(_PARTS)
    )
    # Sizes: l1 and h2 are below 2^-19, the last below 2^-72.
    terms = [*(_modulo_four(f, x) for x in (h0, l0, h1)), l1, h2, l2 + h3]
    total, *rests = _exact_sums(f, terms)
    nearest, quarters = _nearest_quarter(f, total)
    rest, *rests = _exact_sums(f, [total - nearest, *rests])
    tail = sum(rests[1:], rests[0])
    product, lost = f.two_product(rest, _HALF_PI[0])
    tail = f.multiply_add(rest, _HALF_PI[1], f.multiply_add(tail, _HALF_PI[0], lost))
    return Angle(quarters, product, tail)


def _exact_sums(f: Formula, terms: list[Term]) -> list[Term]:
    """The sum of all, then what each addition has lost; together as exact as the terms."""
    *others, total = terms
    rests = []
    for term in reversed(others):
        total, rest = f.two_sum(term, total)
        rests.append(rest)
    return [total, *reversed(rests)]


def _angle(f: Formula, x: Term) -> Angle:
    return _reduce_coarse(f, f.cast(x, "float64")) if x.dtype == "float32" else _reduce(f, x)


def _sin_of_rest(f: Formula, dtype: str, angle: Angle) -> Term:
    r, z = angle.rest, angle.rest * angle.rest
    series = f.polynomial(z, c.SIN[dtype])
    if angle.tail is None:
        return f.multiply_add(r * z, series, r)
    # sin(r + t) = sin r + t cos r, where cos r is 1 - z / 2 to first order.
    tail = f.multiply_add(angle.tail * z, -0.5, angle.tail)
    return r + f.multiply_add(r * z, series, tail)


def _cos_of_rest(f: Formula, dtype: str, angle: Angle) -> Term:
    r, z = angle.rest, angle.rest * angle.rest
    series = f.polynomial(z, c.COS[dtype])
    if angle.tail is None:
        return f.multiply_add(z * z, series, f.multiply_add(z, -0.5, 1.0))
    # cos(r + t) = cos r - t sin r; what 1 - z / 2 loses in rounding is added, as in fdlibm.
    half = 0.5 * z
    near, lost = f.fast_two_sum(1.0, -half)
    return near + f.multiply_add(z * z, series, f.multiply_add(-r, angle.tail, lost))


def _odd(f: Formula, quarters: Term) -> Term:
    return f.differs(quarters & 1, 0)


def _turn(f: Formula, y: Term, quarters: Term) -> Term:
    """Y with the other sign in the third and fourth quarter."""
    return f.from_bits(f.to_bits(y) ^ ((quarters & 2) << 62))


def _tiny_or(f: Formula, x: Term, y: Term) -> Term:
    """X itself where y(x) rounds to it, sign of zero included; NaN where x is not finite."""
    y = f.cast(y, x.dtype)
    size = f.abs(x)
    tiny = 2.0**-13 if x.dtype == "float32" else 2.0**-28
    return f.select(size < tiny, x, f.select(size < math.inf, y, math.nan))


def sin(f: Formula, x: Term) -> Term:
    """Sine."""
    angle = _angle(f, x)
    sine, cosine = _sin_of_rest(f, x.dtype, angle), _cos_of_rest(f, x.dtype, angle)
    y = f.select(_odd(f, angle.quarters), cosine, sine)
    return _tiny_or(f, x, _turn(f, y, angle.quarters))


def cos(f: Formula, x: Term) -> Term:
    """Cosine: the sine one quarter turn ahead."""
    angle = _angle(f, x)
    sine, cosine = _sin_of_rest(f, x.dtype, angle), _cos_of_rest(f, x.dtype, angle)
    y = f.select(_odd(f, angle.quarters), sine, cosine)
    y = f.cast(_turn(f, y, angle.quarters + 1), x.dtype)
    return f.select(f.abs(x) < math.inf, y, math.nan)


def tan(f: Formula, x: Term) -> Term:
    """Sine over cosine, or -cosine over sine."""
    angle = _angle(f, x)
    sine, cosine = _sin_of_rest(f, x.dtype, angle), _cos_of_rest(f, x.dtype, angle)
    odd = _odd(f, angle.quarters)
    return _tiny_or(f, x, f.select(odd, -cosine, sine) / f.select(odd, sine, cosine))


def _asin_core(f: Formula, x: Term) -> tuple[Term, Term, Term]:
    """Whether a = |x| is above 1/2, the angle s, and asin(s) - s.

    s is a itself, or above 1/2 that of the half angle: asin(a) = pi / 2 - 2 asin(s) with
    s = sqrt((1 - a) / 2).
    """
    a = f.abs(x)
    above = a > 0.5
    z = f.select(above, f.multiply_add(a, -0.5, 0.5), a * a)
    s = f.select(above, f.sqrt(z), a)
    return above, s, s * z * f.polynomial(z, c.ASIN[x.dtype])


def asin(f: Formula, x: Term) -> Term:
    """Inverse sine."""
    above, s, rest = _asin_core(f, x)
    high, low = (f.constant(v) for v in half_pi(x.dtype))
    complement = high - 2 * (s + (rest - 0.5 * low))
    return f.with_sign(f.select(above, complement, s + rest), x)


def acos(f: Formula, x: Term) -> Term:
    """Inverse cosine."""
    above, s, rest = _asin_core(f, x)
    high, low = (f.constant(v) for v in half_pi(x.dtype))
    negative = x < 0.0
    half = s + rest
    outer = f.select(negative, 2 * high - 2 * (s + (rest - low)), half + half)
    signed_s, signed_rest = f.with_sign(s, x), f.with_sign(rest, x)
    inner = high - (signed_s + (signed_rest - low))
    return f.select(above, outer, inner)


def atan(f: Formula, x: Term) -> Term:
    """Inverse tangent, with a = |x| turned by 0, 1/8 or 1/4 of a turn into [-tan 22.5°, tan 22.5°].

    atan(a) = pi / 4 + atan((a - 1) / (a + 1)) = pi / 2 + atan(-1 / a).
    """
    a = f.abs(x)
    middle, above = a > math.tan(math.pi / 8), a > math.tan(3 * math.pi / 8)
    top = f.select(above, -1.0, f.select(middle, a - 1, a))
    bottom = f.select(above, a, f.select(middle, a + 1, 1.0))
    t = top / bottom
    z = t * t
    high, low = (
        f.select(above, v, f.select(middle, f.constant(v / 2), 0.0)) for v in half_pi(x.dtype)
    )
    rest = f.multiply_add(t * z, f.polynomial(z, c.ATAN[x.dtype]), low)
    return f.with_sign(high + (t + rest), x)


def half_pi(dtype: str) -> tuple[float, float]:
    return _HALF_PI if dtype == "float64" else _HALF_PI_SINGLE
