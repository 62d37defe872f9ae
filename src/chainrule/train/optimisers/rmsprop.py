"""RMSprop: steps divided by the recent size of the gradient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import chainrule.numpy as cnp
from chainrule.train.optimisers.optimiser import check_range, check_rate, each_of, filled
from chainrule.train.optimisers.sgd import SGD
from chainrule.train.schedules import Rate


@dataclass(frozen=True)
class RMSprop:
    """Steps divided by the recent size of the gradient, for each number alone.

    ``s = decay s + (1 - decay) g^2; p -= rate * g / (sqrt(s) + epsilon)``: Hinton, lecture 6e of
    "Neural networks for machine learning", 2012. With momentum m: ``v = m v + g / (sqrt(s) +
    epsilon)`` and ``p -= rate * v``. Centred, ``s - a^2`` takes the place of s under the root,
    with ``a = decay a + (1 - decay) g``: Graves, "Generating sequences with recurrent neural
    networks", 2013. Defaults as in PyTorch; Keras has rate 0.001, decay 0.9 and epsilon 1e-7
    under the root.

    Parameters
    ----------
    learning_rate
        A number, or a schedule.
    decay
        Share of the old average of squares that is kept at each step.
    momentum
        Share of the last direction that is kept.
    epsilon
        Keeps the quotient finite.
    centered
        Whether gradients are divided by their recent deviation instead of their size.
    """

    learning_rate: Rate = 0.01
    decay: float = 0.99
    momentum: float = 0.0
    epsilon: float = 1e-8
    centered: bool = False

    def __post_init__(self) -> None:
        """Check the settings."""
        check_rate(self.learning_rate)
        check_range("decay", self.decay, 0.0, 1.0)
        check_range("momentum", self.momentum, 0.0, 1.0)
        check_range("epsilon", self.epsilon, 0.0)

    def initial(self, parameters: Any) -> Any:
        """Give the state: averages of squares, and what centring and momentum need."""
        mean = {"mean": filled(parameters)} if self.centered else {}
        velocity = {"velocity": filled(parameters)} if self.momentum else {}
        return {"squares": filled(parameters), **mean, **velocity}

    def update(self, gradients: Any, state: Any, parameters: Any, number: Any) -> tuple[Any, Any]:
        """Give the parameters and the state after a step."""

        def kept(old: Any, new: Any) -> Any:
            return self.decay * old + (1 - self.decay) * new

        def scaled(g: Any, s: Any) -> Any:
            s = kept(s, g * g)
            return g / (cnp.sqrt(s) + self.epsilon), s

        def centred(g: Any, s: Any, a: Any) -> Any:
            s, a = kept(s, g * g), kept(a, g)
            # The difference is never negative but for its rounding.
            return g / (cnp.sqrt(cnp.maximum(s - a * a, 0.0)) + self.epsilon), s, a

        if self.centered:
            direction, *means = each_of(centred, gradients, state["squares"], state["mean"])
        else:
            direction, *means = each_of(scaled, gradients, state["squares"])
        plain = SGD(self.learning_rate, self.momentum)
        fresh, rest = plain.update(direction, state, parameters, number)
        return fresh, {**dict(zip(("squares", "mean"), means, strict=False)), **rest}
