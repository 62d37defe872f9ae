"""Over which axes a loop should run, where what it reads has other axes than what it writes."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from chainrule.ir import Node, Shape, Size


def finest_shape(outputs: Iterable[Node], in_memory: Callable[[Node], bool]) -> Shape:
    """Split the axes of the outputs as finely as a value that they reshape has them.

    A loop over (rows, places, channels) reads a bias of the channels by an index that it counts
    itself; a loop over (rows, places times channels) would have to divide for it.

    Parameters
    ----------
    outputs
        What one loop computes, all of one shape.
    in_memory
        Whether a value is read from memory, so that what is behind it does not matter.

    Returns
    -------
    A shape with the same entries in the same order: that of the outputs, or a finer one.
    """
    waiting = list(outputs)
    shape = finest = waiting[0].type.shape
    seen: set[Node] = set()
    while waiting:
        node = waiting.pop()
        if node in seen or in_memory(node):
            continue
        seen.add(node)
        if node.card.kind == "elementwise" or node.card.name == "reshape":
            waiting += node.inputs
            found = node.type.shape
            if len(found) > len(finest) and refines(found, shape):
                finest = found
    return finest


def refines(fine: Shape, coarse: Shape) -> bool:
    """Tell whether each axis of a shape is a run of axes of a finer one.

    >>> refines((2, 3, 4), (6, 4)), refines((2, 3, 4), (3, 8))
    (True, False)
    """
    rest = list(fine)
    for size in coarse:
        product: Size = 1
        while product != size and rest:
            product = rest.pop(0) * product
            if isinstance(product, int) and isinstance(size, int) and product > size:
                return False
        if product != size:
            return False
    return all(n == 1 for n in rest)
