"""What the caller of a program provides, and how its working memory is divided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.errors import ExecutorError
from chainrule.ir import Graph, Node, symbols
from chainrule.plan import Plan


@dataclass(frozen=True)
class Layout:
    """What a program needs to be called, in plain numbers, so that no plan has to be made for it.

    Its slots are the inputs of the graph, then constants, then the outputs that the caller
    provides memory for.

    Attributes
    ----------
    arena
        Bytes of working memory: for values, for the steps of a loop, and for products.
    workers
        How many share the program.
    groups
        How many kernels it has, those of the steps of loops included.
    outputs
        For each output of the graph its slot; None for one that takes the place of an input.
    constants
        Which of the graph's constants have slots, in their order.
    """

    arena: int
    workers: int
    groups: int
    outputs: Sequence[int | None]
    constants: Sequence[int]


def layout_of(plan: Plan, graph: Graph, scratch: int) -> Layout:
    """Describe how a program is called.

    Parameters
    ----------
    graph
        What was planned, whose constants are numbered.
    scratch
        Bytes of working memory for matrix products.
    """
    slots = slots_of(plan)
    place = {x: i for i, x in enumerate(slots)}
    known = [x.params for x in constants_of(graph.nodes)]
    return Layout(
        arena=scratch_at(plan) + scratch,
        workers=plan.sharing.workers if plan.sharing else 1,
        groups=len(plan.every_group),
        outputs=[place.get(x) for x in plan.graph.outputs],
        constants=[known.index(x.params) for x in constants_of(slots)],
    )


def constants_of(nodes: Sequence[Node]) -> list[Node]:
    """Pick the fixed arrays among nodes."""
    return [x for x in nodes if x.card.name == "constant"]


def entries(constant: Node) -> np.ndarray[Any, Any]:
    """Lay out a fixed array in one run of memory."""
    return np.asarray(constant.options["value"].array, order="C")


def slots_of(plan: Plan) -> tuple[Node, ...]:
    """Values whose addresses the caller provides, in order."""
    graph = plan.graph
    constants = constants_of(graph.nodes)
    inside = {*plan.placement.offsets, *plan.in_place, *graph.inputs, *constants}
    outputs = [x for x in dict.fromkeys(graph.outputs) if x not in inside]
    return (*graph.inputs, *constants, *outputs)


def symbols_of(plan: Plan) -> tuple[str, ...]:
    """Symbolic sizes, in the order in which they are passed.

    Raises
    ------
    ExecutorError
        If the plan has no limit for one of them.
    """
    nodes = plan.graph.nodes
    found = {s for x in nodes for s in symbols(x.type.shape)}
    found |= {s for x in nodes for _, v in x.params for s in symbols(v)}
    for missing in sorted(found - plan.limits.keys()):
        raise ExecutorError(f"the native executor needs a limit for the size {missing}")
    return tuple(sorted(found))


def workspace_at(plan: Plan) -> int:
    """Where the values of a loop's steps begin in the working memory."""
    return rounded(plan.placement.total)


def scratch_at(plan: Plan) -> int:
    """Where the working memory of matrix products begins."""
    return rounded(workspace_at(plan) + plan.memory() - plan.placement.total)


def rounded(count: int) -> int:
    """Round a number of bytes up to whole lines of the cache."""
    return -(-count // 64) * 64
