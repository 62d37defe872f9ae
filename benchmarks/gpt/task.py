"""What is trained: sizes, texts, first weights, and what a library has to offer to be timed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from chainrule import nn

RATE, DECAY, BETAS, EPSILON = 1e-3, 0.01, (0.9, 0.999), 1e-8
"""Of AdamW; only arrays with two axes decay."""


@dataclass(frozen=True)
class Task:
    """A language model and its texts.

    Parameters
    ----------
    depth, width, heads, context, batch, vocabulary : int
        Sizes of the model and of a minibatch.
    steps : int
        Steps in one timing.
    """

    depth: int = 4
    width: int = 128
    heads: int = 4
    context: int = 128
    batch: int = 16
    vocabulary: int = 65
    steps: int = 4

    @property
    def title(self) -> str:
        """One line that says what is trained."""
        return (
            f"gpt: {self.depth} layers, width {self.width}, {self.heads} heads, context "
            f"{self.context}, batch {self.batch}, vocabulary {self.vocabulary}, AdamW, float32"
        )

    def network(self) -> nn.GPT:
        """Draw the first weights."""
        size = (self.vocabulary, self.context, self.width, self.depth, self.heads)
        return nn.GPT(*size).initialise(0, np.zeros((1, self.context), np.int32))

    def texts(self, number: int) -> tuple[Any, Any]:
        """Give the symbols of the steps of one timing and those that follow, int32 (rows, context).

        Each symbol is, three times of four, the one before plus a step that depends on the text.
        """
        random = np.random.default_rng(number)
        rows = self.steps * self.batch
        step = random.integers(1, 4, (rows, 1))
        change = random.integers(0, self.vocabulary, (rows, self.context + 1))
        jumps = np.where(random.random(change.shape) < 0.25, change, step)
        text = (np.cumsum(jumps, axis=1) % self.vocabulary).astype(np.int32)
        return np.ascontiguousarray(text[:, :-1]), np.ascontiguousarray(text[:, 1:])


class Session(Protocol):
    """One model in training."""

    def train(self, texts: Any, following: Any) -> float:
        """Take the steps of one timing; return the mean loss of the last."""
        ...
