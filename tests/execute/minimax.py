"""Derives the polynomials of `chainrule.execute.native.coefficients` from the functions alone.

Remez's exchange algorithm in decimal arithmetic of 70 digits: find the polynomial whose largest
weighted error on an interval is smallest. Decimal arithmetic gives the same digits on every
machine, so a test can ask for the very bits that the source holds.

``python -m tests.execute.minimax`` prints all tables.
"""

from __future__ import annotations

import decimal
import math
import struct
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

DIGITS = 70
Function = Callable[[Decimal], Decimal]


@dataclass(frozen=True, slots=True)
class Fit:
    """What one table approximates.

    `function` on [`low`, `high`], with errors counted `weight` times, by a polynomial of `terms`
    coefficients.
    """

    function: Function
    weight: Function
    low: Decimal
    high: Decimal
    terms: int


def remez(fit: Fit) -> tuple[list[Decimal], Decimal]:
    """Return the coefficients, lowest first, and the largest weighted error."""
    terms = fit.terms
    middle, radius = (fit.high + fit.low) / 2, (fit.high - fit.low) / 2
    count = 24 * (terms + 1)
    grid = [middle - radius * _cosine(i, count) for i in range(count + 1)]
    values = [fit.function(x) for x in grid]
    weights = [fit.weight(x) for x in grid]
    chosen = [round(i * count / terms) for i in range(terms + 1)]
    for _ in range(50):
        rows = [
            [*_powers(grid[i], terms), (-1) ** n / weights[i], values[i]]
            for n, i in enumerate(chosen)
        ]
        *coefficients, _ = _solve(rows)
        errors = [
            w * (_evaluate(coefficients, x) - y)
            for x, y, w in zip(grid, values, weights, strict=True)
        ]
        peaks = _peaks(errors, terms + 1)
        if peaks == chosen:
            break
        chosen = peaks
    return coefficients, max(abs(error) for error in errors)


def _peaks(errors: list[Decimal], wanted: int) -> list[int]:
    """Places of the largest errors of alternating sign."""
    best: list[int] = []
    for i, error in enumerate(errors):
        if best and (error > 0) == (errors[best[-1]] > 0):
            if abs(error) > abs(errors[best[-1]]):
                best[-1] = i
        else:
            best.append(i)
    while len(best) > wanted:
        del best[0 if abs(errors[best[0]]) < abs(errors[best[-1]]) else -1]
    return best


def _solve(rows: list[list[Decimal]]) -> list[Decimal]:
    """Gauss elimination; each row ends with its right-hand side."""
    size = len(rows)
    for i in range(size):
        pivot = max(range(i, size), key=lambda r: abs(rows[r][i]))
        rows[i], rows[pivot] = rows[pivot], rows[i]
        for r in range(i + 1, size):
            factor = rows[r][i] / rows[i][i]
            rows[r] = [a - factor * b for a, b in zip(rows[r], rows[i], strict=True)]
    solution = [Decimal(0)] * size
    for i in reversed(range(size)):
        known = sum((rows[i][c] * solution[c] for c in range(i + 1, size)), Decimal(0))
        solution[i] = (rows[i][-1] - known) / rows[i][i]
    return solution


def _powers(x: Decimal, terms: int) -> list[Decimal]:
    powers = [Decimal(1)]
    while len(powers) < terms:
        powers.append(powers[-1] * x)
    return powers


def _evaluate(coefficients: list[Decimal], x: Decimal) -> Decimal:
    result = Decimal(0)
    for c in reversed(coefficients):
        result = result * x + c
    return result


def _cosine(i: int, count: int) -> Decimal:
    # Where the grid lies needs no accuracy, but the same digits everywhere.
    return Decimal(round(math.cos(math.pi * i / count) * 2**30)) / 2**30


# ---------------------------------------------------------------------------------------------
# Functions as power series, summed until nothing changes.


def _series(terms: Iterator[Decimal]) -> Decimal:
    total = Decimal(0)
    for term in terms:
        if total + term == total:
            return total
        total += term
    raise AssertionError("a power series does not end")


def _ratio_series(first: Decimal, ratio: Callable[[int], Decimal]) -> Decimal:
    """Sum of terms of which number n + 1 is `ratio(n)` times number n."""

    def terms() -> Iterator[Decimal]:
        term, n = first, 0
        while True:
            yield term
            term *= ratio(n)
            n += 1

    return _series(terms())


def _exp_rest(x: Decimal) -> Decimal:
    """(e^x - 1 - x) / x^2."""
    return _ratio_series(Decimal("0.5"), lambda n: x / (n + 3))


def _exp2_rest(x: Decimal) -> Decimal:
    """(2^x - 1) / x."""
    t = x * LN2
    return LN2 * _ratio_series(Decimal(1), lambda n: t / (n + 2))


def _log_rest(x: Decimal) -> Decimal:
    """(ln(1 + x) - x + x^2 / 2) / x^3."""
    if x == 0:
        return 1 / Decimal(3)
    return ((1 + x).ln() - x + x * x / 2) / x**3


def _odd(first: int, sign: int, z: Decimal) -> Decimal:
    """Sum of (sign z)^n / (2 n + first)."""

    def terms() -> Iterator[Decimal]:
        power, n = Decimal(1), first
        while True:
            yield power / n
            power, n = power * sign * z, n + 2

    return _series(terms())


def _asin_rest(z: Decimal) -> Decimal:
    """(asin x - x) / x^3 of z = x^2."""
    return _ratio_series(
        1 / Decimal(6), lambda n: z * (2 * n + 3) ** 2 / ((2 * n + 4) * (2 * n + 5))
    )


def _sin_rest(sign: int) -> Function:
    """(sin x - x) / x^3 of z = x^2, or with sign 1 that of sinh."""
    return lambda z: _ratio_series(
        sign / Decimal(6), lambda n: sign * z / ((2 * n + 4) * (2 * n + 5))
    )


def _cos_rest(z: Decimal) -> Decimal:
    """(cos x - 1 + x^2 / 2) / x^4 of z = x^2."""
    return _ratio_series(1 / Decimal(24), lambda n: -z / ((2 * n + 5) * (2 * n + 6)))


def _tanh_rest(z: Decimal) -> Decimal:
    """(tanh x - x) / x^3 of z = x^2."""
    if z == 0:
        return -1 / Decimal(3)
    x = z.sqrt()
    square = (2 * x).exp()
    return ((square - 1) / (square + 1) - x) / (x * z)


def _erf_ratio(z: Decimal) -> Decimal:
    """Erf x / x of z = x^2, by the series without cancellation."""
    total = _ratio_series(Decimal(1), lambda n: 2 * z / (2 * n + 3))
    return 2 / PI.sqrt() * (-z).exp() * total


def _log_erfc(x: Decimal) -> Decimal:
    return (1 - x * _erf_ratio(x * x)).ln()


def _erfc(x: Decimal) -> Decimal:
    return 1 - x * _erf_ratio(x * x)


D = Decimal

with decimal.localcontext(prec=DIGITS):
    LN2 = D(2).ln()
    PI = 4 * (4 * _odd(1, -1, D("0.04")) / 5 - _odd(1, -1, 1 / D(239) ** 2) / 239)
    TINY = D("1e-9")  # keeps weights positive where the error vanishes anyway
    _ROOT = D(2).sqrt()
    _LOG_Z = (3 - 2 * _ROOT) ** 2  # s^2 where 1 + r is the root of 2
    _ANGLE_Z = PI * PI / 16
    _TAN_Z = (_ROOT - 1) ** 2

F32, F64 = "float32", "float64"

Fits = dict[str, Fit]


def _fits(function: Function, weight: Function, low: Decimal, high: Decimal, **terms: int) -> Fits:
    """The same task for one or two dtypes."""
    return {dtype: Fit(function, weight, low, high, count) for dtype, count in terms.items()}


def _first_order(x: Decimal) -> Decimal:
    return abs(x) + TINY


def _second_order(x: Decimal) -> Decimal:
    return x * x + TINY


def _zeroth_order(x: Decimal) -> Decimal:
    return D(1)


HALF = D("0.5")

# For each table what it is good for, and the tasks. z stands for the square of the argument.
TABLES: dict[str, tuple[str, Fits]] = {
    "EXP": (
        "e^r - 1 = r + r^2 EXP(r) for |r| <= ln(2) / 2",
        _fits(_exp_rest, _first_order, -LN2 / 2, LN2 / 2, float32=5, float64=11),
    ),
    "EXP2": (
        "2^r - 1 = r EXP2(r) for |r| <= 1/2",
        _fits(_exp2_rest, _first_order, -HALF, HALF, float32=6, float64=11),
    ),
    "EXP2_COARSE": (
        "2^r - 1 = r EXP2_COARSE(r), for float32 results",
        _fits(_exp2_rest, _first_order, -HALF, HALF, float64=6),
    ),
    "SINH": (
        "sinh x = x + x z SINH(z) for |x| <= 1",
        _fits(_sin_rest(1), _first_order, D(0), D(1), float32=4, float64=7),
    ),
    "TANH": (
        "tanh x = x + x z TANH(z) for |x| <= 0.55",
        _fits(_tanh_rest, _first_order, D(0), D("0.3025"), float32=5, float64=10),
    ),
    "ERF": (
        "erf x = x + x ERF(z) for |x| <= 1",
        _fits(lambda z: _erf_ratio(z) - 1, _zeroth_order, D(0), D(1), float32=7, float64=12),
    ),
    "ERFC": (
        "erf x = 1 - e^ERFC(x) for 1 <= x <= 4 or 6",
        {
            **_fits(_log_erfc, _erfc, D(1), D(4), float32=7),
            **_fits(_log_erfc, _erfc, D(1), D(6), float64=18),
        },
    ),
    "LOG": (
        "ln(1 + r) = r - r^2 / 2 + r^3 LOG(r) for 1/2 <= (1 + r)^2 <= 2",
        _fits(_log_rest, _second_order, _ROOT / 2 - 1, _ROOT - 1, float32=8),
    ),
    "ATANH": (
        "ln(1 + r) = 2 s + s z ATANH(z) for the same r, with s = r / (2 + r)",
        _fits(lambda z: 2 * _odd(3, 1, z), _first_order, D(0), _LOG_Z, float64=7),
    ),
    "ATANH5": (
        "ln(1 + r) = 2 s + 2/3 s z + s z^2 ATANH5(z)",
        _fits(lambda z: 2 * _odd(5, 1, z), _second_order, D(0), _LOG_Z, float64=8),
    ),
    "LOG2_COARSE": (
        "log2(1 + r) = s LOG2_COARSE(z), for float32 results",
        _fits(lambda z: 2 * _odd(1, 1, z) / LN2, _zeroth_order, D(0), _LOG_Z, float64=5),
    ),
    "SIN": (
        "sin x = x + x z SIN(z) for |x| <= pi / 4; the first row for float32 results",
        _fits(_sin_rest(-1), _first_order, D(0), _ANGLE_Z, float32=3, float64=6),
    ),
    "COS": (
        "cos x = 1 - z / 2 + z^2 COS(z) for |x| <= pi / 4; the first row for float32 results",
        _fits(_cos_rest, _second_order, D(0), _ANGLE_Z, float32=3, float64=6),
    ),
    "ASIN": (
        "asin x = x + x z ASIN(z) for |x| <= 1/2",
        _fits(_asin_rest, _first_order, D(0), D("0.25"), float32=5, float64=12),
    ),
    "ATAN": (
        "atan x = x + x z ATAN(z) for |x| <= tan(pi / 8)",
        _fits(lambda z: -_odd(3, -1, z), _first_order, D(0), _TAN_Z, float32=5, float64=11),
    ),
}

IN_DOUBLE = ("SIN", "COS")
"""Tables whose float32 row is used in float64 arithmetic."""


def row(name: str, dtype: str) -> tuple[tuple[float, ...], float]:
    """Derive one row of a table: the coefficients as the nearest floats, and the largest error."""
    with decimal.localcontext(prec=DIGITS):
        coefficients, error = remez(TABLES[name][1][dtype])
    if dtype == F64 or name in IN_DOUBLE:
        return tuple(float(c) for c in coefficients), float(error)
    return tuple(struct.unpack("f", struct.pack("f", c))[0] for c in coefficients), float(error)


def text() -> str:
    """Write all tables as the source holds them."""
    parts = []
    for name, (formula, fits) in TABLES.items():
        lines = [f"# {formula}", f"{name}: Table = {{"]
        for dtype in fits:
            numbers, error = row(name, dtype)
            short = dtype == F32 and name not in IN_DOUBLE
            texts = [str(np.float32(c)) if short else repr(c) for c in numbers]
            lines.append(f'    "{dtype}": (  # error 2^{math.log2(error):.0f}')
            lines += textwrap.wrap(
                ", ".join(texts) + ",", 88, initial_indent=" " * 8, subsequent_indent=" " * 8
            )
            lines.append("    ),")
        parts.append("\n".join([*lines, "}"]))
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    print(text(), end="")
