"""Run kernels on some rows of the minibatch after others, so that their values stay in a cache.

A step on all rows of a large minibatch, of images or of long sequences, writes values to memory
that are read again long after they have left the caches. A *chunk* is a run of kernels that a
worker repeats for some of its rows at a time, each time in the same memory. Sums over rows are
added up from chunk to chunk. What is read outside of the chunk is kept for all rows.

How many rows a chunk takes follows from sizes alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from chainrule.ir import Node, bind, element_count, itemsize
from chainrule.plan.fuse import Group
from chainrule.plan.memory import Lives, most_at_once
from chainrule.plan.rows import in_one_run, row_axis
from chainrule.plan.share import Sharing

CACHE_BYTES = 512 << 10
"""What the values of a chunk may take: half of a second-level cache, as most machines have it."""

FEW_ROWS = 16
"""Rows from which a matrix product makes good use of the weights it loads."""


@dataclass(frozen=True, eq=False)
class Chunk:
    """Kernels that run on some rows after others.

    Attributes
    ----------
    first, last
        Positions of the first and the last of them, both included.
    rows
        How many rows they take at a time.
    local
        Values of which only the rows at hand are kept.
    """

    first: int
    last: int
    rows: int
    local: frozenset[Node]

    def prolong(self, lives: Lives) -> Lives:
        """Keep what is read in every turn until the last one, and begin sums before the first."""

        def life(node: Node, first: int, last: int) -> tuple[int, int]:
            if node in self.local or last < self.first or first > self.last:
                return first, last
            return min(first, self.first), max(last, self.last)

        return {node: life(node, *span) for node, span in lives.items()}


def chunk(
    sharing: Sharing, rows: int, outside: Collection[Node]
) -> tuple[Sharing, tuple[Chunk, ...]]:
    """Find the kernels that should run in chunks.

    Parameters
    ----------
    sharing
        The kernels in order; those that are worth making again for their next reader, in place
        of keeping all rows of what they make, are repeated in the order that is returned.
    rows
        How many rows a worker has at most.
    outside
        Values whose memory the caller provides, all rows of them.
    """
    spans = []
    for first, last, count in [s for run in _runs(sharing) for s in _spans(sharing, run, rows)]:
        local = _local(sharing, (), first, last, outside)
        crossing = _row_values(sharing.groups[first : last + 1]) - local
        if all(in_one_run(x) for x in crossing):
            spans.append((first, last, count))
    sharing, spans = _with_repeats(sharing, spans, outside)
    chunks = [
        Chunk(first, last, count, frozenset(_local(sharing, spans, first, last, outside)))
        for first, last, count in spans
    ]
    return sharing, tuple(chunks)


Span = tuple[int, int, int]
"""First kernel, last kernel, and rows at a time."""


def _runs(sharing: Sharing) -> Iterator[tuple[int, int]]:
    """Neighbouring kernels of one level that work on rows."""
    begin = None
    for i, group in enumerate(sharing.groups):
        by_rows = any(x in sharing.rows or x in sharing.partial for x in group.outputs)
        # A loop runs on all rows: fewer would ask for its weights as often.
        by_rows &= group.kind != "scan" and not sharing.scattered & {*group.reads, *group.outputs}
        if begin is not None and (not by_rows or sharing.levels[i] != sharing.levels[begin]):
            yield begin, i - 1
            begin = None
        if by_rows and begin is None:
            begin = i
    if begin is not None:
        yield begin, len(sharing.groups) - 1


def _spans(sharing: Sharing, run: tuple[int, int], rows: int) -> Iterator[Span]:
    """Cut a run where a kernel is better done on all rows, and choose each part's rows."""
    count = _fitting(sharing.groups, *run)
    if count >= rows:
        return
    first, last = run
    groups = sharing.groups[first : last + 1]
    fixed = sum(_bytes(x) for x in {x for g in groups for x in _fixed(g, sharing)})
    begin = first
    for i in range(first, last + 2):
        if i <= last and not _weighs(sharing.groups[i], sharing, count, fixed):
            continue
        if begin < i:
            fitting = _fitting(sharing.groups, begin, i - 1)
            if fitting < rows:
                yield begin, i - 1, _even(fitting, rows)
        begin = i + 1


def _fitting(groups: Sequence[Group], first: int, last: int) -> int:
    """How many rows of what lives at one time between two kernels fit into the cache."""
    values: dict[Node, tuple[int, int]] = {}
    for i in range(first, last + 1):
        for x in _row_values([groups[i]]):
            values[x] = (values.get(x, (i, i))[0], i)
    lives = ((_bytes(x), begin - first, end - first) for x, (begin, end) in values.items())
    most = most_at_once(lives, last - first + 1)
    return max(1, CACHE_BYTES // max(most, 1))


def _weighs(group: Group, sharing: Sharing, count: int, fixed: int) -> bool:
    """Whether a kernel moves more for its weights or sums than for the rows of a chunk."""
    weights = sum(_bytes(x) * (1 + (x in sharing.partial)) for x in _fixed(group, sharing))
    own = sum(map(_bytes, _row_values([group])))
    return weights > count * own and (fixed > CACHE_BYTES or count < FEW_ROWS)


def _even(count: int, rows: int) -> int:
    """Make chunks of about equal size, and of whole tiles where they are large."""
    count = -(-rows // -(-rows // count))
    return count if count < FEW_ROWS else min(-(-count // FEW_ROWS) * FEW_ROWS, rows)


def _with_repeats(
    sharing: Sharing, spans: list[Span], outside: Collection[Node]
) -> tuple[Sharing, list[Span]]:
    """Make large values that are cheap to make once more in every span that reads them."""
    groups, levels = list(sharing.groups), list(sharing.levels)
    moved: list[Span] = []
    spans = sorted(spans)
    for place, (first, last, count) in enumerate(spans):
        again: list[Group] = []
        for group in groups[:first]:
            (x,) = group.outputs if len(group.outputs) == 1 else (None,)
            if x is None or x in outside or not _is_cheap(group):
                continue
            readers = [i for i, g in enumerate(groups) if x in g.reads]
            inside = [any(a <= i <= b for a, b, _ in [*moved, *spans[place:]]) for i in readers]
            if all(inside) and any(first <= i <= last for i in readers):
                again.append(group)
        for group in again:
            reader = next(i for i in range(first, last + 1) if group.outputs[0] in groups[i].reads)
            groups.insert(reader, replace(group))
            levels.insert(reader, levels[first])
            last += 1
        moved.append((first, last, count))
        shift = len(again)
        spans[place + 1 :] = [(a + shift, b + shift, n) for a, b, n in spans[place + 1 :]]
    return replace(sharing, groups=tuple(groups), levels=tuple(levels)), moved


def _is_cheap(group: Group) -> bool:
    """Whether a kernel only lays out anew what takes less memory, such as patches of images."""
    (node,) = group.outputs
    read = [x for x in group.reads if row_axis(x.type.shape) is not None]
    only_moves = group.kind == "map" and node.card.kind == "shape" and len(read) == 1
    return only_moves and 2 * _bytes(read[0]) <= _bytes(node)


def _local(
    sharing: Sharing, spans: Sequence[Span], first: int, last: int, outside: Collection[Node]
) -> set[Node]:
    """Values of which nobody needs other rows than those of the chunk at hand."""
    made = {x for g in sharing.groups[first : last + 1] for x in g.outputs}
    local = made & sharing.rows - set(outside)
    for i, group in enumerate(sharing.groups):
        if not first <= i <= last:
            span = next(((a, b) for a, b, _ in spans if a <= i <= b), (i, i))
            there = {x for g in sharing.groups[span[0] : i] for x in g.outputs}
            local -= {x for x in group.reads if x not in there}
    return local


def _row_values(groups: Sequence[Group]) -> set[Node]:
    """Values with rows that kernels read or write."""
    found = {x for g in groups for x in (*g.reads, *g.outputs)}
    return {x for x in found if row_axis(x.type.shape) is not None}


def _fixed(group: Group, sharing: Sharing) -> set[Node]:
    """Values without rows that a kernel reads whole, or adds to."""
    if group.kind in ("take", "scatter_add"):
        return set()  # they touch what the rows ask for
    return {x for x in (*group.reads, *group.outputs) if x not in sharing.rows}


def _bytes(node: Node) -> int:
    """Bytes of a value; of one with rows, those of a row."""
    shape = node.type.shape
    axis = row_axis(shape)
    sizes: Mapping[str, int] = {} if axis is None else {shape[axis].symbol: 1}  # type: ignore[union-attr]
    return int(element_count(bind(shape, sizes))) * itemsize(node.type.dtype)
