"""What is trained: four networks with their data, first weights and batches, the same for all."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int32]
Weights = list[tuple[Floats, Floats]]


@dataclass(frozen=True)
class Data:
    """Rows to train on.

    Parameters
    ----------
    X : float32 array, shape (rows, inputs)
    y : float32 array of shape (rows, outputs) for the squared loss; int32 labels of shape (rows,)
        for cross-entropy
    """

    X: Floats
    y: npt.NDArray[np.generic]


@dataclass(frozen=True)
class Workload:
    """One network and the way it is trained.

    ``squared`` is the sum over the batch of ½(t − y)² with a sigmoid at the output;
    ``cross-entropy`` is the batch's mean from logits. Training is cut into blocks of whole epochs,
    and the times of blocks are what is reported. `rows` is a multiple of `batch`.
    """

    name: str
    sizes: tuple[int, ...]
    activation: Literal["sigmoid", "relu"]
    loss: Literal["squared", "cross-entropy"]
    optimiser: Literal["sgd", "adam"]
    rate: float
    batch: int
    rows: int
    blocks: int
    epochs_per_block: int

    @property
    def steps_per_block(self) -> int:
        """Updates of the weights in one block."""
        return self.epochs_per_block * (self.rows // self.batch)

    @property
    def steps(self) -> int:
        """Updates of the weights in the whole run."""
        return self.blocks * self.steps_per_block

    @property
    def flops_per_step(self) -> int:
        """Operations in the matrix products of one step; the input needs no gradient."""
        products = [a * b for a, b in zip(self.sizes, self.sizes[1:], strict=False)]
        return 2 * self.batch * (3 * sum(products) - products[0])

    @property
    def title(self) -> str:
        """One line that says what is trained."""
        shape = "-".join(map(str, self.sizes))
        batch = "full batch" if self.batch == self.rows else f"batch {self.batch}"
        return (
            f"{self.name}: {shape}, {self.activation}, {self.loss}, "
            f"{self.optimiser} {self.rate:g}, {batch} of {self.rows:,} rows, {self.steps:,} steps"
        )

    def random(self, purpose: str) -> np.random.Generator:
        """Make a generator that depends on the workload and the purpose only."""
        return np.random.default_rng(zlib.crc32(f"{self.name} {purpose}".encode()))

    def data(self) -> Data:
        """Make the rows: XOR's four, or the classes that a random network gives to noise."""
        if self.loss == "squared":
            corners = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=np.float32)
            return Data(corners, np.array([[0], [1], [1], [0]], dtype=np.float32))
        random = self.random("data")
        inputs, outputs = self.sizes[0], self.sizes[-1]
        X = random.normal(size=(self.rows, inputs))
        hidden = np.tanh(X @ random.normal(size=(inputs, 16)) * (2 / inputs**0.5))
        scores = hidden @ random.normal(size=(16, outputs))
        scores += random.gumbel(scale=0.25, size=scores.shape)
        return Data(X.astype(np.float32), scores.argmax(axis=1).astype(np.int32))

    def weights(self) -> Weights:
        """Draw the first weights: standard normal for XOR, He's otherwise; zero biases."""
        random = self.random("weights")
        return [
            (
                (
                    random.normal(size=(a, b)) * (1 if self.loss == "squared" else (2 / a) ** 0.5)
                ).astype(np.float32),
                np.zeros(b, dtype=np.float32),
            )
            for a, b in zip(self.sizes, self.sizes[1:], strict=False)
        ]

    def orders(self, block: int) -> Integers:
        """Give the order of the rows in each epoch of a block, shape (epochs, rows)."""
        random = self.random(f"order of block {block}")
        order = np.tile(np.arange(self.rows, dtype=np.int32), (self.epochs_per_block, 1))
        return order if self.batch == self.rows else random.permuted(order, axis=1)

    def evaluate(self, weights: Weights, data: Data) -> tuple[float, float]:
        """Compute loss and accuracy over all rows in float64, for every library by this one code.

        For the squared loss this is the mean of (t − y)².
        """
        values = data.X.astype(np.float64)
        for number, (weight, bias) in enumerate(weights, start=1):
            values = values @ weight.astype(np.float64) + bias
            if number < len(weights) and self.activation == "relu":
                values = np.maximum(values, 0)
            elif number < len(weights) or self.loss == "squared":
                values = 1 / (1 + np.exp(-values))
        if self.loss == "squared":
            right = (values > 0.5) == (np.asarray(data.y) > 0.5)
            return float(np.mean((data.y - values) ** 2)), float(right.mean())
        top = values.max(axis=1, keepdims=True)
        total = np.log(np.exp(values - top).sum(axis=1)) + top[:, 0]
        own = values[np.arange(len(values)), data.y.astype(np.int64)]
        return float(np.mean(total - own)), float((values.argmax(axis=1) == data.y).mean())


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
        blocks=blocks,
        epochs_per_block=epochs,
    )


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
        blocks=10,
        epochs_per_block=1000,
    ),
    _adam("small", (30, 100, 2), batch=32, blocks=7, epochs=4),
    _adam("table", (54, 64, 64, 7), batch=256, blocks=7, epochs=2),
    _adam("digits-mlp", (784, 256, 128, 10), batch=128, blocks=7, epochs=1),
)
