"""The form of a loss: a measure to be made small, and what its outputs mean."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

from chainrule.nn.losses.accuracy import Accuracy
from chainrule.nn.losses.measure import Measure


@dataclass(frozen=True, kw_only=True)
class Loss(Measure):
    """A measure that training makes small, with what follows from it about the outputs.

    Write your own by subclassing: `terms` gives the loss of each example.
    """

    classifies: ClassVar[bool] = False

    @property
    def textbook(self) -> str:
        """The loss of one row as textbooks write it, where it is computed in another form."""
        return ""

    @abstractmethod
    def terms(self, predictions: Any, targets: Any) -> tuple[Any, Any]:
        """Give the losses of the examples, and what each counts; see `Measure.terms`."""

    def accuracy(self) -> Accuracy:
        """Give the metric that says whether an example is classified correctly.

        By default an output counts as a yes above one half, as for sigmoid outputs.
        """
        return Accuracy(threshold=0.5)

    def predict(self, outputs: Any) -> Any:
        """Turn outputs of the network into predictions: labels for classifiers."""
        return outputs

    def probabilities(self, outputs: Any) -> Any:
        """Turn outputs of the network into probabilities, where they have that meaning."""
        return outputs
