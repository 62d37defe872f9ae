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


with decimal.localcontext(prec=DIGITS):
    LN2 = Decimal(2).ln()
    PI = 4 * (4 * _odd(1, -1, Decimal("0.04")) / 5 - _odd(1, -1, 1 / Decimal(239) ** 2) / 239)
    _ROOT = Decimal(2).sqrt()
    _HALF_LN2 = LN2 / 2
    _LOG_LOW, _LOG_HIGH = _ROOT / 2 - 1, _ROOT - 1
    _LOG_S = (3 - 2 * _ROOT) ** 2  # ((m - 1) / (m + 1))^2 at m = sqrt(2)
    _EIGHTH_TURN = PI * PI / 16
    _TAN_EIGHTH = (_ROOT - 1) ** 2  # tan(pi / 8)^2

D = Decimal
TINY = D("1e-9")  # keeps weights positive where the error vanishes anyway

F32, F64 = "float32", "float64"

FITS: dict[str, dict[str, Fit]] = {
    "EXP": {
        dtype: Fit(_exp_rest, lambda r: abs(r) + TINY, -_HALF_LN2, _HALF_LN2, terms)
        for dtype, terms in ((F32, 5), (F64, 10))
    },
    "EXP2": {
        dtype: Fit(_exp2_rest, lambda r: abs(r) + TINY, D("-0.5"), D("0.5"), terms)
        for dtype, terms in ((F32, 6), (F64, 11))
    },
    "SINH": {
        dtype: Fit(_sin_rest(1), lambda z: z + TINY, D(0), D(1), terms)
        for dtype, terms in ((F32, 4), (F64, 7))
    },
    "TANH": {
        dtype: Fit(_tanh_rest, lambda z: z + TINY, D(0), D("0.3025"), terms)
        for dtype, terms in ((F32, 5), (F64, 10))
    },
    "ERF": {
        dtype: Fit(lambda z: _erf_ratio(z) - 1, lambda z: D(1), D(0), D(1), terms)
        for dtype, terms in ((F32, 7), (F64, 12))
    },
    "ERFC": {
        F32: Fit(_log_erfc, _erfc, D(1), D(4), 7),
        F64: Fit(_log_erfc, _erfc, D(1), D(6), 18),
    },
    "LOG": {F32: Fit(_log_rest, lambda f: f * f + TINY, _LOG_LOW, _LOG_HIGH, 8)},
    "ATANH": {F64: Fit(lambda z: 2 * _odd(3, 1, z), lambda z: z + TINY, D(0), _LOG_S, 7)},
    "ATANH5": {F64: Fit(lambda z: 2 * _odd(5, 1, z), lambda z: z * z + TINY, D(0), _LOG_S, 8)},
    "SIN": {
        dtype: Fit(_sin_rest(-1), lambda z: z + TINY, D(0), _EIGHTH_TURN, terms)
        for dtype, terms in ((F32, 3), (F64, 6))
    },
    "COS": {
        dtype: Fit(_cos_rest, lambda z: z * z + TINY, D(0), _EIGHTH_TURN, terms)
        for dtype, terms in ((F32, 3), (F64, 6))
    },
    "ASIN": {
        dtype: Fit(_asin_rest, lambda z: z + TINY, D(0), D("0.25"), terms)
        for dtype, terms in ((F32, 5), (F64, 12))
    },
    "ATAN": {
        dtype: Fit(lambda z: -_odd(3, -1, z), lambda z: z + TINY, D(0), _TAN_EIGHTH, terms)
        for dtype, terms in ((F32, 5), (F64, 11))
    },
}

IN_DOUBLE = ("SIN", "COS")
"""Tables whose float32 row is used in float64 arithmetic."""


def table(name: str, dtype: str) -> tuple[float, ...]:
    """Derive one row of a table: the coefficients as the nearest floats."""
    with decimal.localcontext(prec=DIGITS):
        coefficients, _ = remez(FITS[name][dtype])
    if dtype == F64 or name in IN_DOUBLE:
        return tuple(float(c) for c in coefficients)
    return tuple(struct.unpack("f", struct.pack("f", c))[0] for c in coefficients)


def _print_tables() -> None:
    for name, fits in FITS.items():
        print(f"{name}: Table = {{")
        for dtype in fits:
            short = dtype == F32 and name not in IN_DOUBLE
            numbers = [str(np.float32(c)) if short else repr(c) for c in table(name, dtype)]
            text = textwrap.fill(", ".join(numbers), 92)
            print(textwrap.indent(f'"{dtype}": (\n{textwrap.indent(text, "    ")},\n),', "    "))
        print("}")


if __name__ == "__main__":
    _print_tables()
