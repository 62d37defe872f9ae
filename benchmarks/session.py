"""What a library has to offer to be timed."""

from __future__ import annotations

from typing import Protocol

from benchmarks.workloads import Integers, Weights


class Missing(Exception):
    """The library is not installed, or is not complete enough to be timed."""


class Unsupported(Exception):
    """The library cannot do this work: it has no such loss, or no such output."""


class Session(Protocol):
    """One network in training."""

    @property
    def note(self) -> str:
        """What differs from the work as it is described; empty if nothing does."""
        ...

    def train(self, orders: Integers) -> None:
        """Train whole epochs, and come back when the weights are there.

        Parameters
        ----------
        orders : int32 array, shape (epochs, rows)
            The order of the rows in each epoch; its batches follow each other without a gap.
        """
        ...

    def weights(self) -> Weights:
        """Give the weights as they are now: per layer a matrix (inputs, outputs) and a bias."""
        ...
