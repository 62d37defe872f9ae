"""Loops with carried state: the program of one step, as the parameter of nodes.

A node has one value, a loop has many: what each carry is in the end, and every value of the step,
stacked over all steps. Each is a node of its own. Nodes that agree in inputs, body, length and
direction belong to one loop, which executors run once for all of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

from chainrule.ir.graph import Builder, Graph, Node, rebuild
from chainrule.ir.types import Dim, Open, Size, symbols

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Body(Open):
    """One step of a loop; equal for steps that compute the same in the same way.

    Attributes
    ----------
    graph
        Its inputs are what stays the same in all steps, then what is carried from step to step,
        then the slices that belong to the step; its outputs are the new values of the carries.
    carries, slices
        How many are carried; how many slices there are.
    values
        All values of a step; nodes refer to them by their places here, which no rewriting
        changes.
    """

    graph: Graph
    carries: int
    slices: int
    values: tuple[Node, ...]

    @cached_property
    def whole(self) -> Graph:
        """The step as a program that returns the carries and then all values."""
        graph = self.graph
        return Graph(graph.inputs, (*graph.outputs, *self.values), graph.notes)

    def returning(self, places: Iterable[int]) -> Graph:
        """The step as a program that returns the carries and then some of the values."""
        kept = tuple(self.values[i] for i in places)
        return Graph(self.graph.inputs, (*self.graph.outputs, *kept), self.graph.notes)

    def divide(self, inputs: Sequence[T]) -> tuple[Sequence[T], Sequence[T], Sequence[T]]:
        """Divide inputs, or what stands for them, into constants, carries and slices."""
        first = len(inputs) - self.slices - self.carries
        last = len(inputs) - self.slices
        return inputs[:first], inputs[first:last], inputs[last:]

    @cached_property
    def changing(self) -> frozenset[Node]:
        """Values that are not the same in all steps: those made of carries or slices."""
        _, carries, slices = self.divide(self.graph.inputs)
        found = {*carries, *slices}
        for node in self.whole.nodes:
            if any(x in found for x in node.inputs):
                found.add(node)
        return frozenset(found)

    def rebuilt(
        self, rewrite: Callable[[Builder, Node], Node], sizes: Mapping[str, Size] | None = None
    ) -> Body:
        """Rewrite every value of the step; see `rebuild`."""
        graph, new = rebuild(self.whole, rewrite, sizes or {})
        outputs = graph.outputs[: self.carries]
        step = Graph(graph.inputs, outputs, graph.notes)
        return Body(step, self.carries, self.slices, tuple(new[x] for x in self.values))

    def bind(self, sizes: Mapping[str, Size]) -> Body:
        """Give the step with symbolic sizes replaced."""
        changed = {s: n for s, n in sizes.items() if s in self._symbols and n != Dim(s)}
        return self.rebuilt(lambda builder, node: node, changed) if changed else self

    def symbols(self) -> Iterator[str]:
        """Name the symbolic sizes that occur in the step."""
        return iter(self._symbols)

    @cached_property
    def _symbols(self) -> tuple[str, ...]:
        nodes = self.whole.nodes
        found = {s for x in nodes for s in symbols(x.type.shape)}
        return tuple(sorted(found | {s for x in nodes for _, v in x.params for s in symbols(v)}))

    @cached_property
    def _key(self) -> Hashable:
        # Cards are compared too: those of custom gradients share a name.
        cards = tuple(x.card for x in self.whole.nodes)
        return self.whole.fingerprint, self.carries, self.slices, cards

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Body) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    def __repr__(self) -> str:
        return f"<step {self.whole.fingerprint[:16]}>"


def is_loop(node: Node) -> bool:
    """Tell whether a node is a value of a loop."""
    return node.card.kind == "control"


def families(nodes: Iterable[Node]) -> dict[Node, list[Node]]:
    """For each value of a loop, all values of this loop among `nodes`, in their order."""
    found: dict[Hashable, list[Node]] = defaultdict(list)
    for node in nodes:
        if is_loop(node):
            options = node.options
            found[node.inputs, options["body"], options["length"], options["reverse"]].append(node)
    return {node: family for family in found.values() for node in family}


def position(length: Any, step: Any, *, reverse: bool) -> Any:
    """Place along the stacks that step number `step` of a loop works on.

    >>> [position(3, step, reverse=True) for step in range(3)]
    [2, 1, 0]
    """
    return length - 1 - step if reverse else step
