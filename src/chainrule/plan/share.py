"""Share a training step among workers, each with its part of the minibatch's rows.

Every worker runs the same kernels on its own rows, in memory of its own. Sums over the batch (the
gradients) come out in parts, one per worker; what reads them adds the parts up, in a fixed order,
after all workers have met at a barrier. Updates of what is carried on are split by entries.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from chainrule.errors import GraphError
from chainrule.ir import Dim, Graph, Node
from chainrule.plan.fuse import Group, matrix_operand

ROWS, WHOLE, TURNED = "rows", "whole", "turned"


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
        The level of each of them.
    partial
        Values of which every worker has only the sum over its own rows.
    rows
        Values with an entry for each row of the minibatch.
    updates
        Groups that write what is carried on: split by entries, all others run everywhere.
    """

    workers: int
    groups: tuple[Group, ...]
    levels: tuple[int, ...]
    partial: frozenset[Node]
    rows: frozenset[Node]
    updates: frozenset[Group]


def share(
    graph: Graph, groups: Sequence[Group], carried: Mapping[Node, Node], workers: int
) -> Sharing | None:
    """Find how a step can be shared; None if a part of it cannot be done row by row.

    Parameters
    ----------
    groups
        The kernels of the step, in an order in which they can run.
    carried
        Output -> input, for outputs that are written over an input.
    workers
        How many are to share the work.
    """
    try:
        labels = _Labels(graph)
    except GraphError:
        return None
    if not labels.partial:
        return None
    updates = {g for g in groups if any(x in carried for x in g.outputs)}
    levels: dict[Group, int] = {}
    maker = {x: g for g in groups for x in g.members}
    for group in groups:
        made = [x for x in group.reads if x in maker]
        if any(x not in carried for x in group.outputs) and group in updates:
            return None
        if group.kind == "contract" and any(x in labels.partial for x in made):
            return None
        waits = [levels[maker[x]] + (x in labels.partial or x in carried) for x in made]
        if group in updates:  # nobody may still be reading what is overwritten
            old = {carried[x] for x in group.outputs}
            waits += [1 + levels[g] for g in levels if old & set(g.reads)]
        levels[group] = max(waits, default=0)
    ranked = sorted(groups, key=levels.__getitem__)
    return Sharing(
        workers,
        tuple(ranked),
        tuple(levels[g] for g in ranked),
        frozenset(labels.partial),
        frozenset(x for x, label in labels.of.items() if label == ROWS),
        frozenset(updates),
    )


def _by_rows(node: Node) -> bool:
    """Whether the first axis, and no other, is the batch."""
    shape = node.type.shape
    return (
        bool(shape)
        and isinstance(shape[0], Dim)
        and shape[0].offset == 0
        and not any(isinstance(n, Dim) for n in shape[1:])
    )


@dataclass
class _Labels:
    """For every value, whether it belongs to rows of the minibatch or to all workers."""

    graph: Graph
    of: dict[Node, str] = field(default_factory=dict)
    partial: set[Node] = field(default_factory=set)

    def __post_init__(self) -> None:
        for node in self.graph.nodes:
            self.of[node] = self._label(node)

    def _label(self, node: Node) -> str:
        name, kind = node.card.name, node.card.kind
        labels = [self.of[x] for x in node.inputs]
        if not node.inputs or name == "uniform":
            if name == "iota" and isinstance(node.type.shape[node.options["axis"]], Dim):
                raise GraphError("it numbers the rows of the minibatch")
            return ROWS if _by_rows(node) else WHOLE
        if TURNED in labels and kind != "contract":
            raise GraphError(f"{name} reads a transposed minibatch")
        if kind == "contract":
            return self._product(node, labels)
        if name == "transpose" and labels[0] == ROWS:
            axes = node.options["axes"]
            return ROWS if axes[0] == 0 else TURNED
        if kind == "reduce":
            return self._reduction(node, labels[0])
        if name == "scatter_add" and ROWS in labels:
            return self._scatter(node, labels)
        if ROWS not in labels:
            return ROWS if _by_rows(node) else WHOLE
        if not _by_rows(node) or not self._keeps_rows(node, labels):
            raise GraphError(f"{name} mixes rows of the minibatch")
        return ROWS

    def _keeps_rows(self, node: Node, labels: list[str]) -> bool:
        """Whether row i of the output needs just row i of the inputs."""
        name, options = node.card.name, node.options
        if name == "slice":
            first, last, jump = (options[part][0] for part in ("start", "stop", "step"))
            return bool(first == 0 and jump == 1 and last == node.inputs[0].type.shape[0])
        if name == "pad":
            return all(options[side][0] == 0 for side in ("low", "high", "gap"))
        if name in ("concatenate", "cumulative_sum"):
            return options["axis"] != 0 and WHOLE not in labels
        if name == "take":
            x, positions = labels
            return (x == WHOLE) if options["axis"] == 0 else (x == ROWS and positions == WHOLE)
        if name == "broadcast":
            return 0 not in options["axes"]
        if name in ("window", "overlap_add"):
            return 0 not in options["axes"]
        return name != "fold_in"

    def _product(self, node: Node, labels: list[str]) -> str:
        a, b = labels
        left, turned_a = matrix_operand(node.inputs[0])
        stacked = len(node.type.shape) > 2
        if stacked:
            if {a, b} == {WHOLE}:
                return WHOLE
            if a == b == ROWS:
                return ROWS
            raise GraphError("a stacked product mixes rows of the minibatch")
        if a == ROWS and b == WHOLE:
            return ROWS
        if a == TURNED and b == ROWS and turned_a and self.of[left] == ROWS:
            self.partial.add(node)
            return WHOLE
        if a == WHOLE and b == WHOLE:
            return WHOLE
        raise GraphError("a product mixes rows of the minibatch")

    def _reduction(self, node: Node, label: str) -> str:
        axes = node.options.get("axes", (node.options.get("axis"),))
        if label == WHOLE:
            return WHOLE
        if 0 not in axes:
            return ROWS
        if node.card.name != "sum":
            raise GraphError(f"{node.card.name} over the rows of the minibatch")
        self.partial.add(node)
        return WHOLE

    def _scatter(self, node: Node, labels: list[str]) -> str:
        if labels == [ROWS, ROWS] and node.options["axis"] == 0:
            self.partial.add(node)
            return WHOLE
        if labels == [ROWS, WHOLE] and node.options["axis"] != 0 and _by_rows(node):
            return ROWS
        raise GraphError("scatter_add mixes rows of the minibatch")


def lives_of_parts(
    sharing: Sharing, lives: Mapping[Node, tuple[int, int]]
) -> dict[Node, tuple[int, int]]:
    """Keep parts until all workers have read them: until the end of the level of the reader."""
    ends: dict[int, int] = {level: i for i, level in enumerate(sharing.levels)}
    return {
        x: (first, ends[sharing.levels[last]] if x in sharing.partial else last)
        for x, (first, last) in lives.items()
    }
