"""What the caller of a program provides, and how its working memory is divided."""

from __future__ import annotations

from chainrule.errors import ExecutorError
from chainrule.ir import Node, symbols
from chainrule.plan import Plan


def slots_of(plan: Plan) -> tuple[Node, ...]:
    """Values whose addresses the caller provides, in order."""
    graph = plan.graph
    constants = [x for x in graph.nodes if x.card.name == "constant"]
    inside = {*plan.placement.offsets, *plan.in_place, *graph.inputs, *constants}
    outputs = [x for x in dict.fromkeys(graph.outputs) if x not in inside]
    return (*graph.inputs, *outputs, *constants)


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
