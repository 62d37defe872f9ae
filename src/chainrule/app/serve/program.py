"""A network with its loss and optimiser, as a loop that can be run from any step."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

import chainrule.numpy as cnp
from chainrule import random
from chainrule.app.serve.material import Material
from chainrule.app.serve.setup import Setup
from chainrule.execute import loop
from chainrule.execute.loop import Loop
from chainrule.explaining.stepping import Explainer
from chainrule.nn import Module
from chainrule.tracing import flatten, map_leaves
from chainrule.train.compiled import blocks, compile_function, joined
from chainrule.train.examples import batch_types, read_examples
from chainrule.train.measuring import Measuring
from chainrule.train.order import Order
from chainrule.train.program import Layout, Objective, given_rate
from chainrule.train.run import output_type

_AHEAD = 2**16
"""Positions of rows that are drawn at once, however few steps are asked for."""


@dataclass(frozen=True, eq=False)
class Watched:
    """One step of training that records the norm of each array's gradient, for the loop to trace.

    Attributes
    ----------
    objective, optimiser
        What is made small, and how.
    """

    objective: Objective
    optimiser: Any

    def take(self, carry: Any, data: Any, rows: Any, number: Any) -> Any:
        """Take the rows of a batch, go a step, and record the loss."""
        table = {"inputs": data["inputs"], "targets": data["targets"]}
        batch = map_leaves(lambda column: cnp.take(column, rows), table)
        # Without a key the network runs as for prediction, as in the equations of the step.
        loss, (_, _, state, _), gradients, _ = self.objective.gradients(
            carry, data["fixed"], batch, None
        )
        optimiser = given_rate(self.optimiser, data["learning_rate"])
        trainable, memory = optimiser.update(
            gradients, carry["optimiser"], carry["trainable"], number
        )
        norms = {path: cnp.sqrt(cnp.sum(cnp.square(g))) for path, g in gradients.items()}
        record = {"loss": loss, "norms": norms}
        return {"trainable": trainable, "state": state, "optimiser": memory}, record


@dataclass(frozen=True, eq=False)
class Program:
    """A network with its loss and optimiser on a table.

    Attributes
    ----------
    material, setup
        What it was made of.
    network
        With its first arrays.
    """

    material: Material
    setup: Setup
    network: Module

    @classmethod
    def of(cls, material: Material, setup: Setup) -> Program:
        """Make the network."""
        return cls(material, setup, material.build(setup))

    def at_rate(self, rate: float) -> Program:
        """Give the same program at another learning rate.

        The rate comes in with the data, so both share what is traced and compiled.
        """
        twin = replace(self, setup=replace(self.setup, rate=rate))
        for name in ("_plans", "explainers", "layout", "objective", "examples"):
            twin.__dict__[name] = getattr(self, name)
        for name in ("forward", "held", "all_rows"):
            if name in self.__dict__:
                twin.__dict__[name] = self.__dict__[name]
        return twin

    @cached_property
    def dtype(self) -> str:
        """The dtype of the parameters."""
        kinds = [str(x.dtype) for x in flatten(self.network)[0] if x.dtype.kind == "f"]
        return "float64" if "float64" in kinds else "float32"

    @cached_property
    def layout(self) -> Layout:
        """Which arrays are trained."""
        return Layout.of(
            self.network, () if self.setup.biases else lambda path: path.endswith("bias")
        )

    @cached_property
    def objective(self) -> Objective:
        """What is made small."""
        return Objective(self.layout, self.setup.make_loss(), ())

    @cached_property
    def examples(self) -> Any:
        """The table as training reads it."""
        return self._read(self.material.inputs, self.material.labels)

    def _read(self, inputs: Any, labels: Any) -> Any:
        targets = self.material.targets(self.setup.loss, labels)
        kind = output_type(self.network, self._typed(inputs))
        return read_examples((inputs, targets, None), self.dtype, self.setup.make_loss(), kind)

    def _typed(self, inputs: Any) -> Any:
        return tuple(x.astype(self.dtype) if x.dtype.kind == "f" else x for x in inputs)

    @property
    def batch_size(self) -> int:
        """Rows per step."""
        rows = self.material.rows
        return min(rows, self.setup.batch or rows)

    @property
    def steps_per_epoch(self) -> int:
        """How many steps read each row once."""
        return -(-self.material.rows // self.batch_size)

    def first_carry(self) -> Any:
        """Give what steps carry on, before the first."""
        carried, _ = self.layout.divide(self.network)
        return {**carried, "optimiser": self.fresh_memory(carried["trainable"])}

    def fresh_memory(self, trainable: Any) -> Any:
        """Give the optimiser's memory before its first step."""
        return self.setup.make_optimiser().initial(trainable)

    def data(self, examples: Any) -> Any:
        """Give what steps only read."""
        _, fixed = self.layout.divide(self.network)
        return {
            **examples.tree(),
            "fixed": fixed,
            "learning_rate": np.asarray(self.setup.rate, self.dtype),
        }

    def plan(self, executor: str, steps: int = 1) -> Loop:
        """Make the loop; "auto" chooses by the number of steps."""
        found = self._plans.get(executor)
        if found is not None and (executor != "auto" or found[1] >= steps):
            return found[0]
        made = loop(
            Watched(self.objective, self.setup.make_optimiser()).take,
            self.first_carry(),
            self.data(self.examples),
            batch_size=self.batch_size,
            executor=executor,
            steps=steps,
        )
        self._plans[executor] = (made, steps)
        return made

    @cached_property
    def _plans(self) -> dict[str, tuple[Loop, int]]:
        return {}

    @cached_property
    def explainers(self) -> dict[int, Explainer]:
        """The equations of a step, by the number of rows in its batch."""
        return {}

    @cached_property
    def _order(self) -> Order:
        shuffled = self.batch_size < self.material.rows
        key = random.fold_in(random.key(self.setup.seed), 1) if shuffled else None
        return Order(self.material.rows, key)

    def rows_of(self, step: int) -> Any:
        """Positions of the rows that a step reads, counted from step 0."""
        epoch, place = divmod(step, self.steps_per_epoch)
        return self._epochs(epoch, 1)[0][place * self.batch_size :][: self.batch_size]

    def _epochs(self, first: int, count: int) -> Any:
        """Positions (count, rows) of some epochs; drawn ahead, as many short runs follow."""
        known = self.__dict__.get("_drawn")
        if known is None or not known[0] <= first <= first + count <= known[0] + len(known[1]):
            ahead = max(count, _AHEAD // self.material.rows)
            known = self.__dict__["_drawn"] = (first, self._order.epochs(first, ahead))
        start = first - known[0]
        return known[1][start : start + count]

    def run(self, session: Any, first: int, count: int) -> dict[str, Any]:
        """Run some steps; give the loss and the norms that each recorded.

        Returns
        -------
        ``{"loss": floats (count,), "norms": {path: floats (count,)}}``
        """
        size, per_epoch, rows = self.batch_size, self.steps_per_epoch, self.material.rows
        begin, end = first // per_epoch, (first + count - 1) // per_epoch + 1
        order = self._epochs(begin, end - begin)
        skip, stop = first - begin * per_epoch, first + count - begin * per_epoch
        if rows % size == 0:  # all steps in one call
            return session.run(order.reshape(-1)[skip * size : stop * size], first)  # type: ignore[no-any-return]
        parts, number = [], first
        for i, epoch in enumerate(order):
            low, high = max(0, skip - i * per_epoch), min(per_epoch, stop - i * per_epoch)
            parts.append(session.run(epoch[low * size : high * size], number))
            number += high - low
        return {
            "loss": np.concatenate([part["loss"] for part in parts]),
            "norms": {
                path: np.concatenate([part["norms"][path] for part in parts])
                for path in parts[0]["norms"]
            },
        }

    def network_of(self, carry: Any) -> Module:
        """Put a network together from what steps carry on."""
        _, fixed = self.layout.divide(self.network)
        network: Module = self.layout.network(carry, fixed)
        return network

    def outputs(self, carry: Any, x: Any) -> Any:
        """Compute the outputs of what a carry holds, for any number of rows, block by block."""
        network = self.network_of(carry)
        return joined([self._forward(network, (block,)) for block in blocks(x)])

    @cached_property
    def _forward(self) -> Any:
        """The network's outputs for a block of rows, compiled once."""
        return compile_function(
            lambda network, inputs: network(*inputs),
            (self.network, batch_types(self.examples.inputs)),
            "auto",
            runs=1000,
        )

    @cached_property
    def held(self) -> Measuring | None:
        """Loss and accuracy of examples that are only measured; None without any."""
        inputs, labels = self.material.held_inputs, self.material.held_labels
        if inputs is None or labels is None:
            return None
        return self._measuring(inputs, labels)

    @cached_property
    def all_rows(self) -> Measuring:
        """Loss and accuracy of all rows that are trained on."""
        return self._measuring(self.material.inputs, self.material.labels)

    def _measuring(self, inputs: Any, labels: Any) -> Measuring:
        loss = self.setup.make_loss()
        measures: dict[str, Any] = {"loss": loss}
        if self.material.task != "number" and _accuracy_fits(self.setup.loss, self.material.task):
            measures["accuracy"] = loss.accuracy()
        kind = output_type(self.network, self._typed(inputs))
        targets = self.material.targets(self.setup.loss, labels)
        read = {
            name: (each, read_examples((inputs, targets, None), self.dtype, each, kind))
            for name, each in measures.items()
        }
        arrays = self.layout.divide(self.network)
        return Measuring.of(self.layout, arrays, read, "auto", 1000)


def _accuracy_fits(loss: str, task: str) -> bool:
    """Whether the loss's accuracy reads the targets that the loss is given."""
    return task == "binary" or loss in ("cross_entropy", "hinge")
