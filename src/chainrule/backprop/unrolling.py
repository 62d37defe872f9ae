"""Loops written out step by step, so that each step has equations of its own."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from chainrule.ir import Graph, Node, Note, families, is_loop, position
from chainrule.tracing import Array, Recorder, begin, functions

MOST_STEPS = 64
"""Steps up to which a loop is written out; a longer one stays a loop."""


@dataclass(frozen=True)
class Role:
    """What a value is in a step of a loop.

    Attributes
    ----------
    name
        Its name in the step; "carry 1 of 2" for what is carried on without one.
    step
        Counted from 1.
    loop
        Which of the program's loops, from 1.
    """

    name: str
    step: int
    loop: int


@dataclass(frozen=True)
class Unrolled:
    """A program without loops.

    Attributes
    ----------
    graph
        The program, with the same inputs.
    roles
        What its values are in the steps of the loops that were written out.
    """

    graph: Graph
    roles: Mapping[Node, Role] = field(default_factory=dict)


def unroll(graph: Graph) -> Unrolled:
    """Write out the loops of a program, as far as they are not too long.

    >>> import chainrule.numpy as cnp
    >>> import numpy as np
    >>> from chainrule.tracing import capture, scan
    >>> def total(x):
    ...     return scan(lambda sum, row: (sum + row, None), cnp.zeros_like(x[0]), x)[0]
    >>> unrolled = unroll(capture(total, [np.ones(3)]).graph)
    >>> [node.card.name for node in unrolled.graph.nodes].count("add")
    3
    >>> unrolled.roles[unrolled.graph.outputs[0]]
    Role(name='carry 1 of 1', step=3, loop=1)
    """
    if not any(map(_is_short, graph.nodes)):
        return Unrolled(graph)
    writer = _Writer(begin())
    known = {x: Array(x, writer.recorder) for x in graph.inputs}
    builder = writer.recorder.builder
    builder.notes.update({x: graph.notes[x] for x in graph.inputs if x in graph.notes})
    writer.write(graph.nodes, known, graph.notes)
    writer.recorder.open = False
    outputs = tuple(known[x].node for x in graph.outputs)
    return Unrolled(Graph(graph.inputs, outputs, builder.notes), writer.roles)


def _is_short(node: Node) -> bool:
    if not is_loop(node):
        return False
    length = node.options["length"]
    return isinstance(length, int) and length <= MOST_STEPS


@dataclass
class _Writer:
    """Writes programs down anew.

    Attributes
    ----------
    recorder
        Where to.
    roles
        What was written for steps.
    loops
        How many loops were written out so far.
    """

    recorder: Recorder
    roles: dict[Node, Role] = field(default_factory=dict)
    loops: int = 0

    def write(
        self,
        nodes: Collection[Node],
        known: dict[Node, Array],
        notes: Mapping[Node, Note],
        step: tuple[int, int] | None = None,
    ) -> None:
        """Write nodes whose inputs are known, and add them to what is known.

        Parameters
        ----------
        step
            The step they belong to, and its loop; None outside of loops.
        """
        loops = families(nodes)
        for node in nodes:
            if node not in known and _is_short(node):
                self._steps(loops[node], known)
            elif node not in known:
                inputs = [known[x].node for x in node.inputs]
                fresh = self.recorder.builder.add(node.card, *inputs, **node.options)
                known[node] = Array(fresh, self.recorder)
            note, fresh = notes.get(node), known[node].node
            if note is None or not fresh.inputs:
                continue
            if step is None:
                changes = {"source": note.source, "name": note.name, "tapped": note.tapped}
                self.recorder.builder.annotate(fresh, **changes)
                continue
            self.recorder.builder.annotate(fresh, source=note.source)
            if note.name:
                self.roles.setdefault(fresh, Role(note.name, *step))

    def _steps(self, family: list[Node], known: dict[Node, Array]) -> None:
        """Write out all steps of one loop."""
        options = family[0].options
        body, length, reverse = options["body"], options["length"], options["reverse"]
        self.loops += 1
        loop = self.loops
        constants, carries, slices = body.divide([known[x] for x in family[0].inputs])
        kept: dict[int, dict[int, Array]] = {
            x.options["index"]: {} for x in family if x.options["stacked"]
        }
        for count in range(length):
            t = position(length, count, reverse=reverse)
            entering = [*constants, *carries, *(x[t] for x in slices)]
            inner = dict(zip(body.graph.inputs, entering, strict=True))
            self.write(body.whole.nodes, inner, body.graph.notes, (t + 1, loop))
            carries = [inner[x] for x in body.graph.outputs]
            for i, carry in enumerate(carries, 1):
                role = Role(f"carry {i} of {len(carries)}", t + 1, loop)
                known_as = self.roles.setdefault(carry.node, role)
                if (known_as.step, known_as.loop) == (role.step, role.loop):
                    self.roles[carry.node] = role
            for index, values in kept.items():
                values[t] = inner[body.values[index]]
        for node in family:
            index = node.options["index"]
            if node.options["stacked"]:
                known[node] = functions.stack([kept[index][t] for t in range(length)])
            else:
                known[node] = carries[index]
