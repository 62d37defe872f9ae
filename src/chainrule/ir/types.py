"""Types of values: a dtype and a shape, whose sizes may be symbolic."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from chainrule.errors import DtypeError, ShapeError, TraceError

DTYPES = ("float32", "float64", "int32", "bool")
FLOATS = ("float32", "float64")
_SHORT = {"float32": "f32", "float64": "f64", "int32": "i32", "bool": "bool"}
_BYTES = {"float32": 4, "float64": 8, "int32": 4, "bool": 1}


class Open(ABC):
    """What holds symbolic sizes that can be replaced: a size, or a parameter made of sizes."""

    __slots__ = ()

    @abstractmethod
    def bind(self, sizes: Mapping[str, Size]) -> Any:
        """Give the same with symbols replaced by their values, for those that `sizes` holds."""

    @abstractmethod
    def symbols(self) -> Iterator[str]:
        """Name the symbols that occur."""


@dataclass(frozen=True, slots=True)
class Dim(Open):
    """A size that is known only when the program runs: ``scale * symbol + offset``.

    One traced and compiled program serves every batch size because its batch axis is a `Dim`.

    >>> batch = Dim("batch")
    >>> print(2 * batch + 1)
    2*batch+1
    >>> (2 * batch + 1).bind({"batch": 8})
    17
    """

    symbol: str
    scale: int = 1
    offset: int = 0

    def bind(self, sizes: Mapping[str, Size]) -> Size:
        """Give the size with its symbol's value taken from `sizes`, if that holds it."""
        value = sizes.get(self.symbol)
        return self if value is None else self.scale * value + self.offset

    def symbols(self) -> Iterator[str]:
        """Name the symbol."""
        yield self.symbol

    def __add__(self, other: Size) -> Size:
        if isinstance(other, Dim):
            if other.symbol != self.symbol:
                raise ShapeError(f"cannot add the symbolic sizes {self} and {other}")
            return _dim(self.symbol, self.scale + other.scale, self.offset + other.offset)
        if not isinstance(other, int):
            return NotImplemented
        return _dim(self.symbol, self.scale, self.offset + other)

    __radd__ = __add__

    def __sub__(self, other: Size) -> Size:
        return self + -1 * other if isinstance(other, (int, Dim)) else NotImplemented

    def __rsub__(self, other: int) -> Size:
        return -1 * self + other

    def __mul__(self, other: Size) -> Size:
        if isinstance(other, Dim):
            raise ShapeError(
                f"cannot multiply the symbolic sizes {self} and {other}: "
                "trace with a concrete batch size to merge these axes"
            )
        if not isinstance(other, int):
            return NotImplemented
        return _dim(self.symbol, self.scale * other, self.offset * other)

    __rmul__ = __mul__

    def __floordiv__(self, other: int) -> Size:
        if not isinstance(other, int):
            return NotImplemented
        if self.scale % other or self.offset % other:
            raise ShapeError(f"the symbolic size {self} cannot be divided by {other}")
        return _dim(self.symbol, self.scale // other, self.offset // other)

    def _refuse(self, *_: object) -> Any:
        raise TraceError(
            f"the size {self} is not known while tracing, so Python cannot test it or make a "
            "number of it; use it in shapes and in arithmetic with arrays, as in sum(x) / n, or "
            "trace with a concrete batch size"
        )

    __bool__ = __index__ = __int__ = __float__ = _refuse
    __lt__ = __le__ = __gt__ = __ge__ = __truediv__ = __rtruediv__ = _refuse

    def __str__(self) -> str:
        scaled = self.symbol if self.scale == 1 else f"{self.scale}*{self.symbol}"
        return scaled if self.offset == 0 else f"{scaled}{self.offset:+d}"


Size = int | Dim
Shape = tuple[Size, ...]


def _dim(symbol: str, scale: int, offset: int) -> Size:
    return Dim(symbol, scale, offset) if scale else offset


@dataclass(frozen=True, slots=True)
class ArrayType:
    """Shape and dtype of a value.

    >>> print(ArrayType((Dim("batch"), 3), "float32"))
    f32[batch, 3]
    """

    shape: Shape
    dtype: str = "float32"

    def __post_init__(self) -> None:
        if self.dtype not in _SHORT:
            raise DtypeError(f"unknown dtype {self.dtype!r}; expected one of {', '.join(DTYPES)}")

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    def __str__(self) -> str:
        return f"{_SHORT[self.dtype]}[{', '.join(map(str, self.shape))}]"


def is_float(dtype: str) -> bool:
    """Tell whether values of this dtype carry gradients."""
    return dtype in FLOATS


def itemsize(dtype: str) -> int:
    """Give the bytes that one entry takes."""
    return _BYTES[dtype]


def element_count(shape: Shape) -> Size:
    """Multiply the sizes of a shape; 1 for a shape without axes."""
    count: Size = 1
    for size in shape:
        count = size * count
    return count


_CLOSED = frozenset((int, str, bool, float))
"""Kinds of parameters that hold no symbolic sizes."""


def bind(value: Any, sizes: Mapping[str, Size]) -> Any:
    """Replace symbolic sizes in a parameter (a size, a tuple, anything) by what they stand for."""
    if type(value) in _CLOSED:  # by far the most; asking whether they are `Open` takes longer
        return value
    if isinstance(value, tuple):
        return tuple([bind(item, sizes) for item in value])
    return value.bind(sizes) if isinstance(value, Open) else value


def symbols(value: Any) -> Iterator[str]:
    """Name the symbols that occur in a parameter: a size, a tuple of sizes, anything."""
    if type(value) in _CLOSED:
        return
    if isinstance(value, tuple):
        for item in value:
            yield from symbols(item)
    elif isinstance(value, Open):
        yield from value.symbols()
