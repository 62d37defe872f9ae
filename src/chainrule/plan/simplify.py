"""Rewrite a graph into a smaller one that computes the same numbers, bit for bit."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from chainrule.ir import Body, Builder, Graph, Node, is_loop, rebuild
from chainrule.ops import CARDS
from chainrule.tracing import compute

Rewrite = Callable[[Builder, Node], Node | None]


def simplify(graph: Graph) -> Graph:
    """Apply the rewrites of this module once to every node, inputs before users."""
    return rebuild(graph, _rewritten, {})[0]


def bind_sizes(graph: Graph, sizes: Mapping[str, int]) -> Graph:
    """Replace symbolic sizes by numbers, for a program that serves these sizes alone."""
    return rebuild(graph, lambda builder, node: node, sizes)[0]


def _rewritten(builder: Builder, node: Node) -> Node:
    for rewrite in _REWRITES:
        better = rewrite(builder, node)
        if better is not None and better is not node:
            return _rewritten(builder, better)
    return node


def _full(builder: Builder, value: Any, node: Node) -> Node | None:
    if isinstance(value, float) and value == 0 and math.copysign(1, value) < 0:
        return None
    return builder.add(CARDS["full"], value=value, shape=node.type.shape, dtype=node.type.dtype)


def _fold_constants(builder: Builder, node: Node) -> Node | None:
    """An op on numbers alone is a number."""
    if not node.inputs or any(x.card.name != "full" for x in node.inputs):
        return None
    if node.card.kind == "shape" and node.card.name != "pad":
        values = {x.options["value"] for x in node.inputs}
        return _full(builder, values.pop(), node) if len(values) == 1 else None
    if node.card.kind != "elementwise":
        return None
    scalars = [np.asarray(x.options["value"], x.type.dtype) for x in node.inputs]
    return _full(builder, compute(node.card, *scalars, **node.options).item(), node)


def _drop_identity(builder: Builder, node: Node) -> Node | None:
    """What gives its input back is not needed."""
    name = node.card.name
    if name in ("stop_gradient", "custom_vjp"):
        return node.inputs[0]
    if name in ("reshape", "cast") and node.type == node.inputs[0].type:
        return node.inputs[0]
    if name == "multiply":
        for x, other in (node.inputs, node.inputs[::-1]):
            if other.card.name == "full" and other.options["value"] == 1:
                return x
    if name in ("divide", "power") and node.inputs[1].card.name == "full":
        return node.inputs[0] if node.inputs[1].options["value"] == 1 else None
    if name == "subtract" and node.inputs[1].card.name == "full":
        return node.inputs[0] if node.inputs[1].options["value"] == 0 else None
    if name == "negative" and node.inputs[0].card.name == "negative":
        return node.inputs[0].inputs[0]
    if name == "select" and node.inputs[0].card.name == "full":
        return node.inputs[1 if node.inputs[0].options["value"] else 2]
    return None


def _merge_shapes(builder: Builder, node: Node) -> Node | None:
    """A chain of views is one view."""
    if not node.inputs:
        return None
    name, x = node.card.name, node.inputs[0]
    if name == "reshape" and x.card.name == "reshape":
        return builder.add(node.card, x.inputs[0], shape=node.options["shape"])
    if name == "transpose":
        axes = node.options["axes"]
        if axes == tuple(range(len(axes))):
            return x
        if x.card.name == "transpose":
            inner = x.options["axes"]
            return builder.add(node.card, x.inputs[0], axes=tuple(inner[a] for a in axes))
    if name == "broadcast":
        shape, axes = node.options["shape"], node.options["axes"]
        if not axes:
            return x
        kept = [a for a in range(len(shape)) if a not in axes]
        if x.card.name == "broadcast":
            also = tuple(kept[a] for a in x.options["axes"])
            merged = tuple(sorted((*axes, *also)))
            return builder.add(node.card, x.inputs[0], shape=shape, axes=merged)
        if x.card.name == "reshape" and 1 in x.type.shape:
            ones = [a for a, n in enumerate(x.type.shape) if n == 1]
            squeezed = tuple(n for n in x.type.shape if n != 1)
            inner_node = builder.add(x.card, x.inputs[0], shape=squeezed)
            if inner_node.type == inner_node.inputs[0].type:
                inner_node = inner_node.inputs[0]
            merged = tuple(sorted((*axes, *(kept[a] for a in ones))))
            return builder.add(node.card, inner_node, shape=shape, axes=merged)
    if name == "reshape" and x.card.name == "broadcast":
        return _reshape_of_broadcast(builder, node, x)
    return None


def _reshape_of_broadcast(builder: Builder, node: Node, x: Node) -> Node | None:
    """Axes of size 1 that come or go leave a broadcast a broadcast."""
    shape, axes = x.options["shape"], x.options["axes"]
    target = node.type.shape
    if [n for n in shape if n != 1] != [n for n in target if n != 1]:
        return None
    repeated = [a in axes for a, n in enumerate(shape) if n != 1]
    merged, kept, big = [], [], iter(repeated)
    for a, n in enumerate(target):
        if n == 1 or next(big):
            merged.append(a)
        else:
            kept.append(n)
    source = x.inputs[0]
    if tuple(kept) != source.type.shape:
        source = builder.add(CARDS["reshape"], source, shape=tuple(kept))
    return builder.add(x.card, source, shape=target, axes=tuple(merged))


def _sum_of_nothing(builder: Builder, node: Node) -> Node | None:
    """A sum over axes of size 1 is a reshape."""
    if node.card.name not in ("sum", "max", "min"):
        return None
    x, axes = node.inputs[0], node.options["axes"]
    ones = tuple(a for a in axes if x.type.shape[a] == 1)
    if not ones:
        return None
    left = tuple(n for a, n in enumerate(x.type.shape) if a not in ones)
    thin = builder.add(CARDS["reshape"], x, shape=left)
    rest = tuple(a - sum(o < a for o in ones) for a in axes if a not in ones)
    return builder.add(node.card, thin, axes=rest) if rest else thin


def _simplify_loop(builder: Builder, node: Node) -> Node | None:
    """A loop's step is a program like any other."""
    if not is_loop(node):
        return None
    body = _simplified(node.options["body"])
    return builder.add(node.card, *node.inputs, **{**node.options, "body": body})


@lru_cache(maxsize=64)
def _simplified(body: Body) -> Body:
    return body.rebuilt(_rewritten)


_REWRITES: tuple[Rewrite, ...] = (
    _simplify_loop,
    _fold_constants,
    _drop_identity,
    _merge_shapes,
    _sum_of_nothing,
)
