"""From the gradient rules that run to equations.

The rules are called on traced arrays, exactly as for training; what they wrote down is then read
as formulas.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from chainrule.backprop.derivation import Derivation, Line
from chainrule.backprop.formula import Expression, Notation, Partial, Symbol, size, walk
from chainrule.backprop.layers import source_of
from chainrule.backprop.naming import Names, name_values
from chainrule.backprop.reverse import pull_back
from chainrule.backprop.unrolling import unroll
from chainrule.errors import GradientError
from chainrule.ir import Builder, Graph, Node, is_float, topological
from chainrule.tracing import Array, begin, functions

SHORT = 2  # what is this short stands where it is read, however often
LONG = 12  # what is longer gets a name of its own


@dataclass(frozen=True, eq=False)
class Sweep:
    """A program after a reverse sweep.

    Attributes
    ----------
    builder
        Holds the nodes of the program and of its gradients; more can be added.
    gradients
        The gradient of the output by every value on the way to it.
    """

    builder: Builder
    gradients: Mapping[Node, Node]


def sweep(graph: Graph, wrt: Sequence[int]) -> Sweep:
    """Run the gradient rules, and keep the gradient by every value between input and output.

    Parameters
    ----------
    graph
        A program whose first output is one float.
    wrt
        Positions of the inputs to differentiate by.
    """
    target = graph.outputs[0]
    if target.type.shape != () or not is_float(target.type.dtype):
        raise GradientError(
            f"a derivation needs a function that returns one float, this one gives {target.type}"
        )
    builder = Builder()
    builder.adopt(graph)
    recorder = begin(builder)
    moving = {graph.inputs[i] for i in wrt}
    for node in topological([target]):
        if any(x in moving for x in node.inputs) and is_float(node.type.dtype):
            moving.add(node)
    places = [Array(node, recorder) for node in moving]
    y = Array(target, recorder)
    found = pull_back([y], [functions.ones_like(y)], places)
    gradients = {
        place.node: g.node for place, g in zip(places, found, strict=True) if g is not None
    }
    for i in wrt:
        if graph.inputs[i] not in gradients:
            zero = functions.zeros_like(Array(graph.inputs[i], recorder))
            gradients[graph.inputs[i]] = zero.node
    recorder.open = False
    return Sweep(builder, gradients)


def derive(
    graph: Graph, wrt: Sequence[int], output: int = 0, names: Names | None = None
) -> Derivation:
    """Derive the gradient of a program, as equations.

    Parameters
    ----------
    graph
        A program whose output at position `output` is one float.
    wrt
        Positions of the inputs to differentiate by.
    names
        Names of the values; made by `name_values` if None.

    >>> from chainrule.tracing import capture
    >>> graph = capture(lambda w, x: (w * x) ** 2, (2.0, 3.0)).graph
    >>> print(derive(graph, [0]))
    given     x (number), w (number)
    loss      L = w²·x²        number
    backward  ∂L/∂w = 2·w·x²   number
    """
    # What else the program computes, such as gradients already, would lend its names.
    graph = Graph(graph.inputs, (graph.outputs[output],), graph.notes)
    if names is None:
        unrolled = unroll(graph)
        graph, names = unrolled.graph, name_values(unrolled.graph, wrt, unrolled.roles)
    lines, guards = equations(graph, names, sweep(graph, wrt).gradients, wrt)
    inputs = sorted(range(len(graph.inputs)), key=lambda i: i in wrt)  # stable: data first
    read = [graph.inputs[i] for i in inputs if graph.users[graph.inputs[i]] or i in wrt]
    return Derivation(tuple((names.of[x], x.type) for x in read), lines, guards)


@dataclass(frozen=True, eq=False)
class Wanted:
    """A value to be written as an equation.

    Attributes
    ----------
    part, symbol, node
        As in `Line`.
    """

    part: str
    symbol: Expression
    node: Node


def equations(
    graph: Graph,
    names: Names,
    gradients: Mapping[Node, Node],
    wrt: Sequence[int],
    update: Sequence[Wanted] = (),
) -> tuple[tuple[Line, ...], bool]:
    """Write a forward and a backward pass as equations.

    Parameters
    ----------
    graph, wrt
        The program, whose first output is the loss, and the inputs it is differentiated by.
    names
        Names of its values.
    gradients
        The gradient by every value, as `sweep` gives it.
    update
        What to write behind the backward pass: what an optimiser makes of the gradients.

    Returns
    -------
    The lines, and whether guards against zero and infinity were left out.
    """
    target = graph.outputs[0]
    forward = topological([target])
    parameters = [graph.inputs[i] for i in wrt]
    backward = set(topological(gradients.values())) - set(forward)
    named = {item.node for item in update}
    known = backward | named | set(forward)
    later = [x for x in topological(item.node for item in update) if x not in known]

    def wanted(named: Mapping[Node, Expression]) -> list[Wanted]:
        found = [
            Wanted("loss" if x is target else "forward", named[x], x)
            for x in forward
            if x in named and x.inputs
        ]
        for x in dict.fromkeys([*_backward_order(forward, names), *parameters]):
            g = gradients.get(x)
            if g is None or x is target or x not in named or not (x.inputs or x in parameters):
                continue
            if x.inputs and not g.inputs:
                continue  # a gradient that is a plain number stands where it is read
            found.append(Wanted("backward", gradient_name(named[x], x, names, named[target]), g))
        found += [Wanted("update", named[x], x) for x in later if x in named and x.inputs]
        return [*found, *update]

    return _write_down([*forward, *later], names.of, wanted)


def gradient_name(of: Expression, node: Node, names: Names, target: Expression) -> Expression:
    """Name the gradient by a value: δ for a weighted sum, else ∂L/∂ and its name."""
    if node in names.sums:
        return names.sums[node]
    return Partial(target, of)


def _backward_order(forward: Sequence[Node], names: Names) -> Iterable[Node]:
    """Values from the last to the first, and behind each the inputs of the program it reads."""
    done: set[Node] = set()
    for node in reversed(forward):
        leaves = [x for x in map(source_of, node.inputs) if not x.inputs]
        if node in names.sums:  # the weight before the bias
            leaves = [source_of(y) for x in node.inputs for y in x.inputs[1:]] + leaves
        for each in (node, *leaves):
            if each not in done and (each in leaves or each.inputs):
                done.add(each)
                yield each


def _write_down(
    nodes: Sequence[Node],
    names: Mapping[Node, Expression],
    wanted: Callable[[Mapping[Node, Expression]], Sequence[Wanted]],
) -> tuple[tuple[Line, ...], bool]:
    """Write values as equations, and name those of `nodes` that are read often or are long."""
    # What gets a line of its own is not written out where it is read: of a long chain of values,
    # such as the steps of a loop, the formula would be longer with each of them.
    lines_of = {x.node: Symbol("u", ndim=x.node.type.ndim) for x in wanted(names)}
    candidates = _candidates(nodes, {**lines_of, **names})
    while True:
        own = {x: Symbol(f"u{i}", ndim=x.type.ndim) for i, x in enumerate(candidates, 1)}
        named = {**names, **own}
        lines, guards = _lines(wanted(named), named, frozenset(own.values()))
        read = Counter(
            part for line in lines for part in walk(line.formula) if isinstance(part, Symbol)
        )
        lengths = {line.node: size(line.formula) for line in lines}
        kept = [
            node
            for node, symbol in own.items()
            if read[symbol] > 1 or (read[symbol] == 1 and lengths[node] > LONG)
        ]
        if len(kept) == len(candidates):
            return lines, guards
        candidates = kept


def _candidates(nodes: Sequence[Node], names: Mapping[Node, Expression]) -> list[Node]:
    """Values without a name that are read more than once, or whose formula is long."""
    users = Counter(x for node in nodes for x in node.inputs)
    known = dict(names)
    notation = Notation(known)
    found = []
    for node in nodes:
        if node in known or not node.inputs:
            continue
        length = size(notation.formula(node))
        if (users[node] > 1 and length > SHORT) or length > LONG:
            found.append(node)
            known[node] = Symbol("u", ndim=node.type.ndim)
    return found


def _lines(
    wanted: Sequence[Wanted], names: Mapping[Node, Expression], own: Collection[Expression]
) -> tuple[tuple[Line, ...], bool]:
    """One equation for each wanted value that people or other equations read.

    Of several names of one value, the first is explained and the others refer to it: δ comes
    before ∂L/∂a, and that before the gradient by a value whose name we made up (`own`).
    """

    def rank(symbol: Expression) -> int:
        return (symbol.by in own) + 1 if isinstance(symbol, Partial) else 0

    primary: dict[Node, Expression] = dict(names)
    short = Notation(primary)
    for item in sorted(wanted, key=lambda item: rank(item.symbol)):
        if not item.node.inputs:
            continue
        if rank(item.symbol) < 2 or size(short.formula(item.node)) > SHORT:
            primary.setdefault(item.node, item.symbol)
    notation = Notation(primary)
    for node in topological(item.node for item in wanted):
        notation.formula(node)
    lines = []
    for item in wanted:
        explained = primary.get(item.node) == item.symbol
        formula = notation.formula(item.node) if explained else notation.of(item.node)
        if explained or rank(item.symbol) < 2:
            lines.append(Line(item.part, item.symbol, formula, item.node.type, item.node))
    read = {part for line in lines for part in walk(line.formula)}
    kept = [x for x in lines if rank(x.symbol) < 2 or x.symbol in read]
    return tuple(_in_order(kept)), notation.guards


def _in_order(lines: Sequence[Line]) -> list[Line]:
    """Put lines behind those that explain what they read, and otherwise leave them in order."""
    explains = {line.symbol: line for line in lines}
    done: dict[Line, None] = {}

    def put(line: Line) -> None:
        for part in walk(line.formula):
            before = explains.get(part)
            if before is not None and before is not line and before not in done:
                put(before)
        done[line] = None

    for line in lines:
        if line not in done:
            put(line)
    return list(done)
