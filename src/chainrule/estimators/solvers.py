"""scikit-learn's two stochastic solvers as optimisers.

They differ from `chainrule.optim` in details that a user of scikit-learn can see: momentum keeps
steps (``rate * gradient``) and not gradients, so a change of the rate does not rescale what is
remembered; and Adam adds epsilon before the correction for the start at zero.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import chainrule.numpy as cnp
from chainrule.tracing import flatten, map_leaves, unflatten
from chainrule.train.schedules import Rate, rate_at


@dataclass(frozen=True)
class MomentumSolver:
    """Steps with a velocity: ``v = momentum v - rate g``, then ``p += v``.

    With Nesterov's momentum ``p += momentum v - rate g``, with the new velocity.

    Parameters
    ----------
    learning_rate
        A number, or a schedule.
    momentum
        Share of the last step that is kept, in [0, 1].
    nesterov
        Whether the momentum looks ahead.
    """

    learning_rate: Rate
    momentum: float
    nesterov: bool

    def initial(self, parameters: Any) -> Any:
        """Give the state: a velocity for each parameter, or nothing without momentum."""
        return {"velocity": _zeros(parameters)} if self.momentum else {}

    def update(self, gradients: Any, state: Any, parameters: Any, number: Any) -> tuple[Any, Any]:
        """Give the parameters and the state after a step."""
        step = map_leaves(lambda g: -rate_at(self.learning_rate, number, g.dtype) * g, gradients)
        if not self.momentum:
            return map_leaves(lambda p, s: p + s, parameters, step), {}
        velocity = map_leaves(lambda v, s: self.momentum * v + s, state["velocity"], step)
        moved = velocity
        if self.nesterov:
            moved = map_leaves(lambda v, s: self.momentum * v + s, velocity, step)
        return map_leaves(lambda p, m: p + m, parameters, moved), {"velocity": velocity}


@dataclass(frozen=True)
class AdamSolver:
    """Adam with epsilon beside the uncorrected root: ``p -= rate_t m / (sqrt(s) + epsilon)``.

    Here ``rate_t = rate sqrt(1 - beta2^t) / (1 - beta1^t)`` at step t = 1, 2, ...; it is the form
    at the end of section 2 of Kingma and Ba (2015).

    Parameters
    ----------
    learning_rate
        A number, or a schedule.
    beta1, beta2
        Shares of the old averages that are kept at each step, in [0, 1).
    epsilon
        Keeps the quotient finite.
    """

    learning_rate: Rate
    beta1: float
    beta2: float
    epsilon: float

    def initial(self, parameters: Any) -> Any:
        """Give the state: two averages for each parameter."""
        return {"mean": _zeros(parameters), "squares": _zeros(parameters)}

    def update(self, gradients: Any, state: Any, parameters: Any, number: Any) -> tuple[Any, Any]:
        """Give the parameters and the state after a step."""
        first = flatten(gradients)[0][0]
        t = cnp.astype(number, first.dtype) + 1.0
        rate = rate_at(self.learning_rate, number, first.dtype)
        rate = rate * cnp.sqrt(_one_minus_power(self.beta2, t)) / _one_minus_power(self.beta1, t)
        fresh: list[tuple[Any, Any, Any]] = []
        trees = (parameters, gradients, state["mean"], state["squares"])
        for p, g, m, s in zip(*(flatten(tree)[0] for tree in trees), strict=True):
            m = self.beta1 * m + (1 - self.beta1) * g
            s = self.beta2 * s + (1 - self.beta2) * (g * g)
            fresh.append((p - rate * m / (cnp.sqrt(s) + self.epsilon), m, s))
        tree = flatten(parameters)[1]
        after, mean, squares = (unflatten(tree, column) for column in zip(*fresh, strict=True))
        return after, {"mean": mean, "squares": squares}


def _zeros(parameters: Any) -> Any:
    return map_leaves(cnp.zeros_like, parameters)


def _one_minus_power(beta: float, t: Any) -> Any:
    """``1 - beta**t`` in full precision, also for beta near 1."""
    return 1.0 if beta == 0 else -cnp.expm1(math.log(beta) * t)
