from __future__ import annotations

from functools import cache
from collections.abc import Callable
from chainrule.execute.native import exponential, logarithm, power, trigonometric
from chainrule.execute.native.expression import SUFFIXES, Formula, Term

_FORMULAS = {
    **{n: getattr(exponential, n) for n in "exp exp2 expm1 sigmoid tanh sinh cosh erf".split()},
    **{n: getattr(logarithm, n) for n in "log log1p log2 softplus asinh acosh atanh".split()},
    **{n: getattr(trigonometric, n) for n in "sin cos tan asin acos atan".split()},
  "pow": power.pow,
}


def write(name, dtype):
    f = Formula(dtype, 2 if name == "pow" else 1)
    return f, _FORMULAS[name](f, *f.arguments)


def symbol(name, dtype):
    return f"cr.{name}.{SUFFIXES[dtype]}"


def definition(name, dtype):
    f, r = write(name, dtype)
    return f.definition(symbol(name, dtype), r)


def requires(name, dtype):
    return tuple(write(name, dtype)[0].calls)


def declarations(name, dtype):
    return sorted(write(name, dtype)[0].intrinsics)
