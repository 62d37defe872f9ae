"""Nodes and graphs: an immutable program in which equal computations are one object."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from chainrule.ir.card import Card
from chainrule.ir.types import ArrayType, Size, bind


@dataclass(frozen=True, eq=False, slots=True, weakref_slot=True)
class Node:
    """One operation of a program; equality is identity."""

    card: Card
    inputs: tuple[Node, ...]
    params: tuple[tuple[str, Any], ...]
    type: ArrayType

    @property
    def options(self) -> dict[str, Any]:
        """The parameters as keyword arguments for the card's rules."""
        return dict(self.params)

    def __repr__(self) -> str:
        return f"<{self.card.name} {self.type}>"


@dataclass(frozen=True, slots=True)
class SourceLine:
    """Where in the user's code a node was made."""

    file: str
    line: int
    function: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line} in {self.function}"


@dataclass(frozen=True, slots=True)
class Note:
    """What is known about a node beside the program: for people, never for executors.

    Attributes
    ----------
    source
        The user's line.
    name
        The first name that it got.
    gradient_of
        The value that it is the gradient by.
    tapped
        The name by which a user marked it.
    """

    source: SourceLine | None = None
    name: str | None = None
    gradient_of: Node | None = None
    tapped: str | None = None


@dataclass
class Builder:
    """Makes nodes, each once: same op, inputs and parameters give the same node.

    Attributes
    ----------
    notes
        What is known about the nodes beside the program.
    """

    notes: dict[Node, Note] = field(default_factory=dict)
    _known: dict[Hashable, Node] = field(default_factory=dict)

    def add(self, card: Card, *inputs: Node, **params: Any) -> Node:
        """Return the node of this op on these inputs, made now or before."""
        items = tuple(sorted(params.items())) if params else ()
        key = (card, inputs, items)
        node = self._known.get(key)
        if node is None:
            node_type = card.type(*[x.type for x in inputs], **params)
            node = self._known[key] = Node(card, inputs, items, node_type)
        return node

    def repeat(self, node: Node, inputs: tuple[Node, ...]) -> Node:
        """Return the node of the same op on other inputs of the same types."""
        key = (node.card, inputs, node.params)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = Node(*key, node.type)
        return known

    def adopt(self, graph: Graph) -> None:
        """Take over the nodes and notes of a graph, so that equal new nodes are these."""
        for node in graph.nodes:
            self._known.setdefault((node.card, node.inputs, node.params), node)
        self.notes.update(graph.notes)

    def annotate(self, node: Node, **changes: Any) -> None:
        """Add what is not yet known about a node to its note."""
        note = self.notes.get(node)
        if note is None:
            self.notes[node] = Note(**changes)
            return
        fresh = {k: v for k, v in changes.items() if getattr(note, k) is None}
        if fresh:
            self.notes[node] = replace(note, **fresh)


@dataclass(frozen=True, eq=False)
class Graph:
    """A program: inputs, outputs, and every node that the outputs need.

    Attributes
    ----------
    inputs
        Leaf nodes in the order of the arguments; an input that is not used is kept.
    outputs
        The nodes whose values the program returns.
    notes
        Source lines, names and gradient relations of nodes.
    """

    inputs: tuple[Node, ...]
    outputs: tuple[Node, ...]
    notes: Mapping[Node, Note] = field(default_factory=dict)

    @cached_property
    def nodes(self) -> tuple[Node, ...]:
        """All nodes, inputs first, each after the nodes that it reads."""
        return topological(self.outputs, self.inputs)

    @cached_property
    def users(self) -> dict[Node, list[Node]]:
        """For each node, the nodes that read it, one entry per reading."""
        users: dict[Node, list[Node]] = {node: [] for node in self.nodes}
        for node in self.nodes:
            for x in node.inputs:
                users[x].append(node)
        return users

    @cached_property
    def fingerprint(self) -> str:
        """A hash of the program: equal for programs that compute the same in the same way."""
        number = {node: i for i, node in enumerate(self.nodes)}
        digest = hashlib.sha256()
        for node in self.nodes:
            inputs = [number[x] for x in node.inputs]
            digest.update(f"{node.card.name}{inputs}{node.params}{node.type};".encode())
        digest.update(f"{[number[x] for x in self.inputs + self.outputs]}".encode())
        return digest.hexdigest()


def topological(outputs: Iterable[Node], first: Iterable[Node] = ()) -> tuple[Node, ...]:
    """List the nodes that `outputs` need, each after its inputs; `first` lead the list."""
    done: dict[Node, None] = dict.fromkeys(first)
    for output in outputs:
        stack = [output]
        while stack:
            node = stack[-1]
            waiting = [x for x in reversed(node.inputs) if x not in done]
            if node in done:
                stack.pop()
            elif waiting:
                stack.extend(waiting)
            else:
                done[stack.pop()] = None
    return tuple(done)


def rebuild(
    graph: Graph, rewrite: Callable[[Builder, Node], Node], sizes: Mapping[str, Size]
) -> tuple[Graph, dict[Node, Node]]:
    """Make a graph anew, with each node rewritten behind its inputs.

    Parameters
    ----------
    rewrite
        Gives the node to take in place of one; ``lambda builder, node: node`` keeps it.
    sizes
        Values of symbolic sizes, which are replaced.

    Returns
    -------
    The new graph, and for each old node the new one.
    """
    builder = Builder()
    new: dict[Node, Node] = {}
    for node in graph.inputs:
        kind = ArrayType(bind(node.type.shape, sizes), node.type.dtype)
        same = kind == node.type
        new[node] = node if same else Node(node.card, (), (*node.params, ("bound", kind)), kind)
    for node in graph.nodes:
        if node not in new:
            options = {k: bind(v, sizes) for k, v in node.params} if sizes else node.options
            built = builder.add(node.card, *(new[x] for x in node.inputs), **options)
            new[node] = rewrite(builder, built)
    notes: dict[Node, Note] = {}
    for old, note in graph.notes.items():
        if old in new and new[old] not in notes:
            target = note.gradient_of
            notes[new[old]] = replace(note, gradient_of=new.get(target)) if target else note
    inputs = tuple(new[x] for x in graph.inputs)
    return Graph(inputs, tuple(new[x] for x in graph.outputs), notes), new
