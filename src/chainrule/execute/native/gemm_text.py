"""Writes one LLVM function as text: SSA names, index arithmetic, vectors and loops."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chainrule.errors import ExecutorError
from chainrule.execute.native.tuning import Tuning, usual_tuning

Size = int | str
"""A number of elements: a constant, or the SSA name of an i64."""

BYTES = {"float": 4, "double": 8}


def constant(size: Size) -> int:
    """Return a size that has to be known when the text is written.

    Raises
    ------
    ExecutorError
        If it is only known at run time.
    """
    if isinstance(size, str):
        raise ExecutorError(f"a product was planned for a constant size, but has {size}")
    return size


@dataclass(frozen=True, slots=True)
class Target:
    """The processor that text is written for.

    Attributes
    ----------
    cpu, features
        As LLVM names them: ``"znver3"`` and ``"+avx2,+fma,..."``.
    vector_bits
        Width of the widest vector register that is worth using, in bits: 128, 256 or 512.
    tuned
        Figures by which products are cut, where they were measured.
    """

    cpu: str
    features: str
    vector_bits: int
    tuned: Tuning | None = None

    @property
    def tuning(self) -> Tuning:
        """The figures by which products are cut: measured ones, or the usual ones."""
        return self.tuned or usual_tuning(self.cpu, self.vector_bits)

    @property
    def registers(self) -> int:
        """Number of vector registers."""
        flags = self.features.split(",")
        return 32 if self.vector_bits == 512 or "+avx512vl" in flags or "+neon" in flags else 16

    @property
    def latency(self) -> int:
        """Cycles until the result of a multiply-add can be used."""
        return 5 if self.cpu in ("haswell", "broadwell", "znver1", "znver2") else 4

    @property
    def fused(self) -> bool:
        """Whether multiply-add is one instruction."""
        flags = self.features.split(",")
        return "+fma" in flags or "+neon" in flags


@dataclass(frozen=True, slots=True)
class Vector:
    """A vector type: ``<lanes x element>``."""

    element: str
    lanes: int

    def __str__(self) -> str:
        return f"<{self.lanes} x {self.element}>"

    @property
    def suffix(self) -> str:
        """The name of the type inside an intrinsic's name, as in ``v8f32``."""
        return f"v{self.lanes}f{8 * BYTES[self.element]}"


class Text:
    """The body of one function under construction.

    Index arithmetic on constants is done at once, so constant sizes leave no instructions.
    """

    def __init__(self, element: str, target: Target) -> None:
        self.element = element
        self.target = target
        self.declarations: set[str] = set()
        self._lines: list[str] = []
        self._block = "entry"
        self._count = 0
        self._known: dict[str, str] = {}

    @property
    def body(self) -> str:
        """Everything written so far."""
        return "\n".join(self._lines)

    @property
    def lanes(self) -> int:
        """Elements in the widest vector."""
        return self.target.vector_bits // (8 * BYTES[self.element])

    # -- instructions ---------------------------------------------------------------------------

    def name(self) -> str:
        """Return an SSA name that is not in use."""
        self._count += 1
        return f"%g{self._count}"

    def line(self, text: str) -> None:
        """Append one instruction that has no result."""
        self._lines.append(f"  {text}")

    def value(self, expression: str) -> str:
        """Append one instruction and return the name of its result."""
        name = self.name()
        self.line(f"{name} = {expression}")
        return name

    def pure(self, expression: str) -> str:
        """Return the result of index arithmetic, written only where it is not known yet."""
        if expression not in self._known:
            self._known[expression] = self.value(expression)
        return self._known[expression]

    def call(self, result: str, function: str, *arguments: tuple[object, Size]) -> str:
        """Call an LLVM intrinsic, and declare it."""
        kinds = ", ".join(str(kind) for kind, _ in arguments)
        self.declarations.add(f"declare {result} @{function}({kinds})")
        given = ", ".join(f"{kind} {value}" for kind, value in arguments)
        return self.value(f"call {result} @{function}({given})")

    # -- index arithmetic -----------------------------------------------------------------------

    def add(self, a: Size, b: Size) -> Size:
        """Return a + b."""
        if isinstance(a, int) and isinstance(b, int):
            return a + b
        if a == 0:
            return b
        return a if b == 0 else self.pure(f"add nsw i64 {a}, {b}")

    def subtract(self, a: Size, b: Size) -> Size:
        """Return a - b."""
        if isinstance(a, int) and isinstance(b, int):
            return a - b
        return a if b == 0 else self.pure(f"sub nsw i64 {a}, {b}")

    def multiply(self, a: Size, b: Size) -> Size:
        """Return a * b."""
        if isinstance(a, int) and isinstance(b, int):
            return a * b
        if a in (0, 1):
            return b if a == 1 else 0
        if b in (0, 1):
            return a if b == 1 else 0
        return self.pure(f"mul nsw i64 {a}, {b}")

    def round_down(self, a: Size, step: int) -> Size:
        """Return the largest multiple of `step` that is at most a."""
        if isinstance(a, int):
            return a // step * step
        return self.subtract(a, self.pure(f"urem i64 {a}, {step}"))

    def divide(self, a: Size, step: int) -> Size:
        """Return a / step, rounded down."""
        if isinstance(a, int):
            return a // step
        return a if step == 1 else self.pure(f"udiv i64 {a}, {step}")

    def minimum(self, a: Size, b: Size) -> Size:
        """Return the smaller of a and b."""
        if isinstance(a, int) and isinstance(b, int):
            return min(a, b)
        return self._extreme("llvm.smin.i64", a, b)

    def maximum(self, a: Size, b: Size) -> Size:
        """Return the larger of a and b."""
        if isinstance(a, int) and isinstance(b, int):
            return max(a, b)
        return self._extreme("llvm.smax.i64", a, b)

    def _extreme(self, function: str, a: Size, b: Size) -> str:
        self.declarations.add(f"declare i64 @{function}(i64, i64)")
        return self.pure(f"call i64 @{function}(i64 {a}, i64 {b})")

    def less(self, a: Size, b: Size) -> str | bool:
        """Return whether a < b: a constant, or the name of an i1."""
        if isinstance(a, int) and isinstance(b, int):
            return a < b
        return self.pure(f"icmp slt i64 {a}, {b}")

    def invert(self, condition: str | bool) -> str | bool:
        """Return whether the condition does not hold."""
        if isinstance(condition, bool):
            return not condition
        return self.pure(f"xor i1 {condition}, true")

    def address(self, pointer: str, offset: Size) -> str:
        """Return the address of the element at `offset`."""
        if offset == 0:
            return pointer
        return self.pure(f"getelementptr inbounds {self.element}, ptr {pointer}, i64 {offset}")

    # -- vectors --------------------------------------------------------------------------------

    def load(self, vector: Vector, pointer: str, valid: Size | None = None) -> str:
        """Load a vector; lanes from `valid` on are zero and their memory is not touched."""
        if valid is None or valid == vector.lanes:
            return self.value(f"load {vector}, ptr {pointer}, align {BYTES[self.element]}")
        return self.call(
            str(vector),
            f"llvm.masked.load.{vector.suffix}.p0",
            (f"ptr align {BYTES[self.element]}", pointer),
            (f"<{vector.lanes} x i1>", self._mask(vector, valid)),
            (vector, "zeroinitializer"),
        )

    def store(self, vector: Vector, value: str, pointer: str, valid: Size | None = None) -> None:
        """Store a vector, or its first `valid` lanes."""
        align = f"align {BYTES[self.element]}"
        if valid is None or valid == vector.lanes:
            self.line(f"store {vector} {value}, ptr {pointer}, {align}")
        elif isinstance(valid, int):
            # Two overlapping power-of-two stores: masked stores are slow on AMD processors.
            lanes = 1 << (valid.bit_length() - 1)
            for start in dict.fromkeys((0, valid - lanes)):
                part = self.shuffle(vector, value, value, range(start, start + lanes))
                kind = Vector(self.element, lanes)
                self.line(f"store {kind} {part}, ptr {self.address(pointer, start)}, {align}")
        else:
            function = f"llvm.masked.store.{vector.suffix}.p0"
            mask = f"<{vector.lanes} x i1>"
            self.declarations.add(f"declare void @{function}({vector}, ptr {align}, {mask})")
            self.line(
                f"call void @{function}({vector} {value}, ptr {align} {pointer}, "
                f"{mask} {self._mask(vector, valid)})"
            )

    def prefetch(self, pointer: str) -> None:
        """Ask for a line of memory, for the second-level cache; any address will do."""
        self.declarations.add("declare void @llvm.prefetch.p0(ptr, i32, i32, i32)")
        self.line(f"call void @llvm.prefetch.p0(ptr {pointer}, i32 0, i32 2, i32 1)")

    def _mask(self, vector: Vector, valid: Size) -> str:
        if isinstance(valid, int):
            return _lanes("i1", [int(lane < valid) for lane in range(vector.lanes)])
        kind = f"<{vector.lanes} x i64>"
        first = self.pure(f"insertelement {kind} poison, i64 {valid}, i64 0")
        order = f"<{vector.lanes} x i32> zeroinitializer"
        count = self.pure(f"shufflevector {kind} {first}, {kind} poison, {order}")
        return self.pure(f"icmp slt {kind} {_lanes('i64', range(vector.lanes))}, {count}")

    def shuffle(self, vector: Vector, a: str, b: str, order: Sequence[int]) -> str:
        """Return lanes of a and b (numbered on from a's) in the given order."""
        return self.value(
            f"shufflevector {vector} {a}, {vector} {b}, <{len(order)} x i32> {_lanes('i32', order)}"
        )

    def low(self, vector: Vector, value: str, lanes: int) -> str:
        """Return the first lanes of a vector."""
        return value if lanes == vector.lanes else self.shuffle(vector, value, value, range(lanes))

    def broadcast(self, vector: Vector, pointer: str) -> str:
        """Load one element into every lane."""
        scalar = self.value(f"load {self.element}, ptr {pointer}, align {BYTES[self.element]}")
        first = self.value(f"insertelement {vector} poison, {self.element} {scalar}, i64 0")
        order = f"<{vector.lanes} x i32> zeroinitializer"
        return self.value(f"shufflevector {vector} {first}, {vector} poison, {order}")

    def multiply_add(self, vector: Vector, a: str, b: str, c: str) -> str:
        """Return a * b + c, rounded once where the processor can."""
        if self.target.fused:
            function = f"llvm.fma.{vector.suffix}"
            return self.call(str(vector), function, (vector, a), (vector, b), (vector, c))
        product = self.value(f"fmul {vector} {a}, {b}")
        return self.value(f"fadd {vector} {product}, {c}")

    # -- control --------------------------------------------------------------------------------

    def when(self, condition: str | bool, write: Callable[[], None]) -> None:
        """Run what `write` writes if the condition holds."""
        if isinstance(condition, bool):
            if condition:
                write()
            return
        inside, after = self._label(), self._label()
        self.line(f"br i1 {condition}, label %{inside}, label %{after}")
        self._begin(inside)
        known = dict(self._known)
        write()
        self._known = known
        self.line(f"br label %{after}")
        self._begin(after)

    def loop(
        self,
        start: Size,
        stop: Size,
        step: Size,
        write: Callable[[Size, list[str]], Sequence[str]],
        carried: Sequence[tuple[object, str]] = (),
    ) -> list[str]:
        """Run what `write` writes for each index from `start` up to `stop`.

        Parameters
        ----------
        write
            Given the index and the carried values, returns the carried values' next state.
        carried
            Type and first value of everything that lives from one round to the next.

        Returns
        -------
        list[str]
            The carried values after the last round.
        """
        initial = [value for _, value in carried]
        first, second = self.less(start, stop), self.less(self.add(start, step), stop)
        if first is False:
            return initial
        if first is True and second is False:
            return list(write(start, initial))
        before, inside, after = self._block, self._label(), self._label()
        branch = f"br i1 {first}, label %{inside}, label %{after}"
        self.line(f"br label %{inside}" if first is True else branch)

        outer, self._lines = self._lines, []
        known = dict(self._known)
        index, names = self.name(), [self.name() for _ in carried]
        self._block = inside
        results = write(index, names)
        following = self.value(f"add nsw i64 {index}, {step}")
        more = self.value(f"icmp slt i64 {following}, {stop}")
        self.line(f"br i1 {more}, label %{inside}, label %{after}")
        written, self._lines = self._lines, outer
        # What the body computed is only known inside of it.
        self._known = known

        latch = self._block
        self._begin(inside)
        self.line(f"{index} = phi i64 [ {start}, %{before} ], [ {following}, %{latch} ]")
        for name, (kind, value), result in zip(names, carried, results, strict=True):
            self.line(f"{name} = phi {kind} [ {value}, %{before} ], [ {result}, %{latch} ]")
        self._lines += written
        self._begin(after)
        if first is True:
            return list(results)
        return [
            self.value(f"phi {kind} [ {value}, %{before} ], [ {result}, %{latch} ]")
            for (kind, value), result in zip(carried, results, strict=True)
        ]

    def _label(self) -> str:
        self._count += 1
        return f"b{self._count}"

    def _begin(self, label: str) -> None:
        self._lines.append(f"{label}:")
        self._block = label


def _lanes(kind: str, values: Sequence[int]) -> str:
    return "<" + ", ".join(f"{kind} {value}" for value in values) + ">"
