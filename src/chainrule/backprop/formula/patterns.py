"""Functions that a program spells out, recognised to be written by their names.

Softmax is computed by several ops, so that nothing overflows; where exactly these ops stand, a
formula says softmax.
"""

from __future__ import annotations

from dataclasses import dataclass

from chainrule.ir import Node


@dataclass(frozen=True)
class Softmax:
    """A value that is a softmax, in a certain way.

    Attributes
    ----------
    of
        Its argument.
    axes
        Along which it sums to one.
    logarithm
        Whether it is the logarithm of it.
    scale
        What the softmax is multiplied by; None for nothing.
    """

    of: Node
    axes: tuple[int, ...]
    logarithm: bool = False
    scale: Node | None = None


def find_softmax(node: Node) -> Softmax | None:
    """Recognise softmax, its logarithm, or its product with something; None for other values.

    >>> import chainrule.numpy as cnp
    >>> from chainrule.ir import ArrayType
    >>> from chainrule.tracing import capture
    >>> graph = capture(cnp.softmax, [ArrayType((2, 3))]).graph
    >>> found = find_softmax(graph.outputs[0])
    >>> found.of is graph.inputs[0], found.axes
    (True, (1,))
    """
    rule = {"divide": _plain, "subtract": _logarithm, "multiply": _scaled}.get(node.card.name)
    return rule(node) if rule else None


def _plain(node: Node) -> Softmax | None:
    """e^(x − max x) / Σ e^(x − max x)."""
    weights, total = node.inputs
    return _share(weights, total)


def _logarithm(node: Node) -> Softmax | None:
    """(x − max x) − ln Σ e^(x − max x)."""
    shifted, logarithm = node.inputs[0], _shown(node.inputs[1])
    if logarithm.card.name != "log":
        return None
    total = _shown(logarithm.inputs[0])
    weights = total.inputs[0] if total.card.name == "sum" else total
    if weights.card.name != "exp" or weights.inputs[0] is not shifted:
        return None
    found = _share(weights, total)
    return found and Softmax(found.of, found.axes, logarithm=True)


def _scaled(node: Node) -> Softmax | None:
    """s · (1 / Σ e^(x − max x)) · e^(x − max x), as the gradient of the logarithm has it."""
    for factor, weights in (node.inputs, node.inputs[::-1]):
        share = _shown(factor)
        if share.card.name == "multiply" and share.inputs[1].card.name == "divide":
            scale, inverse = share.inputs
            found = _share(weights, inverse.inputs[1])
            if found is not None:
                return Softmax(found.of, found.axes, scale=scale)
    return None


def _share(weights: Node, total: Node) -> Softmax | None:
    """Powers of e divided by their sum."""
    total = _shown(total)
    if total.card.name == "select":  # a guard against a sum of zero
        total = _shown(total.inputs[2])
    if weights.card.name != "exp" or total.card.name != "sum" or total.inputs[0] is not weights:
        return None
    x = _unshifted(weights.inputs[0])
    return None if x is None else Softmax(x, total.options["axes"])


def _unshifted(node: Node) -> Node | None:
    """The x of x − max x."""
    if node.card.name != "subtract":
        return None
    x, top = node.inputs[0], _shown(node.inputs[1])
    if top.card.name == "select":  # a guard against an infinite maximum
        top = _shown(next((n for n in top.inputs[1:] if n.card.name != "full"), top))
    return x if top.card.name == "max" and top.inputs[0] is x else None


def _shown(node: Node) -> Node:
    """The value that a node repeats along an axis, or keeps from being differentiated."""
    while node.card.name in ("broadcast", "reshape", "stop_gradient", "cast"):
        node = node.inputs[0]
    return node
