"""Scalar formulas as LLVM text: what Python computes with `Term`s is written down, in SSA form.

>>> f = Formula("float32", 1)
>>> x, = f.arguments
>>> print(f.definition("square_plus_one", 1 + x * x))
define internal float @square_plus_one(float %x) alwaysinline nounwind willreturn memory(none) {
  %1 = fmul float %x, %x
  %2 = fadd float 0x3FF0000000000000, %1
  ret float %2
}
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field

from chainrule.execute.native.code import LLVM_TYPES
from chainrule.execute.native.scalars import literal

SUFFIXES = {"float32": "f32", "float64": "f64"}

_FLOAT_TESTS = {"==": "oeq", "!=": "une", "<": "olt", "<=": "ole", ">": "ogt", ">=": "oge"}
_INTEGER_TESTS = {"==": "eq", "!=": "ne", "<": "slt", "<=": "sle", ">": "sgt", ">=": "sge"}


@dataclass(frozen=True, slots=True)
class Format:
    """How a float is laid out in bits.

    Attributes
    ----------
    integer
        Dtype of the integer that has the same bits.
    fraction
        Number of bits of the fraction.
    bias
        What the exponent's field holds for the exponent 0.
    """

    integer: str
    fraction: int
    bias: int


FORMATS = {"float32": Format("int32", 23, 127), "float64": Format("int64", 52, 1023)}


def bits(value: float, dtype: str) -> int:
    """Give the bits of a float as an unsigned integer.

    >>> hex(bits(1.0, "float32"))
    '0x3f800000'
    """
    code = ">f" if dtype == "float32" else ">d"
    return int.from_bytes(struct.pack(code, value), "big")


def constants(symbol: str, values: Sequence[float]) -> str:
    """Write a table of float64 numbers for `Formula.entry`."""
    numbers = ", ".join(f"double {literal(value, 'float64')}" for value in values)
    kind = f"[{len(values)} x double]"
    return f"@{symbol} = internal unnamed_addr constant {kind} [{numbers}], align 64"


@dataclass(frozen=True, slots=True, eq=False)
class Term:
    """A scalar of a formula; the usual operators write an instruction and give its result.

    Numbers mix with terms and take their dtype. Integers know ``+ - & | ^ << >>`` (``>>`` fills
    with zeros), truth values ``& | ~``. Equality is spelt `Formula.equals` and `Formula.differs`;
    every comparison with NaN but the latter is false.
    """

    name: str
    dtype: str
    formula: Formula = field(repr=False)

    def __add__(self, other: Term | float) -> Term:
        return self.formula.binary("add", self, other)

    def __radd__(self, other: float) -> Term:
        return self.formula.binary("add", other, self)

    def __sub__(self, other: Term | float) -> Term:
        return self.formula.binary("sub", self, other)

    def __rsub__(self, other: float) -> Term:
        return self.formula.binary("sub", other, self)

    def __mul__(self, other: Term | float) -> Term:
        return self.formula.binary("mul", self, other)

    def __rmul__(self, other: float) -> Term:
        return self.formula.binary("mul", other, self)

    def __truediv__(self, other: Term | float) -> Term:
        return self.formula.binary("div", self, other)

    def __rtruediv__(self, other: float) -> Term:
        return self.formula.binary("div", other, self)

    def __neg__(self) -> Term:
        return self.formula.write(f"fneg {LLVM_TYPES[self.dtype]} {self.name}", self.dtype)

    def __invert__(self) -> Term:
        return self.formula.bitwise("xor", self, -1)

    def __lt__(self, other: Term | float) -> Term:
        return self.formula.compare("<", self, other)

    def __le__(self, other: Term | float) -> Term:
        return self.formula.compare("<=", self, other)

    def __gt__(self, other: Term | float) -> Term:
        return self.formula.compare(">", self, other)

    def __ge__(self, other: Term | float) -> Term:
        return self.formula.compare(">=", self, other)

    def __and__(self, other: Term | int) -> Term:
        return self.formula.bitwise("and", self, other)

    def __or__(self, other: Term | int) -> Term:
        return self.formula.bitwise("or", self, other)

    def __xor__(self, other: Term | int) -> Term:
        return self.formula.bitwise("xor", self, other)

    def __lshift__(self, other: int) -> Term:
        return self.formula.bitwise("shl", self, other)

    def __rshift__(self, other: int) -> Term:
        return self.formula.bitwise("lshr", self, other)


class Formula:
    """The body of one scalar function while it is written.

    No fast-math flags are set: sums stay in the order in which they are written, and NaN and
    infinities keep their meaning. `multiply_add` may round once or twice, whichever is faster;
    `fused` always rounds once.

    Parameters
    ----------
    dtype
        Of the arguments and the result.
    arity
        Number of arguments: 1 or 2.

    Attributes
    ----------
    arguments
        The arguments as terms.
    declarations
        Lines that declare the intrinsics in use.
    requires
        Functions and tables that the formula refers to, as (name, dtype).
    """

    def __init__(self, dtype: str, arity: int) -> None:
        self.dtype = dtype
        self.arguments = tuple(Term(name, dtype, self) for name in ("%x", "%y")[:arity])
        self.declarations: set[str] = set()
        self.requires: dict[tuple[str, str], None] = {}
        self._lines: list[str] = []

    def definition(self, symbol: str, result: Term) -> str:
        """Give the text of a function that returns `result`."""
        kind = LLVM_TYPES[self.dtype]
        arguments = ", ".join(f"{kind} {x.name}" for x in self.arguments)
        head = f"define internal {kind} @{symbol}({arguments})"
        return "\n".join(
            [
                f"{head} alwaysinline nounwind willreturn memory(none) {{",
                *self._lines,
                f"  ret {kind} {result.name}",
                "}",
            ]
        )

    def write(self, instruction: str, dtype: str) -> Term:
        """Append an instruction, and return its result."""
        name = f"%{len(self._lines) + 1}"
        self._lines.append(f"  {name} = {instruction}")
        return Term(name, dtype, self)

    def constant(self, value: float, dtype: str | None = None) -> Term:
        """Return a number, by default of the formula's dtype."""
        dtype = dtype or self.dtype
        return Term(literal(value, dtype), dtype, self)

    def _match(self, a: Term | float, b: Term | float) -> tuple[Term, Term]:
        if isinstance(a, Term):
            return a, b if isinstance(b, Term) else self.constant(b, a.dtype)
        if isinstance(b, Term):
            return self.constant(a, b.dtype), b
        return self.constant(a), self.constant(b)

    # -- arithmetic -----------------------------------------------------------------------------

    def binary(self, op: str, a: Term | float, b: Term | float) -> Term:
        """Return the sum, difference, product or quotient (``add``, ``sub``, ``mul``, ``div``)."""
        a, b = self._match(a, b)
        op = f"f{op}" if a.dtype in FORMATS else op
        return self.write(f"{op} {LLVM_TYPES[a.dtype]} {a.name}, {b.name}", a.dtype)

    def bitwise(self, op: str, a: Term, b: Term | int) -> Term:
        """Return the bits of two integers joined by ``and``, ``or``, ``xor``, or moved."""
        a, b = self._match(a, b)
        return self.write(f"{op} {LLVM_TYPES[a.dtype]} {a.name}, {b.name}", a.dtype)

    def _intrinsic(self, name: str, *values: Term | float) -> Term:
        dtype = next(x.dtype for x in values if isinstance(x, Term))
        kind = LLVM_TYPES[dtype]
        terms = [x if isinstance(x, Term) else self.constant(x, dtype) for x in values]
        full = f"llvm.{name}.{SUFFIXES[dtype]}"
        self.declarations.add(f"declare {kind} @{full}({', '.join([kind] * len(terms))})")
        arguments = ", ".join(f"{kind} {x.name}" for x in terms)
        return self.write(f"call {kind} @{full}({arguments})", dtype)

    def multiply_add(self, a: Term | float, b: Term | float, c: Term | float) -> Term:
        """Return a b + c, rounded once where the processor can."""
        return self._intrinsic("fmuladd", a, b, c)

    def fused(self, a: Term | float, b: Term | float, c: Term | float) -> Term:
        """Return a b + c, rounded once on every processor (slowly where it cannot)."""
        return self._intrinsic("fma", a, b, c)

    def polynomial(self, x: Term, coefficients: Sequence[float]) -> Term:
        """Return the polynomial with these coefficients, lowest first.

        By Horner's scheme; a long one as two of half the length in x^2, which run side by side.
        """
        if len(coefficients) < 8:
            *rest, result = (self.constant(c, x.dtype) for c in coefficients)
            for c in reversed(rest):
                result = self.multiply_add(result, x, c)
            return result
        square = x * x
        even, odd = (self.polynomial(square, coefficients[i::2]) for i in (0, 1))
        return self.multiply_add(odd, x, even)

    def two_sum(self, a: Term | float, b: Term | float) -> tuple[Term, Term]:
        """Return the sum and its exact rounding error (Knuth, TAOCP 2, 4.2.2, theorem B)."""
        a, b = self._match(a, b)
        total = a + b
        rest = total - a
        return total, (a - (total - rest)) + (b - rest)

    def fast_two_sum(self, a: Term | float, b: Term | float) -> tuple[Term, Term]:
        """Return the sum and its exact rounding error, for |a| >= |b| (Dekker, 1971)."""
        a, b = self._match(a, b)
        total = a + b
        return total, b - (total - a)

    def two_product(self, a: Term, b: Term | float) -> tuple[Term, Term]:
        """Return the product and its exact rounding error."""
        product = a * b
        return product, self.fused(a, b, -product)

    def sqrt(self, x: Term) -> Term:
        """Return the square root."""
        return self._intrinsic("sqrt", x)

    def abs(self, x: Term) -> Term:
        """Return the distance from zero."""
        return self._intrinsic("fabs", x)

    def nearest(self, x: Term) -> Term:
        """Return the nearest whole number, halves to even."""
        return self._intrinsic("rint", x)

    def with_sign(self, x: Term, sign: Term) -> Term:
        """Return x with the sign of another term, also that of a zero."""
        return self._intrinsic("copysign", x, sign)

    # -- choices --------------------------------------------------------------------------------

    def compare(self, test: str, a: Term | float, b: Term | float) -> Term:
        """Return the truth value of a test such as ``"<"``."""
        a, b = self._match(a, b)
        floats = a.dtype in FORMATS
        op = f"fcmp {_FLOAT_TESTS[test]}" if floats else f"icmp {_INTEGER_TESTS[test]}"
        return self.write(f"{op} {LLVM_TYPES[a.dtype]} {a.name}, {b.name}", "bool")

    def differs(self, a: Term, b: Term | float) -> Term:
        """Return whether a and b differ; NaN differs from everything, itself included."""
        return self.compare("!=", a, b)

    def equals(self, a: Term, b: Term | float) -> Term:
        """Return whether a and b are equal; NaN equals nothing."""
        return self.compare("==", a, b)

    def select(self, test: Term, a: Term | float, b: Term | float) -> Term:
        """Return a where the test holds, else b."""
        a, b = self._match(a, b)
        kind = LLVM_TYPES[a.dtype]
        return self.write(f"select i1 {test.name}, {kind} {a.name}, {kind} {b.name}", a.dtype)

    def at_least(self, x: Term, low: float) -> Term:
        """Return the larger of the two; NaN stays."""
        return self.select(x < low, low, x)

    def at_most(self, x: Term, high: float) -> Term:
        """Return the smaller of the two; NaN stays."""
        return self.select(x > high, high, x)

    # -- bits, dtypes, tables and functions --------------------------------------------------

    def to_bits(self, x: Term) -> Term:
        """Return the integer that has the bits of a float."""
        dtype = FORMATS[x.dtype].integer
        text = f"bitcast {LLVM_TYPES[x.dtype]} {x.name} to {LLVM_TYPES[dtype]}"
        return self.write(text, dtype)

    def from_bits(self, x: Term) -> Term:
        """Return the float that has the bits of an integer."""
        dtype = "float32" if x.dtype == "int32" else "float64"
        text = f"bitcast {LLVM_TYPES[x.dtype]} {x.name} to {LLVM_TYPES[dtype]}"
        return self.write(text, dtype)

    def cast(self, x: Term, dtype: str) -> Term:
        """Return a float in another format."""
        if x.dtype == dtype:
            return x
        op = "fpext" if dtype == "float64" else "fptrunc"
        return self.write(f"{op} {LLVM_TYPES[x.dtype]} {x.name} to {LLVM_TYPES[dtype]}", dtype)

    def entry(self, table: str, index: Term) -> Term:
        """Return the entry of a float64 table at an index, which must lie inside."""
        self.requires[table, "float64"] = None
        place = self.write(
            f"getelementptr inbounds double, ptr @cr.{table}.f64, i64 {index.name}", "pointer"
        )
        return self.write(f"load double, ptr {place.name}, align 8", "float64")

    def call(self, name: str, *values: Term) -> Term:
        """Return the value of another function (see `transcendental`)."""
        dtype = values[0].dtype
        self.requires[name, dtype] = None
        kind = LLVM_TYPES[dtype]
        arguments = ", ".join(f"{kind} {x.name}" for x in values)
        return self.write(f"call {kind} @cr.{name}.{SUFFIXES[dtype]}({arguments})", dtype)
