"""A layered network computed as textbooks do it by hand, with the usual mistakes as options.

Training never runs this. It exists to recompute what somebody may have done on paper; without a
mistake it gives what chainrule gives, and a test holds that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

Arrays = tuple[Any, ...]
Keep = Callable[[int, str, int, Any], Any]
"""Called with the number of updates so far, a kind, a layer and an array that was computed; what it
returns is carried on. Kinds: "net", "out", "error", "delta", "gradient", "w", "b"."""


def _sigmoid(x: Any) -> Any:
    return 0.5 * (1 + np.tanh(0.5 * x))


def _softmax(x: Any) -> Any:
    powers = np.exp(x - x.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


ACTIVATIONS: Mapping[str, Callable[[Any], Any]] = MappingProxyType(
    {
        "identity": lambda x: x,
        "sigmoid": _sigmoid,
        "tanh": np.tanh,
        "relu": lambda x: np.maximum(x, 0.0),
        "softmax": _softmax,
    }
)
# Slopes from the output y, as textbooks have them; softmax stands only below cross-entropy.
_SLOPES: Mapping[str, Callable[[Any], Any]] = MappingProxyType(
    {
        "identity": np.ones_like,
        "sigmoid": lambda y: y * (1 - y),
        "tanh": lambda y: 1 - y * y,
        "relu": lambda y: (y > 0).astype(float),
        "softmax": np.ones_like,
    }
)
# What the error t - y is multiplied by to give minus the slope of the loss by an output.
LOSSES: Mapping[str, float] = MappingProxyType(
    {"half_squared_error": 1.0, "squared_error": 2.0, "cross_entropy": 1.0}
)


@dataclass(frozen=True, eq=False)
class Task:
    """A network with its data, and how it is trained.

    Attributes
    ----------
    weights
        One array (..., inputs, units) for each layer; axes in front run over random starts.
    biases
        One array (..., units) for each layer.
    biased
        One array of truth values (units,) for each layer: which units have a bias.
    activations
        One name for each layer.
    inputs, targets
        Arrays (rows, inputs) and (rows, outputs).
    loss
        One of `LOSSES`.
    mean
        Whether the loss is averaged over the rows, not summed.
    rate
        Of learning.
    train_biases
        Whether updates change biases.
    """

    weights: Arrays
    biases: Arrays
    biased: Arrays
    activations: tuple[str, ...]
    inputs: Any
    targets: Any
    loss: str
    mean: bool
    rate: float
    train_biases: bool


@dataclass(frozen=True)
class Mistakes:
    """What may go wrong by hand; the default is nothing.

    Attributes
    ----------
    ascent
        The step goes up the gradient.
    sequential
        Hidden deltas use weights that were updated already.
    mean
        The gradient is averaged (True) or summed (False) over rows; None for as it should be.
    factor
        The gradient is multiplied by it.
    train_biases
        Whether biases are updated; None for as it should be.
    swapped_forward, swapped_backward
        Square matrices of weights are read with rows and columns swapped.
    """

    ascent: bool = False
    sequential: bool = False
    mean: bool | None = None
    factor: float = 1.0
    train_biases: bool | None = None
    swapped_forward: bool = False
    swapped_backward: bool = False


@dataclass(frozen=True, eq=False)
class Snapshot:
    """Everything about a network after some updates.

    Attributes
    ----------
    weights, biases
        As they are now.
    nets, outs
        Weighted sums, and outputs of the units, of each layer.
    error
        Target minus output.
    deltas
        Slope of one row's loss by the weighted sums, of each layer.
    gradients, bias_gradients
        Slopes of the loss by weights and biases, of each layer.
    """

    weights: Arrays
    biases: Arrays
    nets: Arrays
    outs: Arrays
    error: Any
    deltas: Arrays
    gradients: Arrays
    bias_gradients: Arrays


def _as_computed(after: int, kind: str, layer: int, value: Any) -> Any:
    return value


def run(
    task: Task, moments: Iterable[int], mistakes: Mistakes | None = None, keep: Keep = _as_computed
) -> dict[int, Snapshot]:
    """Train, and look at the network at certain moments.

    Parameters
    ----------
    moments
        Numbers of updates after which to look.
    mistakes
        What goes wrong; nothing by default.
    keep
        May change what is carried on, by rounding it for example.
    """
    mistakes = mistakes or Mistakes()
    wanted = sorted(set(moments))
    weights, biases = task.weights, task.biases
    seen = {}
    for after in range(wanted[-1] + 1):
        now, weights, biases = _step(task, weights, biases, mistakes, keep, after)
        if after in wanted:
            seen[after] = now
    return seen


def _step(
    task: Task, weights: Arrays, biases: Arrays, mistakes: Mistakes, keep: Keep, after: int
) -> tuple[Snapshot, Arrays, Arrays]:
    layers = range(len(weights))
    nets: list[Any] = []
    outs: list[Any] = []
    x = task.inputs
    for k in layers:
        used = _swapped(weights[k]) if mistakes.swapped_forward else weights[k]
        nets.append(keep(after, "net", k, x @ used + biases[k][..., None, :]))
        x = keep(after, "out", k, ACTIVATIONS[task.activations[k]](nets[k]))
        outs.append(x)
    error = keep(after, "error", layers[-1], task.targets - outs[-1])

    deltas: list[Any] = [None] * len(weights)
    gradients: list[Any] = [None] * len(weights)
    bias_gradients: list[Any] = [None] * len(weights)
    fresh, fresh_biases = list(weights), list(biases)
    scale = mistakes.factor
    if task.mean if mistakes.mean is None else mistakes.mean:
        scale /= len(task.inputs)
    rate = -task.rate if mistakes.ascent else task.rate
    learn = task.train_biases if mistakes.train_biases is None else mistakes.train_biases
    for k in reversed(layers):
        slope = _SLOPES[task.activations[k]](outs[k])
        if k == layers[-1]:
            slope = np.ones_like(slope) if task.loss == "cross_entropy" else slope
            delta = -LOSSES[task.loss] * error * slope
        else:
            above = (fresh if mistakes.sequential else weights)[k + 1]
            above = _swapped(above) if mistakes.swapped_backward else above
            delta = (deltas[k + 1] @ above.swapaxes(-1, -2)) * slope
        deltas[k] = keep(after, "delta", k, delta)
        before = outs[k - 1] if k else task.inputs
        gradient = scale * (before.swapaxes(-1, -2) @ deltas[k])
        gradients[k] = keep(after, "gradient", k, gradient)
        bias_gradients[k] = scale * deltas[k].sum(-2)
        fresh[k] = keep(after + 1, "w", k, weights[k] - rate * gradients[k])
        if learn:
            step = rate * bias_gradients[k] * task.biased[k]
            fresh_biases[k] = keep(after + 1, "b", k, biases[k] - step)
    now = Snapshot(
        weights,
        biases,
        tuple(nets),
        tuple(outs),
        error,
        tuple(deltas),
        tuple(gradients),
        tuple(bias_gradients),
    )
    return now, tuple(fresh), tuple(fresh_biases)


def _swapped(weight: Any) -> Any:
    square = weight.shape[-1] == weight.shape[-2]
    return weight.swapaxes(-1, -2) if square else weight


def loss_of(task: Task, outs: Any, row: int | None = None, unit: int | None = None) -> Any:
    """Compute the loss from the outputs of the network, or one output's part of it."""
    t, y = task.targets, outs
    if task.loss == "cross_entropy":
        with np.errstate(divide="ignore", invalid="ignore"):
            parts = -np.where(t == 0, 0.0, t * np.log(y))
            if task.activations[-1] != "softmax":
                parts = parts - np.where(t == 1, 0.0, (1 - t) * np.log(1 - y))
    else:
        parts = LOSSES[task.loss] / 2 * (t - y) ** 2
    if unit is not None:
        parts = parts[..., unit : unit + 1]
    if row is not None:
        return parts[..., row, :].sum(-1)
    total = parts.sum((-1, -2))
    return total / len(task.inputs) if task.mean else total
