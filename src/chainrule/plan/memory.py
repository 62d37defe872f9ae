"""Place every value of a plan in one block of memory, so that no two live values overlap."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from chainrule.ir import Node, bind, element_count, itemsize
from chainrule.plan.fuse import Group

ALIGNMENT = 64

Lives = dict[Node, tuple[int, int]]


@dataclass(frozen=True)
class Placement:
    """Where values lie inside the block.

    Attributes
    ----------
    offsets
        Byte offset of each value.
    sizes
        Bytes of each value, at the largest symbolic sizes.
    lives
        First and last group, both included, between which each value must be kept.
    total
        Bytes of the block.
    """

    offsets: dict[Node, int]
    sizes: dict[Node, int]
    lives: dict[Node, tuple[int, int]]
    total: int


def place(
    groups: Sequence[Group],
    elsewhere: Mapping[Node, object],
    limits: Callable[[Node], Mapping[str, int]],
    prolong: Callable[[Lives], Lives] = lambda lives: lives,
) -> Placement:
    """Give every value an offset: largest first, each at the lowest place that is free.

    Parameters
    ----------
    elsewhere
        Values whose memory the caller provides.
    limits
        Gives the largest values of the symbolic sizes, for each value.
    prolong
        Makes some values live longer than until their last reader.
    """
    lives: Lives = {}
    for i, group in enumerate(groups):
        for node in group.outputs:
            lives[node] = (i, i)
        for node in group.reads:
            if node in lives:
                lives[node] = (lives[node][0], i)
    sizes = {x: bytes_of(x, limits(x)) for x in lives if x not in elsewhere}
    lives = prolong(lives)
    lives = {x: span for x, span in lives.items() if x in sizes}
    offsets: dict[Node, int] = {}
    for node in sorted(sizes, key=lambda x: -sizes[x]):
        offset = 0
        for other in sorted(
            (x for x in offsets if _meet(lives[x], lives[node])), key=offsets.__getitem__
        ):
            if offset + sizes[node] <= offsets[other]:
                break
            offset = max(offset, offsets[other] + sizes[other])
        offsets[node] = offset
    total = max((offsets[x] + sizes[x] for x in offsets), default=0)
    return Placement(offsets, sizes, lives, total)


def bytes_of(node: Node, limits: Mapping[str, int]) -> int:
    """Bytes of a value at the largest symbolic sizes, rounded up to whole cache lines."""
    count = int(element_count(bind(node.type.shape, limits)))
    return -(-count * itemsize(node.type.dtype) // ALIGNMENT) * ALIGNMENT


def lower_bound(placement: Placement, groups: int) -> int:
    """Bytes that any placement needs: the largest sum of values that live at one time."""
    return max(
        (
            sum(placement.sizes[x] for x, (a, b) in placement.lives.items() if a <= i <= b)
            for i in range(groups)
        ),
        default=0,
    )


def _meet(a: tuple[int, int], b: tuple[int, int]) -> bool:
    return a[0] <= b[1] and b[0] <= a[1]
