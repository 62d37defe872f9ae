"""Decide which values lie in memory, and which are computed in one go.

A value lies in memory when the caller wants it, when an operation needs it as a block (matrix
products, look-ups), or when computing it again for each reader would cost more than reading it.
Every other value lives in registers, inside the loop of whoever reads it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from chainrule.ir import Graph, Node, Shape, bind, element_count, families, is_loop, symbols
from chainrule.plan.order import ordered

EXPENSIVE = 10
"""Operations per entry from which a value is computed in a loop that can be vectorised."""

REPEATABLE = 3
"""Operations per entry up to which computing again is cheaper than writing and reading."""

LONGEST = 60
"""Operations in one loop body, above which it is cut, to keep compiling quick."""

SHORT_ROW = 16
"""Entries in a row below which loops along the row cannot be vectorised well."""


USUAL_ROWS = 64
"""What a symbolic number of rows is taken for where sizes are compared."""


@dataclass(eq=False)
class Group:
    """Values that one kernel computes.

    Attributes
    ----------
    kind
        "map" (a loop over entries), "reduce", "argmax", "cumulate", "contract" (a matrix product,
        and what a map makes of its tiles), "take", "scatter_add", "overlap_add", "fold_in", or
        "scan" (all values of a loop).
    outputs
        The values written to memory.
    inner
        Values that later outputs of the same loop read from registers.
    reads
        Values in memory that are read; True where entry i of the output needs just entry i.
    """

    kind: str
    outputs: list[Node]
    reads: dict[Node, bool]
    inner: list[Node] = field(default_factory=list)

    @property
    def members(self) -> list[Node]:
        """All values that the kernel computes, in order."""
        return [*self.inner, *self.outputs]

    @property
    def product(self) -> Node:
        """The matrix product of a "contract"."""
        return next(x for x in self.members if x.card.kind == "contract")

    @property
    def mapped(self) -> bool:
        """Whether it is a product with a map of its tiles."""
        return self.kind == "contract" and len(self.members) > 1

    @property
    def title(self) -> str:
        """What it is called where people read it."""
        return f"{self.kind}+map" if self.mapped else self.kind


def is_view(node: Node) -> bool:
    """Tell whether a node only renames the entries of its input."""
    return node.card.kind == "shape" and hasattr(node.card.native, "source") and not _joins(node)


def _joins(node: Node) -> bool:
    return node.card.name in ("pad", "concatenate")


def is_spread(node: Node) -> bool:
    """Tell whether a node joins arrays of one shape, of which some are computed for it.

    One loop over that shape then computes all of them and writes each to its place.
    """
    return (
        node.card.name == "concatenate"
        and len({x.type.shape for x in node.inputs}) == 1
        and any(x.card.kind == "elementwise" for x in node.inputs)
    )


def loop_shape(node: Node) -> Shape:
    """The entries that the loop goes through which computes a value by entries."""
    return node.inputs[0].type.shape if is_spread(node) else node.type.shape


def _inlines(node: Node) -> bool:
    """Whether a node can be computed entry by entry inside another kernel."""
    if node.card.kind in ("elementwise", "shape"):
        return True
    if node.card.kind == "leaf":
        return node.card.name in ("full", "iota", "size")
    return node.card.name == "uniform"


def matrix_operand(node: Node) -> tuple[Node, bool]:
    """The value in memory behind an operand of a product, and whether it is transposed.

    A reshape changes nothing in memory, so the value may have another shape than the operand.
    """
    transposed = False
    if node.card.name == "transpose":
        axes = node.options["axes"]
        plain = tuple(range(len(axes) - 2))
        if axes == (*plain, len(axes) - 1, len(axes) - 2):
            node, transposed = node.inputs[0], True
    return in_memory(node), transposed


def in_memory(node: Node) -> Node:
    """The value in memory behind one that is read as a block: a reshape changes nothing there."""
    while node.card.name == "reshape":
        node = node.inputs[0]
    return node


def stored_nodes(graph: Graph) -> set[Node]:
    """Choose the values that lie in memory."""
    stored = set(graph.inputs) | {x for x in graph.outputs if x.card.kind != "leaf"}
    stored |= {x for x in graph.outputs if x.card.name in ("full", "iota", "size")}
    for node in graph.nodes:
        kind = node.card.kind
        if node.card.name == "constant" or not _inlines(node):
            stored.add(node)
        if kind == "contract":
            stored |= {matrix_operand(x)[0] for x in node.inputs}
        elif kind == "control":
            stored |= {in_memory(x) for x in node.inputs}
        elif kind in ("index", "random"):
            stored |= set(node.inputs)
        elif is_spread(node):
            stored.add(node)
        elif _joins(node):
            stored |= {x for x in node.inputs if x.card.kind != "leaf"}
    cost: dict[Node, int] = {}
    length: dict[Node, int] = {}
    for node in graph.nodes:
        inputs = [x for x in dict.fromkeys(node.inputs) if x not in stored]
        cost[node] = node.card.cost + sum(cost[x] for x in inputs)
        length[node] = 1 + sum(length[x] for x in inputs)
        if node in stored or node.card.kind == "leaf" or is_view(node):
            continue
        users = graph.users[node]
        wanted = _sites(graph, node)
        if (
            (wanted > 1 and cost[node] > REPEATABLE)
            or (cost[node] > REPEATABLE and any(x.card.name == "broadcast" for x in users))
            or length[node] > LONGEST
            or (cost[node] >= EXPENSIVE and any(_short_reduction(x) for x in users))
        ):
            stored.add(node)
    return stored


def _sites(graph: Graph, node: Node) -> int:
    """In how many places a value is read, looking through views."""
    count = 0
    for user in dict.fromkeys(graph.users[node]):
        count += max(1, _sites(graph, user)) if is_view(user) else 1
    return count


def _short_reduction(node: Node) -> bool:
    if node.card.kind != "reduce":
        return False
    last = node.inputs[0].type.shape[-1] if node.inputs[0].type.shape else 1
    return isinstance(last, int) and last < SHORT_ROW


def reads_of(node: Node, stored: set[Node]) -> dict[Node, bool]:
    """Values in memory that computing a node reads; True if entry i needs just entry i."""
    found: dict[Node, bool] = {}

    def visit(x: Node, same: bool) -> None:
        if x in stored and x is not node:
            found[x] = found.get(x, True) and same
            return
        keeps = x.card.kind == "elementwise" or x.card.name == "reshape"
        keeps |= x is node and is_spread(x)
        for y in x.inputs:
            visit(y, same and keeps)

    if node.card.kind == "contract":
        found = {matrix_operand(x)[0]: False for x in node.inputs}
    elif is_loop(node):
        found = {in_memory(x): False for x in node.inputs}
    else:
        visit(node, True)
    return found


def fuse(
    graph: Graph,
    carried: Mapping[Node, Node],
    *,
    everything_apart: bool = False,
    updates_apart: bool = False,
    level: Mapping[Node, int] | None = None,
) -> list[Group]:
    """Group the values in memory into kernels, in an order in which they can run.

    Parameters
    ----------
    carried
        For outputs that replace an input after the step: output -> input. They are computed
        last, so that their memory can be the input's.
    everything_apart
        Whether to give every operation a kernel of its own, for comparison.
    updates_apart
        Whether kernels that replace inputs compute nothing else: workers divide their entries,
        where all other kernels run on rows.
    level
        How many sums over all rows of a minibatch a value waits for: a kernel must not wait for
        more of them on behalf of another value.
    """
    stored = stored_nodes(graph)
    level = level or {}
    if everything_apart:
        stored |= {x for x in graph.nodes if x.card.kind == "elementwise" or x.inputs}
        stored -= {x for x in graph.nodes if is_view(x) and x not in graph.outputs}
    late: set[Node] = set()
    first: list[Node] = []
    last: list[Node] = []
    for node in ordered(graph):
        is_late = node in carried or any(x in late for x in node.inputs)
        if is_late:
            late.add(node)
        if node in stored and node not in graph.inputs and node.card.name != "constant":
            (last if is_late else first).append(node)
    groups: list[Group] = []
    made: dict[Node, int] = {}
    loops = families(graph.nodes)
    for node in (*first, *last):
        reads = reads_of(node, stored)
        kind = _kind(node)
        alone = kind != "map" or everything_apart
        home = None if alone else _home(node, reads, groups, made, carried, updates_apart, level)
        if is_loop(node):  # the values of a loop come out of one run of it
            home = next((made[x] for x in loops[node] if x in made), None)
        if home is None:
            made[node] = len(groups)
            groups.append(Group(kind, [node], reads))
        else:
            group = groups[home]
            made[node] = home
            group.outputs.append(node)
            for x, same in reads.items():
                if x not in group.outputs:
                    group.reads[x] = group.reads.get(x, True) and same
    _keep_in_registers(graph, groups)
    return groups


def _kind(node: Node) -> str:
    if node.card.kind in ("index", "window") or node.card.name in ("argmax", "fold_in"):
        return node.card.name
    if node.card.kind in ("reduce", "cumulate", "contract"):
        return node.card.kind
    return "scan" if is_loop(node) else "map"


def _home(
    node: Node,
    reads: Mapping[Node, bool],
    groups: Sequence[Group],
    made: Mapping[Node, int],
    carried: Mapping[Node, Node],
    updates_apart: bool,
    level: Mapping[Node, int],
) -> int | None:
    """The last earlier group whose loop can compute this value too, if one shares its data."""
    earliest = max((made[x] for x in reads if x in made), default=-1)
    if node in carried:  # nobody may read the old value after it is overwritten
        readers = [i for i, g in enumerate(groups) if carried[node] in g.reads]
        earliest = max([earliest, *readers], default=-1)
    shape = loop_shape(node)
    for i in range(len(groups) - 1, max(earliest, 0) - 1, -1):
        group = groups[i]
        if group.kind != "map" or loop_shape(group.outputs[0]) != shape:
            continue
        if i == earliest and any(not same for x, same in reads.items() if made.get(x) == i):
            continue
        if node in carried and not group.reads.get(carried[node], True):
            continue
        alike = (node in carried) == (group.outputs[0] in carried)
        if updates_apart and not alike:
            continue
        if level.get(node) != level.get(group.outputs[0]):
            continue
        wide = {
            x for x in (*group.reads, *group.outputs) if _entries(x.type.shape) >= _entries(shape)
        }
        if wide & set(reads) or (alike and element_count(shape) == 1):
            return i
    return None


@lru_cache(maxsize=1024)
def _entries(shape: Shape) -> int:
    """Count entries, with many rows where their number is symbolic."""
    sizes = {s: USUAL_ROWS for n in shape for s in symbols(n)}
    return int(element_count(bind(shape, sizes)))


def _keep_in_registers(graph: Graph, groups: Iterable[Group]) -> None:
    """Do not write what only later members of the same loop read."""
    groups = list(groups)
    for group in groups:
        if group.kind != "map":
            continue
        needed = set(graph.outputs) | {x for g in groups if g is not group for x in g.reads}
        group.inner = [x for x in group.outputs if x not in needed]
        group.outputs = [x for x in group.outputs if x in needed]
