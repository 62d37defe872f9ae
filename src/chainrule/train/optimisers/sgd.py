"""Gradient descent, plain or with momentum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chainrule.errors import ParameterError
from chainrule.tracing import map_leaves
from chainrule.train.optimisers.optimiser import check_range, check_rate, each_of, filled
from chainrule.train.schedules import Rate, rate_at


@dataclass(frozen=True)
class SGD:
    """Gradient descent, plain or with momentum.

    Without momentum ``p -= rate * g``. With momentum m: ``v = m v + g`` and ``p -= rate * v``;
    with Nesterov's ``p -= rate * (g + m v)``. As in PyTorch; Keras and scikit-learn keep
    ``rate * v`` instead of v, which is the same while the rate stays. Whether it is stochastic
    depends on the batch size alone.

    Parameters
    ----------
    learning_rate
        A number, or a schedule.
    momentum
        Share of the last direction that is kept, in [0, 1) (Polyak, 1964).
    nesterov
        Whether the momentum looks ahead (Nesterov, 1983; Sutskever and others, 2013).
    """

    learning_rate: Rate = 0.01
    momentum: float = 0.0
    nesterov: bool = False

    def __post_init__(self) -> None:
        """Check the settings."""
        check_rate(self.learning_rate)
        check_range("momentum", self.momentum, 0.0, 1.0)
        if self.nesterov and self.momentum == 0:
            raise ParameterError("nesterov needs a momentum above 0, for example 0.9")

    def initial(self, parameters: Any) -> Any:
        """Give the state: a velocity for each parameter, or nothing without momentum."""
        return {"velocity": filled(parameters)} if self.momentum else {}

    def update(self, gradients: Any, state: Any, parameters: Any, number: Any) -> tuple[Any, Any]:
        """Give the parameters and the state after a step."""

        def plain(p: Any, g: Any) -> Any:
            return p - rate_at(self.learning_rate, number, g.dtype) * g

        def moved(p: Any, g: Any, v: Any) -> Any:
            v = self.momentum * v + g
            return plain(p, g + self.momentum * v if self.nesterov else v), v

        if not self.momentum:
            return map_leaves(plain, parameters, gradients), {}
        fresh, velocity = each_of(moved, parameters, gradients, state["velocity"])
        return fresh, {"velocity": velocity}
