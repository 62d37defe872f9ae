"""What is trained and predicted: networks with data, first weights and batches, equal for all."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating]
Integers = npt.NDArray[np.int32]
Weights = list[tuple[Floats, Floats]]

JUDGED = 20_000
"""Rows, at most, on which a loss is evaluated."""


@dataclass(frozen=True)
class Data:
    """Rows to train on.

    Parameters
    ----------
    X : float array, shape (rows, inputs)
    y : float array of shape (rows, outputs) for the squared loss; int32 labels of shape (rows,)
        for cross-entropy
    """

    X: Floats
    y: npt.NDArray[np.generic]


@dataclass(frozen=True)
class Workload:
    """One network and the way it is trained.

    ``squared`` is the sum over the batch of ½(t − y)² with a sigmoid at the output;
    ``cross-entropy`` is the batch's mean from logits. Training is cut into blocks of epochs, and
    the times of blocks are what is reported. An epoch sees `seen` rows of the table, in an order
    of its own: all of them, unless the table is large. `seen` is a multiple of `batch`.
    """

    name: str
    sizes: tuple[int, ...]
    activation: Literal["sigmoid", "relu", "tanh"]
    loss: Literal["squared", "cross-entropy"]
    optimiser: Literal["sgd", "adam"]
    rate: float
    batch: int
    rows: int
    seen: int
    blocks: int
    epochs_per_block: int
    dtype: Literal["float32", "float64"] = "float32"

    @property
    def full(self) -> bool:
        """Whether a batch is the whole table, so that no rows have to be gathered."""
        return self.batch == self.rows

    @property
    def steps_per_block(self) -> int:
        """Updates of the weights in one block."""
        return self.epochs_per_block * (self.seen // self.batch)

    @property
    def steps(self) -> int:
        """Updates of the weights in the whole run."""
        return self.blocks * self.steps_per_block

    @property
    def shape(self) -> str:
        """The sizes of the layers; equal ones that follow each other are counted."""
        layers: list[tuple[int, int]] = []
        for size in self.sizes:
            if layers and layers[-1][0] == size:
                layers[-1] = (size, layers[-1][1] + 1)
            else:
                layers.append((size, 1))
        parts = [
            f"{count}×{size}" if count > 3 else "-".join([str(size)] * count)
            for size, count in layers
        ]
        return "-".join(parts)

    @property
    def title(self) -> str:
        """One line that says what is trained."""
        batch = "full batch" if self.full else f"batch {self.batch}"
        return (
            f"{self.name}: {self.shape}, {self.activation}, {self.loss}, {self.dtype}, "
            f"{self.optimiser} {self.rate:g}, {batch} of {self.rows:,} rows, {self.steps:,} steps"
        )

    def random(self, purpose: str) -> np.random.Generator:
        """Make a generator that depends on the workload and the purpose only."""
        return np.random.default_rng(zlib.crc32(f"{self.name} {purpose}".encode()))

    def data(self) -> Data:
        """Make the rows: XOR's four, or the classes that a random network gives to noise."""
        if self.loss == "squared":
            corners = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=self.dtype)
            return Data(corners, np.array([[0], [1], [1], [0]], dtype=self.dtype))
        random = self.random("data")
        inputs, outputs = self.sizes[0], self.sizes[-1]
        X = random.standard_normal((self.rows, inputs), np.float32)
        hidden = np.tanh(X @ random.normal(size=(inputs, 16)) * (2 / inputs**0.5))
        scores = hidden @ random.normal(size=(16, outputs))
        scores += random.gumbel(scale=0.25, size=scores.shape)
        return Data(X.astype(self.dtype), scores.argmax(axis=1).astype(np.int32))

    def weights(self) -> Weights:
        """Draw the first weights: standard normal for XOR, He's or LeCun's otherwise; no biases."""
        random = self.random("weights")
        gain = {"relu": 2.0, "tanh": 1.0}.get(self.activation, 0.0)
        return [
            (
                (random.normal(size=(a, b)) * ((gain / a) ** 0.5 or 1.0)).astype(self.dtype),
                np.zeros(b, dtype=self.dtype),
            )
            for a, b in zip(self.sizes, self.sizes[1:], strict=False)
        ]

    def orders(self, block: int) -> Integers:
        """Give the order of the rows in each epoch of a block, shape (epochs, seen)."""
        random = self.random(f"order of block {block}")
        order = np.tile(np.arange(self.rows, dtype=np.int32), (self.epochs_per_block, 1))
        return order if self.full else random.permuted(order, axis=1)[:, : self.seen]

    def judge(self, outputs: Floats, data: Data) -> tuple[float, float]:
        """Compute loss and accuracy of the network's outputs (logits, or the sigmoid's values).

        For the squared loss this is the mean of (t − y)².
        """
        if self.loss == "squared":
            right = (outputs > 0.5) == (np.asarray(data.y) > 0.5)
            off = outputs - np.asarray(data.y, np.float64)
            return float(np.mean(off**2)), float(right.mean())
        labels = data.y[: len(outputs)].astype(np.int64)
        top = outputs.max(axis=1, keepdims=True)
        total = np.log(np.exp(outputs - top).sum(axis=1)) + top[:, 0]
        own = outputs[np.arange(len(outputs)), labels]
        return float(np.mean(total - own)), float((outputs.argmax(axis=1) == labels).mean())

    def evaluate(self, weights: Weights, data: Data) -> tuple[float, float]:
        """Compute loss and accuracy in float64, for every library by this one code."""
        values = data.X[:JUDGED].astype(np.float64)
        for number, (weight, bias) in enumerate(weights, start=1):
            values = values @ weight.astype(np.float64) + bias
            hidden = number < len(weights)
            if hidden and self.activation == "relu":
                values = np.maximum(values, 0)
            elif hidden and self.activation == "tanh":
                values = np.tanh(values)
            elif hidden or self.loss == "squared":
                values = 1 / (1 + np.exp(-values))
        return self.judge(values, data)


@dataclass(frozen=True)
class Prediction:
    """Probabilities of the classes: NumPy arrays in, NumPy arrays out.

    A step predicts `rows` rows, and no more than `chunk` of them in one call of a peer: what
    lies between the layers then stays in the processor's caches, which helps every library.
    """

    name: str
    network: Workload
    rows: int
    steps_per_block: int
    blocks: int
    chunk: int = 4000

    @property
    def title(self) -> str:
        """One line that says what is predicted."""
        rows = "one row" if self.rows == 1 else f"{self.rows:,} rows"
        return (
            f"{self.name}: probabilities of {self.network.shape} for {rows}, "
            f"{self.blocks * self.steps_per_block:,} times"
        )

    def data(self) -> Data:
        """Make the rows of one step."""
        return replace(self.network, rows=self.rows).data()

    def judge(self, probabilities: Floats, data: Data) -> tuple[float, float]:
        """Compute loss and accuracy of what was predicted."""
        return self.network.judge(np.log(probabilities[:JUDGED].astype(np.float64)), data)


Task = Workload | Prediction


def _adam(name: str, sizes: tuple[int, ...], batch: int, blocks: int, epochs: int) -> Workload:
    return Workload(
        name=name,
        sizes=sizes,
        activation="relu",
        loss="cross-entropy",
        optimiser="adam",
        rate=1e-3,
        batch=batch,
        rows=100 * batch,
        seen=100 * batch,
        blocks=blocks,
        epochs_per_block=epochs,
    )


TABLE = _adam("table", (54, 64, 64, 7), batch=256, blocks=9, epochs=4)

WORKLOADS = (
    Workload(
        name="xor",
        sizes=(2, 4, 1),
        activation="sigmoid",
        loss="squared",
        optimiser="sgd",
        rate=0.1,
        batch=4,
        rows=4,
        seen=4,
        blocks=6,
        epochs_per_block=10_000,
    ),
    _adam("small", (30, 100, 2), batch=32, blocks=9, epochs=10),
    TABLE,
    _adam("digits-mlp", (784, 256, 128, 10), batch=128, blocks=7, epochs=1),
    replace(_adam("wide", (1024, 1024, 1024, 10), 256, 8, 1), rows=2560, seen=2560),
    replace(
        _adam("deep", (54, *[64] * 20, 7), batch=128, blocks=7, epochs=1),
        activation="tanh",
        seen=5120,
    ),
    replace(TABLE, name="float64", dtype="float64"),
)
"""What is trained."""

PREDICTIONS = (
    Prediction("predict-one", TABLE, rows=1, steps_per_block=500, blocks=9),
    Prediction("predict-thousand", TABLE, rows=1000, steps_per_block=50, blocks=9),
    Prediction("predict-million", TABLE, rows=1_000_000, steps_per_block=1, blocks=5),
)
"""What is predicted."""


def _scaled(name: str, steps: int = 40, epochs: int = 1, **changes: object) -> Workload:
    scaled = replace(TABLE, name=name, blocks=4, **changes)  # type: ignore[arg-type]
    return replace(scaled, seen=steps * scaled.batch, epochs_per_block=epochs)


SCALING: dict[str, dict[int, Workload]] = {
    "rows": {
        25_600: TABLE,
        256_000: _scaled("rows-256000", rows=256_000),
        1_024_000: _scaled("rows-1024000", rows=1_024_000),
    },
    "width": {
        16: _scaled("width-16", steps=100, epochs=10, sizes=(54, 16, 16, 7)),
        64: TABLE,
        256: _scaled("width-256", sizes=(54, 256, 256, 7)),
        1024: _scaled("width-1024", steps=10, sizes=(54, 1024, 1024, 7)),
    },
    "depth": {
        1: _scaled("depth-1", steps=100, epochs=4, sizes=(54, 64, 7)),
        2: TABLE,
        4: _scaled("depth-4", sizes=(54, *[64] * 4, 7)),
        8: _scaled("depth-8", sizes=(54, *[64] * 8, 7)),
        16: _scaled("depth-16", steps=20, sizes=(54, *[64] * 16, 7)),
    },
    "batch": {
        16: _scaled("batch-16", batch=16, steps=400, epochs=4),
        64: _scaled("batch-64", batch=64, steps=200, epochs=2),
        256: TABLE,
        1024: _scaled("batch-1024", batch=1024, steps=20),
        4096: _scaled("batch-4096", batch=4096, steps=6),
    },
}
"""How time grows: what is varied, and the workload at each of its values."""

SCALED = tuple(x for axis in SCALING.values() for x in axis.values() if x is not TABLE)

_EVERY: tuple[Task, ...] = (*WORKLOADS, *PREDICTIONS, *SCALED)
TASKS = {task.name: task for task in _EVERY}
"""All of them by name."""


def smaller(task: Task) -> Task:
    """Make a task that only shows that everything runs: two short blocks."""
    if isinstance(task, Prediction):
        return replace(task, rows=min(task.rows, 8000), steps_per_block=2, blocks=2)
    if task.full:
        return replace(task, epochs_per_block=20, blocks=2)
    rows = 4 * task.batch
    return replace(task, rows=rows, seen=rows, epochs_per_block=1, blocks=2)
