"""Where NaN or infinity came from: the first value that is not finite although its inputs are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chainrule.execute.numpy import run
from chainrule.ir import (
    Body,
    Graph,
    Node,
    SourceLine,
    bind,
    is_loop,
    position,
    symbols,
    topological,
)
from chainrule.tracing import measure


@dataclass(frozen=True)
class Operand:
    """What an op read when it gave a value that is not finite.

    Attributes
    ----------
    name
        Its name, or the op that made it.
    shape
        Its shape.
    value
        Its entry at the place of the result; None where places do not correspond.
    low, high
        Its smallest and largest entry.
    """

    name: str
    shape: tuple[int, ...]
    value: float | None
    low: float
    high: float

    def __str__(self) -> str:
        here = "" if self.value is None else f" = {self.value:g} there,"
        return f"{self.name}{here} from {self.low:g} to {self.high:g}"


@dataclass(frozen=True)
class NonFinite:
    """The first value of a program that is not finite, and spoils a result; print it.

    Attributes
    ----------
    op
        Name of the op that gave it; "input" for an argument.
    name
        Name of the value, or of the nearest named value that is made of it; may be empty.
    value
        The entry: NaN, infinity or minus infinity.
    index
        Its place, counted from 0.
    count, shape
        How many entries are not finite, and the shape of the whole.
    operands
        What the op read.
    source
        The user's line that led to the op, if it is known.
    node
        The value in the program.
    steps
        In which step of a loop it came up, counted from 0 along the stacks, of nested loops the
        outermost first; empty outside of loops.
    """

    op: str
    name: str
    value: float
    index: tuple[int, ...]
    count: int
    shape: tuple[int, ...]
    operands: tuple[Operand, ...]
    source: SourceLine | None
    node: Node
    steps: tuple[int, ...] = ()

    @property
    def row(self) -> int | None:
        """Place along the first axis, counted from 0; None for a number."""
        return self.index[0] if self.index else None

    @property
    def column(self) -> int | None:
        """Place along the second axis, counted from 0; None where there is none."""
        return self.index[1] if len(self.index) > 1 else None

    def __str__(self) -> str:
        number = "NaN" if np.isnan(self.value) else "infinity" if self.value > 0 else "−infinity"
        what = f"the argument {self.name} holds" if self.op == "input" else f"{self.op} gave"
        near = f" on the way to “{self.name}”" if self.name and self.op != "input" else ""
        words = ("row", "column") if len(self.index) < 3 else ("place",) * len(self.index)
        at = ", ".join(f"{word} {i}" for word, i in zip(words, self.index, strict=False))
        total = int(np.prod(self.shape, dtype=int))
        place = f" in {at} ({self.count} of {total} entries)" if self.index else ""
        steps = [f"step {t} of a loop" for t in reversed(self.steps)]
        place += f" in {' in '.join(steps)}" if steps else ""
        read = f"; it read {'; '.join(map(str, self.operands))}" if self.operands else ""
        line = f"; written in {self.source}" if self.source else ""
        return f"{what} {number}{near}{place}{read}{line}"


def first_nonfinite(
    graph: Graph, values: Sequence[Any], forward: Graph | None = None, wrt: Sequence[int] = ()
) -> NonFinite | None:
    """Run a program by NumPy and find the first value that is not finite and spoils an output.

    A value that a `where` discards does no harm, and infinite constants are meant: neither is
    reported. Where the value comes out of a loop, the loop is walked through once more, and the
    first such value of a step is reported. None if all outputs are finite.

    Parameters
    ----------
    values
        One array for each input of the graph.
    forward, wrt
        The program before it was differentiated, if it was, and the positions of the inputs: a
        value of the backward pass is then traced back to the line whose gradient it belongs to.
    """
    known: dict[Node, Any] = {}
    broken: set[Node] = set()

    def watch(node: Node, value: Any) -> None:
        known[node] = value
        if value.dtype.kind == "f" and not np.isfinite(value).all():
            broken.add(node)

    run(graph, values, watch)
    harmful: set[Node] = set()
    stack = [node for node in graph.outputs if node in broken]
    while stack:
        node = stack.pop()
        if node not in harmful:
            harmful.add(node)
            stack += [x for x in node.inputs if x in broken]
    for node in graph.nodes:
        spoilt = [x for x in node.inputs if x in broken and not (is_loop(node) and _is_meant(x))]
        if node in harmful and not _is_meant(node) and not spoilt:
            found = _inside(graph, node, known) if is_loop(node) else None
            if found is not None and found.source is not None:
                return found
            found = found or _describe(graph, node, known)
            if forward is None or node in forward.nodes:
                return found
            name, source = _gradient_of(graph, node, forward, wrt)
            return replace(found, name=name, source=source)
    return None


def _is_meant(node: Node) -> bool:
    """Whether a value is a constant, which is infinite only on purpose."""
    return not node.inputs and node.card.name != "input"


def _inside(graph: Graph, node: Node, known: dict[Node, Any]) -> NonFinite | None:
    """Walk through the steps of a loop to the first value that spoils the one it gave."""
    options, arrays = node.options, [known[x] for x in node.inputs]
    sizes = measure(graph, [known[x] for x in graph.inputs])
    length = int(bind(options["length"], sizes))
    # Sizes that the step's inputs tell stay open, so that rows can be told from other axes.
    told = {s for x in options["body"].graph.inputs for s in symbols(x.type.shape)}
    body = options["body"].bind({s: n for s, n in sizes.items() if s not in told})
    wanted = body.values[options["index"]] if options["stacked"] else None
    wanted = wanted or body.graph.outputs[options["index"]]
    step = Graph(body.graph.inputs, _leading_to(wanted, body), body.graph.notes)
    constants, carries, slices = body.divide(arrays)
    for number in range(length):
        t = position(length, number, reverse=options["reverse"])
        values = [*constants, *carries, *(x[t] for x in slices)]
        found = first_nonfinite(step, values)
        if found is not None and found.op != "input":
            return replace(found, steps=(t, *found.steps))
        carries = run(body.graph, values)
    return None


def _leading_to(wanted: Node, body: Body) -> tuple[Node, ...]:
    """A value of a loop's step, and the new carries that it depends on in later steps."""
    ends = dict(zip(body.divide(body.graph.inputs)[1], body.graph.outputs, strict=True))
    found = {wanted: None}
    while True:
        read = topological(found)
        more = [ends[x] for x in read if x in ends and ends[x] not in found]
        if not more:
            return tuple(found)
        found |= dict.fromkeys(more)


def _describe(graph: Graph, node: Node, known: dict[Node, Any]) -> NonFinite:
    value = known[node]
    places = np.argwhere(~np.isfinite(value))
    index = tuple(int(i) for i in places[0])
    operands = tuple(
        _operand(graph, x, known[x], index if node.card.kind == "elementwise" else None)
        for x in node.inputs
        if known[x].size and known[x].dtype.kind != "b"
    )
    return NonFinite(
        node.card.name,
        _nearest_name(graph, node),
        float(value[index]),
        index,
        len(places),
        value.shape,
        operands,
        _source(graph, node),
        node,
    )


def _operand(graph: Graph, x: Node, value: Any, index: tuple[int, ...] | None) -> Operand:
    here = None if index is None else float(value[index])
    name = _name(graph, x) or (f"{x.options['value']:g}" if x.card.name == "full" else x.card.name)
    return Operand(name, value.shape, here, float(value.min()), float(value.max()))


def _name(graph: Graph, node: Node) -> str:
    note = graph.notes.get(node)
    return (note.name or "") if note else ""


def _source(graph: Graph, node: Node) -> SourceLine | None:
    note = graph.notes.get(node)
    return note.source if note else None


def _downstream(graph: Graph, node: Node) -> Iterator[Node]:
    """The value itself and all that is made of it, the nearest first."""
    layer, seen = [node], {node}
    while layer:
        yield from layer
        users = [user for each in layer for user in graph.users[each]]
        layer = [user for user in dict.fromkeys(users) if user not in seen]
        seen.update(layer)


def _nearest_name(graph: Graph, node: Node) -> str:
    """Name of the value itself, or of the nearest named one that is made of it."""
    return next((name for each in _downstream(graph, node) if (name := _name(graph, each))), "")


def _gradient_of(
    graph: Graph, node: Node, forward: Graph, wrt: Sequence[int]
) -> tuple[str, SourceLine | None]:
    """Which gradient a value of the backward pass leads to, and the line that made it needed."""
    gradients = graph.outputs[len(graph.outputs) - len(wrt) :]
    final = dict(zip(gradients, (forward.inputs[i] for i in wrt), strict=True))
    for each in _downstream(graph, node):
        note = graph.notes.get(each)
        of = final.get(each) or (note.gradient_of if note else None)
        if of is not None and of in forward.users:
            lines = [_source(forward, user) for user in forward.users[of]]
            name = _name(forward, of) or of.card.name
            return f"the gradient by {name}", next((x for x in lines if x), None)
    return "", None
