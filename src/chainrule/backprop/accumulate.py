"""Adding up the shares of a gradient."""

from __future__ import annotations

from chainrule.ir import Node
from chainrule.ops import CARDS
from chainrule.tracing import Array, apply, filled, functions

Piece = tuple[int, int, Node]
"""Where a share begins and ends along an axis, and its entries there."""


def accumulated(a: Array, b: Array) -> Array:
    """Add two shares of one gradient.

    What is sliced is put back with zeros around it. Shares that lie beside each other, as of the
    gates of a recurrent cell, are joined in place of adding zeros.
    """
    joined = _joined(a, b)
    return a + b if joined is None else joined


def _joined(a: Array, b: Array) -> Array | None:
    axis = _axis(a.node)
    if axis is None or axis != _axis(b.node):
        return None
    size = a.shape[axis]
    pieces = sorted([*_pieces(a.node, axis), *_pieces(b.node, axis)], key=lambda piece: piece[0])
    ends = [end for _, end, _ in pieces]
    if any(begin < end for (begin, _, _), end in zip(pieces[1:], ends, strict=False)):
        return None
    recorder = max(a.recorder, b.recorder, key=lambda r: r.level)
    parts, reached = [], pieces[0][0]
    for begin, end, node in pieces:
        if begin > reached:
            gap = (*a.shape[:axis], begin - reached, *a.shape[axis + 1 :])
            parts.append(filled(0.0, gap, a.node.type.dtype, recorder))
        parts.append(Array(node, recorder))
        reached = end
    whole: Array = functions.concat(parts, axis=axis)
    low = tuple(pieces[0][0] if i == axis else 0 for i in range(a.ndim))
    high = tuple(size - reached if i == axis else 0 for i in range(a.ndim))
    if not any(low) and not any(high):
        return whole
    padded: Array = apply(CARDS["pad"], whole, low=low, high=high, gap=(0,) * a.ndim)
    return padded


def _axis(node: Node) -> int | None:
    """The one axis along which a share has zeros around or between its pieces."""
    options = node.options
    if node.card.name == "concatenate":
        gaps = any(_is_zero(x) for x in node.inputs)
        return options["axis"] if gaps and _known(node, options["axis"]) else None
    if node.card.name != "pad" or any(options["gap"]):
        return None
    around = zip(options["low"], options["high"], strict=True)
    axes = [i for i, sides in enumerate(around) if sides != (0, 0)]
    return axes[0] if len(axes) == 1 and _known(node, axes[0]) else None


def _known(node: Node, axis: int) -> bool:
    return all(isinstance(x.type.shape[axis], int) for x in (node, *node.inputs))


def _pieces(node: Node, axis: int) -> list[Piece]:
    begin = 0
    if node.card.name == "pad":
        begin, node = node.options["low"][axis], node.inputs[0]
    inner = node.card.name == "concatenate" and node.options["axis"] == axis
    found = []
    for part in node.inputs if inner else (node,):
        end = begin + int(part.type.shape[axis])
        if not _is_zero(part):
            found.append((begin, end, part))
        begin = end
    return found


def _is_zero(node: Node) -> bool:
    return node.card.name == "full" and node.options["value"] == 0
