"""A sample, a table, a model or a worked example, ready to be watched."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule import nn
from chainrule.app.model import Model, table_network
from chainrule.app.serve.setup import Setup
from chainrule.app.training.preparation import Prepared, prepare
from chainrule.data import Encoder, drop_unlabelled, read_table
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
    biases
        Whether the layers of a network built from settings have biases.
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
        body = (
            setup.make_network(self.outputs) if self.network is None else setup.put_on(self.network)
        )
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
    task, setup = _suited(prepared.target.task, width, len(prepared.train))
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
        _labels(task, prepared.train.target),
        task,
        prepared.target.outputs,
        setup,
        prepared.features,
        _answers(prepared),
        network,
        held_inputs=held.inputs if len(held) else None,
        held_labels=_labels(task, held.target) if len(held) else None,
    )


def from_model(model: Model, table: str | None, title: str) -> Material:
    """Make material of a trained model, with a table or with a row of average inputs.

    Parameters
    ----------
    table
        A table with the target's column: a path, or a sample. None takes the sample that the
        model was trained on if it was one, else one row of zeros, which are average inputs.
    """
    if model.network is None:
        raise ParameterError(
            "this model holds layers of a user's own, which its file cannot describe: open it "
            "from Python"
        )
    encoder = model.encoder
    if not isinstance(encoder, Encoder):
        raise ParameterError(
            f"this is shown for models of tables, and this one takes {encoder.kind}"
        )
    task, setup = _suited(model.target.task, len(encoder.feature_names), 1000)
    from chainrule.data import load_sample, sample_names

    known = model.report.get("source")
    if table is None and known in sample_names():
        table = f"sample:{known}"
    outputs = len(model.target.classes) if task == "class" else 1
    if table is None:
        inputs: tuple[Any, ...] = (np.zeros((1, len(encoder.feature_names)), np.float32),)
        if encoder.embedded:
            inputs = (*inputs, np.zeros((1, len(encoder.embedded)), np.int32))
        labels = np.zeros(1, np.int32 if task == "class" else np.float64)
        about = "no table was given: one row of average inputs"
    else:
        is_sample = table.startswith("sample:")
        frame = load_sample(table.removeprefix("sample:")).frame if is_sample else table
        rows, _ = drop_unlabelled(read_table(frame), model.target.name)
        encoded = encoder.transform(rows)
        inputs = (encoded.numeric, encoded.codes)[: 2 if encoder.embedded else 1]
        labels = model.target.encode(rows[model.target.name])
        about = f"{len(labels):,} rows of {table}; predicts {model.target.name}"
    names = tuple(map(str, model.target.classes)) if task == "class" else (model.target.name,)
    return Material(
        title,
        about,
        inputs,
        _labels(task, labels),
        task,
        outputs,
        setup,
        tuple(encoder.feature_names),
        names,
        model.network,
    )


def _suited(kind: str, inputs: int, rows: int) -> tuple[str, Setup]:
    """Settings to begin with: a small network, so that one sees something."""
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


def _labels(task: str, stored: NDArray[Any]) -> NDArray[Any]:
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
