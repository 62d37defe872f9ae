"""JAX, with a whole block of epochs in one compiled call: ``jit`` around ``lax.scan``."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.session import Predict, Session
from benchmarks.workloads import Data, Floats, Integers, Weights, Workload

ACTIVATIONS: dict[str, Callable[[jax.Array], jax.Array]] = {
    "sigmoid": jax.nn.sigmoid,
    "relu": jax.nn.relu,
    "tanh": jnp.tanh,
}


def prepare(workload: Workload, data: Data, threads: int) -> Session:
    """Set up the network and compile its block; XLA takes as many threads as the process may."""
    return Scanned(workload, data)


def predictor(workload: Workload, data: Data, threads: int) -> Predict:
    """Set up the compiled network; its weights are constants of the program."""
    weights = workload.weights()
    compiled = jax.jit(lambda X: jax.nn.softmax(_network(workload, weights, X)))

    def predict(X: Floats) -> Floats:
        return np.asarray(compiled(X))

    return predict


class Scanned:
    """Parameters and the optimiser's state, and the compiled block that moves them on."""

    note = ""

    def __init__(self, workload: Workload, data: Data) -> None:
        self.double = workload.dtype == "float64"
        with jax.enable_x64(self.double):
            parameters = [(jnp.array(w), jnp.array(b)) for w, b in workload.weights()]
            zeros = jax.tree.map(jnp.zeros_like, parameters)
            steps = jnp.zeros((), workload.dtype)
            self.state = (parameters, zeros, jax.tree.map(jnp.copy, zeros), steps)
            self.X, self.y = jnp.array(data.X), jnp.array(data.y)
            block = jax.jit(partial(_block, workload), donate_argnums=0)
            orders = jnp.array(workload.orders(0))
            self.block = block.lower(self.state, self.X, self.y, orders).compile()

    def train(self, orders: Integers) -> None:
        """Train epochs."""
        with jax.enable_x64(self.double):
            state = self.block(self.state, self.X, self.y, jnp.asarray(orders))
            self.state = jax.block_until_ready(state)

    def weights(self) -> Weights:
        """Give the weights as they are now."""
        return [(np.asarray(weight), np.asarray(bias)) for weight, bias in self.state[0]]


def _block(workload: Workload, state: Any, X: jax.Array, y: jax.Array, orders: jax.Array) -> Any:
    gradient = jax.grad(partial(_loss, workload))
    update = _adam if workload.optimiser == "adam" else _descend

    def step(state: Any, rows: jax.Array) -> tuple[Any, None]:
        batch = (X, y) if workload.full else (X[rows], y[rows])
        gradients = gradient(state[0], *batch)
        return update(state, gradients, workload.rate), None

    return jax.lax.scan(step, state, orders.reshape(-1, workload.batch))[0]


def _network(workload: Workload, parameters: Any, values: Any) -> jax.Array:
    for weight, bias in parameters[:-1]:
        values = ACTIVATIONS[workload.activation](values @ weight + bias)
    return values @ parameters[-1][0] + parameters[-1][1]


def _loss(workload: Workload, parameters: Any, X: jax.Array, y: jax.Array) -> jax.Array:
    output = _network(workload, parameters, X)
    if workload.loss == "squared":
        return 0.5 * jnp.sum((y - jax.nn.sigmoid(output)) ** 2)
    own = jnp.take_along_axis(output, y[:, None], axis=1)[:, 0]
    return jnp.mean(jax.nn.logsumexp(output, axis=1) - own)


def _descend(state: Any, gradients: Any, rate: float) -> Any:
    return (jax.tree.map(lambda p, g: p - rate * g, state[0], gradients), *state[1:])


def _adam(state: Any, gradients: Any, rate: float) -> Any:
    parameters, first, second, steps = state
    steps = steps + 1
    first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, first, gradients)
    second = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, second, gradients)
    rate = rate / (1 - 0.9**steps)
    correction = jnp.sqrt(1 - 0.999**steps)
    parameters = jax.tree.map(
        lambda p, m, v: p - rate * m / (jnp.sqrt(v) / correction + 1e-8), parameters, first, second
    )
    return parameters, first, second, steps
