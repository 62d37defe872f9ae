"""The plan of a loop: its step is a program of its own, which runs once for each step.

A step reads constants, carries and slices where they lie. New carries go to one of two buffers, in
turn, and values that are stacked straight to their place in the stack; a carry that is stacked is
read from there by the next step. Where a carry is stacked as it enters each step, the step before
writes it there. All other values of a step share one workspace.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from chainrule.ir import Graph, Node, Size
from chainrule.ops import CARDS
from chainrule.plan.epilogue import join
from chainrule.plan.fuse import Group, fuse
from chainrule.plan.memory import Placement, bytes_of, place


@dataclass(frozen=True, eq=False)
class LoopPlan:
    """How a loop runs.

    Attributes
    ----------
    constants, carries, slices
        The inputs of a step.
    ends
        What each carry becomes in a step.
    stacks
        Values of a step that are stacked: the value of the loop -> the value of the step, which is
        a carry itself where that lies in the stack when it enters.
    finals
        Values of the loop that are a carry at its end -> the number of the carry.
    length
        Number of steps.
    reverse
        Whether the last slices come first.
    groups
        Kernels of a step.
    placement
        Where values of a step lie in its workspace, if they lie nowhere else.
    buffers
        For each carry that is not stacked as it leaves a step, by its number, where its two
        buffers begin. One that is stacked as it enters needs them for the last step alone.
    inner
        The plans of loops inside of the step.
    inner_at
        Where the workspace of those begins; they run one after the other.
    """

    constants: tuple[Node, ...]
    carries: tuple[Node, ...]
    slices: tuple[Node, ...]
    ends: tuple[Node, ...]
    stacks: Mapping[Node, Node]
    finals: Mapping[Node, int]
    length: Size
    reverse: bool
    groups: tuple[Group, ...]
    placement: Placement
    buffers: Mapping[int, tuple[int, int]]
    inner: Mapping[Group, LoopPlan]
    inner_at: int

    @property
    def entering(self) -> dict[int, Node]:
        """The carries that lie in a stack when they enter a step, by number, and the stacks."""
        number = {x: i for i, x in enumerate(self.carries)}
        return {number[x]: stack for stack, x in self.stacks.items() if x in number}

    @property
    def nodes(self) -> tuple[Node, ...]:
        """All values of a step, and of steps inside of it."""
        own = dict.fromkeys([*self.constants, *self.carries, *self.slices])
        for group in self.groups:
            own |= dict.fromkeys([*group.members, *group.reads])
        return (*own, *(x for each in self.inner.values() for x in each.nodes))

    @property
    def workspace(self) -> int:
        """Bytes of memory for the values of one step."""
        return self.inner_at + max((x.workspace for x in self.inner.values()), default=0)


def plan_loops(
    groups: Sequence[Group],
    limits: Mapping[str, int],
    *,
    everything_apart: bool = False,
    joined: bool = True,
) -> dict[Group, LoopPlan]:
    """Plan the steps of all loops among some groups.

    Parameters
    ----------
    everything_apart
        See `fuse`.
    joined
        Whether maps are joined with the products that they read.
    """
    return {
        group: _plan_loop(group, limits, everything_apart, joined)
        for group in groups
        if group.kind == "scan"
    }


def _plan_loop(
    group: Group, limits: Mapping[str, int], everything_apart: bool, joined: bool
) -> LoopPlan:
    options = group.outputs[0].options
    body = options["body"]
    stacked = [x for x in group.outputs if x.options["stacked"]]
    wanted = body.returning(x.options["index"] for x in stacked)
    ends = _apart(wanted.outputs[: body.carries], wanted.inputs)
    constants, carries, slices = body.divide(wanted.inputs)
    values = wanted.outputs[body.carries :]
    free = {x for x, end in zip(carries, ends, strict=True) if end not in values}
    kept = _apart(values, {*wanted.inputs} - free)
    graph = Graph(wanted.inputs, (*ends, *(x for x in kept if x not in free)), wanted.notes)
    kernels = fuse(graph, {}, everything_apart=everything_apart)
    if joined:
        kernels = join(kernels, graph.outputs, {}, None)
    placement = place(kernels, dict.fromkeys([*graph.inputs, *graph.outputs]), lambda _: limits)
    buffers, total = {}, placement.total
    for i, end in enumerate(ends):
        if end not in kept:
            size = bytes_of(end, limits)
            buffers[i] = (total, total + size)
            total += 2 * size
    return LoopPlan(
        tuple(constants),
        tuple(carries),
        tuple(slices),
        ends,
        dict(zip(stacked, kept, strict=True)),
        {x: x.options["index"] for x in group.outputs if not x.options["stacked"]},
        options["length"],
        options["reverse"],
        tuple(kernels),
        placement,
        buffers,
        plan_loops(kernels, limits, everything_apart=everything_apart, joined=joined),
        total,
    )


def _apart(outputs: Sequence[Node], inputs: Collection[Node]) -> tuple[Node, ...]:
    """Outputs of a step, of which each has a place of its own in memory."""
    taken, found = set(inputs), []
    for x in outputs:
        if x in taken:
            x = Node(CARDS["stop_gradient"], (x,), (), x.type)
        taken.add(x)
        found.append(x)
    return tuple(found)
