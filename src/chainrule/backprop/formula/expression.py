"""Formulas as trees: the one form from which text, LaTeX and MathML are printed.

The classes only hold. `chainrule.backprop.formula.algebra` makes tidy sums and products of them,
and each printer is a function of a tree.
"""

from __future__ import annotations

from abc import ABC
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from functools import cache


class Expression(ABC):  # noqa: B024 - a mark that all kinds of formulas carry
    """A formula, or a part of one; equal trees are equal formulas."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Number(Expression):
    """A number as it will be printed.

    Attributes
    ----------
    value
        The number itself.
    digits
        Most significant digits to print.
    """

    value: float
    digits: int = 6


@dataclass(frozen=True, slots=True)
class Symbol(Expression):
    """A name.

    Attributes
    ----------
    name
        Letters, such as "W", "δ" or "rate".
    layer
        What stands above and behind it in brackets, such as the number of a layer; may be empty.
    ndim
        Number of axes of what it stands for.
    """

    name: str
    layer: str = ""
    ndim: int = 0


@dataclass(frozen=True, slots=True)
class Partial(Expression):
    """The partial derivative of one name by another, as a name."""

    of: Expression
    by: Expression


@dataclass(frozen=True, slots=True)
class Entry(Expression):
    """One entry of an array, or a part of it.

    Attributes
    ----------
    of
        The array.
    index
        Which entry, axis by axis.
    ndim
        Number of axes that are left.
    """

    of: Expression
    index: tuple[str, ...]
    ndim: int = 0


@dataclass(frozen=True, slots=True)
class Sum(Expression):
    """Terms added up; negative ones are printed with a minus."""

    terms: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Product(Expression):
    """Factors multiplied entry by entry, divided by those `under` the line."""

    factors: tuple[Expression, ...]
    under: tuple[Expression, ...] = ()


@dataclass(frozen=True, slots=True)
class MatrixProduct(Expression):
    """A product of matrices."""

    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Transpose(Expression):
    """A matrix with rows and columns swapped."""

    of: Expression


@dataclass(frozen=True, slots=True)
class Power(Expression):
    """A base raised, entry by entry, to an exponent."""

    base: Expression
    exponent: Expression


@dataclass(frozen=True, slots=True)
class Call(Expression):
    """A function of one or more arguments."""

    name: str
    arguments: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Fold(Expression):
    """A sum, maximum or the like over axes of an array.

    Attributes
    ----------
    sign
        "Σ", "max" or "min".
    axes
        Letters of the axes; empty where it runs over all of them.
    of
        What is added up.
    ndim
        Number of axes that are left.
    """

    sign: str
    axes: str
    of: Expression
    ndim: int


@dataclass(frozen=True, slots=True)
class Relation(Expression):
    """Two sides and the sign between them; as a factor it counts 1 where it holds, else 0."""

    sign: str
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Choice(Expression):
    """One value where a test holds, else another."""

    test: Expression
    then: Expression
    otherwise: Expression


@dataclass(frozen=True, slots=True)
class Fence(Expression):
    """Something between two signs, such as bars or brackets."""

    left: str
    of: Expression
    right: str


@cache
def _names(kind: type[Expression]) -> tuple[str, ...]:
    """Names of the parts of a kind of formula; they are asked for often."""
    return tuple(field.name for field in fields(kind))  # type: ignore[arg-type]


def children(expression: Expression) -> Iterator[Expression]:
    """Go through the parts one level below."""
    for name in _names(type(expression)):
        value = getattr(expression, name)
        if isinstance(value, Expression):
            yield value
        elif isinstance(value, tuple):
            yield from (part for part in value if isinstance(part, Expression))


def walk(expression: Expression) -> Iterator[Expression]:
    """Go through a formula and all its parts, outer ones first."""
    stack = [expression]
    while stack:
        part = stack.pop()
        yield part
        stack.extend(reversed(list(children(part))))


def size(expression: Expression) -> int:
    """Count the names, numbers and functions of a formula: a measure of how long it reads.

    >>> size(Product((Number(2), Call("tanh", (Symbol("x"),)))))
    3
    """
    match expression:
        case Number(value=value):
            return int(value != -1)
        case Symbol() | Entry() | Partial():
            return 1
        case _:
            below = sum(map(size, children(expression)))
            return below + isinstance(expression, (Call, Fold, Choice))


def replaced(
    expression: Expression, change: Callable[[Expression], Expression | None]
) -> Expression:
    """Copy a formula with other parts wherever `change` gives one.

    >>> values = {Symbol("x"): Number(2)}
    >>> replaced(Power(Symbol("x"), Symbol("x")), values.get)
    Power(base=Number(value=2, digits=6), exponent=Number(value=2, digits=6))
    """
    found = change(expression)
    if found is not None:
        return found
    values = []
    for name in _names(type(expression)):
        value = getattr(expression, name)
        if isinstance(value, Expression):
            value = replaced(value, change)
        elif isinstance(value, tuple) and value and isinstance(value[0], Expression):
            value = tuple(replaced(part, change) for part in value)
        values.append(value)
    return type(expression)(*values)


def ndim(expression: Expression) -> int:
    """Number of axes of what a formula stands for; 0 means a number."""
    match expression:
        case Symbol(ndim=n) | Fold(ndim=n):
            return n
        case Entry(ndim=n):
            return n
        case Number():
            return 0
        case Partial(by=by):
            return ndim(by)
        case MatrixProduct():
            return 2
        case _:
            return max((ndim(part) for part in children(expression)), default=0)
