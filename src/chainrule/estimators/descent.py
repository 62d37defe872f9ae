"""Minibatch descent in progress: epochs forward, and back to where a rule said stop."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np

from chainrule.estimators.design import Weights
from chainrule.estimators.rows import RowOrder
from chainrule.execute import Loop
from chainrule.tracing import map_leaves

_TICK_SECONDS = 0.05  # short enough for a prompt Ctrl-C
_TICK_ROWS = 4_000_000  # bounds the memory that the order of a tick takes


@dataclass
class SolverState:
    """What an optimiser carries from fit to fit.

    Attributes
    ----------
    learning_rate
        The rate of the last step; for Adam, the one that it began with.
    steps
        Steps taken.
    memory
        A tree of arrays, such as velocities.
    """

    learning_rate: float
    steps: int
    memory: Any


class Descent:
    """A loop over epochs that can go back within the epochs it ran last.

    Epochs run in ticks of several, because a call for each would cost more than a small epoch.

    Parameters
    ----------
    plan
        The compiled step.
    weights
        To begin with.
    state
        Of the optimiser.
    data
        What steps only read.
    order
        In which order rows come.
    rows
        Number of examples, which the table may exceed.
    single
        Whether every tick is one epoch, because somebody looks at each.
    """

    def __init__(
        self,
        plan: Loop,
        weights: Weights,
        state: SolverState,
        data: Any,
        order: RowOrder,
        rows: int,
        single: bool,
    ) -> None:
        self._size = plan.batch_size
        self._rows = rows
        self._order = order
        self._single = single
        self._tick = 1
        self._ticked = 0
        self.steps = state.steps
        self._dtype = weights["coefs"][0].dtype
        rate = np.asarray(state.learning_rate, self._dtype)
        carry = {"weights": weights, "memory": state.memory, "rate": rate}
        self._session = plan.start(carry, data)
        self._before: Any = None
        sizes = np.full(self.steps_per_epoch, self._size)
        sizes[-1] = rows - self._size * (self.steps_per_epoch - 1)
        self._shares = sizes / rows

    @property
    def steps_per_epoch(self) -> int:
        """Steps that an epoch takes."""
        return -(-self._rows // self._size)

    def advance(self, at_most: int) -> dict[str, Any]:
        """Run some epochs; give arrays (epochs,) by name.

        They are "loss", "gradient_norm", "seconds", and "step", the number of the last step.

        Parameters
        ----------
        at_most
            Epochs that may still be run.
        """
        count = 1 if self._single else min(self._tick, at_most)
        self._ticked = count
        self._before = (self._session.carry(), self.steps) if count > 1 else None
        began, first = perf_counter(), self.steps
        records = self._run(self._order.take(count))
        seconds = perf_counter() - began
        if count == self._tick and seconds < _TICK_SECONDS / 2:
            self._tick = min(2 * self._tick, max(1, _TICK_ROWS // self._rows))
        elif seconds > 2 * _TICK_SECONDS:
            self._tick = max(1, self._tick // 2)
        last = first - 1 + self.steps_per_epoch * np.arange(1, count + 1)
        return {**records, "seconds": np.full(count, seconds / count), "step": last}

    def back_to(self, epochs: int) -> None:
        """Stand where the last tick stood after so many of its epochs, at least one."""
        if epochs == self._ticked:
            return
        carry, self.steps = self._before
        self._session.restore(carry)
        self._run(self._order.retake(epochs))
        self._ticked = epochs

    def _run(self, order: Any) -> dict[str, Any]:
        # One call takes all epochs, unless the last minibatch of each is a smaller one.
        even = self._rows % self._size == 0
        records = []
        for piece in [order.reshape(-1)] if even else order:
            records.append(self._session.run(piece, self.steps))
            self.steps += -(-len(piece) // self._size)
        joined = {
            name: np.concatenate([r[name] for r in records]).astype(np.float64)
            for name in records[0]
        }
        shape = (len(order), self.steps_per_epoch)
        return {
            # Not a matrix product: its last bits could depend on the number of epochs.
            "loss": (joined["loss"].reshape(shape) * self._shares).sum(axis=1),
            "gradient_norm": joined["gradient_norm"].reshape(shape).mean(axis=1),
        }

    def weights(self) -> Weights:
        """Copy out the weights."""
        weights: Weights = self._session.carry()["weights"]
        return weights

    def state(self) -> SolverState:
        """Copy out what the optimiser carries."""
        carry = self._session.carry()
        memory = map_leaves(np.asarray, carry["memory"])
        return SolverState(float(carry["rate"]), self.steps, memory)

    def set_rate(self, rate: float) -> None:
        """Change the learning rate of the steps to come."""
        carry = self._session.carry()
        self._session.restore({**carry, "rate": np.asarray(rate, self._dtype)})
