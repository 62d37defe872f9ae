"""Formulas as plain text, with the signs that Unicode has."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap

from chainrule.backprop.formula.expression import Expression, Symbol
from chainrule.backprop.formula.printing import Style, render

_RAISED = str.maketrans("0123456789()-+", "⁰¹²³⁴⁵⁶⁷⁸⁹⁽⁾⁻⁺")
_LOWERED = str.maketrans("ijklmn", "ᵢⱼₖₗₘₙ")
_NAMES = {"sigmoid": "σ", "log": "ln", "sqrt": "√"}


def text(expression: Expression) -> str:
    """Print a formula as text.

    >>> from chainrule.backprop.formula import MatrixProduct, Sum
    >>> a, W, b = Symbol("a", "1", 2), Symbol("W", "2", 2), Symbol("b", "2", 1)
    >>> text(Sum((MatrixProduct(a, W), b)))
    'a⁽¹⁾ @ W⁽²⁾ + b⁽²⁾'
    """
    return render(expression, _TEXT)


class _Text(Style):
    stacked = False

    def number(self, mantissa: str, exponent: str) -> str:
        return f"{mantissa}e{exponent}" if exponent else mantissa

    def symbol(self, symbol: Symbol) -> str:
        if not symbol.layer:
            return symbol.name
        above = f"({symbol.layer})"
        raised = above.translate(_RAISED)
        return symbol.name + (raised if symbol.layer.isdigit() else above)

    def entry(self, of: str, index: Sequence[str]) -> str:
        return f"{of}[{', '.join(index)}]"

    def partial(self, of: str, by: str) -> str:
        return f"∂{of}/∂{by}"

    def negative(self, x: str) -> str:
        return f"−{x}"

    def sum(self, terms: Sequence[tuple[bool, str]]) -> str:
        (minus, first), *rest = terms
        parts = [f"−{first}" if minus else first]
        parts += [f"{'−' if minus else '+'} {term}" for minus, term in rest]
        return " ".join(parts)

    def product(self, factors: Sequence[tuple[str, str]]) -> str:
        return "".join(f" {glue} {x}" if glue == "⊙" else f"{glue}{x}" for glue, x in factors)

    def fraction(self, top: str, bottom: str) -> str:
        return f"{top} / {bottom}"

    def matrix_product(self, left: str, right: str) -> str:
        return f"{left} @ {right}"

    def transpose(self, x: str) -> str:
        return f"{x}ᵀ"

    def power(self, base: str, exponent: str) -> str:
        raised = exponent.replace("−", "-")
        if raised.lstrip("-").isdigit():
            return base + raised.translate(_RAISED)
        return f"{base}^{exponent}"

    def call(self, name: str, arguments: Sequence[str]) -> str:
        return f"{_NAMES.get(name, name)}({', '.join(arguments)})"

    def fold(self, sign: str, axes: str, x: str) -> str:
        below = axes.translate(_LOWERED)
        return f"{sign}{below} {x}"

    def relation(self, sign: str, left: str, right: str) -> str:
        return f"{left} {sign} {right}"

    def fence(self, left: str, x: str, right: str) -> str:
        return f"{left}{x}{right}"

    def choice(self, test: str, then: str, otherwise: str) -> str:
        return f"{then} if {test} else {otherwise}"


_TEXT = _Text()


def fold_line(line: str, width: int | None, hang: int) -> str:
    """Fold a line that is too long for a terminal between its words.

    Parameters
    ----------
    line
        What is written.
    width
        Of the terminal, in characters; None folds nothing.
    hang
        Spaces in front of what is folded.

    >>> print(fold_line("a = b + c + d", 9, 4))
    a = b + c
        + d
    """
    if width is None or len(line) <= width:
        return line
    lines = wrap(
        line,
        max(width, hang + 20),
        subsequent_indent=" " * hang,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return "\n".join(lines)
