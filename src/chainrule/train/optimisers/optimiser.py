"""Optimisers: how a step changes the parameters.

An optimiser is a frozen dataclass of settings. ``initial(parameters)`` gives its state, a tree of
arrays; ``update(gradients, state, parameters, number)`` gives the new parameters and the new state.
Both are traced, so an optimiser is written in `chainrule.numpy` on trees of arrays. `number` is
the int32 number of steps taken before this one.
"""

from __future__ import annotations

import math
from typing import Any, Protocol

import chainrule.numpy as cnp
from chainrule.errors import ParameterError
from chainrule.tracing import flatten, map_leaves, unflatten
from chainrule.train.schedules import Rate


class Optimiser(Protocol):
    """Changes parameters by gradients, step by step."""

    @property
    def learning_rate(self) -> Rate:
        """Size of a step: a number, or a function of the number of the step."""

    def initial(self, parameters: Any) -> Any:
        """Give the state before the first step, a tree of arrays."""

    def update(self, gradients: Any, state: Any, parameters: Any, number: Any) -> tuple[Any, Any]:
        """Give the parameters and the state after a step."""


def each_of(function: Any, *trees: Any) -> list[Any]:
    """Apply a function that returns several arrays to every leaf; give one tree for each.

    >>> each_of(lambda a, b: (a + b, a * b), {"w": 2}, {"w": 3})
    [{'w': 5}, {'w': 6}]
    """
    columns = [flatten(tree)[0] for tree in trees]
    tree = flatten(trees[0])[1]
    results = [function(*row) for row in zip(*columns, strict=True)]
    return [unflatten(tree, list(column)) for column in zip(*results, strict=True)]


def filled(parameters: Any, value: float = 0.0) -> Any:
    """Give a tree of arrays like the parameters that hold one value."""
    return map_leaves(lambda p: cnp.full_like(p, value), parameters)


def check_range(name: str, value: float, low: float, high: float = math.inf) -> None:
    """Refuse a setting outside of [low, high)."""
    if not low <= value < high:
        bounds = f"at least {low:g}" + (f" and below {high:g}" if high < math.inf else "")
        raise ParameterError(f"{name} must be {bounds}, received {value}")


def check_rate(rate: Rate) -> None:
    """Refuse a negative learning rate."""
    if not callable(rate):
        check_range("learning_rate", rate, 0.0)


def one_minus_power(beta: float, t: Any) -> Any:
    """``1 - beta**t`` in full precision, also in float32 and for beta near 1 or large t."""
    return 1.0 if beta == 0 else cnp.astype(-cnp.expm1(math.log(beta) * t), t.dtype)
