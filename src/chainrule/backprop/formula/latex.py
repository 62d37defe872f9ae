"""Formulas in LaTeX, for documents and for notebooks."""

from __future__ import annotations

import re
from collections.abc import Sequence

from chainrule.backprop.formula.expression import Expression, Symbol
from chainrule.backprop.formula.printing import Style, render, split_index, split_primes

_LETTERS = {
    **{"α": r"\alpha", "β": r"\beta", "γ": r"\gamma", "δ": r"\delta", "ε": r"\varepsilon"},
    **{
        "η": r"\eta",
        "λ": r"\lambda",
        "σ": r"\sigma",
        "ĉ": r"\hat{c}",
        "∞": r"\infty",
        "⋯": r"\cdots",
    },
}
_FUNCTIONS = {
    **{name: "\\" + name for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh", "exp")},
    **{"log": r"\ln", "max": r"\max", "min": r"\min", "sigmoid": r"\sigma"},
}
_SIGNS = {
    **{
        "≥": r"\geq",
        "≤": r"\leq",
        "≠": r"\neq",
        "∧": r"\land",
        "\N{LOGICAL OR}": r"\lor",
        "→": r"\to",
    },
    **{"·": r"\cdot", "⊙": r"\odot", "Σ": r"\sum"},
}
_FENCES = {"⌊": r"\lfloor", "⌋": r"\rfloor", "⌈": r"\lceil", "⌉": r"\rceil", "{": r"\{"}


def latex(expression: Expression) -> str:
    r"""Print a formula in LaTeX, for math mode.

    >>> from chainrule.backprop.formula import Product, Number
    >>> latex(Product((Symbol("δ", "2"),), (Number(2),)))
    '\\frac{\\delta^{(2)}}{2}'
    """
    return render(expression, _LATEX)


def _word(name: str) -> str:
    """A name: one letter in italics, several upright; W1 and m_W get an index, primes stay."""
    stem, primes = split_primes(name)
    letter, below = split_index(stem)
    if below:
        return f"{_word(letter)}_{{{_word(below)}}}{primes}"
    if stem in _LETTERS:
        return _LETTERS[stem] + primes
    if len(stem) == 1 or stem.isdigit():
        return stem + primes
    safe = re.sub(r"([_#$%&{}])", r"\\\1", stem)
    return rf"\text{{{safe}}}" + primes


class _Latex(Style):
    def number(self, mantissa: str, exponent: str) -> str:
        return rf"{mantissa} \times 10^{{{exponent}}}" if exponent else mantissa

    def symbol(self, symbol: Symbol) -> str:
        word = _word(symbol.name)
        if not symbol.layer:
            return word
        above = _word(symbol.layer)
        return f"{{{word}}}^{{({above})}}" if "'" in word else f"{word}^{{({above})}}"

    def entry(self, of: str, index: Sequence[str]) -> str:
        below = ", ".join(r" \to ".join(map(_word, place.split("→"))) for place in index)
        return f"{{{of}}}_{{{below}}}"

    def partial(self, of: str, by: str) -> str:
        return rf"\frac{{\partial {of}}}{{\partial {by}}}"

    def negative(self, x: str) -> str:
        return f"-{x}"

    def sum(self, terms: Sequence[tuple[bool, str]]) -> str:
        (minus, first), *rest = terms
        parts = [f"-{first}" if minus else first]
        return " ".join([*parts, *(f"{'-' if minus else '+'} {term}" for minus, term in rest)])

    def product(self, factors: Sequence[tuple[str, str]]) -> str:
        return "".join(f" {_SIGNS[glue]} {x}" if glue else x for glue, x in factors)

    def fraction(self, top: str, bottom: str) -> str:
        return rf"\frac{{{top}}}{{{bottom}}}"

    def matrix_product(self, left: str, right: str) -> str:
        return rf"{left} \, {right}"

    def transpose(self, x: str) -> str:
        return rf"{{{x}}}^{{\top}}"

    def power(self, base: str, exponent: str) -> str:
        return f"{{{base}}}^{{{exponent}}}"

    def call(self, name: str, arguments: Sequence[str]) -> str:
        if name == "sqrt":
            return rf"\sqrt{{{arguments[0]}}}"
        if name == "exp":
            return f"e^{{{arguments[0]}}}"
        safe = name.replace("_", r"\_")
        function = _FUNCTIONS.get(name) or rf"\operatorname{{{safe}}}"
        return rf"{function}\left({', '.join(arguments)}\right)"

    def fold(self, sign: str, axes: str, x: str) -> str:
        operator = _SIGNS.get(sign) or _FUNCTIONS[sign]
        return f"{operator}_{{{axes}}} {x}" if axes else f"{operator} {x}"

    def relation(self, sign: str, left: str, right: str) -> str:
        return f"{left} {_SIGNS.get(sign, sign)} {right}"

    def fence(self, left: str, x: str, right: str) -> str:
        return rf"\left{_FENCES.get(left, left)} {x} \right{_FENCES.get(right, right)}"

    def choice(self, test: str, then: str, otherwise: str) -> str:
        rows = rf"{then} & \text{{if }} {test} \\ {otherwise} & \text{{else}}"
        return rf"\begin{{cases}} {rows} \end{{cases}}"


_LATEX = _Latex()
