"""The loss as a landscape: along the gradient, along one weight, and over a plane of weights.

The results are plain numbers, for whoever draws them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.backprop.derive import sweep
from chainrule.errors import ParameterError
from chainrule.execute.numpy import run
from chainrule.explaining.objective import Objective, as_batch, lay_out
from chainrule.ir import Graph
from chainrule.nn import Module
from chainrule.nn.losses import Loss

Direction = Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class LossCurve:
    """The loss along a line through the weights.

    Attributes
    ----------
    at
        Places on the line (points,): learning rates, or values of one weight.
    losses
        The loss at each (points,).
    slope
        Derivative of the loss by the place where the network stands.
    """

    at: Any
    losses: Any
    slope: float

    @property
    def best(self) -> float:
        """The place with the smallest loss among those tried."""
        return float(self.at[int(np.nanargmin(self.losses))])

    def to_dict(self) -> dict[str, Any]:
        """Give everything as plain data."""
        at, losses = np.asarray(self.at).tolist(), np.asarray(self.losses).tolist()
        return {"kind": "loss curve", "at": at, "losses": losses, "slope": self.slope}


@dataclass(frozen=True, eq=False)
class LossSurface:
    """The loss over a plane through the weights.

    Attributes
    ----------
    x, y
        Distances along the two directions (points,).
    losses
        The loss at each place (points along y, points along x).
    """

    x: Any
    y: Any
    losses: Any

    def to_dict(self) -> dict[str, Any]:
        """Give everything as plain data."""
        lists = {name: np.asarray(getattr(self, name)).tolist() for name in ("x", "y", "losses")}
        return {"kind": "loss surface", **lists}


def loss_along_gradient(
    network: Module,
    inputs: Any,
    targets: Any,
    loss: Loss,
    *,
    rates: Sequence[float] | None = None,
) -> LossCurve:
    """Compute what the loss would be after one step of gradient descent, for many rates.

    Parameters
    ----------
    network, inputs, targets, loss
        As for `explain`.
    rates
        Learning rates; by default 33 from 0 to twice the rate at which a straight slope would
        bring the loss to 0.

    >>> from chainrule import losses, nn
    >>> layer = nn.Dense(1, use_bias=False).with_arrays({"weight": [[3.0]]})
    >>> pairs = [[0.0], [1.0], [2.0]], [[0.0], [2.0], [4.0]]
    >>> curve = loss_along_gradient(layer, *pairs, losses.HalfSquaredError(), rates=[0, 0.3, 0.6])
    >>> [round(x, 4) for x in curve.losses.tolist()]
    [0.8333, 0.2083, 0.0]
    """
    objective = lay_out(network, as_batch(inputs), targets, loss)
    value, gradient = _gradient(objective)
    square = sum(float(np.sum(g * g)) for g in gradient.values())
    if rates is None:
        rates = np.linspace(0, 2 * abs(value) / square if square else 1.0, 33).tolist()
    losses = [_loss(objective, (gradient, -rate)) for rate in rates]
    return LossCurve(np.asarray(rates, float), np.asarray(losses), -square)


def loss_over_weight(
    network: Module,
    inputs: Any,
    targets: Any,
    loss: Loss,
    *,
    path: str,
    index: tuple[int, ...],
    values: Sequence[float],
) -> LossCurve:
    """Compute the loss for many values of one weight, while all others stay.

    Parameters
    ----------
    network, inputs, targets, loss
        As for `explain`.
    path, index
        The array and the entry in it.
    values
        What to put there.

    >>> from chainrule import losses, nn
    >>> layer = nn.Dense(1, use_bias=False).with_arrays({"weight": [[3.0]]})
    >>> curve = loss_over_weight(
    ...     layer, [[1.0]], [[2.0]], losses.SquaredError(), path="weight", index=(0, 0),
    ...     values=[2, 3, 4],
    ... )
    >>> curve.losses.tolist(), curve.slope
    ([0.0, 1.0, 4.0], 2.0)
    """
    objective = lay_out(network, as_batch(inputs), targets, loss)
    _, gradient = _gradient(objective)
    array = objective.parameters.get(path)
    if array is None:
        raise ParameterError(f"there is no {path!r}; there are {', '.join(objective.paths)}")
    if index not in set(np.ndindex(array.shape)):
        raise ParameterError(f"{path} has the shape {array.shape}, so there is no entry {index}")
    one = np.zeros_like(array)
    one[index] = 1.0
    losses = [_loss(objective, ({path: one}, value - array[index])) for value in values]
    return LossCurve(np.asarray(values, float), np.asarray(losses), float(gradient[path][index]))


def loss_surface(
    network: Module,
    inputs: Any,
    targets: Any,
    loss: Loss,
    *,
    directions: tuple[Direction, Direction] | None = None,
    radius: float = 1.0,
    points: int = 21,
    seed: int = 0,
) -> LossSurface:
    """Compute the loss over a plane through the weights of a network.

    Parameters
    ----------
    network, inputs, targets, loss
        As for `explain`.
    directions
        Two trees of arrays by path; arrays left out stay. By default two random directions in
        which each array has the norm that it has in the network (compare Li and others,
        "Visualizing the loss landscape of neural nets", 2018, who scale each filter).
    radius
        How far to go along each direction, both ways.
    points
        Places along each direction; an odd number puts the network itself in the middle.
    seed
        Of random directions.
    """
    if points < 1:
        raise ParameterError(f"points must be at least 1, received {points}")
    objective = lay_out(network, as_batch(inputs), targets, loss)
    if directions is None:
        random = np.random.default_rng(seed)
        directions = (_random_direction(objective, random), _random_direction(objective, random))
    unknown = {path for direction in directions for path in direction} - set(objective.paths)
    if unknown:
        raise ParameterError(
            f"there is no {min(unknown)!r}; there are {', '.join(objective.paths)}"
        )
    places = np.linspace(-radius, radius, points)
    right, up = directions
    losses = [[_loss(objective, (right, x), (up, y)) for x in places] for y in places]
    return LossSurface(places, places.copy(), np.asarray(losses))


def _random_direction(objective: Objective, random: np.random.Generator) -> dict[str, Any]:
    direction = {}
    for path, array in objective.parameters.items():
        drawn = random.standard_normal(array.shape)
        size = np.linalg.norm(drawn)
        direction[path] = drawn * (np.linalg.norm(array) / size if size else 0.0)
    return direction


def _gradient(objective: Objective) -> tuple[float, dict[str, Any]]:
    """The loss, and its gradient by path."""
    gradients = sweep(objective.graph, objective.wrt).gradients
    nodes = [gradients[objective.graph.inputs[i]] for i in objective.wrt]
    program = Graph(objective.graph.inputs, (objective.graph.outputs[0], *nodes))
    value, *found = run(program, objective.values)
    return float(value), dict(zip(objective.paths, found, strict=True))


def _loss(objective: Objective, *moves: tuple[Direction, float]) -> float:
    """The loss at the weights plus some moves, each a direction and how far."""
    fresh = dict(objective.parameters)
    for direction, distance in moves:
        for path, change in direction.items():
            fresh[path] = fresh[path] + distance * np.asarray(change)
    return float(run(objective.graph, objective.with_parameters(fresh))[0])
