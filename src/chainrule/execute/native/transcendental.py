"""Transcendental functions of one scalar as LLVM text, to be inlined into loops.

Each is a branch-free function ``@cr.<name>.<f32|f64>`` without fast-math flags, correct over the
whole range: subnormals, zeros of both signs, infinities, NaN. `ULP` bounds the error. LLVM inlines
the function and vectorises the loop around it.

>>> print(definition("tanh", "float32").splitlines()[0])
define internal float @cr.tanh.f32(float %x) alwaysinline nounwind willreturn memory(none) {
>>> requires("asinh", "float32")
(('asinh', 'float64'),)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

from chainrule.errors import ExecutorError
from chainrule.execute.native import exponential, logarithm, power, trigonometric
from chainrule.execute.native.expression import FORMATS, SUFFIXES, Formula, Term, constants


@dataclass(frozen=True, slots=True)
class _Function:
    """A formula, and how far its float32 and float64 results may be off, in ulp."""

    formula: Callable[..., Term]
    float32: float
    float64: float
    arity: int = 1


_FUNCTIONS: Mapping[str, _Function] = {
    "acos": _Function(trigonometric.acos, 1.2, 1.3),
    "acosh": _Function(logarithm.acosh, 0.51, 2.3),
    "asin": _Function(trigonometric.asin, 1.7, 1.9),
    "asinh": _Function(logarithm.asinh, 0.51, 1.9),
    "atan": _Function(trigonometric.atan, 1.9, 2.0),
    "atanh": _Function(logarithm.atanh, 0.51, 2.2),
    "cos": _Function(trigonometric.cos, 0.7, 0.9),
    "cosh": _Function(exponential.cosh, 1.6, 1.6),
    "erf": _Function(exponential.erf, 1.5, 1.8),
    "exp": _Function(exponential.exp, 1.1, 1.1),
    "exp2": _Function(exponential.exp2, 1.3, 1.5),
    "expm1": _Function(exponential.expm1, 1.5, 1.8),
    "log": _Function(logarithm.log, 1.0, 1.0),
    "log1p": _Function(logarithm.log1p, 1.5, 1.5),
    "log2": _Function(logarithm.log2, 1.9, 1.9),
    "pow": _Function(power.pow, 0.6, 0.9, arity=2),
    "sigmoid": _Function(exponential.sigmoid, 1.6, 1.6),
    "sin": _Function(trigonometric.sin, 0.7, 0.9),
    "sinh": _Function(exponential.sinh, 1.8, 1.7),
    "softplus": _Function(logarithm.softplus, 1.8, 1.8),
    "tan": _Function(trigonometric.tan, 0.8, 2.3),
    "tanh": _Function(exponential.tanh, 1.6, 1.6),
}

# Constants that functions share; they are required like functions, and defined once.
_TABLES: Mapping[str, Callable[[], tuple[float, ...]]] = {
    "quarter_turns": trigonometric.quarter_turn_table
}

NAMES: frozenset[str] = frozenset(_FUNCTIONS)
"""The functions; ``pow`` takes two numbers, the others one."""

ULP: Mapping[str, Mapping[str, float]] = {
    name: {"float32": function.float32, "float64": function.float64}
    for name, function in _FUNCTIONS.items()
}
"""For each function and dtype the largest error, in units of the result's last place.

Measured and rounded up: on every float32 number with 2^-6 <= |x| < 2^7 and one in 30 of the
others, and on float64 numbers by random search for the worst; with and without fused
multiply-add. 0.5 is the best that is possible.
"""


@dataclass(frozen=True, slots=True)
class _Written:
    text: str
    declarations: tuple[str, ...] = ()
    requires: tuple[tuple[str, str], ...] = ()


@cache
def _write(name: str, dtype: str) -> _Written:
    if name in _TABLES:
        return _Written(constants(symbol(name, dtype), _TABLES[name]()))
    if name not in NAMES:
        known = ", ".join(sorted(NAMES))
        raise ExecutorError(f"no native function is called {name!r}; there are {known}")
    if dtype not in FORMATS:
        raise ExecutorError(f"{name} needs float32 or float64, received {dtype!r}")
    function = _FUNCTIONS[name]
    formula = Formula(dtype, function.arity)
    result = function.formula(formula, *formula.arguments)
    return _Written(
        formula.definition(symbol(name, dtype), result),
        tuple(sorted(formula.declarations)),
        tuple(formula.requires),
    )


def symbol(name: str, dtype: str) -> str:
    """Name of a function in LLVM text, without the ``@``.

    >>> symbol("exp", "float32")
    'cr.exp.f32'
    """
    return f"cr.{name}.{SUFFIXES[dtype]}"


def definition(name: str, dtype: str) -> str:
    """Text that defines a function.

    Parameters
    ----------
    name
        One of `NAMES`, or what `requires` names.
    dtype
        ``"float32"`` or ``"float64"``.

    Raises
    ------
    ExecutorError
        If there is no such function.
    """
    return _write(name, dtype).text


def declarations(name: str, dtype: str) -> tuple[str, ...]:
    """Lines that declare the LLVM intrinsics of a definition.

    >>> declarations("exp", "float64")
    ('declare double @llvm.fmuladd.f64(double, double, double)',)
    """
    return _write(name, dtype).declarations


def requires(name: str, dtype: str) -> tuple[tuple[str, str], ...]:
    """What a definition refers to and must be defined beside it, as (name, dtype)."""
    return _write(name, dtype).requires
