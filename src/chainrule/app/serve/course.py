"""Where an experiment stands after any number of steps."""

from __future__ import annotations

import bisect
import json
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from chainrule.app.serve.address import Address, Change
from chainrule.app.serve.material import Material
from chainrule.app.serve.program import Program
from chainrule.app.serve.setup import Setup
from chainrule.app.serve.shelf import Shelf
from chainrule.errors import DivergenceError, ParameterError
from chainrule.train.examples import Examples

MOST_SNAPSHOTS = 256
MOST_BYTES = 256 * 2**20
MOST_COURSES = 8
MOST_POINTS = 60

Curve = Sequence[tuple[int, float]]


class Course:
    """An experiment between two changes: one program, one table, one start.

    Parameters
    ----------
    program
        What is run.
    examples
        The table, with what a person changed in it.
    first, carry
        The step it starts at, and what is carried on there.
    before
        The loss curve up to there.
    """

    def __init__(
        self,
        program: Program,
        examples: Examples,
        first: int,
        carry: Any,
        before: Curve = (),
    ) -> None:
        self.program = program
        self._curve = {step: loss for step, loss in before if step < first}
        self.examples = examples
        self.first = first
        self.data = program.data(examples)
        self._snapshots: dict[int, Any] = {first: carry}
        self._steps: list[int] = [first]
        self._lock = threading.RLock()
        self._size = sum(int(x.nbytes) for x in carry["trainable"].values())

    def remember(self, step: int, carry: Any) -> None:
        """Keep what is carried on at a step, as long as there is room."""
        with self._lock:
            if step not in self._snapshots:
                bisect.insort(self._steps, step)
            self._snapshots[step] = carry
            most = max(4, min(MOST_SNAPSHOTS, MOST_BYTES // max(1, 3 * self._size)))
            if len(self._steps) > most:  # every second one goes, the first and the last stay
                kept = [*self._steps[:-1:2], self._steps[-1]]
                self._snapshots = {n: self._snapshots[n] for n in kept}
                self._steps = kept

    def record(self, losses: Any, first: int) -> Curve:
        """Keep the losses of some steps, thinned out; give what is kept of them."""
        values = np.asarray(losses, np.float64)
        pieces = np.array_split(values, min(len(values), MOST_POINTS))
        ends = first - 1 + np.cumsum([len(piece) for piece in pieces])
        points = [(int(n), float(p.mean())) for n, p in zip(ends, pieces, strict=True)]
        with self._lock:
            self._curve.update(points)
            if len(self._curve) > 8 * MOST_POINTS:
                self._curve = dict(thinned(sorted(self._curve.items()), 4 * MOST_POINTS))
        return points

    def curve(self, step: int) -> Curve:
        """Give the losses before a step, as points (step, loss)."""
        with self._lock:
            return [(n, self._curve[n]) for n in sorted(self._curve) if n < step]

    def at(self, step: int) -> Any:
        """Give what is carried on after some steps.

        Raises
        ------
        DivergenceError
            If NaN or infinity appears on the way.
        """
        with self._lock:
            near = self._steps[bisect.bisect_right(self._steps, step) - 1]
            carry = self._snapshots[near]
        if near < step:
            plan = self.program.plan("auto", step - near)
            session = plan.start(carry, self.data)
            records = self.program.run(session, near, step - near)
            check_finite(records, near)
            self.record(records["loss"], near)
            carry = session.carry()
            self.remember(step, carry)
        return carry


class Library:
    """Courses and the steps taken in them, kept by what the URL says.

    Parameters
    ----------
    shelf
        Where material is found.
    """

    def __init__(self, shelf: Shelf) -> None:
        self.shelf = shelf
        self._courses: OrderedDict[str, Course] = OrderedDict()
        self._programs: OrderedDict[str, Program] = OrderedDict()
        self._lock = threading.RLock()

    def course(self, address: Address) -> Course:
        """Find the course that a step belongs to: the one since the last change."""
        with self._lock:
            return self._course(address, address.past)

    def _course(self, address: Address, past: tuple[Change, ...]) -> Course:
        key = json.dumps([address.source, dict(address.settings), [_listed(c) for c in past]])
        material = self.shelf.get(address.source)
        known = self._courses.get(key)
        if known is not None and known.program.material is material:
            self._courses.move_to_end(key)
            return known
        made = self._begin(address, material, past)
        self._courses[key] = made
        while len(self._courses) > MOST_COURSES:
            self._courses.popitem(last=False)
        return made

    def _begin(self, address: Address, material: Material, past: tuple[Change, ...]) -> Course:
        if not past:
            setup = material.setup.changed(address.settings)
            program = self._program(address.source, material, setup)
            return Course(program, program.examples, 0, program.first_carry())
        change, before = past[-1], self._course(address, past[:-1])
        carry, curve = before.at(change.step), before.curve(change.step)
        program, examples = before.program, before.examples
        if change.name == "set":
            setup = program.setup.changed(change.value)
            fresh = self._program(address.source, material, setup)
            if setup.biases != program.setup.biases and setup.hidden == program.setup.hidden:
                now = program.network_of(carry).arrays()
                fresh = replace(fresh, network=fresh.network.with_arrays(now))
            targets = examples.targets
            if targets.shape != fresh.examples.targets.shape:
                targets = fresh.examples.targets
            table = Examples(examples.inputs, targets, None)
            return Course(fresh, table, change.step, _carried(program, fresh, carry), curve)
        if change.name == "weight":
            carry = _with_weight(carry, change)
        else:
            examples = _with_entry(examples, change)
        return Course(program, examples, change.step, carry, curve)

    def _program(self, source: str, material: Material, setup: Setup) -> Program:
        key = json.dumps([source, {**setup.to_dict(), "rate": 0}])
        program = self._programs.get(key)
        if program is None or program.material is not material:
            program = Program.of(material, setup)
            self._programs[key] = program
            while len(self._programs) > MOST_COURSES:
                self._programs.popitem(last=False)
        if program.setup.rate == setup.rate:
            return program
        return program.at_rate(setup.rate)


def thinned(points: Curve, most: int) -> Curve:
    """Leave out points of a curve where they lie dense; the last one stays.

    >>> thinned([(0, 1.0), (1, 0.9), (2, 0.8), (50, 0.3), (100, 0.1)], 4)
    [(0, 1.0), (50, 0.3), (100, 0.1)]
    """
    gap = (points[-1][0] - points[0][0]) / most
    kept = [points[0]]
    for point in points[1:-1]:
        if point[0] - kept[-1][0] >= gap:
            kept.append(point)
    return [*kept, points[-1]]


def check_finite(records: dict[str, Any], first: int) -> None:
    """Raise `DivergenceError` if a step recorded NaN or infinity."""
    wrong = ~np.isfinite(records["loss"])
    for norms in records["norms"].values():
        wrong |= ~np.isfinite(norms)
    if wrong.any():
        step = first + int(np.argmax(wrong)) + 1
        raise DivergenceError(
            f"NaN or infinity in step {step}: go back and lower the learning rate", step=step
        )


def _listed(change: Change) -> list[Any]:
    return [change.step, change.name, change.where, list(change.index), change.value]


def _carried(old: Program, fresh: Program, carry: Any) -> Any:
    """Hand arrays to another program; networks of another size begin anew."""
    mine, theirs = fresh.first_carry(), carry["trainable"]
    shapes = {path: x.shape for path, x in mine["trainable"].items()}
    kept = {**old.layout.divide(old.network)[1], **theirs}
    if any(path not in kept or kept[path].shape != shape for path, shape in shapes.items()):
        return mine
    trainable = {path: kept[path] for path in shapes}
    same = old.setup.optimiser == fresh.setup.optimiser and set(theirs) == set(trainable)
    memory = carry["optimiser"] if same else fresh.fresh_memory(trainable)
    return {"trainable": trainable, "state": carry["state"], "optimiser": memory}


def _with_weight(carry: Any, change: Change) -> Any:
    arrays = dict(carry["trainable"])
    if change.where not in arrays:
        raise ParameterError(f"there is no trained array {change.where!r:.80}")
    array = arrays[change.where].copy()
    array[_place(array, change)] = change.value
    arrays[change.where] = array
    return {**carry, "trainable": arrays}


def _with_entry(examples: Examples, change: Change) -> Examples:
    if change.name == "target":
        targets = examples.targets.copy()
        targets[_place(targets, change)] = change.value
        return Examples(examples.inputs, targets, None)
    first = examples.inputs[0].copy()
    first[_place(first, change)] = change.value
    return Examples((first, *examples.inputs[1:]), examples.targets, None)


def _place(array: Any, change: Change) -> tuple[int, ...]:
    if len(change.index) != array.ndim or not all(
        0 <= i < n for i, n in zip(change.index, array.shape, strict=True)
    ):
        raise ParameterError(
            f"there is no entry {list(change.index)} in an array of the shape {array.shape}"
        )
    return change.index
