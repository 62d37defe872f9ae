"""The traced functions of training: the objective, and the measuring of examples."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from chainrule.backprop import value_and_grad
from chainrule.errors import ParameterError
from chainrule.nn import Module, run_with_state, state_paths
from chainrule.nn.losses import Loss, Measure, Penalty
from chainrule.tracing import Tree, flatten, leaf_paths, named, taps, unflatten
from chainrule.train.clipping import global_norm
from chainrule.train.optimisers import ByPath
from chainrule.train.paths import chosen
from chainrule.train.plateau import Plateau, Shared
from chainrule.train.schedules import Rate
from chainrule.train.tapping import summaries

Frozen = Sequence[str] | Callable[[str], bool]


@dataclass(frozen=True, eq=False)
class Layout:
    """Which arrays of a network are trained, by path.

    Attributes
    ----------
    tree
        Structure of the network.
    paths
        Path of every array.
    trainable
        Paths of the arrays that gradients change.
    state
        Paths of the arrays that steps hand on, such as running statistics, where not frozen.
    """

    tree: Tree
    paths: tuple[str, ...]
    trainable: frozenset[str]
    state: frozenset[str]

    @classmethod
    def of(cls, network: Module, frozen: Frozen = ()) -> Layout:
        """Divide a network that holds arrays.

        Parameters
        ----------
        frozen
            Paths of arrays, or of layers with all their arrays, that must not change; or a
            function from a path to whether it is frozen.
        """
        leaves, tree = flatten(network)
        paths = leaf_paths(network)
        state = state_paths(network)
        names = frozenset() if callable(frozen) else chosen(frozen, paths, "freeze")
        is_frozen = frozen if callable(frozen) else names.__contains__
        trainable = {
            path
            for path, leaf in zip(paths, leaves, strict=True)
            if leaf.dtype.kind == "f" and path not in state and not is_frozen(path)
        }
        if not trainable:
            raise ParameterError(
                "the network has no array to train: all are frozen, or no layer has any"
            )
        moving = frozenset(path for path in state if not is_frozen(path))
        return cls(tree, tuple(paths), frozenset(trainable), moving)

    def divide(self, network: Module) -> tuple[dict[str, Any], dict[str, Any]]:
        """Give what steps carry on (trainable arrays and state), and what stays fixed."""
        arrays = dict(zip(self.paths, flatten(network)[0], strict=True))
        carried = {
            "trainable": {p: x for p, x in arrays.items() if p in self.trainable},
            "state": {p: x for p, x in arrays.items() if p in self.state},
        }
        moving = self.trainable | self.state
        return carried, {p: x for p, x in arrays.items() if p not in moving}

    def network(self, carried: Mapping[str, Any], fixed: Mapping[str, Any]) -> Any:
        """Put a network together again."""
        arrays = {**carried["trainable"], **carried["state"], **fixed}
        return unflatten(self.tree, [arrays[path] for path in self.paths])


@dataclass(frozen=True)
class Given:
    """A learning rate that comes in with the data, so that every rate shares one program."""

    rate: Any

    def __call__(self, number: Any) -> Any:
        """Give the rate."""
        return self.rate


@dataclass(frozen=True, eq=False)
class Objective:
    """What training makes small: the loss of a batch plus penalties, as a traced function.

    Attributes
    ----------
    layout
        Which arrays are trained.
    loss, penalties
        What is added up.
    recomputed
        Layers that are computed again in the backward pass; see `chainrule.nn.run_with_state`.
    """

    layout: Layout
    loss: Loss
    penalties: tuple[Penalty, ...]
    recomputed: Mapping[str, int] = field(default_factory=dict)

    def value(self, trainable: Any, state: Any, fixed: Any, batch: Any, key: Any) -> Any:
        """Compute the objective, and as a second value what else a step needs."""
        carried = {"trainable": trainable, "state": state}
        network = self.layout.network(carried, fixed)
        with taps() as seen:
            output, changes = run_with_state(
                network, *batch["inputs"], key=key, recomputed=self.recomputed
            )
        total, weight = self.loss.totals(output, batch["targets"], batch.get("weight"))
        for goal in batch.get("more", ()):
            also = self.loss.totals(output, goal["targets"], goal["weight"])
            total, weight = total + also[0], weight + also[1]
        value = named(self.loss.reduce(total, weight), "loss")
        for penalty in self.penalties:
            value = value + named(penalty(trainable), type(penalty).__name__)
        state = {path: changes.get(path, old) for path, old in state.items()}
        return value, (total, weight, state, summaries(seen))

    def penalty(self, trainable: Any) -> Any:
        """Compute the sum of the penalties."""
        parts = [penalty(trainable) for penalty in self.penalties]
        return sum(parts[1:], parts[0]) if parts else 0.0

    def bare(self) -> Objective:
        """Give the same without penalties."""
        return dataclasses.replace(self, penalties=())

    def gradients(self, carry: Any, fixed: Any, batch: Any, key: Any) -> Any:
        """Compute what `value` gives, the gradients by the trainable arrays, and their norm."""
        both = value_and_grad(self.value, has_aux=True)
        (value, aux), gradients = both(carry["trainable"], carry["state"], fixed, batch, key)
        for path, g in gradients.items():
            named(g, f"gradient of {path}")
        norm = named(global_norm(gradients), "gradient norm")
        return value, aux, gradients, norm


def given_rate(optimiser: Any, rate: Any) -> Any:
    """Give an optimiser with a fixed learning rate one that reads it from the data.

    Of a `Plateau` the data hold the share that is left of the rate.
    """
    if isinstance(optimiser, ByPath):
        return dataclasses.replace(optimiser, rest=given_rate(optimiser.rest, rate))
    if isinstance(optimiser.learning_rate, Plateau):
        shared = Shared(optimiser.learning_rate.rate, rate)
        return dataclasses.replace(optimiser, learning_rate=shared)
    fixed = not callable(optimiser.learning_rate)
    if fixed and dataclasses.is_dataclass(optimiser):
        return dataclasses.replace(optimiser, learning_rate=Given(rate))  # type: ignore[type-var]
    return optimiser


def with_rate(optimiser: Any, rate: Rate) -> Any:
    """Give an optimiser with another learning rate; of `ByPath`, that of the rest.

    >>> from chainrule import optim
    >>> with_rate(optim.SGD(0.1), 0.5).learning_rate
    0.5
    """
    if isinstance(optimiser, ByPath):
        return dataclasses.replace(optimiser, rest=with_rate(optimiser.rest, rate))
    return dataclasses.replace(optimiser, learning_rate=rate)


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The measuring of a block of examples, without dropout, as a traced function.

    Attributes
    ----------
    layout
        Where the arrays of the network belong.
    measures
        What is measured, by name.
    """

    layout: Layout
    measures: Mapping[str, Measure]

    def totals(self, carried: Any, fixed: Any, batch: Any) -> Any:
        """Compute the weighted sum and the sum of weights, for each measure."""
        network = self.layout.network(carried, fixed)
        output = network(*batch["inputs"])
        return {
            name: measure.totals(output, batch["targets"][name], batch.get("weight"))
            for name, measure in self.measures.items()
        }
