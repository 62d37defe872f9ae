"""How a printed number stands to the right one: exact, rounded to some digits, or wrong."""

from __future__ import annotations

import math
from decimal import Decimal

EXACT, ROUNDED, WRONG, PLAUSIBLE, UNLIKELY = "exact", "rounded", "wrong", "plausible", "unlikely"
VERDICTS = (EXACT, ROUNDED, WRONG, PLAUSIBLE, UNLIKELY)

_SAME = 1e-12  # relative: what float64 leaves of a value that a decimal number has exactly
_HALF = 0.5 * (1 + 1e-9)  # a tie may be rounded either way


def unit_of_last_place(printed: Decimal) -> float:
    """Give the value of one unit in the last digit that was printed.

    >>> unit_of_last_place(Decimal("0.0376"))
    0.0001
    """
    return 10.0 ** int(printed.as_tuple().exponent)


def significant_digits(printed: Decimal) -> int:
    """Count the digits from the first one that is not zero.

    >>> significant_digits(Decimal("0.0376")), significant_digits(Decimal("1.40"))
    (3, 3)
    """
    return len(printed.as_tuple().digits) if printed else 1


def is_exact(printed: Decimal, value: float) -> bool:
    """Tell whether the printed number is the value itself."""
    return math.isfinite(value) and abs(float(printed) - value) <= _SAME * max(1.0, abs(value))


def rounds_to(printed: Decimal, value: float) -> bool:
    """Tell whether a value, rounded to the digits that were printed, is the printed number."""
    return abs(float(printed) - value) <= _HALF * unit_of_last_place(printed)


def agreeing_digits(printed: float, value: float) -> int:
    """Count the significant digits in which a number agrees with the right one.

    >>> agreeing_digits(0.56, 0.552308), agreeing_digits(0.67, 0.665074), agreeing_digits(-1, 1)
    (1, 2, 0)
    """
    difference = abs(printed - value)
    if difference == 0:
        return 15
    if value == 0 or not math.isfinite(difference):
        return 0
    first = math.floor(math.log10(abs(value)))
    digits = first + 1 - math.ceil(math.log10(difference) - math.log10(_HALF) - 1e-9)
    return max(0, min(15, digits))


def is_close(printed: Decimal, value: float) -> bool:
    """Tell whether only the last digit is off, by less than two units: cut or rounded carelessly.

    A value that has no more digits than were printed needs no rounding, so it is never close.
    """
    unit = unit_of_last_place(printed)
    if not math.isfinite(value / unit):
        return False
    whole = abs(value / unit - round(value / unit)) <= _SAME * max(1.0, abs(value / unit))
    return not whole and abs(float(printed) - value) < 2 * unit
