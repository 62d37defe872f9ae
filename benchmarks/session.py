"""What a library has to offer to be timed.

A library's module has two functions:

``prepare(workload, data, threads)``
    returns a `Session`, ready to train: whatever can be compiled is.
``predictor(workload, data, threads)``
    returns a function from rows, a float32 array (rows, inputs), to the probabilities of their
    classes, a float32 array (rows, outputs), from the workload's first weights.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from benchmarks.workloads import Data, Floats, Integers, Weights, Workload


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
        """Train epochs, and come back when the weights are there.

        Parameters
        ----------
        orders : int32 array, shape (epochs, seen)
            The order of the rows in each epoch; its batches follow each other without a gap.
        """
        ...

    def weights(self) -> Weights:
        """Give the weights as they are now: per layer a matrix (inputs, outputs) and a bias."""
        ...


Predict = Callable[[Floats], Floats]


class Library(Protocol):
    """The module of one library."""

    def prepare(self, workload: Workload, data: Data, threads: int) -> Session:
        """Set up a network to train."""
        ...

    def predictor(self, workload: Workload, data: Data, threads: int) -> Predict:
        """Set up a network to predict."""
        ...
