"""The NumPy executor: one operation at a time, every value to be seen. It defines the meaning."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from chainrule.ir import Graph, Node, bind
from chainrule.tracing import as_array, compute, measure

Watcher = Callable[[Node, Any], None]


def run(graph: Graph, values: Sequence[Any], watch: Watcher | None = None) -> list[Any]:
    """Compute the outputs of a graph.

    Parameters
    ----------
    values
        One array for each input; dtypes are converted, shapes must fit.
    watch
        Called with every node and its value, in order; values are freed after their last use
        unless it keeps them.
    """
    arrays = [as_array(v, x.type.dtype) for v, x in zip(values, graph.inputs, strict=True)]
    sizes = measure(graph, arrays)
    known: dict[Node, Any] = dict(zip(graph.inputs, arrays, strict=True))
    for node, dying in zip(graph.nodes, last_uses(graph), strict=True):
        if node not in known:
            options = {k: bind(v, sizes) for k, v in node.params}
            known[node] = compute(node.card, *(known[x] for x in node.inputs), **options)
        if watch is not None:
            watch(node, known[node])
        for x in dying:
            del known[x]
    return [np.asarray(known[node]) for node in graph.outputs]


def last_uses(graph: Graph) -> list[list[Node]]:
    """For each node in order, the nodes whose last reading this is; outputs are kept."""
    last = {x: i for i, node in enumerate(graph.nodes) for x in node.inputs}
    dying: list[list[Node]] = [[] for _ in graph.nodes]
    for node, i in last.items():
        if node not in graph.outputs:
            dying[i].append(node)
    return dying
