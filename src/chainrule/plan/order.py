"""In which order values are computed, where that decides how long others are kept."""

from __future__ import annotations

from chainrule.ir import Graph, Node, topological


def ordered(graph: Graph) -> tuple[Node, ...]:
    """List all nodes in the order in which to compute them.

    Nodes come output by output. Where values are computed again for the backward pass (see
    `chainrule.backprop.recompute`), outputs that need the shortest chain of operations come
    first: the gradients of the last layers, with which what was computed again for them is free
    before the next layer's turn. Elsewhere that would gain nothing, and the order stays.
    """
    if not any(map(_waits, graph.nodes)):
        return graph.nodes
    chain: dict[Node, int] = {}
    for node in graph.nodes:
        chain[node] = 1 + max((chain[x] for x in node.inputs), default=0)
    return topological(sorted(graph.outputs, key=chain.__getitem__), graph.inputs)


def _waits(node: Node) -> bool:
    """Whether a value is a choice between x and x, which just waits for the test."""
    return node.card.name == "select" and node.inputs[1] is node.inputs[2]
