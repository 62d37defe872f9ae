"""The pipeline from a graph to a plan, in one place."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial

from chainrule.errors import GraphError
from chainrule.ir import Graph, Node, bind, check, element_count
from chainrule.ops import CARDS
from chainrule.plan.chunk import Chunk, chunk
from chainrule.plan.epilogue import join
from chainrule.plan.fuse import Group, fuse, in_memory
from chainrule.plan.loops import LoopPlan, plan_loops
from chainrule.plan.memory import Lives, Placement, lower_bound, place
from chainrule.plan.rows import Rows, find_rows
from chainrule.plan.share import Sharing, lives_of_parts, share, with_whole_sums
from chainrule.plan.simplify import simplify

PASSES = (
    ("simplify", "rewrite into fewer operations with the same bits"),
    ("fuse", "choose what lies in memory, and group values into kernels"),
    ("join", "compute maps of a matrix product while its tiles are in registers"),
    ("share", "divide a minibatch among workers"),
    ("chunk", "run kernels on as many rows at a time as a cache holds"),
    ("place", "give every value a place in one block of memory"),
)
"""Name and purpose of each pass, in the order in which `plan` applies them."""


@dataclass(frozen=True, eq=False)
class Plan:
    """A program cut into kernels, with a place in memory for every value.

    Attributes
    ----------
    graph
        The simplified program.
    groups
        Kernels in the order in which they run.
    placement
        Where values lie that no caller provides memory for.
    carried
        Output -> input, for values that replace an input when a step ends.
    in_place
        Those of the carried outputs that are written straight over their input.
    limits
        Largest values of the symbolic sizes, for one worker.
    sharing
        How the program is divided by rows; None where one worker does all of them at once.
    chunks
        Kernels that run on some rows after others.
    loops
        How the groups that are loops run.
    """

    graph: Graph
    groups: tuple[Group, ...]
    placement: Placement
    carried: Mapping[Node, Node]
    in_place: frozenset[Node]
    limits: Mapping[str, int]
    sharing: Sharing | None = None
    chunks: tuple[Chunk, ...] = ()
    loops: Mapping[Group, LoopPlan] = field(default_factory=dict)

    @cached_property
    def fingerprint(self) -> str:
        """A hash of the plan: equal for plans that do the same in the same way."""
        number = {node: i for i, node in enumerate(self.graph.nodes)}
        kernels = [(group.kind, *(number[x] for x in group.members)) for group in self.groups]
        limits = sorted(self.limits.items())
        chunks = [(x.first, x.last, x.rows) for x in self.chunks]
        text = f"{self.graph.fingerprint}{kernels}{limits}{chunks}"
        return hashlib.sha256(text.encode()).hexdigest()

    @cached_property
    def every_loop(self) -> dict[Group, LoopPlan]:
        """How all groups that are loops run, those inside of loops included."""
        found: dict[Group, LoopPlan] = {}
        waiting = [self.loops]
        while waiting:
            loops = waiting.pop(0)
            found.update(loops)
            waiting += [loop.inner for loop in loops.values()]
        return found

    @cached_property
    def every_group(self) -> tuple[Group, ...]:
        """All groups: those of the program, then those of the steps of loops."""
        return (*self.groups, *(g for loop in self.every_loop.values() for g in loop.groups))

    def memory(self) -> int:
        """Bytes of working memory, without arguments and results."""
        workspaces = (loop.workspace for loop in self.loops.values())
        return self.placement.total + max(workspaces, default=0)

    def cost(self) -> int:
        """Floating-point operations of one run, at the largest symbolic sizes."""
        return sum(_flops(group, self.limits, self.every_loop) for group in self.groups)

    def explain(self, seconds: Sequence[float] = ()) -> str:
        """Print the plan: kernels with what they read, write, and cost.

        Parameters
        ----------
        seconds
            The time that each of `every_group` took in one run of the program, if it was
            measured; of kernels inside of loops all steps together. Printed is the time of a step.
        """
        names = _names(self)
        bound = lower_bound(self.placement, len(self.groups))
        lines = [
            f"{len(self.groups)} kernels, {_big(self.cost())} floating-point operations, "
            f"{_bytes(self.memory())} of working memory (lower bound {_bytes(bound)})"
        ]
        times = dict(zip(self.every_group, seconds, strict=False))
        begins = {some.first: some for some in self.chunks}
        ends = {some.last for some in self.chunks}
        for i, group in enumerate(self.groups):
            if i in begins:
                lines.append(f"for each {begins[i].rows} rows:")
            lines += self._lines(f"{i:3d}", group, names, times)
            if i in ends:
                lines.append("for all rows:")
        for x, offset in sorted(self.placement.offsets.items(), key=lambda item: item[1]):
            first, last = self.placement.lives[x]
            size = _bytes(self.placement.sizes[x])
            lines.append(f"    {names[x]:>6} at {offset:>8}, {size}, kernels {first} to {last}")
        return "\n".join(lines)

    def _lines(
        self,
        number: str,
        group: Group,
        names: Mapping[Node, str],
        times: Mapping[Group, float],
        runs: int = 1,
    ) -> list[str]:
        """Describe a kernel that runs so many times; of a loop, also those of its step."""
        flops = _flops(group, self.limits, self.every_loop)
        cost = f"{_big(flops)} flops"
        if group in times:
            time = times[group] / max(runs, 1)
            speed = flops / max(time, 1e-12) / 1e9
            cost += f", {time * 1e6:.2f} us, {speed:.1f} GFLOP/s"
        outputs = ", ".join(f"{names[x]}: {x.type}" for x in group.outputs)
        reads = ", ".join(names[x] for x in group.reads)
        lines = [f"{number} {group.title:<12} {outputs} <- {reads or 'nothing'}  [{cost}]"]
        loop = self.every_loop.get(group)
        if loop is None:
            return lines + [f"        {_formula(x, names)}" for x in group.members]
        for x, i in loop.finals.items():
            lines.append(f"        {names[x]} = the last {names[loop.ends[i]]}")
        lines += [f"        {names[x]} = every {names[y]}" for x, y in loop.stacks.items()]
        back = ", the last slice first" if loop.reverse else ""
        lines.append(f"        {loop.length} steps{back}; {_bytes(loop.workspace)} for each:")
        runs *= int(bind(loop.length, self.limits))
        for i, inner in enumerate(loop.groups):
            lines += [f"    {x}" for x in self._lines(f"{i:3d}", inner, names, times, runs)]
        return lines


def plan(
    graph: Graph,
    *,
    limits: Mapping[str, int] | None = None,
    carried: Sequence[tuple[int, int]] = (),
    workers: int = 1,
    simplified: bool = True,
    fused: bool = True,
    joined: bool = True,
    chunked: bool = True,
) -> Plan:
    """Plan a program.

    Parameters
    ----------
    limits
        Largest values of the symbolic sizes.
    carried
        Pairs (output, input) of positions: the output takes the input's place when a step ends.
    workers
        How many share the program, if its minibatch can be shared; its first symbolic size is
        then divided among them.
    simplified, fused, joined, chunked
        Whether to apply the passes "simplify", "join" and "chunk", and whether "fuse" may put
        several operations into a kernel: switches to see what the passes are worth.
    """
    limits = dict(limits or {})
    graph = check(simplify(graph)) if simplified else graph
    if workers > 1 and (rows := _rows(graph, limits)):
        graph = with_whole_sums(graph, rows)
    graph, pairs = _with_copies(graph, carried, workers)
    rows = _rows(graph, limits)
    level = rows.level if rows else {}
    groups = fuse(graph, pairs, everything_apart=not fused, updates_apart=workers > 1, level=level)
    if fused and joined:
        groups = join(groups, graph.outputs, pairs, rows)
    in_place = frozenset(x for x in pairs if _can_overwrite(groups, x, pairs))
    outside: set[Node] = {*graph.inputs, *graph.outputs} - (set(pairs) - in_place)
    sharing: Sharing | None = None
    chunks: tuple[Chunk, ...] = ()
    if rows is not None and (workers == 1 or len(in_place) == len(pairs)):
        sharing = share(rows, groups, pairs, workers)
    if sharing is not None:
        limits = {name: -(-size // workers) for name, size in limits.items()}
        if chunked:
            (most,) = limits.values()
            sharing, chunks = chunk(sharing, most, outside)
        if workers == 1 and not chunks:
            sharing = None
        else:
            groups = list(sharing.groups)
    if sharing is None and rows is not None and fused and joined:  # no sum is made in parts
        groups = join(groups, graph.outputs, pairs, None)
    placement = place(
        groups,
        dict.fromkeys(outside),
        partial(_limits_of, limits, chunks),
        partial(_lives, sharing, chunks),
    )
    loops = plan_loops(groups, limits, everything_apart=not fused, joined=fused and joined)
    return Plan(graph, tuple(groups), placement, pairs, in_place, limits, sharing, chunks, loops)


def _rows(graph: Graph, limits: Mapping[str, int]) -> Rows | None:
    """Find the rows of a minibatch in every value; None if they cannot be told apart."""
    try:
        return find_rows(graph) if len(limits) == 1 else None
    except GraphError:
        return None


def _limits_of(limits: Mapping[str, int], chunks: Sequence[Chunk], node: Node) -> Mapping[str, int]:
    """Largest sizes of a value: of one that lives in a chunk, those of the chunk."""
    rows = [some.rows for some in chunks if node in some.local]
    return dict.fromkeys(limits, max(rows)) if rows else limits


def _lives(sharing: Sharing | None, chunks: Sequence[Chunk], lives: Lives) -> Lives:
    """Keep what is still needed although its last reader has run for the first time."""
    for some in chunks:
        lives = some.prolong(lives)
    return lives if sharing is None else lives_of_parts(sharing, lives)


def _with_copies(
    graph: Graph, carried: Sequence[tuple[int, int]], workers: int
) -> tuple[Graph, dict[Node, Node]]:
    """Give every value that is carried on a node of its own, also where it is only passed on.

    Other outputs that are the old value of what is carried on are copied before it changes, and
    those that are its new value before it changes again. Where workers share the program, those
    that may be sums in parts are copied too: the copy is where the parts are added up.
    """
    outputs = list(graph.outputs)
    kept = {out for out, _ in carried}
    changing = {x for out, into in carried for x in (graph.inputs[into], outputs[out])}
    summed = ("reduce", "contract", "index", "control") if workers > 1 else ()
    copies = {
        x: Node(CARDS["stop_gradient"], (x,), (), x.type)
        for out, x in enumerate(outputs)
        if out not in kept and (x in changing or x.card.kind in summed)
    }
    outputs = [x if out in kept else copies.get(x, x) for out, x in enumerate(outputs)]
    pairs: dict[Node, Node] = {}
    for out, into in carried:
        x, old = outputs[out], graph.inputs[into]
        if x is old:
            continue
        if x in pairs or x in graph.inputs or x.card.kind in ("leaf", "control"):
            x = outputs[out] = Node(CARDS["stop_gradient"], (x,), (), x.type)
        pairs[x] = old
    return Graph(graph.inputs, tuple(outputs), graph.notes), pairs


def _can_overwrite(groups: Sequence[Group], x: Node, pairs: Mapping[Node, Node]) -> bool:
    """Whether all readers of the old value have run, or read just the entry being written."""
    home = next(i for i, g in enumerate(groups) if x in g.outputs)
    if groups[home].kind != "map" and (not groups[home].mapped or x is groups[home].product):
        return False
    old = pairs[x]
    if sum(y is old for y in pairs.values()) > 1:
        return False
    return all(
        i < home or (i == home and group.reads[old])
        for i, group in enumerate(groups)
        if old in group.reads
    )


def _flops(group: Group, limits: Mapping[str, int], loops: Mapping[Group, LoopPlan]) -> int:
    if group in loops:
        loop = loops[group]
        steps = int(bind(loop.length, limits))
        return steps * sum(_flops(inner, limits, loops) for inner in loop.groups)
    total = 0
    seen: set[Node] = set(group.reads)
    if group.kind == "contract":
        product = group.product
        inner = product.inputs[0].type.shape[-1]
        count = element_count(bind(product.type.shape, limits))
        total += 2 * int(count) * int(bind(inner, limits))
        seen.add(product)
    stack = list(group.members)
    while stack:
        x = stack.pop()
        if x in seen:
            continue
        seen.add(x)
        over = x.inputs[0].type if x.card.kind == "reduce" else x.type
        if x.card.cost:
            total += x.card.cost * int(element_count(bind(over.shape, limits)))
        stack += x.inputs
    return total


def _names(plan: Plan) -> dict[Node, str]:
    names: dict[Node, str] = {}
    for i, node in enumerate(plan.graph.inputs):
        note = plan.graph.notes.get(node)
        names[node] = note.name if note and note.name else f"input{i}"
    number = 0
    for node in plan.graph.nodes:
        if node.card.name == "constant":
            names[node] = f"constant{len(names)}"
    for group in plan.groups:
        for x in group.members:
            names[x] = f"%{number}"
            number += 1
    for group, loop in plan.loops.items():
        _name_step(names, group, loop)
    return names


def _name_step(names: dict[Node, str], group: Group, loop: LoopPlan) -> None:
    """Name the values of a loop's step after what it reads, and by numbers of their own."""
    inputs = (*loop.constants, *loop.carries, *loop.slices)
    outside = dict(zip(inputs, map(in_memory, group.outputs[0].inputs), strict=True))
    names |= {x: names[outside[x]] for x in loop.constants}
    names |= {x: f"{names[outside[x]]}[t]" for x in loop.slices}
    names |= {x: f"carry{i}" for i, x in enumerate(loop.carries)}
    stem = names[group.outputs[0]]
    members = [x for inner in loop.groups for x in inner.members]
    names |= {x: f"{stem}.{i}" for i, x in enumerate(members)}
    for inner, each in loop.inner.items():
        _name_step(names, inner, each)


def _formula(node: Node, names: Mapping[Node, str]) -> str:
    def write(x: Node) -> str:
        if x in names and x is not node:
            return names[x]
        if x.card.name == "full":
            return f"{x.options['value']:g}"
        inner = [write(y) for y in x.inputs]
        if x.card.name in ("broadcast", "reshape", "stop_gradient"):
            return inner[0]
        skip = ("shape", "dtype")
        inner += [f"{k}={v}" for k, v in x.params if k not in skip]
        return f"{x.card.name}({', '.join(map(str, inner))})"

    return f"{names[node]} = {write(node)}"


def _bytes(n: int) -> str:
    return (
        f"{n} B" if n < 10_000 else f"{n / 1024:.0f} KiB" if n < 2**23 else f"{n / 2**20:.0f} MiB"
    )


def _big(n: int) -> str:
    for unit in ("", "k", "M", "G"):
        if n < 10_000 or unit == "G":
            return f"{n}{unit}"
        n //= 1000
    return str(n)
