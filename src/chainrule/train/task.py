"""A task: a network and its data, ready to be trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from chainrule.train.measured_pieces import PieceMeasuring
from chainrule.train.measuring import Measuring
from chainrule.train.pieces import Pieces
from chainrule.train.renewal import Renewal
from chainrule.train.step import Step


@dataclass(frozen=True, eq=False)
class Task:
    """A network and its data, ready to be trained.

    Attributes
    ----------
    step
        What a step does.
    carry
        What steps carry on: trainable arrays, state of the layers, state of the optimiser, and
        what averaging and accumulating need.
    data
        What steps only read: the table, fixed arrays, the random key, the learning rate.
    measurings
        What is measured after each epoch.
    larger_is_better
        Names of columns that are wanted large.
    keep
        Column whose best epoch is kept; None keeps the last.
    batch_size, rows
        Examples per step, and in all; None where they come in pieces.
    pieces
        Where examples come from that are not in `data`.
    renewal
        Takes running statistics anew for averaged weights; None where there are none.
    """

    step: Step
    carry: Any
    data: Any
    measurings: Sequence[Measuring | PieceMeasuring]
    larger_is_better: frozenset[str]
    keep: str | None
    batch_size: int
    rows: int | None
    pieces: Pieces | None = None
    renewal: Renewal | None = None
    _last: list[Any] = field(default_factory=list)

    def shown(self, carry: Any) -> dict[str, Any]:
        """Give the arrays of the network that a carry stands for: averaged ones, if there are.

        They have running statistics of their own. What was asked for last is kept, since weights
        are measured and then kept.
        """
        shown = {"trainable": carry.get("average", carry["trainable"]), "state": carry["state"]}
        if self.renewal is None:
            return shown
        if not self._last or self._last[0] is not carry:
            network = self.step.objective.layout.network(shown, self.data["fixed"])
            statistics = self.renewal(network)
            self._last[:] = [carry, {**shown, "state": {**shown["state"], **statistics}}]
        kept: dict[str, Any] = self._last[1]
        return kept

    def measure(self, carry: Any) -> dict[str, float]:
        """Measure the network that a carry holds."""
        found: dict[str, float] = {}
        for each in self.measurings:
            found |= each(self.shown(carry), self.data["fixed"])
        return found
