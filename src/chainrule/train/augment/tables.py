"""Augmentations of tables: arrays (batch, columns)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import chainrule.numpy as cnp
from chainrule import random
from chainrule.errors import ParameterError
from chainrule.tracing import map_leaves
from chainrule.train.augment.augmentation import Batch, OfInput


@dataclass(frozen=True)
class Noise(OfInput):
    """Add normal noise to every number; for sequences this is known as jitter.

    Parameters
    ----------
    deviation
        Standard deviation of the noise; inputs are thought to have one near 1.
    argument
        As for `OfInput`.
    """

    deviation: float = 0.1

    def __post_init__(self) -> None:
        """Check the settings."""
        if not self.deviation >= 0:
            raise ParameterError(f"deviation must be at least 0, received {self.deviation}")

    def change(self, x: Any, key: Any) -> Any:
        """Give the noisy input."""
        if x.dtype.kind != "f":
            raise ParameterError(f"Noise changes floats, received {x.dtype}")
        return x + self.deviation * random.normal(key, x.shape, dtype=x.dtype)


@dataclass(frozen=True)
class Swap:
    """Replace single entries by those of a random other row, in the same column.

    Every column keeps its distribution, so this serves categories as well as numbers. Vincent and
    others, 2008, for columns; as "swap noise" in the winner's solution of Porto Seguro's contest,
    2017, and in Ucar and others, "SubTab", NeurIPS 2021. All inputs of the network are changed.

    Parameters
    ----------
    probability
        Of an entry to be replaced.
    """

    probability: float = 0.15

    def __post_init__(self) -> None:
        """Check the settings."""
        if not 0 <= self.probability <= 1:
            raise ParameterError(f"a probability lies in [0, 1], received {self.probability}")

    def __call__(self, batch: Batch, key: Any, draw: Callable[[Any], Batch]) -> Batch:
        """Give the batch with entries replaced."""
        other = draw(random.fold_in(key, 0))
        number = 0

        def swapped(x: Any, y: Any) -> Any:
            nonlocal number
            number += 1
            taken = random.bernoulli(random.fold_in(key, number), self.probability, x.shape)
            return cnp.where(taken, y, x)

        return {**batch, "inputs": map_leaves(swapped, batch["inputs"], other["inputs"])}
