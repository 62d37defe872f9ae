"""What a map makes of the tiles of a matrix product, in vector registers.

The cards' native rules compute it, as they do in kernels of their own, so the bits are the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from chainrule.errors import ExecutorError
from chainrule.execute.native.code import Value
from chainrule.execute.native.gemm_text import Size, Text
from chainrule.execute.native.gemm_tile import Epilogue, Part
from chainrule.execute.native.scalars import Scalars
from chainrule.ir import Node
from chainrule.plan import Group
from chainrule.plan.epilogue import EVERY, Reach, reach_behind

RESULT = "%c"
"""The pointer that every product has: to where it is written, or where its sums grow."""


def tile_map(group: Group, pointers: Mapping[Node, str]) -> Epilogue:
    """Give what happens to the tiles of a product with a map.

    Parameters
    ----------
    group
        The product and the map.
    pointers
        Name of the pointer argument for every value that the map reads or writes in memory.
    """

    def write(text: Text, parts: Sequence[Part]) -> None:
        row = _Row(text, group, pointers)
        values = [(part, x, row.value(x, part, EVERY)) for part in parts for x in group.outputs]
        for part, x, value in values:
            text.store(part.vector, value.name, row.place(x, part, EVERY), part.valid)

    further = [name for name in dict.fromkeys(pointers.values()) if name != RESULT]
    return Epilogue(tuple(f"ptr noalias {name}" for name in further), write)


class _Lines:
    """Lets the cards' rules write into the text of a product."""

    def __init__(self, text: Text) -> None:
        self.intrinsics = text.declarations
        self.functions: set[tuple[str, str]] = set()  # maps of tiles call none
        self.set = text.value


class _Row:
    """The values of some parts of a row while they are written, each computed once."""

    def __init__(self, text: Text, group: Group, pointers: Mapping[Node, str]) -> None:
        self._text = text
        self._product = group.product
        self._pointers = pointers
        self._stored = {*pointers} - {*group.members}
        self._scalars: dict[int, Scalars] = {}  # by the width of vectors
        self._known: dict[tuple[Node, int, Size | None], Value] = {}

    def value(self, node: Node, part: Part, reach: Reach) -> Value:
        """The entries of a value that a part needs, side by side in a vector."""
        if node is self._product:
            return Value(part.value, node.type.dtype)
        key = (node, part.vector.lanes, part.column if reach.columns else None)
        if key not in self._known:
            find = self._loaded if node in self._stored else self._computed
            self._known[key] = find(node, part, reach)
        return self._known[key]

    def _loaded(self, node: Node, part: Part, reach: Reach) -> Value:
        place = self.place(node, part, reach)
        if reach.columns:
            name = self._text.load(part.vector, place, part.valid)
        else:
            name = self._text.broadcast(part.vector, place)
        return Value(name, node.type.dtype)

    def _computed(self, node: Node, part: Part, reach: Reach) -> Value:
        behind = reach_behind(node, reach, self._product.type.shape[-1])
        if behind is None:
            raise ExecutorError(f"{node} cannot be computed of the tiles of a product")
        inputs = [self.value(x, part, behind) for x in node.inputs]
        if node.card.kind == "shape":  # another view of the same entries
            return inputs[0]
        arguments = inputs if node.card.kind == "elementwise" else [()]
        vectors = self._vectors(part.vector.lanes)
        result: Value = node.card.native(vectors, *arguments, **node.options)
        return result

    def _vectors(self, lanes: int) -> Scalars:
        """What the cards' rules write with, for vectors of some width."""
        if lanes not in self._scalars:
            self._scalars[lanes] = Scalars(_Lines(self._text), None, lanes=lanes)
        return self._scalars[lanes]

    def place(self, node: Node, part: Part, reach: Reach) -> str:
        """Where the first of the entries lies in memory."""
        text, width = self._text, self._product.type.shape[-1]
        column = part.column if reach.columns else 0
        row = text.multiply(part.row, int(width) if reach.columns else 1) if reach.rows else 0
        return text.address(self._pointers[node], text.add(row, column))
