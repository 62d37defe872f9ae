"""Training on examples that come in pieces: data that need not fit into one array."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import numpy as np

from chainrule import random
from chainrule.execute import Loop, Session
from chainrule.tracing import Tree, flatten, map_leaves
from chainrule.train.compiled import joined
from chainrule.train.divergence import diverged
from chainrule.train.epochs import completed, first_not_finite, rows_of
from chainrule.train.examples import Examples
from chainrule.train.ledger import Ledger
from chainrule.train.pieces import Pieces
from chainrule.train.rates import Rates
from chainrule.train.task import Task


@dataclass(frozen=True, eq=False)
class _Program:
    """The compiled step for examples of one type: how many rows it holds, and its session."""

    rows: int
    plan: Loop
    session: Session


@dataclass(eq=False)
class Flow:
    """Training on pieces, ready to run.

    Pieces of the same types run on through minibatches: what is left of one when it has been cut
    into minibatches goes with the next. Each minibatch is full but the last of an epoch, and the
    last before examples of another shape.

    Attributes
    ----------
    task
        What is trained; its data hold no examples.
    pieces, read
        Where examples come from, and what checks a piece and brings it to its dtypes.
    compiled
        Makes the loop for data of some types.
    key
        For the order of rows within a block; None keeps them as they come.
    rates
        The learning rate.
    """

    task: Task
    pieces: Pieces
    read: Callable[[tuple[Any, Any, Any]], Examples]
    compiled: Callable[[Any], Loop]
    key: Any
    rates: Rates
    _programs: dict[Tree, _Program] = field(default_factory=dict)
    _current: _Program | None = None

    def run(self, epoch: int, first: int, carry: Any) -> tuple[dict[str, Any], int, Any]:
        """Run an epoch.

        Parameters
        ----------
        epoch, first
            How many epochs, and how many steps, came before.
        carry
            What the epoch before left.

        Returns
        -------
        What steps recorded, each as an array (1, steps); how many steps there were; the new carry.
        """
        records: list[dict[str, Any]] = []
        number = first
        if self._current is not None:
            self._current.session.restore(carry)
        for i, block in enumerate(self._blocks(epoch)):
            carry = self._block(block, (epoch, i, number, first), carry, records)
            number += -(-block.rows // self.task.batch_size)
        names = records[0]
        found = {name: np.concatenate([r[name] for r in records])[None] for name in names}
        return found, number - first, carry

    def _block(
        self, block: Examples, place: tuple[int, int, int, int], carry: Any, records: list[Any]
    ) -> Any:
        """Run the steps of one block; give the new carry."""
        epoch, i, number, first = place
        program = self._program(block, carry)
        data = {**self.task.data, **self.rates.data(), **_filled(block, program.rows)}
        program.session.feed(data)
        order = np.arange(block.rows, dtype=np.int32)
        if self.key is not None:
            key = random.fold_in(random.fold_in(self.key, epoch), i)
            order = random.permutation(key, block.rows)
        found = program.session.run(order, number)
        one = {name: x[None] for name, x in found.items()}
        wrong = first_not_finite(one)
        if wrong is not None:
            program.session.restore(carry)
            where = (epoch, number, wrong[1], number - first, None, f"block {i + 1} of the epoch")
            raise diverged(program.plan, program.session, data, order, *where)
        records.append(found)
        return program.session.carry()

    def _blocks(self, epoch: int) -> Iterator[Examples]:
        """Join pieces of the same types, and cut them after whole minibatches."""
        size = self.task.batch_size
        waiting: list[Examples] = []
        for piece in self.pieces.epoch(epoch):
            examples = self.read(piece)
            if waiting and _types(waiting[0]) != _types(examples):
                yield _joined(waiting)
                waiting = []
            waiting.append(examples)
            rows = sum(each.rows for each in waiting)
            if rows >= size:
                whole, left = _cut(_joined(waiting), rows // size * size)
                yield whole
                waiting = [left] if left.rows else []
        if waiting:
            yield _joined(waiting)

    def _program(self, block: Examples, carry: Any) -> _Program:
        """The program for a block, whose session stands at `carry`."""
        kind = _types(block)
        program = self._programs.get(kind)
        if program is None or program.rows < block.rows:
            # Pieces of this size fit also with what another left.
            size = self.task.batch_size
            rows = (-(-block.rows // size) + 1) * size
            data = {**self.task.data, **_filled(block, rows)}
            plan = self.compiled(data)
            program = _Program(rows, plan, plan.start(carry, data))
            self._programs[kind] = program
        elif program is not self._current:
            program.session.restore(carry)
        self._current = program
        return program


def run_stream(flow: Flow, ledger: Ledger) -> str:
    """Train until a criterion holds, and return its reason.

    Raises
    ------
    DivergenceError
        If the loss or a gradient becomes NaN or infinite.
    """
    flow.rates.changed_by(ledger.history)
    while True:
        now, began = ledger.standing, perf_counter()
        records, steps, carry = flow.run(now.epoch, now.step, now.carry)
        epochs = rows_of(flow.task, records, now.epoch, flow.rates.at(now.step + steps))
        epochs = completed(flow.task, epochs, carry, now.seconds, began)
        _, reason = ledger.judge(epochs)
        ledger.commit(epochs, steps, carry)
        flow.rates.changed_by(epochs)
        if reason is not None:
            return reason


def _types(examples: Examples) -> Any:
    """The structure, and the type of each array but for the number of rows."""
    leaves, tree = flatten(examples.tree())
    return tree, tuple((x.shape[1:], x.dtype.name) for x in leaves)


def _joined(parts: list[Examples]) -> Examples:
    if len(parts) == 1:
        return parts[0]
    return _examples(joined([part.tree() for part in parts]))


def _cut(examples: Examples, rows: int) -> tuple[Examples, Examples]:
    tree = examples.tree()
    return (
        _examples(map_leaves(lambda x: x[:rows], tree)),
        _examples(map_leaves(lambda x: x[rows:], tree)),
    )


def _examples(tree: Any) -> Examples:
    return Examples(tree["inputs"], tree["targets"], tree.get("weight"))


def _filled(block: Examples, rows: int) -> dict[str, Any]:
    """The arrays of a block with rows of zeros behind, which no step reads, and their count."""

    def longer(x: Any) -> Any:
        return np.concatenate([x, np.zeros((rows - len(x), *x.shape[1:]), x.dtype)])

    tree = map_leaves(longer, block.tree()) if block.rows < rows else block.tree()
    return {**tree, "count": np.asarray(block.rows, np.int32)}
