"""AdamW: Adam with weight decay that is kept apart from the gradient."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from chainrule.train.optimisers.adam import Adam
from chainrule.train.optimisers.decay import decayed
from chainrule.train.optimisers.optimiser import check_range
from chainrule.train.schedules import Rate, rate_at


@dataclass(frozen=True)
class AdamW:
    """Adam with weight decay that is kept apart from the gradient.

    Each step first shrinks the weights: ``p -= rate * weight_decay * p``, then goes on as `Adam`.
    Loshchilov and Hutter, "Decoupled weight decay regularization", ICLR 2019. Defaults as in
    PyTorch, except that parameters with fewer than two axes (biases, scales) do not decay unless
    `biases` says so.

    Parameters
    ----------
    learning_rate
        A number, or a schedule.
    beta1, beta2, epsilon
        As for `Adam`.
    weight_decay
        Share of a weight that is lost per step, times the learning rate.
    biases
        Whether parameters with fewer than two axes decay, too.
    spared
        Paths of arrays ("embedding.vectors") or layers ("layers[0]") that do not decay.
    amsgrad
        As for `Adam`.

    To give layers decays of their own, see `ByPath`.
    """

    learning_rate: Rate = 0.001
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    weight_decay: float = 0.01
    biases: bool = False
    spared: Sequence[str] = ()
    amsgrad: bool = False

    def __post_init__(self) -> None:
        """Check the settings."""
        self._adam()
        check_range("weight_decay", self.weight_decay, 0.0)

    def _adam(self) -> Adam:
        return Adam(self.learning_rate, self.beta1, self.beta2, self.epsilon, self.amsgrad)

    def initial(self, parameters: Any) -> Any:
        """Give the state: two averages for each parameter."""
        return self._adam().initial(parameters)

    def update(self, gradients: Any, state: Any, parameters: Any, number: Any) -> tuple[Any, Any]:
        """Give the parameters and the state after a step."""

        def share(dtype: Any) -> Any:
            return self.weight_decay * rate_at(self.learning_rate, number, dtype)

        shrunk = decayed(parameters, share, self.biases, self.spared)
        return self._adam().update(gradients, state, shrunk, number)
