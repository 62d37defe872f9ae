"""The ledger of a run: what is certain after each tick, and when to stop."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.train.checkpoint import TrainingState, by_path
from chainrule.train.records import EpochRecord, History
from chainrule.train.stop import Criterion

Callback = Callable[[EpochRecord], None]


@dataclass(frozen=True, eq=False)
class Standing:
    """Where a run stands after a tick; replaced as a whole, so that an interrupt cannot split it.

    Attributes
    ----------
    carry
        Copy of what steps carry on.
    epoch, step
        Epochs and steps done.
    parts
        How many parts of the history belong to it.
    seconds
        Time spent.
    best
        Copy of the network's arrays after the best epoch, or None.
    best_epoch, best_value
        That epoch, and what it reached (the smaller, the better).
    """

    carry: Any
    epoch: int = 0
    step: int = 0
    parts: int = 0
    seconds: float = 0.0
    best: Any = None
    best_epoch: int | None = None
    best_value: float = np.inf


class Ledger:
    """Keeps the records and the best weights, and asks the criteria.

    Parameters
    ----------
    carry
        What steps carry on, before the first.
    criteria
        Training stops when the first of them holds.
    keep
        Column whose best epoch's weights are kept; None keeps the last.
    callbacks
        Functions that are shown every record.
    shown
        Gives the arrays of the network that a carry stands for.
    """

    def __init__(
        self,
        carry: Any,
        criteria: Sequence[Criterion],
        keep: str | None,
        callbacks: Sequence[Callback],
        shown: Callable[[Any], Any],
    ) -> None:
        self.standing = Standing(carry)
        self._criteria = criteria
        self._memories = [criterion.initial() for criterion in criteria]
        self._keep = keep
        self._callbacks = callbacks
        self._shown = shown
        self._parts: list[History] = []

    @property
    def history(self) -> History:
        """Records of all epochs that are certain."""
        return History.joined(self._parts[: self.standing.parts])

    def resume(self, state: TrainingState, carry: Any, best: Any) -> str | None:
        """Go on from a state; if a criterion holds there already, return its reason."""
        history = state.history
        value, best_epoch = np.inf, state.best_epoch
        if self._keep is None or best_epoch is None:
            best, best_epoch = None, None
        else:
            value = self._sign(history) * history[self._keep][best_epoch - 1]
        seconds = float(history["seconds"][-1]) if len(history) else 0.0
        self._parts = [history] if len(history) else []
        self.standing = Standing(
            carry,
            state.epoch,
            state.step,
            len(self._parts),
            seconds,
            best,
            best_epoch,
            float(value),
        )
        reason = None
        for i, criterion in enumerate(self._criteria if self._parts else ()):
            found, self._memories[i] = criterion.holds(history, self._memories[i])
            reason = reason or (criterion.reason() if found[-1] else None)
        return reason

    def _sign(self, epochs: History) -> float:
        return -1.0 if self._keep in epochs.larger_is_better else 1.0

    def judge(self, epochs: History) -> tuple[int | None, str | None]:
        """Ask the criteria about new epochs: the position of the first to stop after, and why."""
        place, reason = None, None
        for i, criterion in enumerate(self._criteria):
            found, self._memories[i] = criterion.holds(epochs, self._memories[i])
            if np.any(found):
                first = int(np.argmax(found))
                if place is None or first < place:
                    place, reason = first, criterion.reason()
        return place, reason

    def commit(self, epochs: History, steps: int, carry: Any) -> None:
        """Make new epochs certain, and show them to the callbacks."""
        old = self.standing
        best, best_epoch, best_value = old.best, old.best_epoch, old.best_value
        if self._keep is not None:
            value = float(self._sign(epochs) * epochs[self._keep][-1])
            if value < best_value:
                best = self._shown(carry)
                best_epoch, best_value = int(epochs["epoch"][-1]), value
        self._parts[old.parts :] = [epochs]
        self.standing = Standing(
            carry,
            old.epoch + len(epochs),
            old.step + steps,
            old.parts + 1,
            float(epochs["seconds"][-1]),
            best,
            best_epoch,
            best_value,
        )
        for record in epochs if self._callbacks else ():
            for callback in self._callbacks:
                callback(record)

    def state(self, settings: Mapping[str, Any]) -> TrainingState:
        """Give what it takes to resume."""
        now = self.standing
        best = {} if now.best is None else by_path(now.best)
        return TrainingState(
            by_path(now.carry), best, now.epoch, now.step, self.history, now.best_epoch, settings
        )
