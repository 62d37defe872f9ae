"""Formulas of sin, cos, tan and their inverses; `f` is always the formula that is being written.

Angles become quarter turns as Payne and Hanek do it ("Radian reduction for trigonometric
functions", 1983): x times 2 / pi modulo 4, with as many digits of 2 / pi as the size of x asks for
and without those that only add whole turns. So the largest float is as accurate as the smallest,
and no branch keeps a loop from being vectorised.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from chainrule.execute.native import coefficients as c
from chainrule.execute.native.expression import Formula, Term

# pi / 2 in two parts.
_HALF_PI = {
    "float32": (float.fromhex("0x1.921fb6p+0"), float.fromhex("-0x1.777a5cp-25")),
    "float64": (float.fromhex("0x1.921fb54442d18p+0"), float.fromhex("0x1.1a62633145c07p-54")),
}


@dataclass(frozen=True, slots=True)
class Angle:
    """An angle as quarter turns and a rest of at most an eighth turn.

    Attributes
    ----------
    quarters
        An integer, of which the two lowest bits have a meaning.
    rest, tail
        The rest in radians, and what its rounding has lost (None where that does not matter).
    """

    quarters: Term
    rest: Term
    tail: Term | None


# ---------------------------------------------------------------------------------------------
# Reduction to quarter turns.


def quarter_turns(exponent: int, parts: int) -> tuple[float, ...]:
    """2^exponent times 2 / pi modulo 4, as a sum of ever smaller float64 numbers.

    >>> quarter_turns(0, 1)[0] == 2 / math.pi
    True
    """
    precision = 64 * (parts + 1)
    rest = _two_over_pi(exponent + precision) % (4 << precision)
    result = []
    for _ in range(parts):
        result.append(math.ldexp(float(rest), -precision))
        rest -= int(float(rest))
    return tuple(result)


def _two_over_pi(digits: int) -> int:
    """The whole part of 2^digits times 2 / pi, with Machin's formula for pi."""
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


_BLOCK = 32
_PARTS = 4
_FIRST_EXPONENT = 1075  # exponent field of 2^52; below, every bit of 2 / pi counts


def quarter_turn_table() -> tuple[float, ...]:
    """2 / pi modulo 4 for float64: four parts for each block of 2^32 sizes."""
    blocks = range(1 + (0x7FF - _FIRST_EXPONENT) // _BLOCK)
    return tuple(part for block in blocks for part in quarter_turns(_BLOCK * block, _PARTS))


def _reduce(f: Formula, x: Term) -> Angle:
    """Reduce a float64, with a relative error below 2^-60 of the rest.

    Where x is close to a multiple of a quarter turn, the sum of the products cancels almost
    entirely, so it passes twice through exact sums (Ogita, Rump and Oishi, "Accurate sum and dot
    product", 2005).
    """
    excess = ((f.to_bits(x) >> 52) & 0x7FF) - _FIRST_EXPONENT
    block = f.select(excess > 0, excess, 0) >> 5
    # x without the block's power of two, which is in the table.
    scaled = f.from_bits(f.to_bits(x) - (block << (52 + 5)))
    (h0, l0), (h1, l1), (h2, l2), (h3, _) = (
        f.two_product(scaled, f.entry("quarter_turns", (block << 2) + part))
        for part in range(_PARTS)
    )
    # The first three may be large; l1 and h2 are below 2^-19, l2 and h3 below 2^-72.
    terms = [*(_modulo_four(f, term) for term in (h0, l0, h1)), l1, h2, l2 + h3]
    total, *losses = _exact_sum(f, terms)
    whole, quarters = _nearest(f, total)
    rest, *losses = _exact_sum(f, [total - whole, *losses])
    tail = sum(losses[1:], losses[0])
    high, low = _HALF_PI["float64"]
    radians, lost = f.two_product(rest, high)
    return Angle(quarters, radians, f.multiply_add(rest, low, f.multiply_add(tail, high, lost)))


def _exact_sum(f: Formula, terms: list[Term]) -> list[Term]:
    """The sum, and what each addition has lost: together exactly the terms."""
    *others, total = terms
    losses = []
    for term in reversed(others):
        total, lost = f.two_sum(term, total)
        losses.append(lost)
    return [total, *reversed(losses)]


_COARSE_FIRST = 48
_COARSE_STEP = 20


def _reduce_coarse(f: Formula, x: Term) -> Angle:
    """Reduce a float32, given as a float64, with an error that float32 does not see.

    The sizes of x fall into five ranges with two parts of 2 / pi each. Every bit of x times the
    first part counts; the second part only needs to be there.
    """
    a = f.abs(x)
    first, second = (f.constant(part, "float64") for part in quarter_turns(0, 2))
    for start in range(_COARSE_FIRST, 128, _COARSE_STEP):
        # In this range x is a multiple of 2^shift, so multiples of 4 / 2^shift do not count.
        shift = start - 23
        in_range = a >= 2.0**start
        next_first, next_second = (math.ldexp(part, -shift) for part in quarter_turns(shift, 2))
        first = f.select(in_range, next_first, first)
        second = f.select(in_range, next_second, second)
    product, low = f.two_product(x, first)
    product = _modulo_four(f, product)
    whole, quarters = _nearest(f, product + low)
    rest = f.multiply_add(x, second, (product - whole) + low)
    return Angle(quarters, rest * _HALF_PI["float64"][0], None)


def _nearest(f: Formula, x: Term) -> tuple[Term, Term]:
    """The nearest whole number as a float, and as an integer in the two lowest bits."""
    magic = 1.5 * 2.0**52
    shifted = x + magic
    return shifted - magic, f.to_bits(shifted)


def _modulo_four(f: Formula, x: Term) -> Term:
    """X without multiples of 4, in [-2, 2]; exact."""
    return f.multiply_add(f.nearest(x * 0.25), -4.0, x)


# ---------------------------------------------------------------------------------------------
# Sine, cosine, tangent.


def _sin_and_cos(f: Formula, x: Term) -> tuple[Term, Term, Term]:
    """Sine and cosine of the rest, and the quarter turns; in float64 also for float32."""
    single = x.dtype == "float32"
    angle = _reduce_coarse(f, f.cast(x, "float64")) if single else _reduce(f, x)
    r, tail, z = angle.rest, angle.tail, angle.rest * angle.rest
    sin_series, cos_series = f.polynomial(z, c.SIN[x.dtype]), f.polynomial(z, c.COS[x.dtype])
    if tail is None:
        sine = f.multiply_add(r * z, sin_series, r)
        cosine = f.multiply_add(z * z, cos_series, f.multiply_add(z, -0.5, 1.0))
        return sine, cosine, angle.quarters
    # sin(r + t) = sin r + t cos r and cos(r + t) = cos r - t sin r. As in fdlibm, what 1 - z / 2
    # loses in rounding is kept.
    sine = r + f.multiply_add(r * z, sin_series, f.multiply_add(tail * z, -0.5, tail))
    near, lost = f.fast_two_sum(1.0, z * -0.5)
    cosine = near + f.multiply_add(z * z, cos_series, f.multiply_add(-r, tail, lost))
    return sine, cosine, angle.quarters


def _is_odd(f: Formula, quarters: Term) -> Term:
    return f.differs(quarters & 1, 0)


def _turn_around(f: Formula, y: Term, quarters: Term) -> Term:
    """Change the sign of y in the third and fourth quarter."""
    return f.from_bits(f.to_bits(y) ^ ((quarters & 2) << 62))


def _with_edges(f: Formula, x: Term, y: Term) -> Term:
    """Give NaN where x is not finite, and x itself where y(x) rounds to it: zeros keep signs."""
    a = f.abs(x)
    tiny = 2.0**-13 if x.dtype == "float32" else 2.0**-28
    y = f.select(a < math.inf, f.cast(y, x.dtype), math.nan)
    return f.select(a < tiny, x, y)


def sin(f: Formula, x: Term) -> Term:
    """Sine."""
    sine, cosine, quarters = _sin_and_cos(f, x)
    y = f.select(_is_odd(f, quarters), cosine, sine)
    return _with_edges(f, x, _turn_around(f, y, quarters))


def cos(f: Formula, x: Term) -> Term:
    """Cosine: the sine one quarter turn ahead."""
    sine, cosine, quarters = _sin_and_cos(f, x)
    y = f.select(_is_odd(f, quarters), sine, cosine)
    y = f.cast(_turn_around(f, y, quarters + 1), x.dtype)
    return f.select(f.abs(x) < math.inf, y, math.nan)


def tan(f: Formula, x: Term) -> Term:
    """Sine over cosine, or -cosine over sine after an odd number of quarters."""
    sine, cosine, quarters = _sin_and_cos(f, x)
    odd = _is_odd(f, quarters)
    return _with_edges(f, x, f.select(odd, -cosine, sine) / f.select(odd, sine, cosine))


# ---------------------------------------------------------------------------------------------
# Inverses.


def _asin_parts(f: Formula, x: Term) -> tuple[Term, Term, Term]:
    """Whether a = |x| is above 1/2, then s, and asin(s) - s.

    s is a, or above 1/2 the sine of half the complement: asin(a) = pi / 2 - 2 asin(s) with
    s = sqrt((1 - a) / 2).
    """
    a = f.abs(x)
    above = a > 0.5
    z = f.select(above, f.multiply_add(a, -0.5, 0.5), a * a)
    s = f.select(above, f.sqrt(z), a)
    return above, s, s * z * f.polynomial(z, c.ASIN[x.dtype])


def asin(f: Formula, x: Term) -> Term:
    """Inverse sine."""
    above, s, rest = _asin_parts(f, x)
    high, low = _HALF_PI[x.dtype]
    complement = high - 2 * (s + (rest - 0.5 * low))
    return f.with_sign(f.select(above, complement, s + rest), x)


def acos(f: Formula, x: Term) -> Term:
    """Inverse cosine."""
    above, s, rest = _asin_parts(f, x)
    high, low = _HALF_PI[x.dtype]
    angle = s + rest
    outer = f.select(x < 0.0, 2 * high - 2 * (s + (rest - low)), angle + angle)
    inner = high - (f.with_sign(s, x) + (f.with_sign(rest, x) - low))
    return f.select(above, outer, inner)


def atan(f: Formula, x: Term) -> Term:
    """Inverse tangent, of a = |x| turned back by 0, 1/8 or 1/4 of a turn.

    atan(a) = pi / 4 + atan((a - 1) / (a + 1)) = pi / 2 + atan(-1 / a).
    """
    a = f.abs(x)
    middle, above = a > math.tan(math.pi / 8), a > math.tan(3 * math.pi / 8)

    def choose(low: Term | float, mid: Term | float, high: Term | float) -> Term:
        return f.select(above, high, f.select(middle, mid, low))

    t = choose(a, a - 1, -1.0) / choose(1.0, a + 1, a)
    z = t * t
    base, base_low = (choose(f.constant(0.0), part / 2, part) for part in _HALF_PI[x.dtype])
    rest = f.multiply_add(t * z, f.polynomial(z, c.ATAN[x.dtype]), base_low)
    return f.with_sign(base + (t + rest), x)
