"""Find where the rows of the minibatch lie in every value of a program.

A program whose values keep rows apart, and join them in sums alone, can be run on some rows after
others, or by several workers at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod

from chainrule.errors import GraphError
from chainrule.ir import Dim, Graph, Node, Shape, symbols


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
    """

    axis: dict[Node, int]
    partial: frozenset[Node]
    level: dict[Node, int]


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
    axis: dict[Node, int] = {}
    partial: set[Node] = set()
    level: dict[Node, int] = {}
    for node in graph.nodes:
        level[node] = max((level[x] + (x in partial) for x in node.inputs), default=0)
        own = row_axis(node.type.shape)
        if own is not None:
            axis[node] = own
        if any(x in axis for x in node.inputs):
            if own is None:
                _check_sum(node)
                partial.add(node)
            elif not _keeps_rows(node, own, [axis.get(x) for x in node.inputs]):
                raise GraphError(f"{node.card.name} mixes rows of the minibatch")
        elif own is not None and node.inputs and node.card.name not in ("broadcast", "uniform"):
            raise GraphError(f"{node.card.name} makes rows of what has none")
    return Rows(axis, frozenset(partial), level)


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
    if rows.partial or any(x.card.name in alone for x in graph.nodes):
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


def _reshape(node: Node, own: int, axes: list[int | None]) -> bool:
    """A reshape keeps each row in one run if as many entries stand before the rows' axis."""
    before, after = node.inputs[0].type.shape, node.type.shape
    (axis,) = axes
    return prod(before[:axis]) == prod(after[:own])


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
    "reshape": _reshape,
    "transpose": _always,
    "broadcast": _always,
    "slice": _slice,
    "pad": _pad,
    "concatenate": _along_another,
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
