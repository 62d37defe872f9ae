"""What scikit-learn's perceptrons make small, as a function of the network's raw outputs.

Each goal sums over the outputs of an example, since that is what scikit-learn follows downhill;
what it *reports* as the loss differs for two of them, and so does `Goal.reported`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import chainrule.numpy as cnp
from chainrule.nn.losses import BinaryCrossEntropy, CrossEntropy, HalfSquaredError, PoissonNLL


class Goal(ABC):
    """The loss of examples, and how raw outputs become predictions."""

    out_activation: str

    @abstractmethod
    def terms(self, outputs: Any, targets: Any) -> Any:
        """Compute the loss of each example (batch,) from raw outputs (batch, outputs)."""

    def reported(self, terms: Any, targets: Any) -> Any:
        """Compute what scikit-learn shows as the loss of each example (batch,)."""
        return terms

    @abstractmethod
    def activate(self, outputs: Any) -> Any:
        """Compute predictions (batch, outputs) from raw outputs of the same shape."""


@dataclass(frozen=True)
class Multiclass(Goal):
    """Cross-entropy of softmax; targets are int32 labels (batch,)."""

    out_activation = "softmax"

    def terms(self, outputs: Any, targets: Any) -> Any:
        """Compute the cross-entropy of each example."""
        return CrossEntropy().terms(outputs, targets)[0]

    def activate(self, outputs: Any) -> Any:
        """Compute softmax."""
        return cnp.softmax(outputs)


@dataclass(frozen=True)
class Binary(Goal):
    """Cross-entropy of sigmoids, summed over the labels; targets are 0 or 1 (batch, outputs)."""

    out_activation = "logistic"

    def terms(self, outputs: Any, targets: Any) -> Any:
        """Compute the summed cross-entropy of each example."""
        return outputs.shape[-1] * BinaryCrossEntropy().terms(outputs, targets)[0]

    def activate(self, outputs: Any) -> Any:
        """Compute the sigmoid."""
        return cnp.sigmoid(outputs)


@dataclass(frozen=True)
class Squared(Goal):
    """Half the square of the error, summed over the outputs; reported as a mean over them."""

    out_activation = "identity"

    def terms(self, outputs: Any, targets: Any) -> Any:
        """Compute half the sum of squares of each example."""
        return HalfSquaredError().terms(outputs, targets)[0]

    def reported(self, terms: Any, targets: Any) -> Any:
        """Compute half the mean of squares of each example."""
        return terms * (1 / targets.shape[-1])

    def activate(self, outputs: Any) -> Any:
        """Give the outputs as they are."""
        return outputs


@dataclass(frozen=True)
class Poisson(Goal):
    """Minus the logarithm of a Poisson probability; reported as half the deviance.

    Outputs are the logarithms of the rates, targets are not negative (batch, outputs).
    """

    out_activation = "exp"

    def terms(self, outputs: Any, targets: Any) -> Any:
        """Compute ``exp(z) - t z``, summed over the outputs."""
        return targets.shape[-1] * PoissonNLL().terms(outputs, targets)[0]

    def reported(self, terms: Any, targets: Any) -> Any:
        """Add ``t ln t - t``, which is fixed, so that a perfect fit has loss 0."""
        logs = cnp.log(cnp.where(targets > 0, targets, 1.0))
        return terms + cnp.sum(targets * logs - targets, axis=1)

    def activate(self, outputs: Any) -> Any:
        """Compute the rates."""
        return cnp.exp(outputs)


GOALS = MappingProxyType(
    {
        "multiclass": Multiclass(),
        "binary": Binary(),
        "squared_error": Squared(),
        "poisson": Poisson(),
    }
)
"""Goals by name."""
