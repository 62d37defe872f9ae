"""Lion: every weight moves by the same size, in the direction of its momentum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import chainrule.numpy as cnp
from chainrule.train.optimisers.decay import decayed
from chainrule.train.optimisers.optimiser import check_range, check_rate, each_of, filled
from chainrule.train.schedules import Rate, rate_at


@dataclass(frozen=True)
class Lion:
    """Every weight moves by the same size, in the direction of its momentum.

    ``p -= rate * (sign(beta1 m + (1 - beta1) g) + weight_decay * p)``, then
    ``m = beta2 m + (1 - beta2) g``: Chen and others, "Symbolic discovery of optimization
    algorithms", NeurIPS 2023. Its rate is three to ten times smaller than Adam's would be, and its
    decay as much larger. Where the momentum is 0 a weight stays.

    Parameters
    ----------
    learning_rate
        A number, or a schedule.
    beta1
        Share of the momentum in the direction of a step.
    beta2
        Share of the old momentum that is kept.
    weight_decay, biases, spared
        As for `AdamW`.
    """

    learning_rate: Rate = 0.0001
    beta1: float = 0.9
    beta2: float = 0.99
    weight_decay: float = 0.0
    biases: bool = False
    spared: Sequence[str] = ()

    def __post_init__(self) -> None:
        """Check the settings."""
        check_rate(self.learning_rate)
        check_range("beta1", self.beta1, 0.0, 1.0)
        check_range("beta2", self.beta2, 0.0, 1.0)
        check_range("weight_decay", self.weight_decay, 0.0)

    def initial(self, parameters: Any) -> Any:
        """Give the state: a momentum for each parameter."""
        return {"momentum": filled(parameters)}

    def update(self, gradients: Any, state: Any, parameters: Any, number: Any) -> tuple[Any, Any]:
        """Give the parameters and the state after a step."""

        def rate(dtype: Any) -> Any:
            return rate_at(self.learning_rate, number, dtype)

        def moved(p: Any, g: Any, m: Any) -> Any:
            direction = cnp.sign(self.beta1 * m + (1 - self.beta1) * g)
            return p - rate(g.dtype) * direction, self.beta2 * m + (1 - self.beta2) * g

        if self.weight_decay:
            parameters = decayed(
                parameters,
                lambda dtype: self.weight_decay * rate(dtype),
                self.biases,
                self.spared,
            )
        fresh, momentum = each_of(moved, parameters, gradients, state["momentum"])
        return fresh, {"momentum": momentum}
