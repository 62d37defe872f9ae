"""One step of training, as a traced function."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import chainrule.numpy as cnp
from chainrule import random
from chainrule.backprop import grad
from chainrule.tracing import map_leaves, named
from chainrule.train.augment.augmentation import Augmentation, Batch
from chainrule.train.augment.windows import whole_number
from chainrule.train.averages import Average
from chainrule.train.clipping import Clip
from chainrule.train.constraints import Constraint
from chainrule.train.program import Objective, given_rate

COLUMNS = ("inputs", "targets", "weight")


@dataclass(frozen=True)
class Pace:
    """How many minibatches an update takes.

    Attributes
    ----------
    minibatches
        Whose gradients are added up for one update.
    per_epoch
        Minibatches of an epoch, whose last update may take fewer; None where that is not known,
        and updates go on over the ends of epochs.
    """

    minibatches: int = 1
    per_epoch: int | None = None

    def updates(self, minibatches: Any) -> Any:
        """Count the updates in so many minibatches from the start, with NumPy or traced."""
        if self.minibatches == 1:
            return minibatches
        if self.per_epoch is None:
            return cnp.floor_divide(minibatches, self.minibatches)
        epochs = cnp.floor_divide(minibatches, self.per_epoch)
        place = minibatches - epochs * self.per_epoch
        each = -(-self.per_epoch // self.minibatches)
        return epochs * each + cnp.floor_divide(place, self.minibatches)


@dataclass(frozen=True, eq=False)
class Step:
    """One step of training; `chainrule.execute.loop` traces its `take`.

    Attributes
    ----------
    objective
        What is made small.
    optimiser, clip
        What is done with the gradients. L-BFGS takes steps of its own, and only its objective
        from here.
    augment
        What is done with the examples before.
    constraints
        What is done with the parameters behind.
    average
        What is carried on beside them, if anything.
    pace
        How many minibatches an update takes.
    """

    objective: Objective
    optimiser: Any
    clip: Clip | None = None
    augment: Sequence[Augmentation] = ()
    constraints: Sequence[Constraint] = ()
    average: Average | None = None
    pace: Pace = Pace()

    def initial(self, carried: Any) -> Any:
        """Give what steps carry on, for what the network's `Layout.divide` gives."""
        trainable = carried["trainable"]
        carry = {**carried, "optimiser": self.optimiser.initial(trainable)}
        if self.average is not None:
            carry["average"] = map_leaves(lambda p: p.copy(), trainable)
        if self.pace.minibatches > 1:
            zero = next(iter(trainable.values())).dtype.type(0)
            carry["sums"] = {"gradients": map_leaves(lambda p: 0 * p, trainable), "weight": zero}
        return carry

    def take(self, carry: Any, data: Any, rows: Any, number: Any) -> Any:
        """Take the rows of a batch, go a step, and record the loss."""
        batch = self._batch(data, rows, number)
        key = random.fold_in(data["key"], number)
        objective = self.objective if self.pace.minibatches == 1 else self.objective.bare()
        _, (total, weight, state, tapped), gradients, norm = objective.gradients(
            carry, data["fixed"], batch, key
        )
        record = {"total": total, "weight": weight, "gradient_norm": norm, **tapped}
        if self.pace.minibatches == 1:
            moved = self._update(carry, data, gradients, number)
        else:
            moved = self._collect(carry, data, gradients, weight, number)
        for path, p in moved["trainable"].items():
            named(p, f"new {path}")
        return {name: state if name == "state" else moved[name] for name in carry}, record

    def _batch(self, data: Any, rows: Any, number: Any) -> Batch:
        """The examples of a batch, augmented."""
        table = {name: data[name] for name in COLUMNS if name in data}
        count = data.get("count", data["targets"].shape[0])

        def augmented(positions: Any, root: Any, until: int) -> Batch:
            batch: Batch = map_leaves(lambda column: cnp.take(column, positions), table)
            for i, each in enumerate(self.augment[:until]):
                # Each draw is of a key of its own, below which its augmentations have theirs.
                draw = lambda key, i=i: augmented(  # noqa: E731
                    whole_number(key, (rows.shape[0],), count), random.fold_in(key, 1), i
                )
                batch = each(batch, random.fold_in(root, i), draw)
            return batch

        root = random.fold_in(data["augment_key"], number) if self.augment else None
        return augmented(rows, root, len(self.augment))

    def _update(self, carry: Any, data: Any, gradients: Any, number: Any) -> dict[str, Any]:
        """One update: clip, optimise, constrain, average."""
        if self.clip is not None:
            gradients = self.clip(gradients)
        optimiser = given_rate(self.optimiser, data["learning_rate"])
        trainable, memory = optimiser.update(
            gradients, carry["optimiser"], carry["trainable"], number
        )
        for constraint in self.constraints:
            trainable = constraint(trainable)
        moved = {"trainable": trainable, "optimiser": memory}
        if self.average is not None:
            moved["average"] = self.average(carry["average"], trainable, number)
        return moved

    def _collect(
        self, carry: Any, data: Any, gradients: Any, weight: Any, number: Any
    ) -> dict[str, Any]:
        """Add gradients up, each with the weight of its minibatch; update when it is time.

        The sum over the weights is the gradient of all minibatches as one: penalties do not
        depend on the examples, and come in at the end.
        """
        counts = weight if self.objective.loss.reduction == "mean" else 1.0
        sums = map_leaves(lambda s, g: s + counts * g, carry["sums"]["gradients"], gradients)
        whole = carry["sums"]["weight"] + counts
        share = 1.0 / cnp.where(whole == 0, 1.0, whole) if counts is weight else 1.0
        mean = map_leaves(lambda s: share * s, sums)
        if self.objective.penalties:
            extra = grad(self.objective.penalty)(carry["trainable"])
            mean = map_leaves(lambda m, g: m + g, mean, extra)
        done, after = self.pace.updates(number), self.pace.updates(number + 1)
        moved = self._update(carry, data, mean, done)
        due = after != done
        kept = {name: carry[name] for name in moved}
        chosen: dict[str, Any] = map_leaves(lambda new, old: cnp.where(due, new, old), moved, kept)
        chosen["sums"] = {
            "gradients": map_leaves(lambda s: cnp.where(due, 0.0, s), sums),
            "weight": cnp.where(due, 0.0, whole),
        }
        return chosen
