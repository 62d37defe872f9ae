"""How each op reads in a formula.

An op that is not listed reads as a function with its own name, so that a new card needs nothing
here. Casts, repetition along an axis and other moves of entries are not written at all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from chainrule.backprop.formula.algebra import (
    add,
    choose,
    divide,
    exponential,
    fold,
    is_number,
    multiply,
    negate,
    power,
    subtract,
    transpose,
)
from chainrule.backprop.formula.expression import (
    Call,
    Entry,
    Expression,
    Fence,
    MatrixProduct,
    Number,
    Product,
    Relation,
    Symbol,
    Transpose,
)
from chainrule.backprop.formula.patterns import Softmax, find_softmax
from chainrule.ir import Dim, Node, Shape

Rule = Callable[..., Expression]

AXES = "ijklmn"


def _relation(sign: str) -> Rule:
    return lambda a, b: Relation(sign, a, b)


def _not(x: Expression) -> Expression:
    return Call("not", (x,))


ELEMENTWISE: Mapping[str, Rule] = MappingProxyType(
    {
        "add": add,
        "subtract": subtract,
        "multiply": multiply,
        "divide": divide,
        "negative": negate,
        "power": power,
        "abs": lambda x: Fence("|", x, "|"),
        "expm1": lambda x: subtract(exponential(x), Number(1)),
        "log1p": lambda x: Call("log", (add(Number(1), x),)),
        "floor": lambda x: Fence("⌊", x, "⌋"),
        "ceil": lambda x: Fence("⌈", x, "⌉"),
        "stop_gradient": lambda x: x,
        "cast": lambda x: x,
        "equal": _relation("="),
        "not_equal": _relation("≠"),
        "less": _relation("<"),
        "less_equal": _relation("≤"),
        "greater": _relation(">"),
        "greater_equal": _relation("≥"),
        "logical_and": _relation("∧"),
        "logical_or": _relation("\N{LOGICAL OR}"),
        "logical_not": _not,
        "select": choose,
    }
)
_CALLED = {"window": "patches", "overlap_add": "overlap", "pad": "pad"}
_FOLDS = {"sum": "Σ", "max": "max", "min": "min"}


def elementwise(name: str, *arguments: Expression) -> Expression:
    """Write an elementwise op of formulas.

    >>> from chainrule.backprop.formula import text
    >>> text(elementwise("tanh", Symbol("x")))
    'tanh(x)'
    """
    rule = ELEMENTWISE.get(name)
    return rule(*arguments) if rule else Call(name, arguments)


def is_guard(node: Node) -> bool:
    """Tell whether an op only keeps 0 and infinity out: it chooses a constant at one value."""
    if node.card.name != "select":
        return False
    test, *values = node.inputs
    named = test.card.name == "isfinite" or (
        test.card.name == "equal" and any(_is_constant(x) for x in test.inputs)
    )
    return named and sum(map(_is_constant, values)) == 1


def guarded(node: Node) -> Node:
    """Give the value that a guard passes on."""
    _, then, otherwise = node.inputs
    return otherwise if _is_constant(then) else then


def size_name(size: Any) -> Expression:
    """Write a size: the symbolic size of a batch is n.

    >>> from chainrule.backprop.formula import text
    >>> text(size_name(2 * Dim("batch")))
    '2·n'
    """
    if not isinstance(size, Dim):
        return Number(size)
    symbol = Symbol("n" if size.symbol == "batch" else size.symbol)
    return add(multiply(Number(size.scale), symbol), Number(size.offset))


def _is_constant(node: Node) -> bool:
    return node.card.name == "full"


class Notation:
    """Writes nodes as formulas of those that have names.

    Parameters
    ----------
    names
        How nodes that have a name are written where they are read.

    Attributes
    ----------
    guards
        Whether a guard against 0 or infinity was left out.
    """

    def __init__(self, names: Mapping[Node, Expression]) -> None:
        self.names = names
        self.guards = False
        self._known: dict[Node, Expression] = {}

    def of(self, node: Node) -> Expression:
        """Write a node where it is read: its name, or its formula."""
        return self.names.get(node) or self.formula(node)

    def formula(self, node: Node) -> Expression:
        """Write what a node computes; nodes must come in order, each after its inputs."""
        if node not in self._known:
            self._known[node] = self._write(node)
        return self._known[node]

    def _write(self, node: Node) -> Expression:
        if is_guard(node):
            value = self.of(guarded(node))
            self.guards = self.guards or not isinstance(value, Number)
            return value
        name, options = node.card.name, node.options
        softmax = find_softmax(node)
        if softmax is not None:
            return self._softmax(softmax)
        inputs = [self.of(x) for x in node.inputs]
        if node.card.kind == "elementwise":
            return elementwise(name, *inputs)
        if name == "full":
            return Number(options["value"])
        if name == "size":
            return size_name(options["size"])
        if name == "iota":
            return Symbol(AXES[options["axis"]], ndim=node.type.ndim)
        if name in _FOLDS:
            axes = options["axes"]
            x = node.inputs[0]
            if all(x.type.shape[a] == 1 for a in axes):
                return inputs[0]
            if x.card.name == "broadcast" and set(axes) <= set(x.options["axes"]):
                return self._repeated(x, axes, inputs[0], name)
            letters = "" if not node.type.shape else "".join(AXES[a] for a in axes)
            return fold(_FOLDS[name], letters, inputs[0], node.type.ndim)
        if name == "matmul":
            return _matrix_product(*inputs)
        if name == "transpose":
            return _transposed(inputs[0], options["axes"], node.inputs[0].type.shape)
        if name in ("broadcast", "custom_vjp"):
            return inputs[0]
        if name == "reshape":
            flat = _is_flat(node.inputs[0].type.shape, node.type.shape)
            return Call("flat", (inputs[0],)) if flat else inputs[0]
        if name == "slice":
            return _part(inputs[0], node)
        if name == "concatenate":
            return Call("stack", tuple(_few(inputs)))
        if name in _CALLED:
            return Call(_CALLED[name], (inputs[0],))
        if name in ("constant", "input"):
            return Symbol("constant" if name == "constant" else "input", ndim=node.type.ndim)
        return Call(name, tuple(inputs))

    def _softmax(self, found: Softmax) -> Expression:
        """A softmax that the program spells out."""
        written = Call("softmax", (self.of(found.of),))
        if found.logarithm:
            return Call("log", (written,))
        return written if found.scale is None else multiply(self.of(found.scale), written)

    def _repeated(self, x: Node, axes: Sequence[int], value: Expression, name: str) -> Expression:
        """A sum of equal entries is their number times one of them."""
        if name != "sum":
            return value
        return multiply(*(size_name(x.type.shape[a]) for a in axes), value)


def _matrix_product(left: Expression, right: Expression) -> Expression:
    for a, b in ((left, right), (right, left)):
        if is_number(a, 0):
            return Number(0)
        if isinstance(a, Product) and isinstance(a.factors[0], Number):
            rest = divide(a, a.factors[0])
            inner = MatrixProduct(rest, b) if a is left else MatrixProduct(b, rest)
            return multiply(a.factors[0], inner)
    return MatrixProduct(left, right)


def _transposed(x: Expression, axes: Sequence[int], shape: Shape) -> Expression:
    if [a for a in axes if shape[a] != 1] == [a for a in range(len(shape)) if shape[a] != 1]:
        # Only axes of length one move, but a row that becomes a column still reads as transposed.
        return transpose(x) if len(shape) == 2 else x
    last = (*range(len(axes) - 2), len(axes) - 1, len(axes) - 2)
    return transpose(x) if tuple(axes) == last else x  # other moves are not written


def _part(x: Expression, node: Node) -> Expression:
    """A part of an array: one place, or the first and last of several, counted from 1."""
    said = []
    before = node.inputs[0].type.shape
    places = (node.options[name] for name in ("start", "stop", "step"))
    for start, stop, step, size in zip(*places, before, strict=True):
        whole = start == 0 and stop == size and step == 1
        one = isinstance(stop, int) and stop - start == step == 1
        said.append(":" if whole else str(start + 1) if one else f"{start + 1}…{stop}")
    while said and said[-1] == ":":
        said.pop()
    if isinstance(x, Transpose) and len(said) == 1:  # a row of it is a column of what was swapped
        return Entry(x.of, (":", *said), node.type.ndim)
    return Entry(x, tuple(said), node.type.ndim) if said else x


def _few(parts: Sequence[Expression]) -> list[Expression]:
    return [*parts] if len(parts) <= 4 else [*parts[:2], Symbol("⋯"), parts[-1]]


def _is_flat(before: Shape, after: Shape) -> bool:
    """Whether all axes but the first become one."""
    wide = [n for n in before[1:] if n != 1]
    return len(after) == 2 and after[0] == before[0] and len(wide) > 1
