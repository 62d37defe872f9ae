"""Formulas in MathML, which browsers show without any library."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from chainrule.backprop.formula.expression import Expression, Symbol
from chainrule.backprop.formula.printing import Style, render, split_index, split_primes

_NAMES = {"sigmoid": "σ", "log": "ln"}


def mathml(expression: Expression, display: bool = False) -> str:
    """Print a formula as a MathML element.

    Parameters
    ----------
    display
        Whether it stands on a line of its own.

    >>> mathml(Symbol("W", "1"))
    '<math><msup><mi>W</mi><mrow><mo>(</mo><mn>1</mn><mo>)</mo></mrow></msup></math>'
    """
    opening = '<math display="block">' if display else "<math>"
    return f"{opening}{render(expression, _MATHML)}</math>"


def _row(*parts: str) -> str:
    return f"<mrow>{''.join(parts)}</mrow>"


def _sign(sign: str, spread: bool = False) -> str:
    form = ' form="infix"' if spread else ""
    return f"<mo{form}>{escape(sign)}</mo>"


def _word(word: str) -> str:
    """A name; W1 and m_W get an index, primes stay."""
    stem, primes = split_primes(word)
    letter, below = split_index(stem)
    if below:
        return f"<msub>{_word(letter + primes)}{_word(below)}</msub>"
    if stem.isdigit():
        return f"<mn>{stem}</mn>"
    return f"<mi>{escape(stem)}{'′' * len(primes)}</mi>"  # noqa: RUF001 - a prime, not a quote


class _MathML(Style):
    def number(self, mantissa: str, exponent: str) -> str:
        if not exponent:
            return f"<mn>{mantissa}</mn>"
        power = f"<msup><mn>10</mn><mn>{exponent.replace('-', '−')}</mn></msup>"
        return _row(f"<mn>{mantissa}</mn>", _sign("×"), power)

    def symbol(self, symbol: Symbol) -> str:
        if not symbol.layer:
            return _word(symbol.name)
        above = _row(_sign("("), _word(symbol.layer), _sign(")"))
        word = _word(symbol.name)
        if word.startswith("<msub>"):
            inner = word.removeprefix("<msub>").removesuffix("</msub>")
            return f"<msubsup>{inner}{above}</msubsup>"
        return f"<msup>{word}{above}</msup>"

    def entry(self, of: str, index: Sequence[str]) -> str:
        parts: list[str] = []
        for place in index:
            parts += [_sign(",")] if parts else []
            before, arrow, behind = place.partition("→")
            parts += [_word(before), _sign("→"), _word(behind)] if arrow else [_word(place)]
        if of.startswith("<msup><mi>"):  # the index stands below what stands above
            name, above = of.removeprefix("<msup>").removesuffix("</msup>").split("</mi>", 1)
            return f"<msubsup>{name}</mi>{_row(*parts)}{above}</msubsup>"
        return f"<msub>{_row(of)}{_row(*parts)}</msub>"

    def partial(self, of: str, by: str) -> str:
        return f"<mfrac>{_row(_sign('∂'), of)}{_row(_sign('∂'), by)}</mfrac>"

    def negative(self, x: str) -> str:
        return _row('<mo form="prefix">−</mo>', x)

    def sum(self, terms: Sequence[tuple[bool, str]]) -> str:
        (minus, first), *rest = terms
        parts = [self.negative(first) if minus else first]
        for minus, term in rest:
            parts += [_sign("−" if minus else "+"), term]
        return _row(*parts)

    def product(self, factors: Sequence[tuple[str, str]]) -> str:
        if len(factors) == 1:
            return factors[0][1]
        return _row(*(_sign(glue) + x if glue else x for glue, x in factors))

    def fraction(self, top: str, bottom: str) -> str:
        return f"<mfrac>{_row(top)}{_row(bottom)}</mfrac>"

    def matrix_product(self, left: str, right: str) -> str:
        return _row(left, '<mspace width="0.2em"></mspace>', right)

    def transpose(self, x: str) -> str:
        return f"<msup>{_row(x)}<mi>T</mi></msup>"

    def power(self, base: str, exponent: str) -> str:
        return f"<msup>{_row(base)}{_row(exponent)}</msup>"

    def call(self, name: str, arguments: Sequence[str]) -> str:
        if name == "sqrt":
            return f"<msqrt>{arguments[0]}</msqrt>"
        if name == "exp":
            return f"<msup><mi>e</mi>{_row(arguments[0])}</msup>"
        inside = _sign(",").join(arguments)
        return _row(f"<mi>{_NAMES.get(name, escape(name))}</mi>", self.fence("(", inside, ")"))

    def fold(self, sign: str, axes: str, x: str) -> str:
        operator = "<mo>∑</mo>" if sign == "Σ" else f"<mi>{escape(sign)}</mi>"
        if axes:
            letters = _sign(",").join(f"<mi>{axis}</mi>" for axis in axes)
            operator = f"<munder>{operator}{_row(letters)}</munder>"
        return _row(operator, x)

    def relation(self, sign: str, left: str, right: str) -> str:
        return _row(left, _sign(sign, spread=True), right)

    def fence(self, left: str, x: str, right: str) -> str:
        return _row(_sign(left), x, _sign(right))

    def choice(self, test: str, then: str, otherwise: str) -> str:
        first = f"<mtr><mtd>{then}</mtd><mtd><mtext>if </mtext>{test}</mtd></mtr>"
        second = f"<mtr><mtd>{otherwise}</mtd><mtd><mtext>else</mtext></mtd></mtr>"
        return _row(_sign("{"), f"<mtable>{first}{second}</mtable>")


_MATHML = _MathML()
