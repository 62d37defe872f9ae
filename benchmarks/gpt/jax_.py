"""JAX: all steps of a timing compiled as one program, a `scan` over minibatches."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.gpt.task import BETAS, DECAY, EPSILON, RATE, Task


class Jitted:
    """A compiled training loop."""

    def __init__(self, task: Task, threads: int) -> None:
        p = {path: jnp.asarray(x) for path, x in task.network().arrays().items()}
        first, second = (jax.tree.map(jnp.zeros_like, p) for _ in range(2))
        self.carry = (p, first, second, jnp.float32(0))
        self.shape = (task.steps, task.batch, task.context)

        def steps(carry: Any, texts: Any, following: Any) -> Any:
            return jax.lax.scan(_step(task), carry, (texts, following))

        self.steps = jax.jit(steps, donate_argnums=0)
        kinds = [jax.ShapeDtypeStruct(self.shape, np.int32)] * 2
        self.steps = self.steps.lower(self.carry, *kinds).compile()

    def train(self, texts: Any, following: Any) -> float:
        """Run the program."""
        X, y = texts.reshape(self.shape), following.reshape(self.shape)
        self.carry, losses = self.steps(self.carry, X, y)
        jax.block_until_ready(self.carry)
        return float(losses[-1])


def _step(task: Task) -> Any:
    def loss(p: Any, text: Any, following: Any) -> Any:
        logs = jax.nn.log_softmax(_model(task, p, text))
        return -jnp.mean(jnp.take_along_axis(logs, following[..., None], -1))

    def step(carry: Any, batch: Any) -> Any:
        p, m, v, number = carry
        value, g = jax.value_and_grad(loss)(p, *batch)
        number = number + 1
        m = jax.tree.map(lambda m, g: BETAS[0] * m + (1 - BETAS[0]) * g, m, g)
        v = jax.tree.map(lambda v, g: BETAS[1] * v + (1 - BETAS[1]) * g * g, v, g)

        def moved(p: Any, m: Any, v: Any) -> Any:
            p = p * (1 - RATE * (DECAY if p.ndim > 1 else 0.0))
            top = m / (1 - BETAS[0] ** number)
            return p - RATE * top / (jnp.sqrt(v / (1 - BETAS[1] ** number)) + EPSILON)

        return (jax.tree.map(moved, p, m, v), m, v, number), value

    return step


def _model(task: Task, p: Any, text: Any) -> Any:
    x = p["embedding.weight"][text] + p["positions.weight"]
    for i in range(task.depth):
        start = f"body.blocks[{i}]"
        y = _norm(p, f"{start}.norms[0]", x)
        heads = (*text.shape, task.heads, -1)
        parts = [
            _linear(p, f"{start}.attention.{name}", y).reshape(heads)
            for name in ("query", "key", "value")
        ]
        y = jax.nn.dot_product_attention(*parts, is_causal=True).reshape(x.shape)
        x = x + _linear(p, f"{start}.attention.output", y)
        y = _linear(p, f"{start}.feed_forward.wide", _norm(p, f"{start}.norms[1]", x))
        x = x + _linear(p, f"{start}.feed_forward.back", jax.nn.gelu(y, approximate=False))
    return _norm(p, "body.norm", x) @ p["embedding.weight"].T


def _linear(p: Any, name: str, x: Any) -> Any:
    return x @ p[f"{name}_weight"] + p[f"{name}_bias"]


def _norm(p: Any, name: str, x: Any) -> Any:
    x = x - x.mean(-1, keepdims=True)
    x = x * jax.lax.rsqrt((x * x).mean(-1, keepdims=True) + 1e-5)
    return x * p[f"{name}.scale"] + p[f"{name}.bias"]
