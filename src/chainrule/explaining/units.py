"""One entry of a value: its formula, with the numbers of this very step put in.

Every op is read at one place of its result: a matrix product becomes a sum of products, a
transposed matrix is read at the swapped place, and so on, down to values that have names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chainrule.backprop.formula import (
    Call,
    Expression,
    Number,
    Product,
    Softmax,
    Sum,
    Symbol,
    find_softmax,
    latex,
    mathml,
    replaced,
    text,
)
from chainrule.backprop.formula.algebra import add, multiply, subtract
from chainrule.backprop.formula.notation import elementwise, guarded, is_guard
from chainrule.ir import Node
from chainrule.ops.shape import Pieces, View

Index = tuple[int, ...]
Label = Callable[[Expression, Index, Sequence[int]], Expression]

ELLIPSIS = Symbol("⋯")
MOST_TERMS = 6


@dataclass(frozen=True)
class UnitEquation:
    """How one entry of a value came about.

    Attributes
    ----------
    symbol
        Name of the entry.
    formula
        What it is made of.
    numbers
        The same with numbers put in.
    value
        What comes out.
    digits
        Significant digits of the numbers.
    """

    symbol: Expression
    formula: Expression
    numbers: Expression
    value: float
    digits: int

    @property
    def chain(self) -> tuple[Expression, ...]:
        """What stands between the equals signs."""
        return (self.symbol, self.formula, self.numbers, Number(self.value, self.digits))

    def text(self) -> str:
        """Print the equation as text."""
        return " = ".join(dict.fromkeys(map(text, self.chain)))

    def __str__(self) -> str:
        return self.text()

    def to_dict(self) -> dict[str, Any]:
        """Give the equation as plain data, in all three languages."""
        return {
            "value": self.value,
            "text": self.text(),
            "latex": " = ".join(dict.fromkeys(map(latex, self.chain))),
            "mathml": self.mathml(),
        }

    def mathml(self) -> str:
        """Print the equation in MathML."""
        inner = [mathml(part)[len("<math>") : -len("</math>")] for part in self.chain]
        return f"<math><mrow>{'<mo>=</mo>'.join(dict.fromkeys(inner))}</mrow></math>"


class Entries:
    """Writes single entries of values.

    Parameters
    ----------
    names
        Names of values: where a formula stops.
    values
        The number in every entry of every value.
    label
        Names an entry of a named value of some shape.
    first
        Values that lead in products, as weights do: w·x.
    """

    def __init__(
        self,
        names: Mapping[Node, Expression],
        values: Mapping[Node, Any],
        label: Label,
        first: Sequence[Node] = (),
    ) -> None:
        self._names = names
        self._values = values
        self._label = label
        self._first = frozenset(first)

    def equation(
        self, symbol: Expression, node: Node, index: Index, digits: int = 6
    ) -> UnitEquation:
        """Write one entry of a named value."""
        numbers: dict[Expression, Expression] = {}
        named = self._names.get(node)
        if named is not None and named != symbol:
            formula = self._of(node, index, numbers)
        else:
            formula = self._formula(node, index, numbers)
        shown = {x: Number(n.value, digits) for x, n in numbers.items() if isinstance(n, Number)}
        put_in = replaced(formula, shown.get)
        array = self._values[node]
        entry = self._label(symbol, index, array.shape)
        return UnitEquation(entry, formula, put_in, float(array[index]), digits)

    def _number(self, node: Node, index: Index) -> Number:
        return Number(float(self._values[node][index]))

    def _of(self, node: Node, index: Index, numbers: dict[Expression, Expression]) -> Expression:
        """An entry where it is read: its name, or its formula."""
        name = self._names.get(node)
        if name is None:
            return self._formula(node, index, numbers)
        entry = self._label(name, index, self._values[node].shape)
        numbers[entry] = self._number(node, index)
        return entry

    def _formula(
        self, node: Node, index: Index, numbers: dict[Expression, Expression]
    ) -> Expression:
        """What an entry is made of."""

        def of(x: Node, place: Index = index) -> Expression:
            return self._of(x, place, numbers)

        softmax = find_softmax(node)
        if softmax is not None:
            return self._softmax(softmax, index, of)
        name, options, inputs = node.card.name, node.options, node.inputs
        if is_guard(node):
            return of(guarded(node))
        if name == "select":
            return of(inputs[1] if self._values[inputs[0]][index] else inputs[2])
        if node.card.kind == "elementwise" and node.type.dtype != "bool":
            if name == "cast" and inputs[0].type.dtype == "bool":
                return self._number(node, index)
            return elementwise(name, *map(of, inputs))
        if name == "matmul":
            return self._matrix_product(inputs[0], inputs[1], index, of)
        if node.card.kind == "shape":
            return self._moved(node, index, of)
        if name in ("sum", "max", "min", "cumulative_sum", "cumulative_max"):
            return self._folded(node, index, of)
        if name == "take":
            axis, positions = options["axis"], self._values[inputs[1]]
            behind = axis + positions.ndim
            position = int(positions[index[axis:behind]])
            return of(inputs[0], (*index[:axis], position, *index[behind:]))
        return self._number(node, index)

    def _softmax(self, found: Softmax, index: Index, of: Any) -> Expression:
        """A softmax at one place: without the shift, which changes nothing but overflow."""
        rest = tuple(n for a, n in enumerate(index) if a not in found.axes)
        places = _places(rest, found.axes, self._values[found.of].shape)
        total = _sum(len(places), lambda k: Call("exp", (of(found.of, places[k]),)))
        own = of(found.of, index)
        if found.logarithm:
            return subtract(own, Call("log", (total,)))
        share = Product((Call("exp", (own,)),), (total,))
        if found.scale is None:
            return share
        # The factor has one entry for each sum: its axes are of length one, or not there.
        flat = self._values[found.scale].ndim == len(rest)
        kept = tuple(0 if a in found.axes else n for a, n in enumerate(index))
        return multiply(_as_expression(of(found.scale, rest if flat else kept)), share)

    def _matrix_product(self, a: Node, b: Node, index: Index, of: Any) -> Expression:
        *stack, row, column = index
        swap = _origin(b) in self._first and _origin(a) not in self._first

        def term(k: int) -> Expression:
            x, y = of(a, (*stack, row, k)), of(b, (*stack, k, column))
            return multiply(y, x) if swap else multiply(x, y)

        return _sum(self._values[a].shape[-1], term)

    def _folded(self, node: Node, index: Index, of: Any) -> Expression:
        x = node.inputs[0]
        shape = self._values[x].shape
        if node.card.kind == "cumulate":
            axis, reverse = node.options["axis"], node.options["reverse"]
            span = range(index[axis], shape[axis]) if reverse else range(index[axis] + 1)
            places = [(*index[:axis], k, *index[axis + 1 :]) for k in span]
        else:
            places = _places(index, node.options["axes"], shape)
        if node.card.name in ("sum", "cumulative_sum"):
            return _sum(len(places), lambda k: _as_expression(of(x, places[k])))
        terms = [of(x, places[k]) for k in _shown(len(places))]
        if len(places) > len(terms):
            terms.insert(-1, ELLIPSIS)
        return (
            terms[0]
            if len(places) == 1
            else Call(node.card.name.removeprefix("cumulative_"), tuple(terms))
        )

    def _moved(self, node: Node, index: Index, of: Any) -> Expression:
        """An entry that is an entry of an input."""
        shapes = [self._values[x].shape for x in node.inputs]
        rule = node.card.native
        if isinstance(rule, View):
            shape = self._values[node].shape
            place = rule.source(_Places(), index, shapes[0], shape, **node.options)
            return _as_expression(of(node.inputs[0], tuple(map(int, place))))
        if isinstance(rule, Pieces):
            for piece in rule.source(_Places(), index, shapes, **node.options):
                if piece.test is None or piece.test:
                    if piece.operand is None:
                        return Number(0)
                    place = tuple(map(int, piece.index))
                    return _as_expression(of(node.inputs[piece.operand], place))
        return self._number(node, index)


def _as_expression(x: Any) -> Expression:
    return x if isinstance(x, Expression) else Number(float(x))


def _origin(node: Node) -> Node:
    while node.card.name in ("cast", "transpose", "reshape"):
        node = node.inputs[0]
    return node


def _shown(count: int) -> list[int]:
    """Which of many terms are written: the first ones and the last."""
    if count <= MOST_TERMS:
        return list(range(count))
    return [*range(MOST_TERMS - 2), count - 1]


def _sum(count: int, term: Callable[[int], Expression]) -> Expression:
    """A sum of which the first terms and the last are written, those left out that are zero."""
    written: list[Expression] = []
    plain = True
    for k in range(count):
        each = term(k)
        plain = plain and isinstance(each, Number)
        if each != Number(0):
            written.append(each)
        if len(written) > MOST_TERMS and not plain:
            break
    if len(written) <= MOST_TERMS or plain:  # of constants there is nothing to show
        return add(*written) if written else Number(0)
    last = next(each for k in reversed(range(count)) if (each := term(k)) != Number(0))
    return Sum((*written[: MOST_TERMS - 2], ELLIPSIS, last))


def _places(index: Index, axes: Sequence[int], shape: Sequence[int]) -> list[Index]:
    """Places of the entries that a reduction over `axes` joins into the entry at `index`."""
    places: list[Index] = [()]
    kept = iter(index)
    for axis, length in enumerate(shape):
        span = range(length) if axis in axes else (next(kept),)
        places = [(*place, k) for place in places for k in span]
    return places


class _Places:
    """Arithmetic on places, for the rules of cards that say where entries come from."""

    def add(self, a: int, b: int) -> int:
        return a + b

    def subtract(self, a: int, b: int) -> int:
        return a - b

    def multiply(self, a: int, b: int) -> int:
        return a * b

    def divide(self, a: int, b: int) -> int:
        return int(a / b)

    def remainder(self, a: int, b: int) -> int:
        return a - b * int(a / b)

    def compare(self, sign: str, a: int, b: int) -> bool:
        return {"<": a < b, ">=": a >= b, "==": a == b}[sign]

    def both(self, a: bool, b: bool) -> bool:
        return a and b

    def flatten(self, index: Sequence[int], shape: Sequence[int]) -> int:
        flat = 0
        for n, size in zip(index, shape, strict=True):
            flat = flat * size + n
        return flat

    def unflatten(self, flat: int, shape: Sequence[int]) -> list[int]:
        index: list[int] = []
        for size in reversed(shape):
            index.append(flat % size)
            flat //= size
        return index[::-1]
