"""The rules that every graph obeys."""

from __future__ import annotations

from chainrule.errors import ChainruleError, GraphError
from chainrule.ir.card import KINDS
from chainrule.ir.graph import Graph


def check(graph: Graph) -> Graph:
    """Return the graph if it is well formed, else raise `GraphError`.

    In a well-formed graph every leaf that stands for an argument is among the inputs, every
    node's type is what its card says, nodes are kept once, and kinds are known.
    """
    seen = set()
    for node in graph.nodes:
        if node.card.kind not in KINDS:
            raise GraphError(f"{node}: unknown kind {node.card.kind!r}")
        if node.card.name == "input":
            if node not in graph.inputs:
                raise GraphError(f"{node} is read but is not among the inputs")
            continue
        try:
            expected = node.card.type(*(x.type for x in node.inputs), **node.options)
        except ChainruleError as error:
            raise GraphError(f"{node} does not fit its inputs: {error}") from error
        if expected != node.type:
            raise GraphError(f"{node} should have the type {expected}")
        key = (node.card, node.inputs, node.params)
        if key in seen:
            raise GraphError(f"{node} is in the graph twice")
        seen.add(key)
    return graph
