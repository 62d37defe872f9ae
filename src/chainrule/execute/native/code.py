"""Text of one LLVM function, written from top to bottom."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from chainrule.ir import Dim, Shape, Size

LLVM_TYPES = {
    "float32": "float",
    "float64": "double",
    "int32": "i32",
    "int64": "i64",
    "bool": "i1",
}

_SUFFIXES = {"float32": "f32", "float64": "f64", "int32": "i32"}


def kind_of(dtype: str, lanes: int = 1) -> str:
    """Name the LLVM type of one scalar, or of a vector of several.

    >>> kind_of("bool"), kind_of("float32", 16)
    ('i1', '<16 x float>')
    """
    kind = LLVM_TYPES[dtype]
    return kind if lanes == 1 else f"<{lanes} x {kind}>"


def suffix_of(dtype: str, lanes: int = 1) -> str:
    """Name the type inside the name of an intrinsic or a function.

    >>> suffix_of("float32"), suffix_of("float64", 8)
    ('f32', 'v8f64')
    """
    return _SUFFIXES[dtype] if lanes == 1 else f"v{lanes}{_SUFFIXES[dtype]}"


ROLLED, UNROLLED = "!ROLLED", "!UNROLLED"
"""Stand for the metadata of one loop, until the module numbers them."""

SHORT = 16
"""Turns of a loop up to which it may be unrolled, so that the one around it is vectorised."""


class Value(NamedTuple):
    """A scalar in a register: its name or literal, and its dtype."""

    name: str
    dtype: str


class Code:
    """The body of a function under construction.

    Attributes
    ----------
    lines
        What has been written.
    functions
        Transcendental functions that are called, as (name, dtype).
    """

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.functions: set[tuple[str, str]] = set()
        self.intrinsics: set[str] = set()
        self.block = "entry"
        self._count = 0
        self._allocations: list[str] = []

    def fresh(self, stem: str = "v") -> str:
        """Invent a name."""
        self._count += 1
        return f"{stem}{self._count}"

    def line(self, text: str) -> None:
        """Write an instruction that gives no value."""
        self.lines.append(f"  {text}")

    def set(self, text: str) -> str:
        """Write an instruction, and return the name of its value."""
        name = f"%{self.fresh()}"
        self.lines.append(f"  {name} = {text}")
        return name

    def label(self, name: str) -> None:
        """Begin a block."""
        self.lines.append(f"{name}:")
        self.block = name

    def allocate(self, kind: str) -> str:
        """Reserve a variable, which the compiler will keep in a register."""
        name = f"%{self.fresh('slot')}"
        self._allocations.append(f"  {name} = alloca {kind}")
        return name

    @contextmanager
    def loop(self, count: int | str, *, unroll: bool | None = None) -> Iterator[int | str]:
        """Write a loop; what is written inside the `with` is its body.

        Parameters
        ----------
        unroll
            True unrolls a short loop, so that the one around it can be vectorised. False forbids
            it, so that the order in which a loop adds up does not depend on the loops around it.
        """
        if count == 1:
            yield 0
            return
        tag = self.fresh("loop")
        before, i = self.block, f"%{tag}.i"
        self.line(f"br label %{tag}")
        self.label(tag)
        self.line(f"{i} = phi i64 [ 0, %{before} ], [ {i}.next, %{tag}.end ]")
        self.line(f"{i}.more = icmp slt i64 {i}, {count}")
        self.line(f"br i1 {i}.more, label %{tag}.body, label %{tag}.done")
        self.label(f"{tag}.body")
        yield i
        self.line(f"br label %{tag}.end")
        self.label(f"{tag}.end")
        self.line(f"{i}.next = add nuw nsw i64 {i}, 1")
        short = isinstance(count, int) and count <= SHORT
        mark = ROLLED if unroll is False else UNROLLED if unroll and short else ""
        self.line(f"br label %{tag}" + (f", !llvm.loop {mark}" if mark else ""))
        self.label(f"{tag}.done")

    @property
    def body(self) -> str:
        """The whole text, variables first."""
        return "\n".join(["entry:", *self._allocations, *self.lines])


class Indices:
    """Arithmetic on indices: Python integers where known, 64-bit registers elsewhere.

    Parameters
    ----------
    code
        Where instructions are written.
    narrow
        Whether all indices fit into 31 bits, so that divisions can be vectorised.
    prefix
        Of the registers that hold symbolic sizes.
    """

    def __init__(self, code: Code, narrow: bool, prefix: str = "size") -> None:
        self.code = code
        self.narrow = narrow
        self.prefix = prefix

    def size(self, size: Size | str, prefix: str | None = None) -> int | str:
        """A size as an integer or a register."""
        if not isinstance(size, Dim):
            return size
        prefix = prefix or self.prefix
        result: int | str = self.add(
            self.multiply(f"%{prefix}.{size.symbol}", size.scale), size.offset
        )
        return result

    def add(self, a: Any, b: Any) -> Any:
        """a + b."""
        a, b = self.size(a), self.size(b)
        if isinstance(a, int) and isinstance(b, int):
            return a + b
        if a == 0 or b == 0:
            return b if a == 0 else a
        return self.code.set(f"add nsw i64 {a}, {b}")

    def subtract(self, a: Any, b: Any) -> Any:
        """a - b."""
        a, b = self.size(a), self.size(b)
        if isinstance(a, int) and isinstance(b, int):
            return a - b
        return a if b == 0 else self.code.set(f"sub nsw i64 {a}, {b}")

    def multiply(self, a: Any, b: Any) -> Any:
        """a * b."""
        a, b = self.size(a), self.size(b)
        if isinstance(a, int) and isinstance(b, int):
            return a * b
        if a == 0 or b == 0:
            return 0
        if a == 1 or b == 1:
            return b if a == 1 else a
        return self.code.set(f"mul nsw i64 {a}, {b}")

    def divide(self, a: Any, b: Any) -> Any:
        """The quotient of indices, rounded toward zero."""
        return self._quotient("sdiv", a, b)

    def remainder(self, a: Any, b: Any) -> Any:
        """What the quotient leaves."""
        return self._quotient("srem", a, b)

    def _quotient(self, op: str, a: Any, b: Any) -> Any:
        a, b = self.size(a), self.size(b)
        if isinstance(a, int) and isinstance(b, int):
            return int(a / b) if op == "sdiv" else a - b * int(a / b)
        if b == 1:
            return a if op == "sdiv" else 0
        if not self.narrow:
            return self.code.set(f"{op} i64 {a}, {b}")
        short = [
            x if isinstance(x, int) else self.code.set(f"trunc i64 {x} to i32") for x in (a, b)
        ]
        result = self.code.set(f"{op} i32 {short[0]}, {short[1]}")
        return self.code.set(f"sext i32 {result} to i64")

    def compare(self, symbol: str, a: Any, b: Any) -> Any:
        """A truth value: bool or register."""
        a, b = self.size(a), self.size(b)
        if isinstance(a, int) and isinstance(b, int):
            return {"<": a < b, ">=": a >= b, "==": a == b}[symbol]
        word = {"<": "slt", ">=": "sge", "==": "eq"}[symbol]
        return self.code.set(f"icmp {word} i64 {a}, {b}")

    def both(self, a: Any, b: Any) -> Any:
        """Whether two tests hold."""
        if isinstance(a, bool) or isinstance(b, bool):
            if a is True or b is True:
                return b if a is True else a
            return False
        return self.code.set(f"and i1 {a}, {b}")

    def flatten(self, index: Sequence[Any], shape: Shape) -> Any:
        """The place of an entry when all are numbered row by row."""
        flat: Any = 0
        for n, size in zip(index, shape, strict=True):
            flat = self.add(self.multiply(flat, size), n)
        return flat

    def unflatten(self, flat: Any, shape: Shape) -> list[Any]:
        """The index of the entry at a place."""
        index: list[Any] = []
        axes = [a for a, n in enumerate(shape) if n != 1]
        for a in reversed(range(len(shape))):
            if shape[a] == 1:
                index.append(0)
            elif a == axes[0]:
                index.append(flat)
            else:
                index.append(self.remainder(flat, shape[a]))
                flat = self.divide(flat, shape[a])
        return index[::-1]
