"""What an augmentation is: a random change of a batch that leaves its targets true."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from typing import Any, Protocol

from chainrule.errors import ParameterError

Batch = dict[str, Any]
"""``"inputs"``: a tuple with one entry per argument of the network; ``"targets"``; ``"weight"``,
which is absent where all examples count 1; ``"more"``: further targets of the same examples, each
with a weight, whose losses are added (absent without such)."""


class Augmentation(Protocol):
    """Changes a batch at random, in training only."""

    def __call__(self, batch: Batch, key: Any, draw: Callable[[Any], Batch]) -> Batch:
        """Give the changed batch.

        Parameters
        ----------
        batch
            The examples, traced; the number of rows is open.
        key
            Random key of this step and augmentation.
        draw
            Gives, for a random key, as many examples from random rows of the table, after the
            augmentations that come before this one.
        """


@dataclass(frozen=True)
class OfInput(ABC):
    """An augmentation of one of the network's inputs, each example by itself.

    Write your own by subclassing: `change` takes the array and a random key.

    Parameters
    ----------
    argument
        Position of the input among the network's arguments.

    >>> from dataclasses import dataclass
    >>> from chainrule import random
    >>> @dataclass(frozen=True)
    ... class Louder(OfInput):
    ...     def change(self, x, key):
    ...         return x * random.uniform(key, (x.shape[0], 1), 0.5, 2.0)
    """

    _: KW_ONLY
    argument: int = 0

    @abstractmethod
    def change(self, x: Any, key: Any) -> Any:
        """Give the changed input, of the same shape.

        Parameters
        ----------
        x
            Shape (batch, ...); the batch is a symbolic size.
        key
            Random key of this step and augmentation.
        """

    def __call__(self, batch: Batch, key: Any, draw: Callable[[Any], Batch]) -> Batch:
        """Change the input, and leave the rest of the batch as it is."""
        inputs = batch["inputs"]
        if not 0 <= self.argument < len(inputs):
            raise ParameterError(
                f"{type(self).__name__} changes argument {self.argument} of the network, which "
                f"takes {len(inputs)}"
            )
        changed = self.change(inputs[self.argument], key)
        return {
            **batch,
            "inputs": tuple(changed if i == self.argument else x for i, x in enumerate(inputs)),
        }
