"""The reverse sweep through a loop: a loop in the other direction.

A step of that loop is the reverse sweep through a step of the first one. It carries the gradient
of each carry, and reads, as slices, the values of the forward pass that gradient rules ask for:
more values of the first loop, stacked, so that no step ever runs twice.

The gradient by a constant, such as a weight, is a sum over all steps. Where its terms are products
of matrices, ``aᵀ g``, the factors are stacked and multiplied once, behind the loop; what else there
is to add up is carried from step to step.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from operator import add
from typing import Any

from chainrule.errors import ShapeError
from chainrule.ir import Body, Builder, Node, Size, SourceLine, element_count, is_float, topological
from chainrule.tracing import (
    Array,
    Loop,
    Recorder,
    Written,
    apply,
    begin,
    enclose,
    fresh_input,
    functions,
)

Sweep = Callable[[Sequence[Array], Sequence[Array], Sequence[Array]], list[Array | None]]
Stack = Callable[[Node], Any]
"""From a value of a step to its stack over all steps."""

_VIEWS = ("broadcast", "reshape", "transpose", "stop_gradient", "custom_vjp")

REPEATABLE = 3
"""Operations per entry up to which computing a value again is cheaper than stacking it."""


def pull_back_loop(
    gradients: Mapping[Node, Array], moving: Collection[Node], sweep: Sweep
) -> list[Array | None]:
    """Pull the gradients of all values of a loop back to its inputs.

    Parameters
    ----------
    gradients
        For each value of the loop that has one, the gradient that arrives.
    moving
        Nodes whose gradients are wanted.
    sweep
        The reverse sweep, to run it through the program of a step.

    Returns
    -------
    For each input of the loop its share of the gradient, or None where it carries none.
    """
    node, g = next(iter(gradients.items()))
    backward = _Backward(node, moving, g.recorder)
    finals = {x.options["index"]: g for x, g in gradients.items() if not x.options["stacked"]}
    stacks = {x.options["index"]: g for x, g in gradients.items() if x.options["stacked"]}
    return backward.parts(finals, stacks, sweep)


@dataclass
class _Backward:
    """The making of the loop that runs backwards.

    Attributes
    ----------
    node
        A value of the loop that runs forwards.
    wanted
        Nodes outside of it whose gradients are wanted.
    recorder
        Where the new loop is written down.
    """

    node: Node
    wanted: Collection[Node]
    recorder: Recorder
    body: Body = field(init=False)
    forward: Loop = field(init=False)
    inner: Recorder = field(init=False)

    def __post_init__(self) -> None:
        options = self.node.options
        self.body = options["body"]
        inputs = tuple(Array(x, self.recorder) for x in self.node.inputs)
        self.forward = Loop(self.body, inputs, options["length"], options["reverse"])
        builder = Builder()
        builder.adopt(self.body.whole)
        self.inner = begin(builder)

    def parts(
        self, finals: Mapping[int, Array], stacks: Mapping[int, Array], sweep: Sweep
    ) -> list[Array | None]:
        """Give the share of each input of the loop.

        Parameters
        ----------
        finals, stacks
            Gradients that arrive, by carry and by place among the values of a step.
        """
        body = self.body
        whole = dict(zip(body.graph.inputs, self.forward.inputs, strict=True))
        constants, carries, _ = body.divide(body.graph.inputs)
        moving = self._moving()
        sources = [i for i, x in enumerate(carries) if x in moving]
        arriving = [self._leaf(carries[i]) for i in sources]
        slices = {self._leaf(body.values[i]): g for i, g in stacks.items()}
        ends = [body.graph.outputs[i] for i in sources] + [body.values[i] for i in stacks]
        found = sweep(
            self._arrays(ends),
            [*self._arrays(arriving), *self._arrays(slices)],
            self._arrays(moving),
        )
        slope = {x: g.node for x, g in zip(moving, found, strict=True) if g is not None}
        self._note_lines(slope.values())

        sums = _sums({x: slope[x] for x in constants if x in slope}, body, self.forward.length)
        carried = []
        for i, leaf in zip(sources, arriving, strict=True):
            x = carries[i]
            begins = finals[i] if i in finals else functions.zeros_like(whole[x])
            ends_as = slope.get(x) or functions.zeros_like(self._array(x)).node
            carried.append((leaf, begins, ends_as))
        for x, each in sums.items():
            if each.carried:
                leaf = self._leaf(x)
                total = reduce(add, self._arrays((leaf, *each.carried)))
                carried.append((leaf, functions.zeros_like(whole[x]), total.node))
        inputs = [slope[x] for x in body.divide(body.graph.inputs)[2] if x in slope]
        read = dict.fromkeys([*inputs, *(x for each in sums.values() for x in each.stacked)])
        kept = [x for x in read if x not in body.changing]
        residuals = _residuals([*(x for _, _, x in carried), *kept], body)
        asked = list(dict.fromkeys([*residuals, *(x for x in read if x in body.changing)]))
        stack_of = dict(zip(asked, self.forward.read((), asked), strict=True))
        slices |= {x: stack_of[x] for x in residuals}
        self.inner.open = False
        known = {x: whole[x] for x in constants}
        written = Written(carried, list(slices.items()), kept, known, self.inner.builder.notes)
        loop, inside = enclose(written, self.forward.length, reverse=not self.forward.reverse)
        results = loop.read(range(len(carried)), [inside(x) for x in kept])
        stack_of |= dict(zip(kept, results[len(carried) :], strict=True))

        last = iter(results)
        gradients: dict[Node, Any] = {carries[i]: next(last) for i in sources}
        for x, each in sums.items():
            terms = [compute(stack_of.__getitem__) for compute in each.behind]
            gradients[x] = reduce(add, [*terms, next(last)] if each.carried else terms)
        for x in body.divide(body.graph.inputs)[2]:
            if x in slope:
                gradients[x] = stack_of[slope[x]]
        return [gradients.get(x) for x in body.graph.inputs]

    def _moving(self) -> dict[Node, None]:
        """Inputs of a step whose gradients are needed, also only for those of earlier steps."""
        body = self.body
        pairs = zip(body.graph.inputs, self.node.inputs, strict=True)
        moving = {x for x, outside in pairs if outside in self.wanted and is_float(x.type.dtype)}
        carries = body.divide(body.graph.inputs)[1]
        while True:
            reached = set(moving)
            for node in body.whole.nodes:
                if any(x in reached for x in node.inputs):
                    reached.add(node)
            fresh = {
                x
                for x, new in zip(carries, body.graph.outputs, strict=True)
                if new in reached and is_float(x.type.dtype)
            }
            if fresh <= moving:
                return dict.fromkeys(x for x in body.graph.inputs if x in moving)
            moving |= fresh

    def _note_lines(self, slopes: Iterable[Node]) -> None:
        """Give what the sweep wrote the line that made the gradient needed to which it leads."""
        notes, users = self.inner.builder.notes, self.body.whole.users
        lines: dict[Node, SourceLine] = {}
        for node in reversed(topological(slopes, users)):
            note = notes.get(node)
            if node in users or note is None:
                continue
            readers = users.get(note.gradient_of, ()) if note.gradient_of else ()
            found = [notes[x].source for x in readers if x in notes]
            source = next((x for x in found if x), lines.get(node))
            if source is not None:
                notes[node] = replace(note, source=source)
                lines |= {x: source for x in node.inputs if x not in lines}

    def _array(self, node: Node) -> Array:
        return Array(node, self.inner)

    def _arrays(self, nodes: Any) -> list[Array]:
        return [self._array(x) for x in nodes]

    def _leaf(self, of: Node) -> Node:
        """Make a leaf for the gradient of a value of the step."""
        node = fresh_input(0, of.type)
        note = self.body.graph.notes.get(of)
        if note and note.name:
            self.inner.builder.annotate(node, name=f"gradient of {note.name}")
        return node


def _residuals(outputs: Sequence[Node], body: Body) -> list[Node]:
    """Choose the values of the forward pass that are stacked for the backward pass."""
    order = topological(outputs, body.changing)
    behind = [x for x in order if x not in body.changing]
    waiting = [x for node in behind for x in node.inputs if x in body.changing]
    waiting += [x for x in outputs if x in body.changing]
    cuts: dict[Node, None] = {}
    while waiting:
        node = waiting.pop()
        if node.card.name in _VIEWS:
            waiting += [x for x in node.inputs if x in body.changing]
        else:
            cuts[node] = None
    place = {x: i for i, x in enumerate(body.whole.nodes)}
    slices = set(body.divide(body.graph.inputs)[2])
    for node in sorted(cuts, key=place.__getitem__, reverse=True):
        cost, sources = _cost_again(node, {*cuts, *slices} - {node}, body)
        if cost <= REPEATABLE and node not in slices:
            del cuts[node]
            cuts |= dict.fromkeys(sources)
    return sorted(cuts, key=place.__getitem__)


def _cost_again(node: Node, stacked: Collection[Node], body: Body) -> tuple[float, list[Node]]:
    """Operations per entry to compute a value from stacks, and those stacks."""
    if node in stacked:
        return 0, [node]
    if node not in body.changing:
        return 0, []
    if node.card.kind not in ("elementwise", "shape"):
        return math.inf, []
    parts = [_cost_again(x, stacked, body) for x in node.inputs]
    total = node.card.cost + sum(cost for cost, _ in parts)
    return total, [x for _, sources in parts for x in sources]


@dataclass
class _Sum:
    """A sum over all steps.

    Attributes
    ----------
    behind
        Terms that are computed behind the loop.
    stacked
        The values of a step that they are computed from.
    carried
        The other terms, as they are in one step.
    """

    behind: list[Callable[[Stack], Any]] = field(default_factory=list)
    stacked: list[Node] = field(default_factory=list)
    carried: list[Node] = field(default_factory=list)


def _sums(terms: Mapping[Node, Node], body: Body, length: Size) -> dict[Node, _Sum]:
    """Divide gradients by constants into what is added up behind the loop and inside of it."""
    found = {x: _Sum() for x in terms}
    products: set[Node] = set()
    rest: list[tuple[Node, Node]] = []
    for x, total in terms.items():
        for term in _added(total, body):
            product, factors = _product_behind(term, length)
            if product is None:
                rest.append((x, term))
            else:
                found[x].behind.append(product)
                found[x].stacked += factors
                products.update(factors)
    for x, term in rest:
        column = _column_behind(term, products)
        if column is None:
            found[x].carried.append(term)
        else:
            found[x].behind.append(column)
    return found


def _added(node: Node, body: Body) -> list[Node]:
    """The terms of a sum of gradients."""
    if node.card.name != "add" or node in body.changing:
        return [node]
    return [term for x in node.inputs for term in _added(x, body)]


def _product_behind(
    node: Node, length: Size
) -> tuple[Callable[[Stack], Any] | None, tuple[Node, ...]]:
    """How to compute a sum over steps of aᵀ g, however it is reshaped, as one product."""
    if node.card.name in ("reshape", "transpose"):
        inner, factors = _product_behind(node.inputs[0], length)
        if inner is None:
            return None, ()
        return lambda stack: apply(node.card, inner(stack), **node.options), factors
    if node.card.name != "matmul" or node.type.ndim != 2:
        return None, ()
    left, g = node.inputs
    if left.card.name != "transpose":
        return None, ()
    a = left.inputs[0]
    try:
        rows = element_count((length, a.type.shape[0]))
    except ShapeError:  # of two symbolic sizes
        return None, ()

    def product(stack: Stack) -> Any:
        flat = [functions.reshape(stack(x), (rows, x.type.shape[1])) for x in (a, g)]
        return functions.matmul(functions.matrix_transpose(flat[0]), flat[1])

    return product, (a, g)


def _column_behind(node: Node, stacked: Collection[Node]) -> Callable[[Stack], Any] | None:
    """How to compute a sum over steps of a sum over axes, if what it adds is stacked anyway."""
    if node in stacked:
        return lambda stack: functions.sum(stack(node), axis=0)
    if node.card.name == "reshape":
        inner = _column_behind(node.inputs[0], stacked)
        return inner and (lambda stack: apply(node.card, inner(stack), **node.options))
    if node.card.name != "sum" or node.inputs[0] not in stacked:
        return None
    axes = (0, *(a + 1 for a in node.options["axes"]))
    return lambda stack: functions.sum(stack(node.inputs[0]), axis=axes)
