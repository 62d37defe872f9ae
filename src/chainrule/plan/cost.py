"""How much work a program is, counted before it is planned."""

from __future__ import annotations

from collections.abc import Mapping

from chainrule.ir import Graph, bind, element_count, families, is_loop, itemsize


def count_work(graph: Graph, sizes: Mapping[str, int]) -> tuple[int, int]:
    """Count the operations that a program runs one after the other, and their arithmetic.

    Returns
    -------
    operations, flops
        Nodes, those of a loop's step as often as it runs; floating-point operations of all of
        them, without what later passes save.
    """
    operations = flops = 0
    loops = families(graph.nodes)
    for node in graph.nodes:
        if is_loop(node):
            if node is loops[node][0]:
                options = node.options
                inside = count_work(options["body"].graph, sizes)
                length = int(bind(options["length"], sizes))
                operations += length * inside[0]
                flops += length * inside[1]
            continue
        over = node.inputs[0].type if node.card.kind == "reduce" else node.type
        entries = int(element_count(bind(over.shape, sizes)))
        if node.card.kind == "contract":
            entries *= int(bind(node.inputs[0].type.shape[-1], sizes))
        operations += 1
        flops += entries * node.card.cost
    return operations, flops


def count_bytes(graph: Graph, sizes: Mapping[str, int]) -> int:
    """Count the bytes of all values that have rows: as much as a plan could ever keep of them."""
    rows = [x.type for x in graph.nodes if bind(x.type.shape, sizes) != x.type.shape]
    return sum(int(element_count(bind(x.shape, sizes))) * itemsize(x.dtype) for x in rows)
