"""Programs of perceptrons, traced once for each structure and kept.

A program depends on structure alone: numbers that a search over settings varies (alpha, the
learning rate) come in as data. So fits of one structure share a program, and a bounded cache keeps
those of the last few structures.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

import chainrule.numpy as cnp
from chainrule import random
from chainrule.backprop import value_and_grad
from chainrule.estimators.design import Design, Weights
from chainrule.execute import Compiled, Loop, choose_executor, loop, trace
from chainrule.ir import ArrayType, Dim
from chainrule.tracing import map_leaves, spec_of
from chainrule.train import Clip, Optimiser, global_norm
from chainrule.train.program import given_rate

BLOCK = 1024
"""Rows that are predicted at a time."""

_KEPT = 16  # structures whose programs are kept
_BATCH = Dim("batch")
_SHARED_ROWS = 4096  # up to this size, tables of nearly one size share a program


@dataclass(frozen=True)
class Training:
    """The structure of training by minibatches.

    Parameters
    ----------
    design
        The network.
    optimiser, clip
        What is done with the gradients; a learning rate that is a number counts for nothing here,
        since it comes in with what is carried on.
    weighted
        Whether examples have weights.
    rows
        Rows of the table, those that only fill it up included.
    batch_size
        Examples per step.
    workers
        How many threads may share a step; None for all processors.
    """

    design: Design
    optimiser: Optimiser
    clip: Clip | None
    weighted: bool
    rows: int
    batch_size: int
    workers: int | None

    def step(self, carry: Any, data: Any, rows: Any, number: Any) -> Any:
        """Go one step, as `chainrule.execute.loop` describes it."""
        table = {name: data[name] for name in ("inputs", "targets", "weight") if name in data}
        batch = map_leaves(lambda column: cnp.take(column, rows), table)
        key = random.fold_in(data["key"], number) if any(self.design.dropout) else None
        both = value_and_grad(self.design.objective, has_aux=True)
        (_, shown), gradients = both(carry["weights"], batch, data["alpha"], key)
        record = {"loss": shown, "gradient_norm": global_norm(gradients)}
        if self.clip is not None:
            gradients = self.clip(gradients)
        optimiser = given_rate(self.optimiser, carry["rate"])
        weights, memory = optimiser.update(gradients, carry["memory"], carry["weights"], number)
        return {"weights": weights, "memory": memory, "rate": carry["rate"]}, record

    def data_types(self) -> dict[str, Any]:
        """Give the types of what steps only read."""
        dtype = self.design.dtype
        types: dict[str, Any] = {
            "inputs": ArrayType((self.rows, self.design.units[0]), dtype),
            "targets": self.design.target_type(self.rows),
            "alpha": ArrayType((), dtype),
        }
        if self.weighted:
            types["weight"] = ArrayType((self.rows,), dtype)
        if any(self.design.dropout):
            types["key"] = ArrayType((2,), "int32")
        return types

    def memory_types(self) -> Any:
        """Give the types of the optimiser's state."""
        like = map_leaves(lambda x: np.zeros(x.shape, x.dtype), self.design.weight_types())
        return map_leaves(spec_of, self.optimiser.initial(like))

    def plan(self, executor: str, steps: int) -> Loop:
        """Give the compiled loop, from the cache if it is there.

        Parameters
        ----------
        executor
            "numpy", "native" or "auto".
        steps
            How many steps will run at most; for "auto".
        """
        try:
            hash(self)
        except TypeError:  # an optimiser of the user's own need not be hashable
            traced = _traced.__wrapped__(self)
        else:
            traced = _traced(self)
        sizes = {"batch": self.batch_size}
        return replace(traced, executor=choose_executor(executor, traced.graph, steps, sizes))


def table_rows(rows: int) -> int:
    """Round a number of rows up, by a quarter at most, so that folds of a table share a program.

    >>> table_rows(800), table_rows(801), table_rows(100_000)
    (896, 896, 100000)
    """
    if rows > _SHARED_ROWS:
        return rows
    grain = 1 << max(3, rows.bit_length() - 3)
    return -(-rows // grain) * grain


def without_rate(optimiser: Any) -> Any:
    """Give an optimiser whose learning rate, if it is a number, is the same for all."""
    if callable(optimiser.learning_rate) or not dataclasses.is_dataclass(optimiser):
        return optimiser
    return replace(optimiser, learning_rate=0.0)  # type: ignore[type-var]


@lru_cache(maxsize=_KEPT)
def _traced(training: Training) -> Loop:
    carry = {
        "weights": training.design.weight_types(),
        "memory": training.memory_types(),
        "rate": ArrayType((), training.design.dtype),
    }
    return loop(
        training.step,
        carry,
        training.data_types(),
        batch_size=training.batch_size,
        executor="numpy",
        workers=training.workers,
    )


def predictor(design: Design, executor: str, rows: int, times: int = 1) -> Compiled:
    """Give compiled raw outputs of up to `BLOCK` rows, from the cache if they are there.

    Parameters
    ----------
    rows, times
        How many rows will be predicted, and how often; for "auto".
    """
    plain = replace(design, dropout=())
    graph = _compiled(plain, "numpy").planned.plan.graph
    runs, size = times * -(-rows // BLOCK), min(rows, BLOCK)
    return _compiled(plain, choose_executor(executor, graph, runs, {"batch": size}))


@lru_cache(maxsize=_KEPT)
def _compiled(design: Design, executor: str) -> Compiled:
    def predict(weights: Weights, x: Any) -> Any:
        return design.network(weights)(x)

    x = ArrayType((_BATCH, design.units[0]), design.dtype)
    return trace(predict, design.weight_types(), x).plan(limits={"batch": BLOCK}).compile(executor)


def surface(design: Design, weighted: bool, rows: int, executor: str, runs: int) -> Compiled:
    """Give compiled loss and gradients over a whole table, from the cache if they are there.

    They map ``(weights, batch, alpha)`` to ``(loss, gradients)``.

    Parameters
    ----------
    weighted
        Whether examples have weights.
    rows
        Rows of the table.
    runs
        How often it will run at most; for "auto".
    """
    filled = table_rows(rows)
    graph = _surface(design, weighted, filled, "numpy").planned.plan.graph
    chosen = choose_executor(executor, graph, runs, {"batch": rows})
    return _surface(design, weighted, filled, chosen)


@lru_cache(maxsize=_KEPT)
def _surface(design: Design, weighted: bool, rows: int, executor: str) -> Compiled:
    def evaluate(weights: Weights, batch: Any, alpha: Any) -> Any:
        both = value_and_grad(design.objective, has_aux=True)
        (value, shown), gradients = both(weights, batch, alpha, None)
        return value, shown, gradients

    batch = {
        "inputs": ArrayType((_BATCH, design.units[0]), design.dtype),
        "targets": design.target_type(_BATCH),
    }
    if weighted:
        batch["weight"] = ArrayType((_BATCH,), design.dtype)
    types = (design.weight_types(), batch, ArrayType((), design.dtype))
    return trace(evaluate, *types).plan(limits={"batch": rows}).compile(executor)
