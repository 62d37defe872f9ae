"""Comparison of gradients with finite differences in float64, along random directions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial, reduce
from operator import add
from typing import Any

import numpy as np

from chainrule.backprop.transforms import jvp, vjp
from chainrule.errors import GradientError
from chainrule.ir import is_float
from chainrule.tracing import as_array, flatten, type_of, unflatten

Point = Sequence[Any]  # arrays, in the order of the moving arguments

_STEP = 1e-3  # fourth-order differences: truncation ~ step**4, rounding ~ 1e-16 / step


@dataclass(frozen=True)
class Comparison:
    """One directional derivative, by the gradient and by finite differences.

    Attributes
    ----------
    what
        Which derivative.
    gradient, difference
        The two values.
    error
        Their distance, relative to the size of what was added up.
    """

    what: str
    gradient: float
    difference: float
    error: float


@dataclass(frozen=True)
class GradientCheck:
    """Verdict of `check_gradients`; print it.

    Attributes
    ----------
    comparisons
        Every derivative that was compared.
    tolerance
        Largest relative error that counts as right.
    """

    comparisons: tuple[Comparison, ...]
    tolerance: float

    @property
    def worst(self) -> float:
        """Largest relative error; NaN counts as infinite."""
        errors = [c.error if c.error == c.error else np.inf for c in self.comparisons]
        return max(errors, default=0.0)

    @property
    def ok(self) -> bool:
        """Whether all derivatives agree."""
        return self.worst <= self.tolerance

    def __bool__(self) -> bool:
        return self.ok

    def __str__(self) -> str:
        verdict = "gradients are right" if self.ok else "GRADIENTS ARE WRONG"
        lines = [
            f"{verdict}: largest relative error {self.worst:.1e} "
            f"(tolerance {self.tolerance:.0e}, {len(self.comparisons)} directions, float64)"
        ]
        lines += [
            f"  {c.what:<34} gradient {c.gradient:+.9e}   differences {c.difference:+.9e}   "
            f"error {c.error:.1e}{'' if c.error <= self.tolerance else '  <-- differs'}"
            for c in self.comparisons
        ]
        return "\n".join(lines)


def check_gradients(
    function: Callable[..., Any],
    *args: Any,
    directions: int = 3,
    order: int = 2,
    tolerance: float = 1e-6,
    seed: int = 0,
) -> GradientCheck:
    """Compare the gradient of a function with finite differences, in float64.

    Parameters
    ----------
    function
        Any function of trees of arrays; a result that is not one float is projected on a random
        direction first. It should be smooth near the arguments: at kinks the two may differ.
    args
        Where to check; floats are taken as float64, integers stay fixed.
    directions
        How many random directions to try, for each order.
    order
        1 compares the gradient, 2 also its derivative (Hessian times vector).
    tolerance
        Largest relative error that counts as right.
    seed
        Of the directions.

    >>> import chainrule.numpy as cnp
    >>> bool(check_gradients(lambda x: cnp.sum(cnp.sin(x)), np.ones(3)))
    True
    """
    random = np.random.default_rng(seed)
    comparisons = []
    with np.errstate(all="ignore"):
        point, scalar = _one_number(function, args, random)

        def slope(point: Point) -> list[Any]:
            value, back = vjp(scalar, list(point))
            gradient: list[Any] = back(np.ones((), value.dtype))[0]
            return gradient

        for n in range(1, directions + 1):
            u = [random.standard_normal(x.shape) for x in point]
            difference = _difference(lambda p: float(scalar(p)), point, u)
            what = f"first derivative, direction {n}"
            comparisons.append(_compare(what, slope(point), u, difference))
            if order >= 2:
                v = [random.standard_normal(x.shape) for x in point]
                difference = _difference(partial(_slope_along, slope, v), point, u)
                what = f"second derivative, direction {n}"
                curve = jvp(slope, (point,), (u,))[1]
                comparisons.append(_compare(what, curve, v, difference))
    return GradientCheck(tuple(comparisons), tolerance)


def _one_number(
    function: Callable[..., Any], args: Sequence[Any], random: np.random.Generator
) -> tuple[list[Any], Callable[[Point], Any]]:
    """Give the floats among the arguments, and a function of them that returns one number."""
    leaves, tree = flatten(tuple(args))
    values = [as_array(x) for x in leaves]
    values = [x.astype(np.float64) if x.dtype.kind == "f" else x for x in values]
    moving = [i for i, x in enumerate(values) if x.dtype.kind == "f" and x.size]
    if not moving:
        raise GradientError("check_gradients needs at least one argument of floats")

    def floats(point: Point) -> list[Any]:
        full = list(values)
        for i, x in zip(moving, point, strict=True):
            full[i] = x
        results = flatten(function(*unflatten(tree, full)))[0]
        return [y for y in results if is_float(type_of(y).dtype)]

    start = [values[i] for i in moving]
    shapes = [np.shape(y) for y in floats(start)]
    if not shapes:
        raise GradientError("check_gradients needs a function that returns at least one float")
    weights = [np.ones(())] if shapes == [()] else [random.standard_normal(s) for s in shapes]

    def scalar(point: Point) -> Any:
        return reduce(add, [(y * w).sum() for y, w in zip(floats(point), weights, strict=True)])

    return start, scalar


def _slope_along(slope: Callable[[Point], list[Any]], v: Point, point: Point) -> float:
    return _inner(slope(point), v)


def _inner(a: Point, b: Point) -> float:
    return float(sum(np.sum(x * y) for x, y in zip(a, b, strict=True)))


def _difference(function: Callable[[Point], float], point: Point, u: Point) -> float:
    """Differentiate along `u` by central differences of fourth order."""

    def shifted(steps: float) -> float:
        return function([x + steps * _STEP * d for x, d in zip(point, u, strict=True)])

    near, far = shifted(1) - shifted(-1), shifted(2) - shifted(-2)
    return (8 * near - far) / (12 * _STEP)


def _compare(what: str, gradient: Point, direction: Point, difference: float) -> Comparison:
    value = _inner(gradient, direction)
    size = _inner([np.abs(g) for g in gradient], [np.abs(d) for d in direction])
    return Comparison(what, value, difference, abs(value - difference) / max(1e-3, size))
