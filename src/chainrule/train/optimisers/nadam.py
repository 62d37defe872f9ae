"""Nadam: Adam with a momentum that looks ahead, as Nesterov's does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

import chainrule.numpy as cnp
from chainrule.tracing import flatten
from chainrule.train.optimisers.optimiser import (
    check_range,
    check_rate,
    each_of,
    filled,
    one_minus_power,
)
from chainrule.train.schedules import Rate, rate_at


@dataclass(frozen=True)
class Nadam:
    """Adam with a momentum that looks ahead, as Nesterov's does, and grows during the first steps.

    With ``b[t] = beta1 (1 - 0.96^(t warming) / 2)`` and the product B of all b so far, at step
    t = 1, 2, ...: ``m = beta1 m + (1 - beta1) g``, ``s = beta2 s + (1 - beta2) g^2``,
    ``d = g (1 - b[t]) / (1 - B) + m b[t+1] / (1 - B b[t+1])`` and
    ``p -= rate * d / (sqrt(s / (1 - beta2^t)) + epsilon)``: Dozat, "Incorporating Nesterov momentum
    into Adam", 2016. As in PyTorch, also the defaults; Keras has rate 0.001, warming 1 and epsilon
    1e-7.

    Parameters
    ----------
    learning_rate
        A number, or a schedule.
    beta1, beta2
        As for `Adam`.
    epsilon
        Keeps the quotient finite.
    warming
        How quickly the momentum grows from half of beta1 to beta1.
    """

    learning_rate: Rate = 0.002
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    warming: float = 0.004

    def __post_init__(self) -> None:
        """Check the settings."""
        check_rate(self.learning_rate)
        check_range("beta1", self.beta1, 0.0, 1.0)
        check_range("beta2", self.beta2, 0.0, 1.0)
        check_range("epsilon", self.epsilon, 0.0)
        check_range("warming", self.warming, 0.0)

    def initial(self, parameters: Any) -> Any:
        """Give the state: two averages for each parameter, and the product of all momenta."""
        dtype = flatten(parameters)[0][0].dtype
        means = {name: filled(parameters) for name in ("mean", "squares")}
        return {**means, "product": np.ones((), dtype)}

    def _momentum(self, t: Any) -> Any:
        return self.beta1 * (1.0 - 0.5 * cnp.power(0.96, t * self.warming))

    def update(self, gradients: Any, state: Any, parameters: Any, number: Any) -> tuple[Any, Any]:
        """Give the parameters and the state after a step."""
        dtype = state["product"].dtype
        t = cnp.astype(number, dtype) + 1.0
        now, later = (cnp.astype(self._momentum(x), dtype) for x in (t, t + 1.0))
        product = state["product"] * now
        own, old = (1.0 - now) / (1.0 - product), later / (1.0 - product * later)
        correction = 1 / cnp.sqrt(one_minus_power(self.beta2, t))

        def moved(p: Any, g: Any, m: Any, s: Any) -> Any:
            m = self.beta1 * m + (1 - self.beta1) * g
            s = self.beta2 * s + (1 - self.beta2) * (g * g)
            rate = rate_at(self.learning_rate, number, g.dtype)
            return p - rate * (own * g + old * m) / (cnp.sqrt(s) * correction + self.epsilon), m, s

        fresh, mean, squares = each_of(
            moved, parameters, gradients, state["mean"], state["squares"]
        )
        return fresh, {"mean": mean, "squares": squares, "product": product}
