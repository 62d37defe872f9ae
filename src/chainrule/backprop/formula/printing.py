"""The way through a formula that all printers share: order, signs and parentheses."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence

from chainrule.backprop.formula.expression import (
    Call,
    Choice,
    Entry,
    Expression,
    Fence,
    Fold,
    MatrixProduct,
    Number,
    Partial,
    Power,
    Product,
    Relation,
    Sum,
    Symbol,
    Transpose,
    ndim,
)

# How tightly the outermost sign of a formula binds.
RELATION, SUM, PRODUCT, POWER, ATOM = range(5)


class Style(ABC):
    """How the parts of a formula look in one language.

    Attributes
    ----------
    stacked
        Whether fractions and exponents have lines of their own, so that they need no
        parentheses.
    """

    stacked: bool = True

    @abstractmethod
    def number(self, mantissa: str, exponent: str) -> str:
        """Write a positive number; the exponent of ten may be empty."""

    @abstractmethod
    def symbol(self, symbol: Symbol) -> str:
        """Write a name."""

    @abstractmethod
    def entry(self, of: str, index: Sequence[str]) -> str:
        """Write an entry of an array."""

    @abstractmethod
    def partial(self, of: str, by: str) -> str:
        """Write a partial derivative."""

    @abstractmethod
    def negative(self, x: str) -> str:
        """Write something with a minus."""

    @abstractmethod
    def sum(self, terms: Sequence[tuple[bool, str]]) -> str:
        """Write a sum of terms, each with whether it is negative."""

    @abstractmethod
    def product(self, factors: Sequence[tuple[str, str]]) -> str:
        """Write a product; each factor has the sign before it, "·" or "⊙"."""

    @abstractmethod
    def fraction(self, top: str, bottom: str) -> str:
        """Write a quotient."""

    @abstractmethod
    def matrix_product(self, left: str, right: str) -> str:
        """Write a product of matrices."""

    @abstractmethod
    def transpose(self, x: str) -> str:
        """Write a transposed matrix."""

    @abstractmethod
    def power(self, base: str, exponent: str) -> str:
        """Write a power."""

    @abstractmethod
    def call(self, name: str, arguments: Sequence[str]) -> str:
        """Write a function of arguments."""

    @abstractmethod
    def fold(self, sign: str, axes: str, x: str) -> str:
        """Write a sum or the like over axes."""

    @abstractmethod
    def relation(self, sign: str, left: str, right: str) -> str:
        """Write two sides and the sign between them."""

    @abstractmethod
    def fence(self, left: str, x: str, right: str) -> str:
        """Write something between two signs."""

    @abstractmethod
    def choice(self, test: str, then: str, otherwise: str) -> str:
        """Write one value where a test holds, else another."""


def split_primes(name: str) -> tuple[str, str]:
    """Part a name from the primes behind it.

    >>> split_primes("W'")
    ('W', "'")
    """
    stem = name.rstrip("'")
    return stem, name[len(stem) :]


def split_index(name: str) -> tuple[str, str]:
    """Part one letter from the index behind it, which may be empty.

    >>> split_index("h12"), split_index("m_W"), split_index("rate")
    (('h', '12'), ('m', 'W'), ('rate', ''))
    """
    below = name[2:] if name[1:2] == "_" else name[1:]
    found = below and name[0].isalpha() and (name[1] == "_" or below.isdigit())
    return (name[0], below) if found else (name, "")


def render(expression: Expression, style: Style) -> str:
    """Print a formula in a style."""
    return _render(expression, style, RELATION)


def _render(x: Expression, style: Style, needed: int) -> str:
    written, level = _written(x, style)
    if level >= needed:
        return written
    # A relation inside of a formula counts 1 or 0: Iverson's brackets.
    opening, closing = "[]" if isinstance(x, Relation) else "()"
    return style.fence(opening, written, closing)


def _written(x: Expression, style: Style) -> tuple[str, int]:
    """A formula in a style, and how tightly it binds."""

    def inner(part: Expression, needed: int = RELATION) -> str:
        return _render(part, style, needed)

    match x:
        case Number():
            return _number(x, style)
        case Symbol():
            return style.symbol(x), ATOM
        case Entry(of=Partial(of=of, by=by), index=index):
            return style.partial(inner(of, ATOM), inner(Entry(by, index), ATOM)), ATOM
        case Entry(of=of, index=index):
            return style.entry(inner(of, ATOM), index), ATOM
        case Partial(of=of, by=by):
            return style.partial(inner(of, ATOM), inner(by, ATOM)), ATOM
        case Sum(terms=terms):
            signed = [_split_sign(term) for term in terms]
            return style.sum([(minus, inner(t, PRODUCT)) for minus, t in signed]), SUM
        case Product():
            return _product(x, style)
        case MatrixProduct(left=left, right=right):
            return style.matrix_product(_side(left, style), _side(right, style)), PRODUCT
        case Transpose(of=of):
            return style.transpose(_base(of, style)), POWER
        case Power(base=base, exponent=exponent):
            needed = RELATION if style.stacked else ATOM
            raised = isinstance(base, Symbol) and bool(base.layer)
            return style.power(_base(base, style, raised), inner(exponent, needed)), POWER
        case Call(name=name, arguments=arguments):
            return style.call(name, [inner(a) for a in arguments]), ATOM
        case Fold(sign=sign, axes=axes, of=of):
            return style.fold(sign, axes, inner(of, POWER)), PRODUCT
        case Relation(sign=sign, left=left, right=right):
            return style.relation(sign, inner(left, SUM), inner(right, SUM)), RELATION
        case Choice(test=test, then=then, otherwise=otherwise):
            return style.choice(inner(test), inner(then, SUM), inner(otherwise, SUM)), RELATION
        case Fence(left=opening, of=of, right=closing):
            return style.fence(opening, inner(of), closing), ATOM
        case _:
            raise TypeError(f"not a formula: {x!r}")


def _base(x: Expression, style: Style, raised: bool = False) -> str:
    """What something is put above of, in parentheses if there is something above it already."""
    written = _render(x, style, ATOM)
    inner = x.of if isinstance(x, Entry) else x
    return style.fence("(", written, ")") if raised or isinstance(inner, Partial) else written


def _side(x: Expression, style: Style) -> str:
    """One side of a matrix product, which may be one itself: they associate."""
    return _render(x, style, PRODUCT if isinstance(x, MatrixProduct) else POWER)


def _number(x: Number, style: Style) -> tuple[str, int]:
    value = float(x.value)
    if math.isnan(value):
        return style.symbol(Symbol("NaN")), ATOM
    if math.isinf(value):
        written = style.symbol(Symbol("∞"))
    else:
        mantissa, _, exponent = f"{abs(value):.{x.digits}g}".partition("e")
        written = style.number(mantissa, str(int(exponent)) if exponent else "")
    minus = math.copysign(1, value) < 0
    return (style.negative(written), SUM) if minus else (written, ATOM)


def _product(x: Product, style: Style) -> tuple[str, int]:
    minus, rest = _split_sign(x)
    if minus:
        return style.negative(_render(rest, style, PRODUCT)), SUM
    if not x.under:
        return _factors(x.factors, style), PRODUCT
    if style.stacked:
        alone = len(x.factors) == 1
        top = _render(x.factors[0], style, SUM) if alone else _factors(x.factors, style)
        alone = len(x.under) == 1
        bottom = _render(x.under[0], style, SUM) if alone else _factors(x.under, style)
    else:
        top = _factors(x.factors, style)
        bottom = _factors(x.under, style)
        if len(x.under) > 1:
            bottom = style.fence("(", bottom, ")")
    return style.fraction(top, bottom), PRODUCT


def _factors(factors: Sequence[Expression], style: Style) -> str:
    if not factors:
        return style.number("1", "")
    parts = []
    before: Expression | None = None
    for i, factor in enumerate(factors):
        glue = "" if before is None else "⊙" if ndim(before) and ndim(factor) else "·"
        last = i == len(factors) - 1
        # A sum sign reaches to the end, so that only behind it no parentheses are needed.
        needed = PRODUCT if last and isinstance(factor, Fold) else POWER
        parts.append((glue, _render(factor, style, needed)))
        before = factor
    return style.product(parts)


def _split_sign(term: Expression) -> tuple[bool, Expression]:
    """Whether a term begins with a minus, and the term without it."""
    if isinstance(term, Number) and math.copysign(1, term.value) < 0:
        return True, Number(-term.value, term.digits)
    if isinstance(term, Product) and term.factors:
        minus, first = _split_sign(term.factors[0])
        if minus:
            rest = term.factors[1:]
            if not (isinstance(first, Number) and first.value == 1 and rest):
                rest = (first, *rest)
            positive = rest[0] if len(rest) == 1 and not term.under else Product(rest, term.under)
            return True, positive
    return False, term
