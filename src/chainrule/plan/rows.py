"""Find where the rows of the minibatch lie in every value of a program.

A program whose values keep rows apart, and join them in sums alone, can be run on some rows after
others, or by several workers at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod

from chainrule.errors import GraphError
from chainrule.ir import Dim, Graph, Node, Shape, families, is_loop, symbols


@dataclass(frozen=True, eq=False)
class Rows:
    """Where the rows of the minibatch lie.

    Attributes
    ----------
    axis
        The axis that numbers the rows, for each value that has rows.
    partial
        Values without rows that are sums over all rows.
    level
        How many sums over all rows have to be complete, one after the other, before a value can
        be computed.
    rounds
        How many times all rows are gone through along the axis that numbers them: more than once
        where an axis before it was merged into it, as steps of time are. None for a value that
        is alike in all rows.
    """

    axis: dict[Node, int]
    partial: frozenset[Node]
    level: dict[Node, int]
    rounds: dict[Node, int | None]

    @property
    def scattered(self) -> frozenset[Node]:
        """Values in which a row lies in several places of the axis that numbers rows."""
        return frozenset(x for x, count in self.rounds.items() if count not in (None, 1))


def find_rows(graph: Graph) -> Rows:
    """Find the rows of every value.

    Raises
    ------
    GraphError
        If an operation needs other rows than those that it computes, other than to add them up;
        or if the program has no symbolic size, or more than one.
    """
    names = {s for node in graph.nodes for s in symbols(node.type.shape)}
    if len(names) != 1:
        raise GraphError(f"a minibatch is one symbolic size, the program has {len(names)}")
    found = _Search()
    found.go_through(graph.nodes)
    return Rows(found.axis, frozenset(found.partial), found.level, found.rounds)


@dataclass
class _Search:
    """Goes through a program and finds what `Rows` holds.

    Attributes
    ----------
    sums
        In the step of a loop, carries that may add up sums over rows; None outside of loops.
    """

    axis: dict[Node, int] = field(default_factory=dict)
    partial: set[Node] = field(default_factory=set)
    level: dict[Node, int] = field(default_factory=dict)
    rounds: dict[Node, int | None] = field(default_factory=dict)
    sums: frozenset[Node] | None = None

    def go_through(self, nodes: Sequence[Node]) -> None:
        """Look at each node behind its inputs."""
        loops = families(nodes)
        for node in nodes:
            if node in self.level:
                continue
            waits = max((self.level[x] + (x in self.partial) for x in node.inputs), default=0)
            if is_loop(node):
                self._loop(loops[node])
            else:
                self._look_at(node)
            self.level[node] = waits

    def _look_at(self, node: Node) -> None:
        own, name = row_axis(node.type.shape), node.card.name
        if self.sums is not None and any(x in self.partial for x in node.inputs):
            if name != "add" or not all(x in self.partial | self.sums for x in node.inputs):
                raise GraphError(f"{name} reads a sum over rows in the step that makes it")
            self.partial.add(node)
            return
        if own is not None:
            self.axis[node] = own
        if any(x in self.axis for x in node.inputs):
            rounds = self._common(node.inputs)
            if own is None:
                _check_sum(node)
                self.partial.add(node)
                return
            axes = [self.axis.get(x) for x in node.inputs]
            if not _keeps_rows(node, own, axes):
                raise GraphError(f"{name} mixes rows of the minibatch")
            if name == "reshape" and rounds is not None:
                rounds = _rounds_behind(node, own, axes[0], rounds)
            self.rounds[node] = rounds
        elif own is not None:
            if node.inputs and name not in ("broadcast", "uniform"):
                raise GraphError(f"{name} makes rows of what has none")
            numbered = name == "uniform" or (name == "iota" and node.options["axis"] == own)
            self.rounds[node] = 1 if numbered or name == "input" else None

    def _common(self, nodes: Iterable[Node]) -> int | None:
        """How many times all of some values go through the rows, which has to be the same."""
        found = {self.rounds[x] for x in nodes if x in self.axis} - {None}
        if len(found) > 1:
            raise GraphError("the rows of the minibatch come in different orders")
        return found.pop() if found else None

    def _loop(self, family: Sequence[Node]) -> None:
        """Look at the step of a loop; its values keep rows if the carries keep them."""
        if family[0] in self.level:  # all of them were looked at together
            return
        options, inputs = family[0].options, family[0].inputs
        if isinstance(options["length"], Dim):
            raise GraphError("a loop over the rows of the minibatch")
        body = options["body"]
        stacked = [x for x in family if x.options["stacked"]]
        step = body.returning(x.options["index"] for x in stacked)
        rounds = [self.rounds.get(x) for x in inputs]
        carries = range(len(inputs) - body.slices - body.carries, len(inputs) - body.slices)
        zero = {
            i for i in carries if inputs[i].card.name == "full" and not inputs[i].options["value"]
        }
        sums = frozenset(step.inputs[i] for i in zero if row_axis(inputs[i].type.shape) is None)
        while True:
            inner = _Search(sums=sums)
            for x, count in zip(step.inputs, rounds, strict=True):
                inner.level[x] = 0
                own = row_axis(x.type.shape)
                if own is not None:
                    inner.axis[x], inner.rounds[x] = own, count
            inner.go_through(step.nodes)
            ends = dict(zip(carries, step.outputs, strict=False))
            joined = [
                inner._common([x, ends[i]]) if i in ends and x in inner.axis else count
                for i, (x, count) in enumerate(zip(step.inputs, rounds, strict=True))
            ]
            if joined == rounds:
                break
            rounds = joined
        _check_sums(inner, sums, step, ends)
        values = [step.outputs[x.options["index"]] for x in family if not x.options["stacked"]]
        finals = [x for x in family if not x.options["stacked"]]
        for x, y in zip((*finals, *stacked), (*values, *step.outputs[body.carries :]), strict=True):
            own = row_axis(x.type.shape)
            if own is not None:
                self.axis[x], self.rounds[x] = own, inner.rounds[y]
            if y in inner.partial:
                self.partial.add(x)


def _check_sums(
    inner: _Search, sums: frozenset[Node], step: Graph, ends: Mapping[int, Node]
) -> None:
    """Make sure that a carry that adds up sums over rows does nothing else."""
    for i, end in ends.items():
        carry = step.inputs[i]
        adds = [user for user in step.users[carry] if user in inner.partial]
        if end in inner.partial and (carry not in sums or len(adds) != len(step.users[carry])):
            raise GraphError("a sum over rows is carried from step to step and read")
        if adds and end not in inner.partial:
            raise GraphError("a sum over rows is added to a carry and lost")
        if end in inner.partial:
            inner.partial.add(carry)


def _rounds_behind(node: Node, own: int, axis: int | None, rounds: int) -> int:
    """How often a reshaped value goes through the rows: as many runs stand before each row."""
    runs = _count(node.inputs[0].type.shape[:axis]) * rounds
    before, rows = _count(node.type.shape[:own]), node.type.shape[own]
    if runs % before or not isinstance(rows, Dim) or rows.scale % (runs // before):
        raise GraphError("reshape cuts rows of the minibatch")
    return runs // before


def _count(sizes: Shape) -> int:
    """Multiply sizes that are numbers."""
    return prod(n for n in sizes if isinstance(n, int))


def independent_rows(graph: Graph) -> bool:
    """Tell whether every row of the results depends on one row of the arguments alone.

    Any rows then give the same numbers beside any others, and each other's memory begins where
    they end.
    """
    try:
        rows = find_rows(graph)
    except GraphError:
        return False
    alone = ("uniform", "iota", "size")
    if rows.partial or rows.scattered or any(x.card.name in alone for x in graph.nodes):
        return False
    return all(x in rows.axis and in_one_run(x) for x in graph.outputs) and all(
        in_one_run(x) for x in graph.inputs
    )


def in_one_run(node: Node) -> bool:
    """Tell whether the rows of a value follow each other in memory."""
    axis = row_axis(node.type.shape)
    return axis is None or prod(node.type.shape[:axis]) == 1


def row_axis(shape: Shape) -> int | None:
    """Find the axis that numbers the rows; None for a value without rows.

    >>> row_axis((8, Dim("batch"), 3))
    1
    """
    found = [a for a, n in enumerate(shape) if isinstance(n, Dim)]
    if len(found) > 1:
        raise GraphError("a value pairs rows of the minibatch with each other")
    if found and shape[found[0]].offset:  # type: ignore[union-attr]
        raise GraphError("a value has more entries, or fewer, than rows")
    return found[0] if found else None


def _check_sum(node: Node) -> None:
    """Make sure that a value without rows is the sum of what each row gives."""
    name = node.card.name
    if not (name in ("sum", "scatter_add") or node.card.kind == "contract"):
        raise GraphError(f"{name} over the rows of the minibatch")
    if name == "scatter_add" and not all(row_axis(x.type.shape) is not None for x in node.inputs):
        raise GraphError("scatter_add at positions that do not belong to the rows")


def _keeps_rows(node: Node, own: int, axes: list[int | None]) -> bool:
    """Whether row i of the output needs just row i of the inputs."""
    if node.card.kind in ("elementwise", "contract", "reduce"):
        return True  # their types leave no other way to keep the axis
    rule = _RULES.get(node.card.name)
    return rule is not None and rule(node, own, axes)


def _slice(node: Node, own: int, axes: list[int | None]) -> bool:
    first, last, jump = (node.options[part][own] for part in ("start", "stop", "step"))
    return bool(first == 0 and jump == 1 and last == node.inputs[0].type.shape[own])


def _pad(node: Node, own: int, axes: list[int | None]) -> bool:
    return all(node.options[side][own] == 0 for side in ("low", "high", "gap"))


def _along_another(node: Node, own: int, axes: list[int | None]) -> bool:
    return node.options["axis"] != own and None not in axes


def _take(node: Node, own: int, axes: list[int | None]) -> bool:
    return axes[0] is None or axes[0] != node.options["axis"]


def _scatter_add(node: Node, own: int, axes: list[int | None]) -> bool:
    return axes[1] is None and own != node.options["axis"]


def _argsort(node: Node, own: int, axes: list[int | None]) -> bool:
    return own != node.type.ndim - 1


def _always(node: Node, own: int, axes: list[int | None]) -> bool:
    return True


_RULES: dict[str, Callable[[Node, int, list[int | None]], bool]] = {
    "reshape": _always,  # see `_rounds_behind`
    "transpose": _always,
    "broadcast": _always,
    "slice": _slice,
    "pad": _pad,
    "concatenate": _along_another,
    "cumulative_max": _along_another,
    "cumulative_sum": _along_another,
    "take": _take,
    "take_along_axis": _along_another,
    "add_along_axis": _along_another,
    "argsort": _argsort,
    "scatter_add": _scatter_add,
    # Their types refuse a symbolic axis to slide along.
    "window": _always,
    "overlap_add": _always,
}
"""For each operation that moves entries: whether row i needs just row i. None else keeps rows."""
