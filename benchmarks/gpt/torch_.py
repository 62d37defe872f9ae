"""PyTorch in eager mode: fused attention, one product for queries, keys and values, fused AdamW."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional as f

from benchmarks.gpt.task import BETAS, DECAY, EPSILON, RATE, Task


class Block(torch.nn.Module):
    """One block, its normalisation first."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = torch.nn.LayerNorm(width), torch.nn.LayerNorm(width)
        self.qkv = torch.nn.Linear(width, 3 * width)
        self.out = torch.nn.Linear(width, width)
        self.wide, self.back = torch.nn.Linear(width, 4 * width), torch.nn.Linear(4 * width, width)

    def forward(self, x: Any) -> Any:
        """Attend, then work on each place."""
        batch, places, width = x.shape
        parts = (
            self.qkv(self.norm1(x)).view(batch, places, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        )
        y = f.scaled_dot_product_attention(*parts, is_causal=True)
        x = x + self.out(y.transpose(1, 2).reshape(batch, places, width))
        return x + self.back(f.gelu(self.wide(self.norm2(x))))


class Model(torch.nn.Module):
    """The language model, its output layer tied to the embedding."""

    def __init__(self, task: Task) -> None:
        super().__init__()
        self.embedding = torch.nn.Embedding(task.vocabulary, task.width)
        self.positions = torch.nn.Parameter(torch.zeros(task.context, task.width))
        self.blocks = torch.nn.ModuleList(
            [Block(task.width, task.heads) for _ in range(task.depth)]
        )
        self.norm = torch.nn.LayerNorm(task.width)

    def forward(self, text: Any) -> Any:
        """Score the next symbol at every place."""
        x = self.embedding(text) + self.positions
        for block in self.blocks:
            x = block(x)
        return f.linear(self.norm(x), self.embedding.weight)


class Eager:
    """A model and its optimiser."""

    def __init__(self, task: Task, threads: int) -> None:
        torch.set_num_threads(threads)
        self.model, self.batch = Model(task), task.batch
        self._load(task)
        parameters = list(self.model.parameters())
        groups = [
            {"params": [p for p in parameters if p.ndim > 1], "weight_decay": DECAY},
            {"params": [p for p in parameters if p.ndim < 2], "weight_decay": 0.0},
        ]
        self.optimiser = torch.optim.AdamW(groups, lr=RATE, betas=BETAS, eps=EPSILON, fused=True)

    @torch.no_grad()
    def _load(self, task: Task) -> None:
        arrays = {k: torch.from_numpy(x.copy()) for k, x in task.network().arrays().items()}
        model = self.model
        model.embedding.weight.copy_(arrays["embedding.weight"])
        model.positions.copy_(arrays["positions.weight"])
        _norm(model.norm, arrays, "body.norm")
        for i, block in enumerate(model.blocks):
            start = f"body.blocks[{i}]"
            _norm(block.norm1, arrays, f"{start}.norms[0]")
            _norm(block.norm2, arrays, f"{start}.norms[1]")
            names = [f"{start}.attention.{name}" for name in ("query", "key", "value")]
            _linear(block.qkv, arrays, names)
            _linear(block.out, arrays, [f"{start}.attention.output"])
            _linear(block.wide, arrays, [f"{start}.feed_forward.wide"])
            _linear(block.back, arrays, [f"{start}.feed_forward.back"])

    def train(self, texts: Any, following: Any) -> float:
        """Take one step for each minibatch."""
        X, y = torch.from_numpy(texts), torch.from_numpy(following.astype("int64"))
        for text, target in zip(X.split(self.batch), y.split(self.batch), strict=True):
            loss = f.cross_entropy(self.model(text).flatten(0, 1), target.flatten())
            self.optimiser.zero_grad(set_to_none=True)
            loss.backward()
            self.optimiser.step()
        return loss.item()


def _norm(layer: Any, arrays: Any, name: str) -> None:
    layer.weight.copy_(arrays[f"{name}.scale"])
    layer.bias.copy_(arrays[f"{name}.bias"])


def _linear(layer: Any, arrays: Any, names: list[str]) -> None:
    layer.weight.copy_(torch.cat([arrays[f"{name}_weight"].T for name in names]))
    layer.bias.copy_(torch.cat([arrays[f"{name}_bias"] for name in names]))
