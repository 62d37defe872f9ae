"""Training in native code, told while it runs."""

from __future__ import annotations

import math
from collections.abc import Iterator
from time import perf_counter, sleep
from typing import Any

import numpy as np

from chainrule.app.serve.address import MOST_STEPS, Address
from chainrule.app.serve.course import Course, check_finite
from chainrule.app.serve.forecasts import forecast
from chainrule.app.serve.surface import surface
from chainrule.errors import DivergenceError

PAUSE = 0.07
"""Seconds between two updates, so that there are more than ten in each second."""

SHARE = 0.05
"""The most of the time that slow drawing may take from training."""

MOST_WEIGHTS = 600
"""Weights up to which they are told while the training runs."""


def train(
    course: Course, address: Address, rate: float | None, most: int, until_correct: bool = False
) -> Iterator[dict[str, Any]]:
    """Train from a step on, and tell about it more than ten times in a second.

    Parameters
    ----------
    course, address
        What is trained, and from where; of a forecast, the window that is shown stays the same.
    rate
        Steps in a second; None for as many as the machine makes.
    most
        Steps after which it ends.
    until_correct
        Whether it ends when all rows of the table are classified correctly.

    Yields
    ------
    Updates as plain JSON values; the last one says why it ended.
    """
    program, first = course.program, address.step
    carry, rows = course.at(first), course.program.rows_of(first)
    window = int(rows[address.place(rows)])
    session = program.plan("native").start(carry, course.data)
    step, end = first, min(first + most, MOST_STEPS)
    # Once in vain: what has to be compiled first should not count.
    program.run(session, first, 1)
    session.restore(carry)
    _drawn(course, carry, window)
    at = perf_counter()
    _drawn(course, carry, window)
    tick, told, busy = 1, perf_counter() - at, 0.0
    last_drawn, began = 0.0, perf_counter()
    yield {"kind": "begun", "step": first}
    while step < end:
        at = perf_counter()
        count = min(tick, end - step)
        if rate is not None:
            count = max(1, min(count, round(rate * PAUSE)))
        records = program.run(session, step, count)
        now = perf_counter()
        busy += now - at
        carry = session.carry()
        try:
            check_finite(records, step)
        except DivergenceError as error:
            yield {"kind": "diverged", "step": step, "message": str(error)}
            return
        step += count
        course.remember(step, carry)
        # Slow drawing comes less often, so that training keeps its speed.
        draw = now - last_drawn > told / SHARE or step >= end
        update = _update(course, records, step)
        if draw:
            update |= _drawn(course, carry, window)
        update["stepsPerSecond"] = min(count / max(now - at, 1e-9), rate or math.inf)
        update["seconds"] = now - began
        update["share"] = busy / max(perf_counter() - began, 1e-9)
        if draw:
            last_drawn, told = now, perf_counter() - now
        yield update
        if until_correct and _all_correct(course, carry):
            yield {"kind": "correct", "step": step}
            return
        if count == tick:  # as many as fit between two updates, found out in a few rounds
            tick = max(1, round(tick * min(4.0, max(0.25, PAUSE / (now - at)))))
        if rate is not None:
            sleep(max(0.0, count / rate - (perf_counter() - at)))
    yield {"kind": "ended", "step": step}


def _all_correct(course: Course, carry: Any) -> bool:
    arrays = {name: carry[name] for name in ("trainable", "state")}
    measured = course.program.all_rows(arrays, course.data["fixed"])
    return bool(measured.get("accuracy", 0.0) == 1.0)


def _update(course: Course, records: dict[str, Any], step: int) -> dict[str, Any]:
    return {
        "kind": "update",
        "step": step,
        "epoch": step // course.program.steps_per_epoch,
        "losses": course.record(records["loss"], step - len(records["loss"])),
        "norms": {path: float(x[-1]) for path, x in records["norms"].items()},
    }


def _drawn(course: Course, carry: Any, window: int) -> dict[str, Any]:
    """What costs more to tell: losses of held-out rows, weights, the surface, a forecast."""
    program = course.program
    arrays = {name: carry[name] for name in ("trainable", "state")}
    told: dict[str, Any] = {}
    if program.held is not None:
        told["held"] = program.held(arrays, course.data["fixed"])
    if sum(x.size for x in carry["trainable"].values()) <= MOST_WEIGHTS:
        told["weights"] = {
            path: np.asarray(x, np.float64).tolist() for path, x in carry["trainable"].items()
        }
    if program.material.plane:
        told["surface"] = surface(course, carry)
    if program.material.past is not None:
        told["forecast"] = forecast(course, program.material.past, carry, window)
    return told
