"""chainrule: the step as a function, its gradient by our sweep, whole blocks in one native call."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

import chainrule.numpy as cnp
from benchmarks.session import Missing, Session
from benchmarks.workloads import Data, Integers, Weights, Workload
from chainrule.backprop import value_and_grad
from chainrule.errors import ParameterError
from chainrule.execute import loop


def prepare(workload: Workload, data: Data, threads: int, executor: str = "native") -> Session:
    """Set up the network and compile its steps."""
    return Looped(workload, data, executor)


class Looped:
    """A training loop in progress, which owns parameters and the optimiser's state."""

    note = ""

    def __init__(self, workload: Workload, data: Data, executor: str) -> None:
        parameters = workload.weights()
        carry = (parameters, _zeros(parameters), _zeros(parameters))
        table = (data.X, data.y)
        plan = loop(
            partial(_step, workload), carry, table, batch_size=workload.batch, executor=executor
        )
        try:
            self.session = plan.start(carry, table)
        except ParameterError as error:
            raise Missing(str(error)) from error
        self.batch = workload.batch
        self.steps = 0

    def train(self, orders: Integers) -> None:
        """Train whole epochs; batches follow each other, so that epochs can be joined."""
        self.session.run(orders.ravel(), self.steps)
        self.steps += orders.size // self.batch

    def weights(self) -> Weights:
        """Give the weights as they are now."""
        parameters: Weights = self.session.carry()[0]
        return parameters


def _zeros(parameters: Weights) -> Weights:
    return [(np.zeros_like(weight), np.zeros_like(bias)) for weight, bias in parameters]


def _step(workload: Workload, carry: Any, table: Any, rows: Any, number: Any) -> Any:
    parameters, first, second = carry
    # Full batches need no gathering.
    X, y = table if workload.batch == workload.rows else (cnp.take(x, rows) for x in table)
    loss, gradients = value_and_grad(partial(_loss, workload))(parameters, X, y)
    if workload.optimiser == "sgd":
        parameters = _each(lambda p, g: p - workload.rate * g, parameters, gradients)
        return (parameters, first, second), loss
    steps = cnp.astype(number, "float32") + 1
    rate = workload.rate / (1 - 0.9**steps)
    correction = cnp.sqrt(1 - 0.999**steps)
    first = _each(lambda m, g: 0.9 * m + 0.1 * g, first, gradients)
    second = _each(lambda v, g: 0.999 * v + 0.001 * (g * g), second, gradients)
    parameters = _each(
        lambda p, m, v: p - rate * m / (cnp.sqrt(v) / correction + 1e-8), parameters, first, second
    )
    return (parameters, first, second), loss


def _each(function: Any, *trees: Any) -> Any:
    return [
        tuple(function(*leaves) for leaves in zip(*layers, strict=True))
        for layers in zip(*trees, strict=True)
    ]


def _loss(workload: Workload, parameters: Any, X: Any, y: Any) -> Any:
    activation = cnp.sigmoid if workload.activation == "sigmoid" else cnp.relu
    values = X
    for weight, bias in parameters[:-1]:
        values = activation(values @ weight + bias)
    output = values @ parameters[-1][0] + parameters[-1][1]
    if workload.loss == "squared":
        return 0.5 * cnp.sum((y - activation(output)) ** 2)
    own = cnp.sum(cnp.one_hot(y, workload.sizes[-1]) * output, axis=1)
    return cnp.mean(cnp.logsumexp(output, axis=1) - own)
