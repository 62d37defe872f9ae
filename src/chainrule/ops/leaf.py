"""Leaves: nodes that read no other node."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy

from chainrule.ir import ArrayType, Card, Shape, Size, absent

_LEAF = absent("a leaf has no inputs that could carry a gradient")


class Frozen:
    """An array as the parameter of a node: immutable, compared by content.

    Parameters
    ----------
    array
        Any array; it is copied.
    """

    __slots__ = ("_key", "array")

    def __init__(self, array: Any) -> None:
        self.array = numpy.array(array)
        self.array.flags.writeable = False
        self._key = (self.array.shape, self.array.dtype.name, self.array.tobytes())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Frozen) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    def __repr__(self) -> str:
        if self.array.size <= 8:
            return str(self.array.tolist())
        digest = hashlib.sha256(self.array.tobytes()).hexdigest()  # the same in every process
        return f"<{self.array.size} entries, sha256 {digest[:16]}>"

    def __str__(self) -> str:
        return repr(self)


def _typed(*, shape: Shape, dtype: str, **params: Any) -> ArrayType:
    return ArrayType(shape, dtype)


input = Card(
    name="input",
    kind="leaf",
    doc="An argument of the program.",
    type=lambda *, position, type: type,
    vjp=_LEAF,
    numpy=absent("the value comes from the caller"),
    native=absent("the value comes from the caller"),
    onnx=absent("a graph input"),
    cost=0,
)

full = Card(
    name="full",
    kind="leaf",
    doc="One number in every entry.",
    type=_typed,
    vjp=_LEAF,
    numpy=lambda np, *, value, shape, dtype: np.full(shape, value, dtype),
    native=lambda b, index, *, value, shape, dtype: b.constant(value, dtype),
    onnx="Constant",
    cost=0,
)

constant = Card(
    name="constant",
    kind="leaf",
    doc="A fixed array.",
    type=lambda *, value: ArrayType(value.array.shape, value.array.dtype.name),
    vjp=_LEAF,
    numpy=lambda np, *, value: np.asarray(value.array),
    native=absent("the executor places the array in memory"),
    onnx="Constant",
    cost=0,
)

size = Card(
    name="size",
    kind="leaf",
    doc="A symbolic size as a number.",
    type=lambda *, size, dtype: ArrayType((), dtype),
    vjp=_LEAF,
    numpy=lambda np, *, size, dtype: np.asarray(size, dtype),
    native=lambda b, index, *, size, dtype: b.cast(b.size(size), dtype),
    onnx=absent("exported through the Shape operator of the array that carries the size"),
    cost=0,
)


def _iota_type(*, shape: Shape, axis: int, dtype: str) -> ArrayType:
    return ArrayType(shape, dtype)


def _iota(np: Any, *, shape: Shape, axis: int, dtype: str) -> Any:
    length: Size = shape[axis]
    column = np.arange(length, dtype=dtype)
    return np.broadcast_to(column.reshape([-1] + [1] * (len(shape) - axis - 1)), shape)


iota = Card(
    name="iota",
    kind="leaf",
    doc="0, 1, 2, … along one axis, the same along all others.",
    type=_iota_type,
    vjp=_LEAF,
    numpy=_iota,
    native=lambda b, index, *, shape, axis, dtype: b.cast(index[axis], dtype),
    onnx="Range",
    cost=0,
)
