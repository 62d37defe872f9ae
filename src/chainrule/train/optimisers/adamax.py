"""Adamax: Adam with the largest recent gradient in place of the mean square."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import chainrule.numpy as cnp
from chainrule.train.optimisers.optimiser import (
    check_range,
    check_rate,
    each_of,
    filled,
    one_minus_power,
)
from chainrule.train.schedules import Rate, rate_at


@dataclass(frozen=True)
class Adamax:
    """Adam with the largest recent gradient in place of the mean square.

    ``m = beta1 m + (1 - beta1) g``, ``u = max(beta2 u, |g| + epsilon)`` and
    ``p -= rate / (1 - beta1^t) * m / u`` at step t = 1, 2, ...: Kingma and Ba, ICLR 2015, section
    7.1. Defaults and the place of epsilon as in PyTorch; Keras has rate 0.001 and adds epsilon 1e-7
    to u.

    Parameters
    ----------
    learning_rate
        A number, or a schedule.
    beta1, beta2
        Share of the old average, and of the old largest gradient, that is kept at each step.
    epsilon
        Keeps the quotient finite.
    """

    learning_rate: Rate = 0.002
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        """Check the settings."""
        check_rate(self.learning_rate)
        check_range("beta1", self.beta1, 0.0, 1.0)
        check_range("beta2", self.beta2, 0.0, 1.0)
        check_range("epsilon", self.epsilon, 0.0)

    def initial(self, parameters: Any) -> Any:
        """Give the state: an average and a largest size for each parameter."""
        return {"mean": filled(parameters), "largest": filled(parameters)}

    def update(self, gradients: Any, state: Any, parameters: Any, number: Any) -> tuple[Any, Any]:
        """Give the parameters and the state after a step."""

        def moved(p: Any, g: Any, m: Any, u: Any) -> Any:
            m = self.beta1 * m + (1 - self.beta1) * g
            u = cnp.maximum(self.beta2 * u, cnp.abs(g) + self.epsilon)
            t = cnp.astype(number, g.dtype) + 1.0
            rate = rate_at(self.learning_rate, number, g.dtype) / one_minus_power(self.beta1, t)
            return p - rate * m / u, m, u

        fresh, mean, largest = each_of(
            moved, parameters, gradients, state["mean"], state["largest"]
        )
        return fresh, {"mean": mean, "largest": largest}
