"""Adagrad: steps that shrink with the sum of all squared gradients so far."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import chainrule.numpy as cnp
from chainrule.train.optimisers.optimiser import check_range, check_rate, each_of, filled
from chainrule.train.schedules import Rate, rate_at


@dataclass(frozen=True)
class Adagrad:
    """Steps that shrink with the sum of all squared gradients so far, for each number alone.

    ``s += g^2; p -= rate * g / (sqrt(s) + epsilon)``: Duchi, Hazan and Singer, "Adaptive
    subgradient methods for online learning and stochastic optimization", JMLR 2011. Defaults as in
    PyTorch; Keras has rate 0.001, start 0.1, epsilon 1e-7.

    Parameters
    ----------
    learning_rate
        A number, or a schedule.
    start
        First value of s.
    epsilon
        Keeps the quotient finite.
    """

    learning_rate: Rate = 0.01
    start: float = 0.0
    epsilon: float = 1e-10

    def __post_init__(self) -> None:
        """Check the settings."""
        check_rate(self.learning_rate)
        check_range("start", self.start, 0.0)
        check_range("epsilon", self.epsilon, 0.0)

    def initial(self, parameters: Any) -> Any:
        """Give the state: the sum of squares for each parameter."""
        return {"squares": filled(parameters, self.start)}

    def update(self, gradients: Any, state: Any, parameters: Any, number: Any) -> tuple[Any, Any]:
        """Give the parameters and the state after a step."""

        def moved(p: Any, g: Any, s: Any) -> Any:
            s = s + g * g
            rate = rate_at(self.learning_rate, number, g.dtype)
            return p - rate * g / (cnp.sqrt(s) + self.epsilon), s

        fresh, squares = each_of(moved, parameters, gradients, state["squares"])
        return fresh, {"squares": squares}
