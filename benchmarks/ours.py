"""chainrule: the step as a function, its gradient by our sweep, whole blocks in one native call."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

import chainrule as cr
import chainrule.numpy as cnp
from benchmarks.session import Predict, Session
from benchmarks.workloads import Data, Integers, Prediction, Task, Weights, Workload
from chainrule.execute import Loop, loop
from chainrule.execute.native.function import WORK_PER_THREAD
from chainrule.execute.native.run import LoopKey, NativeLoop
from chainrule.ir import Dim, Node, bind, element_count, itemsize
from chainrule.plan import bind_sizes, lower_bound, plan


def prepare(workload: Workload, data: Data, threads: int, executor: str = "native") -> Session:
    """Set up the network and compile its steps."""
    return Looped(workload, data, threads, executor)


def predictor(workload: Workload, data: Data, threads: int) -> Predict:
    """Compile the network with a softmax; its weights are constants of the program."""
    predict: Predict = _planned(workload, len(data.X)).compile("native")
    return predict


def _planned(workload: Workload, rows: int) -> cr.Planned:
    """Plan the network for one row, or for up to so many."""
    size, limits = (1, None) if rows == 1 else (Dim("batch"), {"batch": rows})
    kind = cr.ArrayType((size, workload.sizes[0]), workload.dtype)
    return cr.trace(_probabilities(workload), kind).plan(limits)


class Looped:
    """A training loop in progress, which owns parameters and the optimiser's state."""

    note = ""

    def __init__(self, workload: Workload, data: Data, threads: int, executor: str) -> None:
        table = (data.X, data.y)
        self.session = step_loop(workload, data, threads, executor).start(
            first_carry(workload), table
        )
        self.session.run(np.empty(0, np.int32), 0)  # no step, but it is compiled
        self.batch = workload.batch
        self.steps = 0

    def train(self, orders: Integers) -> None:
        """Train epochs; batches follow each other, so that epochs can be joined."""
        self.session.run(orders.ravel(), self.steps)
        self.steps += orders.size // self.batch

    def weights(self) -> Weights:
        """Give the weights as they are now."""
        parameters: Weights = self.session.carry()[0]
        return parameters


@dataclass(frozen=True)
class Work:
    """What one step has to do, counted from its plan.

    Parameters
    ----------
    flops : int
        Floating-point operations.
    bytes : int
        What has to be read and written whatever the plan: what is carried on, the rows, results.
    kernels, workers : int
        How many kernels it takes, and how many threads share it.
    memory, memory_bound : int
        Bytes of working memory for each worker, and what values that live at one time need.
    """

    flops: int
    bytes: int
    kernels: int
    workers: int
    memory: int
    memory_bound: int


def work(task: Task, data: Data, threads: int) -> Work:
    """Count the work of a step."""
    if isinstance(task, Prediction):
        whole = running = _planned(task.network, task.rows).plan
        touched = sum(_size(x, task.rows) for x in (*whole.graph.inputs, *whole.graph.outputs))
        workers = max(1, min(threads, whole.cost() // WORK_PER_THREAD))
    else:
        running = native_loop(task, data, threads, timed=False).plan
        graph, limits = running.graph, {"batch": task.batch}
        pairs = [(i, i) for i in range(len(graph.inputs) - 4)]
        whole = plan(bind_sizes(graph, limits), carried=pairs)  # for one worker
        X, y = graph.inputs[-4:-2]
        row = (_size(X) + _size(y)) // task.rows
        workers = running.sharing.workers if running.sharing else 1
        touched = 2 * sum(map(_size, whole.carried)) + task.batch * row
    return Work(
        flops=whole.cost(),
        bytes=touched,
        kernels=len(running.groups),
        workers=workers,
        memory=running.memory(),
        memory_bound=lower_bound(running.placement, len(running.groups)),
    )


def native_loop(workload: Workload, data: Data, threads: int, *, timed: bool) -> NativeLoop:
    """Get the compiled loop that a session uses where all its minibatches are full."""
    traced = step_loop(workload, data, threads)
    graph, carried = traced.graph, len(traced.graph.inputs) - 4  # X, y, rows, number
    key = LoopKey(graph.fingerprint, carried, workload.batch, threads, True, timed, graph)
    return NativeLoop(key)


def step_loop(workload: Workload, data: Data, threads: int, executor: str = "native") -> Loop:
    """Trace a step of the training."""
    return loop(
        partial(_step, workload),
        first_carry(workload),
        (data.X, data.y),
        batch_size=workload.batch,
        executor=executor,
        workers=threads,
    )


def first_carry(workload: Workload) -> tuple[Weights, Weights, Weights]:
    """Make what steps carry on: parameters, and both moments of Adam."""
    parameters = workload.weights()
    return parameters, _zeros(parameters), _zeros(parameters)


def _size(node: Node, rows: int = 0) -> int:
    return int(element_count(bind(node.type.shape, {"batch": rows}))) * itemsize(node.type.dtype)


def _zeros(parameters: Weights) -> Weights:
    return [(np.zeros_like(weight), np.zeros_like(bias)) for weight, bias in parameters]


def _step(workload: Workload, carry: Any, table: Any, rows: Any, number: Any) -> Any:
    parameters, first, second = carry
    X, y = table if workload.full else (cnp.take(x, rows) for x in table)
    loss, gradients = cr.value_and_grad(partial(_loss, workload))(parameters, X, y)
    if workload.optimiser == "sgd":
        parameters = _each(lambda p, g: p - workload.rate * g, parameters, gradients)
        return (parameters, first, second), loss
    steps = cnp.astype(number, workload.dtype) + 1
    rate = workload.rate / (1 - 0.9**steps)
    correction = 1 / cnp.sqrt(1 - 0.999**steps)  # a factor, as in `optim.Adam`
    first = _each(lambda m, g: 0.9 * m + 0.1 * g, first, gradients)
    second = _each(lambda v, g: 0.999 * v + 0.001 * (g * g), second, gradients)
    parameters = _each(
        lambda p, m, v: p - rate * m / (cnp.sqrt(v) * correction + 1e-8), parameters, first, second
    )
    return (parameters, first, second), loss


def _each(function: Any, *trees: Any) -> Any:
    return [
        tuple(function(*leaves) for leaves in zip(*layers, strict=True))
        for layers in zip(*trees, strict=True)
    ]


def _network(workload: Workload, parameters: Any, values: Any) -> Any:
    activation = getattr(cnp, workload.activation)
    for weight, bias in parameters[:-1]:
        values = activation(values @ weight + bias)
    return values @ parameters[-1][0] + parameters[-1][1]


def _loss(workload: Workload, parameters: Any, X: Any, y: Any) -> Any:
    output = _network(workload, parameters, X)
    if workload.loss == "squared":
        return 0.5 * cnp.sum((y - cnp.sigmoid(output)) ** 2)
    own = cnp.sum(cnp.one_hot(y, workload.sizes[-1]) * output, axis=1)
    return cnp.mean(cnp.logsumexp(output, axis=1) - own)


def _probabilities(workload: Workload) -> Any:
    weights = workload.weights()
    return lambda X: cnp.softmax(_network(workload, weights, X), axis=1)
