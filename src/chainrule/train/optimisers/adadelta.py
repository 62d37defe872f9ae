"""Adadelta: steps as large as past steps were, measured against gradients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import chainrule.numpy as cnp
from chainrule.train.optimisers.optimiser import check_range, check_rate, each_of, filled
from chainrule.train.schedules import Rate, rate_at


@dataclass(frozen=True)
class Adadelta:
    """Steps as large as past steps were, measured against gradients, for each number alone.

    ``s = decay s + (1 - decay) g^2``, ``d = g sqrt(u + epsilon) / sqrt(s + epsilon)``,
    ``u = decay u + (1 - decay) d^2`` and ``p -= rate * d``: Zeiler, "ADADELTA: an adaptive
    learning rate method", 2012, which has no rate (that is, 1). Defaults as in PyTorch; Keras has
    rate 0.001, decay 0.95 and epsilon 1e-7.

    Parameters
    ----------
    learning_rate
        A number, or a schedule.
    decay
        Share of the old averages that is kept at each step.
    epsilon
        Starts the steps, and keeps the quotient finite.
    """

    learning_rate: Rate = 1.0
    decay: float = 0.9
    epsilon: float = 1e-6

    def __post_init__(self) -> None:
        """Check the settings."""
        check_rate(self.learning_rate)
        check_range("decay", self.decay, 0.0, 1.0)
        check_range("epsilon", self.epsilon, 0.0)

    def initial(self, parameters: Any) -> Any:
        """Give the state: averages of squared gradients and of squared steps."""
        return {"squares": filled(parameters), "steps": filled(parameters)}

    def update(self, gradients: Any, state: Any, parameters: Any, number: Any) -> tuple[Any, Any]:
        """Give the parameters and the state after a step."""

        def moved(p: Any, g: Any, s: Any, u: Any) -> Any:
            s = self.decay * s + (1 - self.decay) * (g * g)
            d = g * cnp.sqrt(u + self.epsilon) / cnp.sqrt(s + self.epsilon)
            u = self.decay * u + (1 - self.decay) * (d * d)
            return p - rate_at(self.learning_rate, number, g.dtype) * d, s, u

        fresh, squares, steps = each_of(
            moved, parameters, gradients, state["squares"], state["steps"]
        )
        return fresh, {"squares": squares, "steps": steps}
