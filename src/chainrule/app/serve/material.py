"""What an experiment is made of, and a table or sample as such."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule import nn
from chainrule.app.model import table_network
from chainrule.app.serve.past import Past
from chainrule.app.serve.setup import Setup
from chainrule.app.training.preparation import Prepared, prepare
from chainrule.data import Encoder
from chainrule.errors import ParameterError

SMALL = 20_000
"""Parameters up to which everything is in float64."""

_PIXEL = re.compile(r"(\d+)_(\d+)$")


@dataclass(frozen=True, eq=False)
class Material:
    """What an experiment is made of.

    Attributes
    ----------
    title, about
        For people.
    inputs
        The network's arguments: arrays (rows, ...).
    labels
        Targets: int (rows,) for classes, else floats (rows, outputs).
    task
        "number", "binary" or "class".
    outputs
        Units of the output layer.
    setup
        The settings it begins with.
    features, answers
        Names of the inputs and of the outputs.
    network
        None to build one from the settings; else this one, with its arrays if it has them.
    units
        Names of all units for formulas; empty to number them.
    held_inputs, held_labels
        Examples that are only measured; None without any.
    past
        Of a forecast, where its windows lie in their series.
    """

    title: str
    about: str
    inputs: tuple[NDArray[Any], ...]
    labels: NDArray[Any]
    task: str
    outputs: int
    setup: Setup
    features: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()
    network: nn.Module | None = None
    units: tuple[tuple[str, ...], ...] = ()
    held_inputs: tuple[NDArray[Any], ...] | None = None
    held_labels: NDArray[Any] | None = None
    past: Past | None = None

    @property
    def rows(self) -> int:
        """Number of examples."""
        return len(self.labels)

    @property
    def plane(self) -> bool:
        """Whether there are two numbers to each example, so that outputs can be drawn over them."""
        return len(self.inputs) == 1 and self.inputs[0].shape[1:] == (2,)

    @property
    def places(self) -> list[list[int]] | None:
        """Row and column of each input in a picture, told from names such as pixel_3_4."""
        found = [_PIXEL.search(name) for name in self.features]
        if len(found) < 16 or None in found:
            return None
        return [[int(m[1]), int(m[2])] for m in found if m is not None]

    def targets(self, loss: str, labels: NDArray[Any]) -> NDArray[Any]:
        """Bring labels to the form that a loss expects."""
        if self.task != "class" or loss in ("cross_entropy", "hinge"):
            return labels
        one_hot: NDArray[Any] = np.eye(self.outputs)[labels.astype(int)]
        return one_hot

    def build(self, setup: Setup) -> nn.Module:
        """Make the network of some settings, with arrays of a dtype that suits its size."""
        if self.network is None:
            body = setup.make_network(self.outputs)
        else:  # other activations only where somebody chose them
            kept = (setup.activation, setup.output) == (self.setup.activation, self.setup.output)
            body = self.network if kept else setup.put_on(self.network)
        examples = tuple(x[:1] for x in self.inputs)
        built = body.initialise(setup.seed, *examples, dtype="float32")
        wide = nn.count_parameters(built) <= SMALL
        return body.initialise(setup.seed, *examples, dtype="float64") if wide else built


def from_table(
    source: str, target: str | None = None, title: str | None = None, about: str = ""
) -> Material:
    """Make material of a table: a path, or a sample.

    Parameters
    ----------
    source, target
        As for `chainrule.app.training.preparation.prepare`.
    title, about
        What the page shows.
    """
    prepared = prepare(source, target)
    width = prepared.train.inputs[0].shape[1]
    task, setup = suited(prepared.target.task, width, len(prepared.train))
    network = None
    if isinstance(prepared.encoder, Encoder) and prepared.encoder.embedded:
        network = table_network(
            prepared.encoder,
            nn.MLP(setup.hidden, prepared.target.outputs, setup.activation),
        )
    held = prepared.validation if len(prepared.validation) else prepared.test
    return Material(
        title or prepared.name,
        about or f"{prepared.rows:,} rows; predicts {prepared.target.name}",
        prepared.train.inputs,
        labels_for(task, prepared.train.target),
        task,
        prepared.target.outputs,
        setup,
        prepared.features,
        _answers(prepared),
        network,
        held_inputs=held.inputs if len(held) else None,
        held_labels=labels_for(task, held.target) if len(held) else None,
    )


def suited(kind: str, inputs: int, rows: int) -> tuple[str, Setup]:
    """Give the page's task for a target's, and settings to begin with: a small network."""
    tasks = {"regression": "number", "count": "number", "binary": "binary", "multiclass": "class"}
    if kind not in tasks:
        raise ParameterError(f"the page shows one target at a time, not the task {kind!r}")
    task = tasks[kind]
    loss = {"number": "squared_error", "binary": "binary_cross_entropy", "class": "cross_entropy"}
    hidden = (8, 8) if inputs <= 2 and rows > 100 else (4,) if inputs <= 8 else (32, 16)
    return task, Setup(
        hidden=hidden,
        activation="tanh" if inputs <= 8 else "relu",
        loss=loss[task],
        optimiser="adam",
        rate=0.01,
        batch=0 if rows <= 64 else 32,
    )


def labels_for(task: str, stored: NDArray[Any]) -> NDArray[Any]:
    """Bring encoded targets to the form that material has them in."""
    return stored.astype(np.int32) if task == "class" else stored.astype(np.float64).reshape(-1, 1)


def _answers(prepared: Prepared) -> tuple[str, ...]:
    target = prepared.target
    return tuple(map(str, target.classes)) if target.task == "multiclass" else (target.name,)


def names_of_units(
    sizes: Sequence[int] | None, features: Sequence[str], answers: Sequence[str]
) -> tuple[tuple[str, ...], ...]:
    """Name units for formulas: x1, x2 at first, then h1, h2 where there is one hidden layer.

    >>> names_of_units([2, 2, 1], ["age", "height in cm"], ["y"])
    (('x1', 'x2'), ('h1', 'h2'), ('o1',))
    """
    if sizes is None or max(sizes) > 64:
        return ()
    inner = len(sizes) - 2
    rows: list[tuple[str, ...]] = [tuple(f"x{i + 1}" for i in range(sizes[0]))]
    for layer in range(inner):
        letter = "h" if inner == 1 else "ghkpqrsu"[layer % 8]
        rows.append(tuple(f"{letter}{i + 1}" for i in range(sizes[layer + 1])))
    rows.append(tuple(f"o{i + 1}" for i in range(sizes[-1])))
    return tuple(rows)
