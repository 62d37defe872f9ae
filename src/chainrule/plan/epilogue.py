"""Join a matrix product with the map that reads it.

A product is computed tile by tile, and each tile is complete while it still lies in registers. What
a map makes of the product (a bias and a ReLU, the derivative of an activation, an optimiser's
update) is computed there: the product need not be written to memory and read again.

Not joined is what would gain nothing. Exponentials and their relatives need the multiply-adds that
the product keeps busy: twenty layers of 64 with tanh took 7 % longer. Products with few columns
are computed in ways that leave no tile in registers.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from chainrule.ir import Node, Shape, Size, element_count
from chainrule.plan.fuse import EXPENSIVE, LONGEST, Group, is_spread
from chainrule.plan.memory import bytes_of
from chainrule.plan.rows import Rows

FEWEST_COLUMNS = 32
"""Columns from which products are computed in tiles, and leave no vector empty."""


MOST_BYTES = 256 << 10
"""What an update may write so that it is worth joining: all of it then stays in a near cache.

With one worker, Adam behind the gradient of 64 by 64 takes 1 % less time than apart, of 256 by 128
(384 KiB) as much, of 784 by 256 (2.3 MiB) 7 % more: tiles write rows that lie far apart.
"""


class Reach(NamedTuple):
    """What an entry that a tile's map reads depends on: the tile's row, and its column.

    A bias depends on the column, a number that all entries share on neither.
    """

    rows: bool
    columns: bool


EVERY, NONE = Reach(rows=True, columns=True), Reach(rows=False, columns=False)


def join(
    groups: Sequence[Group],
    outputs: Collection[Node],
    carried: Mapping[Node, Node],
    rows: Rows | None,
) -> list[Group]:
    """Move maps to the products that they read.

    Parameters
    ----------
    groups
        Kernels, in an order in which they can run.
    outputs
        Values that the caller wants.
    carried
        Output -> input, for outputs that replace an input when a step ends.
    rows
        Where the rows of a minibatch lie, if it is divided: a map must not wait for sums over
        all rows that its product does not wait for.
    """
    joined = list(groups)
    for group in groups:
        home = _home(joined, group, carried, rows)
        if home is not None:
            product = joined[home]
            joined.remove(group)
            wanted = {*outputs, *(x for g in joined for x in g.reads)}
            joined[home] = _both(product, group, wanted)
    return joined


def _both(product: Group, group: Group, wanted: Collection[Node]) -> Group:
    """One kernel that does the work of two."""
    x = product.product
    reads = dict(product.reads)
    for y, same in group.reads.items():
        if y is not x:
            reads[y] = reads.get(y, True) and same
    if x in wanted:
        return Group("contract", [x, *group.outputs], reads, group.inner)
    return Group("contract", group.outputs, reads, [x, *group.inner])


def _home(
    groups: Sequence[Group], group: Group, carried: Mapping[Node, Node], rows: Rows | None
) -> int | None:
    """The last product that a map reads, if the map can be computed right there."""
    found = [
        i
        for i, g in enumerate(groups)
        if g.kind == "contract" and not g.mapped and group.reads.get(g.product)
    ]
    if group.kind != "map" or not found:
        return None
    home, made = groups[found[-1]], {x: i for i, g in enumerate(groups) for x in g.outputs}
    if any(made.get(x, -1) > found[-1] for x in group.reads) or not _fits(home.product, group):
        return None
    old = {carried[x] for x in group.outputs if x in carried}
    if sum(bytes_of(x, {}) for x in old) > MOST_BYTES:
        return None
    later = (home, *(g for g in groups[found[-1] :] if g is not group))
    if any(x in g.reads for x in old for g in later):  # it would be overwritten too early
        return None
    if rows is None:
        return found[-1]
    level = {rows.level.get(x) for x in (home.product, *group.members)}
    apart = len(level) > 1 or any(x in rows.partial for x in (home.product, *group.reads))
    return None if apart else found[-1]


def _fits(product: Node, group: Group) -> bool:
    """Whether the values of a map can be computed of the tiles of a product."""
    columns, dtype = product.type.shape[-1], product.type.dtype
    if not isinstance(columns, int) or columns < FEWEST_COLUMNS:
        return False
    if any(x.type.dtype != dtype for x in (*group.reads, *group.outputs)):
        return False
    return not any(map(is_spread, group.outputs)) and reaches(product, group) is not None


def reaches(product: Node, group: Group) -> dict[Node, Reach] | None:
    """Find what the values that a map reads depend on; None if a tile cannot compute the map."""
    columns = product.type.shape[-1]
    found: dict[Node, Reach] = {product: EVERY}
    waiting = [(x, EVERY) for x in group.outputs]
    seen = set(waiting)
    while waiting:
        node, reach = waiting.pop()
        if node is product or (node in group.reads and node not in group.members):
            if found.setdefault(node, reach) != reach:
                return None
            continue
        if node.card.cost >= EXPENSIVE:
            return None
        behind = reach_behind(node, reach, columns)
        if behind is None:
            return None
        new = [(x, behind) for x in node.inputs if (x, behind) not in seen]
        seen.update(new)
        waiting += new
    return found if len(seen) <= LONGEST else None


def reach_behind(node: Node, reach: Reach, columns: Size) -> Reach | None:
    """What the inputs of a value depend on, given what it does; None if a tile cannot tell.

    Parameters
    ----------
    columns
        Of the product.
    """
    if node.card.kind == "elementwise" or node.card.name in ("full", "reshape"):
        return reach
    if node.card.name != "broadcast":
        return None
    if reach is NONE or all(n == 1 for n in node.inputs[0].type.shape):
        return NONE
    shape = node.type.shape
    repeated = {a for a in node.options["axes"] if shape[a] != 1}
    if not repeated:
        return reach
    first = _first_column_axis(shape, columns)
    if reach != EVERY or first is None:
        return None
    wide = {a for a, n in enumerate(shape) if n != 1}
    parts = {a for a in wide if a < first}, {a for a in wide if a >= first}
    if any(repeated & part not in (set(), part) for part in parts):
        return None  # repeated along some axes of rows or columns, not along all
    return Reach(*(not repeated & part for part in parts))


def _first_column_axis(shape: Shape, columns: Size) -> int | None:
    """Where the axes begin whose entries number the columns, if they can be told apart."""
    behind = [element_count(shape[axis:]) for axis in range(len(shape))]
    return behind.index(columns) if columns in behind else None
