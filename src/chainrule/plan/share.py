"""Share a training step among workers, each with its part of the minibatch's rows.

Every worker runs the same kernels on its own rows, in memory of its own. Sums over the batch (the
gradients) come out in parts, one per worker; what reads them adds the parts up, in a fixed order,
after all workers have met at a barrier. Updates of what is carried on are split by entries.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from chainrule.ir import Graph, Node, is_loop
from chainrule.ops import CARDS
from chainrule.plan.fuse import Group, in_memory, matrix_operand
from chainrule.plan.rows import Rows


@dataclass(frozen=True, eq=False)
class Sharing:
    """Who does what.

    Attributes
    ----------
    workers
        How many share the work.
    groups
        The groups, level by level; between levels all workers meet.
    levels
        The level of each of them. What reads a sum over rows stands in a later level.
    partial
        Sums over rows: of each, every worker has only the sum over its own rows.
    rows
        Values with an entry for each row of the minibatch.
    scattered
        Those in which a row lies in several places of the axis that numbers rows.
    updates
        Groups that write what is carried on: split by entries, all others run everywhere.
    """

    workers: int
    groups: tuple[Group, ...]
    levels: tuple[int, ...]
    partial: frozenset[Node]
    rows: frozenset[Node]
    scattered: frozenset[Node]
    updates: frozenset[Group]


def with_whole_sums(graph: Graph, rows: Rows) -> Graph:
    """Give sums over rows that a product or a loop reads a copy, in which parts are added up.

    Other kernels add the parts up where they read them; these two read whole values only.
    """
    read: set[Node] = set()
    for node in graph.nodes:
        if node.card.kind == "contract":
            read |= {matrix_operand(x)[0] for x in node.inputs}
        elif is_loop(node):
            read |= {in_memory(x) for x in node.inputs}
    read &= rows.partial
    if not read:
        return graph
    new: dict[Node, Node] = {}
    for node in graph.nodes:
        inputs = tuple(new[x] for x in node.inputs)
        x = node if inputs == node.inputs else replace(node, inputs=inputs)
        new[node] = Node(CARDS["stop_gradient"], (x,), (), x.type) if node in read else x
    outputs = tuple(new[x] for x in graph.outputs)
    return Graph(graph.inputs, outputs, {new[x]: n for x, n in graph.notes.items() if x in new})


def share(
    rows: Rows, groups: Sequence[Group], carried: Mapping[Node, Node], workers: int
) -> Sharing | None:
    """Find how a program can be divided by rows; None if a part of it cannot be done row by row.

    Parameters
    ----------
    rows
        Where the rows lie in every value.
    groups
        The kernels, in an order in which they can run.
    carried
        Output -> input, for outputs that are written over an input.
    workers
        How many are to share the work; one alone may do some rows after others.
    """
    if workers > 1 and not rows.partial:
        return None
    updates = {g for g in groups if any(x in carried for x in g.outputs)}
    levels: dict[Group, int] = {}
    maker = {x: g for g in groups for x in g.members}
    for group in groups:
        made = [x for x in group.reads if x in maker]
        if workers > 1:
            if group in updates and any(x not in carried for x in group.outputs):
                return None
            whole = group.kind in ("contract", "scan")  # they read no sums in parts
            if whole and any(x in rows.partial for x in made):
                return None
        waits = [levels[maker[x]] + (x in rows.partial or x in carried) for x in made]
        if group in updates:  # nobody may still be reading what is overwritten
            old = {carried[x] for x in group.outputs if x in carried}
            waits += [1 + levels[g] for g in levels if old & set(g.reads)]
        levels[group] = max(waits, default=0)
    levels = _late(groups, levels, rows, carried)
    ranked = _in_order(groups, levels, rows)
    return Sharing(
        workers,
        tuple(ranked),
        tuple(levels[g] for g in ranked),
        rows.partial,
        frozenset(rows.axis),
        rows.scattered,
        frozenset(updates),
    )


def _late(
    groups: Sequence[Group],
    earliest: Mapping[Group, int],
    rows: Rows,
    carried: Mapping[Node, Node],
) -> dict[Group, int]:
    """Move kernels to the level of those that read what they make.

    A forward pass then stands beside the backward pass, although that waits for a sum of weights.
    """
    levels: dict[Group, int] = {}
    readers: dict[Node, list[Group]] = {}
    update = {carried[x]: g for g in groups for x in g.outputs if x in carried}
    for group in reversed(groups):
        limits = [
            levels[reader] - (x in rows.partial)
            for x in group.outputs
            for reader in readers.get(x, ())
        ]
        limits += [earliest[update[x]] - 1 for x in group.reads if update.get(x, group) != group]
        fixed = not limits or any(x in carried for x in group.outputs)
        levels[group] = earliest[group] if fixed else min(limits)
        for x in group.reads:
            readers.setdefault(x, []).append(group)
    return levels


def _in_order(groups: Sequence[Group], levels: Mapping[Group, int], rows: Rows) -> list[Group]:
    """Order kernels by level: in each, what has no rows, then the rows.

    A sum over rows runs as soon as its terms are there, so that their memory is free again.
    """

    def rank(group: Group) -> tuple[int, bool]:
        return levels[group], any(x in rows.axis or x in rows.partial for x in group.outputs)

    ordered: list[Group] = []
    for group in sorted(groups, key=rank):
        place = len(ordered)
        if all(x in rows.partial for x in group.outputs):
            while place and rank(ordered[place - 1]) == rank(group):
                before = ordered[place - 1]
                if before.outputs[0] in rows.partial or group.reads.keys() & set(before.outputs):
                    break
                place -= 1
        ordered.insert(place, group)
    return ordered


def lives_of_parts(
    sharing: Sharing, lives: Mapping[Node, tuple[int, int]]
) -> dict[Node, tuple[int, int]]:
    """Keep parts until all workers have read them: until the end of the level of the reader."""
    ends: dict[int, int] = {level: i for i, level in enumerate(sharing.levels)}
    return {
        x: (first, ends[sharing.levels[last]] if x in sharing.partial else last)
        for x, (first, last) in lives.items()
    }
