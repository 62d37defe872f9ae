"""Arithmetic on scalars, as the cards' native rules ask for it."""

from __future__ import annotations

import math
import struct
from typing import Any, Protocol

from chainrule.errors import ExecutorError
from chainrule.execute.native.code import LLVM_TYPES, Indices, Value, kind_of, suffix_of
from chainrule.ir import Size, is_float

_FLOAT_TESTS = {"==": "oeq", "!=": "une", "<": "olt", "<=": "ole", ">": "ogt", ">=": "oge"}
_INTEGER_TESTS = {"==": "eq", "!=": "ne", "<": "slt", "<=": "sle", ">": "sgt", ">=": "sge"}

EXACT = ""
"""Every operation rounds by itself, so that a formula has the same bits wherever it is computed."""

ANY_ORDER = "reassoc nsz contract "
"""For sums over axes, whose order of addition is free."""


def literal(value: Any, dtype: str, lanes: int = 1) -> str:
    """Write a number as LLVM reads it, without losing a bit; in every lane of a vector.

    >>> literal(2, "int32"), literal(1.0, "float32", 4)
    ('2', 'splat (float 0x3FF0000000000000)')
    """
    if lanes > 1:
        return f"splat ({LLVM_TYPES[dtype]} {literal(value, dtype)})"
    if not is_float(dtype):
        return str(int(value)) if dtype != "bool" else ("true" if value else "false")
    exact = float(value)
    if dtype == "float32" and math.isfinite(exact):
        exact = math.copysign(math.inf, exact) if abs(exact) > 3.4028235677973366e38 else exact
        if math.isfinite(exact):
            exact = struct.unpack("f", struct.pack("f", exact))[0]
    return f"0x{struct.unpack('>Q', struct.pack('>d', exact))[0]:016X}"


class Unsigned:
    """Arithmetic on 32-bit words, for the random generator."""

    def __init__(self, code: Lines) -> None:
        self._code = code

    def word(self, value: int) -> Value:
        """A constant."""
        return Value(str(value if value < 2**31 else value - 2**32), "int32")

    def add(self, a: Value, b: Value) -> Value:
        """Sum modulo 2^32."""
        return Value(self._code.set(f"add i32 {a.name}, {b.name}"), "int32")

    def xor(self, a: Value, b: Value) -> Value:
        """Exclusive or."""
        return Value(self._code.set(f"xor i32 {a.name}, {b.name}"), "int32")

    def rotate(self, x: Value, distance: int) -> Value:
        """Bits moved to the left, and around."""
        left = self._code.set(f"shl i32 {x.name}, {distance}")
        right = self._code.set(f"lshr i32 {x.name}, {32 - distance}")
        return Value(self._code.set(f"or i32 {left}, {right}"), "int32")


class Lines(Protocol):
    """Text of a function that is being written; `Code` is one."""

    intrinsics: set[str]
    functions: set[tuple[str, str]]

    def set(self, text: str, /) -> str:
        """Write an instruction, and return the name of its value."""
        ...


class Scalars:
    """The builder that elementwise cards, folds and the random generator receive.

    Parameters
    ----------
    code
        Where instructions are written.
    indices
        For symbolic sizes; None where a formula has none.
    flags
        Fast-math flags of sums.
    whole
        Prefix of the registers that hold sizes of the whole minibatch, of which a worker may
        have only some rows.
    lanes
        How many scalars one value holds: neighbours, in a vector.
    """

    def __init__(
        self,
        code: Lines,
        indices: Indices | None,
        flags: str = EXACT,
        whole: str = "size",
        lanes: int = 1,
    ) -> None:
        self._code = code
        self._indices = indices
        self._flags = flags
        self._whole = whole
        self._lanes = lanes
        self.unsigned = Unsigned(code)

    def _kind(self, dtype: str) -> str:
        return kind_of(dtype, self._lanes)

    def _binary(self, float_op: str, integer_op: str, x: Value, y: Value) -> Value:
        kind = self._kind(x.dtype)
        op = f"{float_op} {self._flags}" if is_float(x.dtype) else f"{integer_op} "
        return Value(self._code.set(f"{op}{kind} {x.name}, {y.name}"), x.dtype)

    def _intrinsic(self, name: str, *values: Value) -> Value:
        dtype = values[0].dtype
        kind = self._kind(dtype)
        full = f"llvm.{name}.{suffix_of(dtype, self._lanes)}"
        self._code.intrinsics.add(f"declare {kind} @{full}({', '.join([kind] * len(values))})")
        arguments = ", ".join(f"{kind} {x.name}" for x in values)
        return Value(self._code.set(f"call {kind} @{full}({arguments})"), dtype)

    def dtype(self, x: Value) -> str:
        """The dtype of a value."""
        return x.dtype

    def constant(self, value: Any, dtype: str) -> Value:
        """A number."""
        return Value(literal(value, dtype, self._lanes), dtype)

    def lowest(self, dtype: str) -> Value:
        """What no number is below."""
        return self.constant(-math.inf if is_float(dtype) else -(2**31), dtype)

    def highest(self, dtype: str) -> Value:
        """What no number is above."""
        return self.constant(math.inf if is_float(dtype) else 2**31 - 1, dtype)

    def size(self, size: Size) -> Value:
        """A size of an axis."""
        if self._indices is None:
            raise ExecutorError(f"the size {size} is asked for where none is known")
        return Value(str(self._indices.size(size, self._whole)), "int64")

    def add(self, x: Value, y: Value) -> Value:
        """x + y."""
        return self._binary("fadd", "add", x, y)

    def subtract(self, x: Value, y: Value) -> Value:
        """x - y."""
        return self._binary("fsub", "sub", x, y)

    def multiply(self, x: Value, y: Value) -> Value:
        """x times y."""
        if not is_float(x.dtype):
            return self._binary("", "mul", x, y)
        # The flag lets the sums of `ANY_ORDER` join what they add.
        text = f"fmul contract {self._kind(x.dtype)} {x.name}, {y.name}"
        return Value(self._code.set(text), x.dtype)

    def divide(self, x: Value, y: Value) -> Value:
        """x divided by y, floats only."""
        return Value(self._code.set(f"fdiv {self._kind(x.dtype)} {x.name}, {y.name}"), x.dtype)

    def negate(self, x: Value) -> Value:
        """-x."""
        if is_float(x.dtype):
            return Value(self._code.set(f"fneg {self._kind(x.dtype)} {x.name}"), x.dtype)
        zero = self.constant(0, x.dtype)
        return Value(self._code.set(f"sub {self._kind(x.dtype)} {zero.name}, {x.name}"), x.dtype)

    def maximum(self, x: Value, y: Value) -> Value:
        """The larger; NaN if one of them is."""
        if self._flags == ANY_ORDER and is_float(x.dtype):
            return self._intrinsic("maximum", x, y)  # the form whose loops LLVM vectorises
        return self._extreme(x, y, "ugt", "sgt")

    def minimum(self, x: Value, y: Value) -> Value:
        """The smaller; NaN if one of them is."""
        if self._flags == ANY_ORDER and is_float(x.dtype):
            return self._intrinsic("minimum", x, y)
        return self._extreme(x, y, "ult", "slt")

    def _extreme(self, x: Value, y: Value, float_test: str, integer_test: str) -> Value:
        kind = self._kind(x.dtype)
        if not is_float(x.dtype):
            test = self._code.set(f"icmp {integer_test} {kind} {x.name}, {y.name}")
            return self.select(Value(test, "bool"), x, y)
        # An unordered test chooses x when x is NaN; the second select lets a NaN in y through.
        test = self._code.set(f"fcmp {float_test} {kind} {x.name}, {y.name}")
        result = self.select(Value(test, "bool"), x, y)
        if y.name.startswith(("0x", "splat")):
            return result
        odd = self._code.set(f"fcmp uno {kind} {y.name}, {y.name}")
        return self.select(Value(odd, "bool"), y, result)

    def abs(self, x: Value) -> Value:
        """The distance from zero."""
        if is_float(x.dtype):
            return self._intrinsic("fabs", x)
        return self.maximum(x, self.negate(x))

    def sign(self, x: Value) -> Value:
        """-1, 0 or 1; NaN stays."""
        zero, one = self.constant(0, x.dtype), self.constant(1, x.dtype)
        below = self.select(self.compare("<", x, zero), self.negate(one), x)
        return self.select(self.compare(">", x, zero), one, below)

    def floor(self, x: Value) -> Value:
        """Rounded down."""
        return self._intrinsic("floor", x)

    def ceil(self, x: Value) -> Value:
        """Rounded up."""
        return self._intrinsic("ceil", x)

    def round(self, x: Value) -> Value:
        """Rounded to the nearest, halves to even."""
        return self._intrinsic("rint", x)

    def sqrt(self, x: Value) -> Value:
        """Square root."""
        return self._intrinsic("sqrt", x)

    def is_finite(self, x: Value) -> Value:
        """Neither infinite nor NaN."""
        return self.compare("<", self.abs(x), self.highest(x.dtype))

    def compare(self, symbol: str, x: Value, y: Value) -> Value:
        """A truth value."""
        if is_float(x.dtype):
            text = f"fcmp {_FLOAT_TESTS[symbol]} {self._kind(x.dtype)} {x.name}, {y.name}"
        else:
            test = _INTEGER_TESTS[symbol]
            test = test.replace("s", "u", 1) if x.dtype == "bool" and test[0] == "s" else test
            text = f"icmp {test} {self._kind(x.dtype)} {x.name}, {y.name}"
        return Value(self._code.set(text), "bool")

    def select(self, test: Value, x: Value, y: Value) -> Value:
        """x where the test holds, else y."""
        kind = self._kind(x.dtype)
        text = f"select {self._kind('bool')} {test.name}, {kind} {x.name}, {kind} {y.name}"
        return Value(self._code.set(text), x.dtype)

    def logical_and(self, x: Value, y: Value) -> Value:
        """Both."""
        return self._bits("and", x, y)

    def logical_or(self, x: Value, y: Value) -> Value:
        """At least one."""
        return self._bits("or", x, y)

    def logical_not(self, x: Value) -> Value:
        """The opposite."""
        return self._bits("xor", x, self.constant(True, "bool"))

    def _bits(self, op: str, x: Value, y: Value) -> Value:
        return Value(self._code.set(f"{op} {self._kind('bool')} {x.name}, {y.name}"), "bool")

    def cast(self, x: Value | int | str, dtype: str) -> Value:
        """The same number in another dtype; an index counts as a 64-bit integer."""
        if not isinstance(x, Value):
            x = Value(str(x), "int64")
        if x.dtype == dtype:
            return x
        source, target = self._kind(x.dtype), self._kind(dtype)
        if dtype == "bool":
            zero = self.constant(0, x.dtype).name
            test = "fcmp une" if is_float(x.dtype) else "icmp ne"
            return Value(self._code.set(f"{test} {source} {x.name}, {zero}"), "bool")
        if x.dtype == "bool":
            op = "uitofp" if is_float(dtype) else "zext"
        elif is_float(x.dtype):
            if is_float(dtype):
                op = "fpext" if dtype == "float64" else "fptrunc"
            else:
                return self._to_integer(x)
        elif is_float(dtype):
            op = "sitofp"
        else:
            op = "trunc" if x.dtype == "int64" else "sext"
        return Value(self._code.set(f"{op} {source} {x.name} to {target}"), dtype)

    def _to_integer(self, x: Value) -> Value:
        """Toward zero; what does not fit becomes the lowest integer, as on x86."""
        kind = self._kind(x.dtype)
        fits = self.logical_and(
            self.compare(">=", x, self.constant(-(2.0**31), x.dtype)),
            self.compare("<", x, self.constant(2.0**31, x.dtype)),
        )
        safe = self.select(fits, x, self.constant(0, x.dtype))
        whole = Value(
            self._code.set(f"fptosi {kind} {safe.name} to {self._kind('int32')}"), "int32"
        )
        return self.select(fits, whole, self.constant(-(2**31), "int32"))

    def call(self, name: str, *values: Value) -> Value:
        """A transcendental function."""
        dtype = values[0].dtype
        if not is_float(dtype):
            raise ExecutorError(f"{name} needs floats, received {dtype}")
        self._code.functions.add((name, dtype))
        kind = self._kind(dtype)
        arguments = ", ".join(f"{kind} {x.name}" for x in values)
        text = f"call {kind} @cr.{name}.{suffix_of(dtype, self._lanes)}({arguments})"
        return Value(self._code.set(text), dtype)

    def words(self, position: int | str) -> tuple[Value, Value]:
        """The low and the high 32 bits of an index."""
        low = Value(self._code.set(f"trunc i64 {position} to i32"), "int32")
        if self._indices is not None and self._indices.narrow:
            return low, self.unsigned.word(0)
        shifted = self._code.set(f"lshr i64 {position}, 32")
        return low, Value(self._code.set(f"trunc i64 {shifted} to i32"), "int32")

    def unit_interval(self, y0: Value, y1: Value, dtype: str) -> Value:
        """A float in [0, 1) of the leading bits of random words."""
        if dtype == "float32":
            bits = self._code.set(f"lshr i32 {self.unsigned.xor(y0, y1).name}, 9")
            number = self._code.set(f"sitofp i32 {bits} to float")
            return Value(self._code.set(f"fmul float {number}, {literal(2.0**-23, dtype)}"), dtype)
        high = self._code.set(f"zext i32 {y0.name} to i64")
        low = self._code.set(f"zext i32 {y1.name} to i64")
        joined = self._code.set(f"or i64 {self._code.set(f'shl i64 {high}, 32')}, {low}")
        bits = self._code.set(f"lshr i64 {joined}, 12")
        number = self._code.set(f"sitofp i64 {bits} to double")
        return Value(self._code.set(f"fmul double {number}, {literal(2.0**-52, dtype)}"), dtype)
