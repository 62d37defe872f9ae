"""The reverse sweep."""

from __future__ import annotations

from collections.abc import Sequence

from chainrule.backprop.accumulate import accumulated
from chainrule.backprop.loops import pull_back_loop
from chainrule.errors import GradientError
from chainrule.ir import Builder, Graph, Node, families, is_float, is_loop, topological
from chainrule.tracing import Array, begin, functions


def pull_back(
    outputs: Sequence[Array], cotangents: Sequence[Array], wrt: Sequence[Array]
) -> list[Array | None]:
    """Gradients of the sum of <cotangent, output> with respect to `wrt`, written down.

    Parameters
    ----------
    outputs, cotangents
        Traced arrays in pairs, of equal shapes.
    wrt
        Traced arrays that the outputs may depend on.

    Returns
    -------
    For each of `wrt` its gradient, or None where no path of floats leads to an output.
    """
    order = topological(y.node for y in outputs)
    leads_to_wrt = {x.node for x in wrt}
    for node in order:
        if any(x in leads_to_wrt for x in node.inputs):
            leads_to_wrt.add(node)
    gradients: dict[Node, Array] = {}
    for y, cotangent in zip(outputs, cotangents, strict=True):
        gradients[y.node] = gradients[y.node] + cotangent if y.node in gradients else cotangent

    loops = families(order)
    for node in reversed(order):
        if node in gradients:
            gradients[node].recorder.builder.annotate(gradients[node].node, gradient_of=node)
        if node not in leads_to_wrt or not node.inputs:
            continue
        if is_loop(node):  # all values of a loop at once, when their users have been
            family = {x: gradients[x] for x in loops[node] if x in gradients}
            if node is not loops[node][0] or not family:
                continue
            parts = pull_back_loop(family, leads_to_wrt, pull_back)
        elif node in gradients and callable(node.card.vjp):
            g = gradients[node]
            values = [Array(n, g.recorder) for n in (node, *node.inputs)]
            parts = node.card.vjp(functions, g, *values, **node.options)
        else:
            continue
        for x, part in zip(node.inputs, parts, strict=True):
            if part is not None and x in leads_to_wrt and is_float(x.type.dtype):
                gradients[x] = accumulated(gradients[x], part) if x in gradients else part

    return [gradients.get(x.node) for x in wrt]


def differentiate(graph: Graph, wrt: Sequence[int], *, output: int = 0, keep: bool = True) -> Graph:
    """Extend a graph so that it also returns the gradients of one scalar output.

    Parameters
    ----------
    wrt
        Positions of the inputs to differentiate by.
    output
        Position of the output to differentiate; it must be one float.
    keep
        Whether the graph's own outputs come first.
    """
    target = graph.outputs[output]
    if target.type.shape != () or not is_float(target.type.dtype):
        raise GradientError(
            f"only a function that returns one float has a gradient; this one returns "
            f"{target.type}. Sum or average it first, or use vjp"
        )
    for position in wrt:
        if not is_float(graph.inputs[position].type.dtype):
            name = graph.notes.get(graph.inputs[position])
            raise GradientError(
                f"cannot differentiate by {name.name if name else f'input {position}'}: "
                f"{graph.inputs[position].type} is not a float"
            )
    builder = Builder()
    builder.adopt(graph)
    recorder = begin(builder)
    inputs = [Array(graph.inputs[position], recorder) for position in wrt]
    one = functions.ones_like(Array(target, recorder))
    found = pull_back([Array(target, recorder)], [one], inputs)
    gradients = tuple(
        (functions.zeros_like(x) if g is None else g).node
        for x, g in zip(inputs, found, strict=True)
    )
    recorder.open = False
    return Graph(graph.inputs, (graph.outputs if keep else ()) + gradients, builder.notes)
