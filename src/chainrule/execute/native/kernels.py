"""Loops: the text of the LLVM function that computes one group of a plan."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from chainrule.errors import ExecutorError
from chainrule.execute.native.code import LLVM_TYPES, SHORT, Code, Indices, Value
from chainrule.execute.native.nesting import finest_shape
from chainrule.execute.native.scalars import Scalars
from chainrule.ir import Node, Shape, element_count
from chainrule.ops import CARDS
from chainrule.plan import Group
from chainrule.plan.fuse import is_spread, is_view, loop_shape
from chainrule.plan.rows import row_axis

_MEMORY_TYPES = {**LLVM_TYPES, "bool": "i8"}

FEW = 4
"""Columns up to which a map is vectorised over rows: two classes took 15 times as long without."""


@dataclass(frozen=True)
class Flat:
    """The place of an entry when all entries of an array are numbered row by row.

    Where the loop runs over a shape with the same entries, `index` is the one there.
    """

    place: Any
    index: tuple[Any, ...] | None = None
    shape: Shape = ()


Index = tuple[Any, ...] | Flat


@dataclass(frozen=True)
class Divided:
    """What a kernel has to know when it computes some rows of the minibatch after others.

    It is then told the rows of the whole minibatch, and those before its own.

    Attributes
    ----------
    parts
        Values that are sums in parts: the pointers to the parts of all workers.
    split
        Whether to compute only the entries from `%begin` to `%end`.
    adds
        Whether to add to the sum that is there.
    """

    parts: Mapping[Node, tuple[str, ...]] = field(default_factory=dict)
    split: bool = False
    adds: bool = False


class Kernel:
    """Writes the function of one group.

    Parameters
    ----------
    group
        What to compute.
    pointers
        Name of the pointer argument for every value in memory.
    narrow
        Whether all indices fit into 31 bits.
    divided
        What is known if the program is divided by rows.
    """

    def __init__(
        self,
        group: Group,
        pointers: Mapping[Node, str],
        narrow: bool,
        divided: Divided | None = None,
    ) -> None:
        self.group = group
        self.code = Code()
        self.indices = Indices(self.code, narrow)
        self.scalars = Scalars(self.code, self.indices, whole="total" if divided else "size")
        self._pointers = pointers
        self._divided = divided
        self._known: dict[tuple[Node, Any], Value] = {}

    def write(self) -> Code:
        """Write the body."""
        getattr(self, f"_{self.group.kind}")()
        self.code.line("ret void")
        return self.code

    @property
    def adds(self) -> bool:
        """Whether the kernel adds to the sum that is there."""
        return self._divided is not None and self._divided.adds

    # ------------------------------------------------------------ values

    def value(self, node: Node, index: Index) -> Value:
        """One entry of a value: from memory, or computed here."""
        key = (node, index)
        if key not in self._known:
            if node in self._pointers and node not in self.group.members:
                self._known[key] = self.load(node, index)
            else:
                self._known[key] = self._computed(node, index)
        return self._known[key]

    def _computed(self, node: Node, index: Index) -> Value:
        card = node.card
        if card.kind == "elementwise":
            inputs = [self.value(x, index) for x in node.inputs]
            result: Value = card.native(self.scalars, *inputs, **node.options)
            return result
        if card.name == "reshape" and isinstance(index, Flat):
            x = node.inputs[0]
            finer = index.index is not None and index.shape == x.type.shape
            return self.value(x, index.index if finer else index)  # type: ignore[arg-type]
        if card.name == "uniform":
            place = self._place_among_all(node, index)
            key = tuple(self.load(node.inputs[0], (i,)) for i in range(2))
            result = card.native(self.scalars, key, place, dtype=node.type.dtype)
            return result
        if card.name in ("full", "size"):  # the same at every index
            result = card.native(self.scalars, (), **node.options)
            return result
        if is_view(node) and all(n == 1 for n in node.inputs[0].type.shape):
            return self.value(node.inputs[0], (0,) * node.inputs[0].type.ndim)
        full = self._index(index, node.type.shape)
        if card.kind == "leaf":
            result = card.native(self.scalars, self._among_all(node, full), **node.options)
            return result
        if is_view(node):
            x = node.inputs[0]
            source = card.native.source(
                self.indices, full, x.type.shape, node.type.shape, **node.options
            )
            return self.value(x, tuple(source))
        return self._piecewise(node, full)

    def _piecewise(self, node: Node, index: tuple[Any, ...]) -> Value:
        shapes = [x.type.shape for x in node.inputs]
        pieces = node.card.native.source(self.indices, index, shapes, **node.options)
        result = self.scalars.constant(0, node.type.dtype)
        for piece in reversed(pieces):
            if piece.operand is None:
                continue
            inside = piece.index
            if piece.test is not None and piece.test is not True:
                inside = tuple(  # an index that is that of the whole lies inside everywhere
                    i if i is n else self._guarded(piece.test, i)
                    for i, n in zip(inside, index, strict=True)
                )
            elif len(pieces) > 1:  # the last of several: its index runs below zero elsewhere
                inside = tuple(self._at_least_zero(i) for i in inside)
            part = self.value(node.inputs[piece.operand], inside)
            if piece.test is None or piece.test is True:
                result = part
            elif piece.test is not False:
                result = self.scalars.select(Value(piece.test, "bool"), part, result)
        return result

    def _guarded(self, test: Any, i: Any) -> Any:
        if isinstance(i, int) or isinstance(test, bool):
            return i
        return self.code.set(f"select i1 {test}, i64 {i}, i64 0")

    def _at_least_zero(self, i: Any) -> Any:
        if isinstance(i, int):
            return max(i, 0)
        return self._guarded(self.indices.compare(">=", i, 0), i)

    def _place(self, index: tuple[Any, ...], shape: Shape) -> Any:
        return self.indices.flatten(index, shape)

    def _index(self, index: Index, shape: Shape) -> tuple[Any, ...]:
        if not isinstance(index, Flat):
            return index
        if index.index is None:
            return tuple(self.indices.unflatten(index.place, shape))
        if index.shape == shape:
            return index.index
        source = CARDS["reshape"].native.source
        return tuple(source(self.indices, index.index, shape, index.shape, shape=index.shape))

    def _among_all(self, node: Node, index: tuple[Any, ...]) -> tuple[Any, ...]:
        """The index that an entry has among all rows of the minibatch."""
        axis = row_axis(node.type.shape) if self._divided else None
        if axis is None:
            return index
        rows = node.type.shape[axis]
        before = self.indices.multiply(f"%first.{rows.symbol}", rows.scale)  # type: ignore[union-attr]
        return (*index[:axis], self.indices.add(index[axis], before), *index[axis + 1 :])

    def _place_among_all(self, node: Node, index: Index) -> Any:
        """The place that an entry has among those of all rows."""
        shape = node.type.shape
        axis = row_axis(shape) if self._divided else None
        if axis is None:
            return index.place if isinstance(index, Flat) else self._place(index, shape)
        if axis == 0 and isinstance(index, Flat):
            before, *_ = self._among_all(node, (0,) * len(shape))
            each = element_count(shape[1:])
            return self.indices.add(index.place, self.indices.multiply(before, each))
        full = self._among_all(node, self._index(index, shape))
        place: Any = 0
        for i, n in zip(full, shape, strict=True):
            place = self.indices.add(self.indices.multiply(place, self.indices.size(n, "total")), i)
        return place

    def address(self, node: Node, index: Index, pointer: str | None = None) -> str:
        """Where an entry lies in memory."""
        place = index.place if isinstance(index, Flat) else self._place(index, node.type.shape)
        kind = _MEMORY_TYPES[node.type.dtype]
        pointer = pointer or self._pointers[node]
        return self.code.set(f"getelementptr {kind}, ptr {pointer}, i64 {place}")

    def load(self, node: Node, index: Index) -> Value:
        """Read an entry from memory; of a sum in parts, add up those of all workers."""
        kind = _MEMORY_TYPES[node.type.dtype]
        parts = self._divided.parts if self._divided else {}
        pointers = parts.get(node, (self._pointers[node],))
        total: Value | None = None
        for pointer in pointers:
            raw = self.code.set(f"load {kind}, ptr {self.address(node, index, pointer)}")
            if node.type.dtype == "bool":
                raw = self.code.set(f"trunc i8 {raw} to i1")
            part = Value(raw, node.type.dtype)
            total = part if total is None else self.scalars.add(total, part)
        if total is None:
            raise ExecutorError(f"{node} has no place in memory")
        return total

    def store(self, node: Node, index: Index, x: Value) -> None:
        """Write an entry to memory."""
        kind, name = _MEMORY_TYPES[node.type.dtype], x.name
        if node.type.dtype == "bool":
            name = self.code.set(f"zext i1 {name} to i8")
        self.code.line(f"store {kind} {name}, ptr {self.address(node, index)}")

    # ------------------------------------------------------------ loops

    def nest(
        self,
        shape: Shape,
        body: Callable[[tuple[Any, ...]], None],
        *,
        unroll: bool | None = None,
    ) -> None:
        """Write a loop for every axis, the last innermost."""

        def inside(index: tuple[Any, ...]) -> None:
            if len(index) == len(shape):
                self._known.clear()
                body(index)
                return
            count = element_count(shape[len(index) :])
            few = isinstance(count, int) and count <= SHORT
            how = None if unroll and not few else unroll
            with self.code.loop(self.indices.size(shape[len(index)]), unroll=how) as i:
                inside((*index, i))

        inside(())

    def flat_loop(
        self, shape: Shape, body: Callable[[Flat], None], *, unroll: bool | None = None
    ) -> None:
        """Write one loop over all entries."""
        with self.code.loop(self.indices.size(element_count(shape)), unroll=unroll) as i:
            self._known.clear()
            body(Flat(i))

    def runs_flat(self) -> bool:
        """Whether one loop over all entries computes a map."""
        return self._runs_flat(self.group.outputs, loop_shape(self.group.outputs[0]))

    def _runs_flat(self, nodes: Sequence[Node], shape: Shape) -> bool:
        """Whether one loop over all entries can replace a loop for every axis."""
        return all(self.reads_flat(x, shape) for x in nodes)

    def reads_flat(self, node: Node, shape: Shape) -> bool:
        """Whether entry i of a value needs just entry i, or one number, of all it reads."""
        if node in self._pointers and node not in self.group.members:
            return True
        if node.card.name in ("full", "size", "uniform"):
            return True
        if node.card.kind == "elementwise" or node.card.name == "reshape":
            return all(self.reads_flat(x, shape) for x in node.inputs)
        if node.card.name == "broadcast":
            return all(n == 1 for n in node.inputs[0].type.shape)
        return False

    # ------------------------------------------------------------ kinds

    def _map(self) -> None:
        shape = loop_shape(self.group.outputs[0])

        def entry(index: Index) -> None:
            for node in self.group.outputs:
                if is_spread(node) and not isinstance(index, Flat):
                    self._spread(node, index)
                else:
                    self.store(node, index, self.value(node, index))

        if self._divided and self._divided.split:
            with self.code.loop(self.indices.subtract("%end", "%begin")) as i:
                self._known.clear()
                entry(Flat(self.indices.add("%begin", i)))
        elif self.runs_flat():
            self.flat_loop(shape, entry)
        elif any(map(is_spread, self.group.outputs)):
            self.nest(shape, entry)
        else:
            outside = {*self._pointers} - {*self.group.members}
            finest = finest_shape(self.group.outputs, outside.__contains__)
            self.nest(
                finest,
                lambda at: entry(Flat(self._place(at, finest), at, finest)),
                unroll=_is_tall(finest) or None,
            )

    def _spread(self, node: Node, index: tuple[Any, ...]) -> None:
        """Write the entries that joined arrays have at one index, each to its place."""
        axis = node.options["axis"]
        for k, x in enumerate(node.inputs):
            before = self.indices.multiply(x.type.shape[axis], k)
            place = self.indices.add(index[axis], before)
            self.store(node, (*index[:axis], place, *index[axis + 1 :]), self.value(x, index))

    def _overlap_add(self) -> None:
        (node,) = self.group.outputs
        patches, options = node.inputs[0], node.options
        del options["length"]
        zero = self.scalars.constant(0, node.type.dtype)
        self.flat_loop(node.type.shape, lambda at: self.store(node, at, zero))

        def entry(index: tuple[Any, ...]) -> None:
            at = node.card.native(self.indices, index, node.type.shape, None, size=None, **options)
            total = self.scalars.add(self.load(node, at), self.value(patches, index))
            self.store(node, at, total)

        self.nest(patches.type.shape, entry)

    def _fold_in(self) -> None:
        (node,) = self.group.outputs
        key, data = node.inputs
        words = tuple(self.load(key, (i,)) for i in range(2))
        results = node.card.native(self.scalars, words, self.load(data, ()))
        for i, word in enumerate(results):
            self.store(node, (i,), word)


def _is_tall(shape: Shape) -> bool:
    """Whether rows are few columns wide, and so many that a loop over them is worth vectorising."""
    if len(shape) < 2 or not isinstance(shape[-1], int) or shape[-1] > FEW:
        return False
    return not isinstance(shape[-2], int) or shape[-2] > SHORT
