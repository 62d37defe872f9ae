"""The loop over epochs, in ticks: as many epochs at a time as a person would not notice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np

from chainrule.execute import Loop, Session
from chainrule.train.divergence import diverged
from chainrule.train.ledger import Ledger
from chainrule.train.order import Order
from chainrule.train.rates import Rates
from chainrule.train.records import History
from chainrule.train.tapping import columns
from chainrule.train.task import Task

_TICK_SECONDS = 0.1  # short enough for a smooth progress bar and a prompt Ctrl-C
_TICK_ROWS = 4_000_000  # bounds the memory that the order of a tick takes


@dataclass(frozen=True, eq=False)
class Course:
    """The loop over epochs, ready to run.

    Attributes
    ----------
    task
        What is trained.
    plan, session
        The compiled step, and the run in progress.
    order
        In which order rows come.
    rates
        The learning rate.
    """

    task: Task
    plan: Loop
    session: Session
    order: Order
    rates: Rates

    @property
    def steps(self) -> int:
        """Steps per epoch."""
        return -(-self.order.rows // self.plan.batch_size)

    @property
    def data(self) -> dict[str, Any]:
        """What steps read."""
        return {**self.task.data, **self.rates.data()}

    def run(self, first: int, count: int) -> dict[str, Any]:
        """Run some epochs; give what their steps recorded, each as an array (count, steps)."""
        order = self.order.epochs(first, count)
        # One call takes all epochs, unless the last minibatch of each is a smaller one.
        even = self.order.rows % self.plan.batch_size == 0
        pieces = [order.reshape(-1)] if even else list(order)
        records, number = [], first * self.steps
        for piece in pieces:
            records.append(self.session.run(piece, number))
            number += -(-len(piece) // self.plan.batch_size)
        return {
            name: np.concatenate([r[name] for r in records]).reshape(count, self.steps)
            for name in records[0]
        }


def run_epochs(course: Course, ledger: Ledger, at_most: int | None) -> str:
    """Train until a criterion holds, and return its reason.

    Parameters
    ----------
    at_most
        An epoch after which a criterion surely holds, if one is known.

    Raises
    ------
    DivergenceError
        If the loss or a gradient becomes NaN or infinite.
    """
    if course.rates.changed_by(ledger.history):
        course.session.feed(course.data)
    tick = 1
    while True:
        done = ledger.standing.epoch
        count = min(tick, max(1, _TICK_ROWS // course.order.rows))
        count = 1 if course.task.measurings or course.rates.watches else count
        count = min(count, at_most - done) if at_most and at_most > done else count
        began = perf_counter()
        records = course.run(done, count)
        wrong = first_not_finite(records)
        if wrong is not None and wrong[0] == 0:
            course.session.restore(ledger.standing.carry)
            order = course.order.epochs(done, 1)[0]
            where = (done, done * course.steps, wrong[1], 0, course.steps)
            raise diverged(course.plan, course.session, course.data, order, *where)
        if wrong is not None:  # the epochs before it may well be the ones to stop after
            course.session.restore(ledger.standing.carry)
            tick = wrong[0]
            continue
        ends = course.steps * np.arange(done + 1, done + count + 1)
        epochs = rows_of(course.task, records, done, course.rates.at(ends))
        carry = course.session.carry()
        epochs = completed(course.task, epochs, carry, ledger.standing.seconds, began)
        place, reason = ledger.judge(epochs)
        if place is not None and place + 1 < count:
            course.session.restore(ledger.standing.carry)
            course.run(done, place + 1)
            epochs, carry = epochs[: place + 1], course.session.carry()
        ledger.commit(epochs, len(epochs) * course.steps, carry)
        if course.rates.changed_by(epochs):
            course.session.feed(course.data)
        if reason is not None:
            return reason
        elapsed = perf_counter() - began
        if count == tick and elapsed < _TICK_SECONDS / 2:
            tick *= 2
        elif elapsed > 2 * _TICK_SECONDS:
            tick = max(1, tick // 2)


def rows_of(task: Task, records: Mapping[str, Any], done: int, rates: Any) -> History:
    """Make a row of each epoch, as yet without times and measures.

    Parameters
    ----------
    records
        What steps recorded, each an array (epochs, steps).
    done
        How many epochs came before.
    rates
        The learning rate at the end of each epoch.
    """
    total = records["total"].astype(np.float64).sum(axis=1)
    weight = records["weight"].astype(np.float64).sum(axis=1)
    epochs = np.arange(done + 1, done + len(total) + 1)
    loss = task.step.objective.loss
    known = {
        "epoch": epochs,
        "train_loss": np.asarray(loss.reduce(total, weight), np.float64),
        "learning_rate": np.broadcast_to(rates, epochs.shape).astype(np.float64),
        "gradient_norm": records["gradient_norm"].astype(np.float64).mean(axis=1),
        **columns(records),
    }
    return History(known, task.larger_is_better)


def completed(task: Task, epochs: History, carry: Any, seconds: float, began: float) -> History:
    """Add measures and times to the rows of epochs.

    Parameters
    ----------
    carry
        What the last of them left.
    seconds
        Time spent before.
    began
        When they began, by `time.perf_counter`.
    """
    measured = task.measure(carry)
    elapsed = perf_counter() - began
    share = np.arange(1, len(epochs) + 1) / len(epochs)
    known = dict(epochs.columns)
    complete = {
        "epoch": known.pop("epoch"),
        "train_loss": known.pop("train_loss"),
        **{name: np.array([value]) for name, value in measured.items()},
        **known,
        "seconds": seconds + elapsed * share,
    }
    return History(complete, epochs.larger_is_better)


def first_not_finite(records: dict[str, Any]) -> tuple[int, int] | None:
    """Epoch of the tick and step of that epoch in which a number first is not finite."""
    wrong = ~(np.isfinite(records["total"]) & np.isfinite(records["gradient_norm"]))
    if not wrong.any():
        return None
    epoch, step = np.argwhere(wrong)[0].tolist()
    return epoch, step
