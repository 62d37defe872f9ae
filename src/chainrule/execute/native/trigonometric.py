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

_PI = (math.pi, float.fromhex("0x1.1a62633145c07p-53"))


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
    tail: Term


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


_COARSE_FIRST, _COARSE_STEP = 49, 24


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
    return Angle(quarters, turns * (math.pi / 2), f.constant(0.0, "float64"))


_PARTS = 4
_BLOCK = 32


def _reduce(f: Formula, x: Term) -> Angle:
    """Reduce a float64 to a rest of about 100 correct bits.

    Sizes fall into blocks of 2^32; a table holds four parts of 2 / pi for each. The products' sum
    cancels almost entirely where x is close to a multiple of a quarter turn, so it is carried
    through two passes of exact sums (Ogita, Rump and Oishi, 2005).
    """
    last = (2046 - 1075) // _BLOCK
    rows = [quarter_turns(_BLOCK * block, _PARTS) for block in range(last + 1)]
    table = f.table("cr.quarter_turns", [value for row in rows for value in row])

    field = (f.to_bits(x) >> 52) & 0x7FF
    excess = field - 1075
    block = f.select(f.compare(">", excess, 0), excess, 0) >> 5
    scaled = f.from_bits(f.to_bits(x) - (block << 57))
    sums = []
    for part in range(_PARTS):
        turn = f.entry(table, (block << 2) + part)
        high, low = f.two_product(scaled, turn)
        sums += [_modulo_four(f, high), _modulo_four(f, low)]
    return sums
