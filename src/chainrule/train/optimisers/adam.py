"""Adam: running averages of the gradient and of its square."""

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
class Adam:
    """Running averages of the gradient and of its square, corrected for their start at zero.

    ``m = beta1 m + (1 - beta1) g``, ``s = beta2 s + (1 - beta2) g^2`` and
    ``p -= rate * m' / (sqrt(s') + epsilon)`` with ``m' = m / (1 - beta1^t)`` and
    ``s' = s / (1 - beta2^t)`` at step t = 1, 2, ...: Kingma and Ba, "Adam: a method for stochastic
    optimization", ICLR 2015. Defaults as in the paper, PyTorch and scikit-learn; Keras has epsilon
    1e-7, and both Keras and scikit-learn add it before the correction. With AMSGrad, the largest s
    so far takes the place of s (Reddi, Kale and Kumar, "On the convergence of Adam and beyond",
    ICLR 2018).

    Parameters
    ----------
    learning_rate
        A number, or a schedule.
    beta1, beta2
        Shares of the old averages that are kept at each step.
    epsilon
        Keeps the quotient finite.
    amsgrad
        Whether steps are divided by the largest average of squares so far.
    """

    learning_rate: Rate = 0.001
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    amsgrad: bool = False

    def __post_init__(self) -> None:
        """Check the settings."""
        check_rate(self.learning_rate)
        check_range("beta1", self.beta1, 0.0, 1.0)
        check_range("beta2", self.beta2, 0.0, 1.0)
        check_range("epsilon", self.epsilon, 0.0)

    def initial(self, parameters: Any) -> Any:
        """Give the state: two averages for each parameter, or three numbers with AMSGrad."""
        names = ("mean", "squares", "largest") if self.amsgrad else ("mean", "squares")
        return {name: filled(parameters) for name in names}

    def update(self, gradients: Any, state: Any, parameters: Any, number: Any) -> tuple[Any, Any]:
        """Give the parameters and the state after a step."""

        def moved(p: Any, g: Any, m: Any, s: Any, *largest: Any) -> Any:
            m = self.beta1 * m + (1 - self.beta1) * g
            s = self.beta2 * s + (1 - self.beta2) * (g * g)
            largest = tuple(cnp.maximum(x, s) for x in largest)
            size = largest[0] if largest else s
            t = cnp.astype(number, g.dtype) + 1.0
            rate = rate_at(self.learning_rate, number, g.dtype) / one_minus_power(self.beta1, t)
            root = cnp.sqrt(size) * (1 / cnp.sqrt(one_minus_power(self.beta2, t)))
            return p - rate * m / (root + self.epsilon), m, s, *largest

        fresh, *averages = each_of(moved, parameters, gradients, *state.values())
        return fresh, dict(zip(state, averages, strict=True))
