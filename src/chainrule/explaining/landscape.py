"""The loss as a landscape: along the gradient, along one weight, and over a plane of weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from chainrule.backprop.derive import sweep
from chainrule.errors import ParameterError
from chainrule.execute.numpy import Interpreter
from chainrule.explaining.loss_slices import LossCurve, LossSurface
from chainrule.explaining.objective import Objective, as_batch, lay_out
from chainrule.ir import Graph
from chainrule.nn import Module
from chainrule.nn.losses import Loss

Direction = Mapping[str, Any]


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
    return Terrain(lay_out(network, as_batch(inputs), targets, loss)).along_gradient(rates)


def loss_over_weight(
    network: Module,
    inputs: Any,
    targets: Any,
    loss: Loss,
    *,
    path: str,
    index: tuple[int, ...],
    values: Sequence[float] | None = None,
    rate: float | None = None,
    steps: int = 12,
) -> LossCurve:
    """Compute the loss for many values of one weight, while all others stay.

    Parameters
    ----------
    network, inputs, targets, loss
        As for `explain`.
    path, index
        The array and the entry in it.
    values
        What to put there; by default 41 numbers around what is there.
    rate, steps
        A learning rate, and how many steps of gradient descent by this weight alone are walked
        from where it is; None for no walk.

    >>> from chainrule import losses, nn
    >>> layer = nn.Dense(1, use_bias=False).with_arrays({"weight": [[3.0]]})
    >>> curve = loss_over_weight(
    ...     layer, [[1.0]], [[2.0]], losses.SquaredError(), path="weight", index=(0, 0),
    ...     values=[2, 3, 4],
    ... )
    >>> curve.losses.tolist(), curve.slope
    ([0.0, 1.0, 4.0], 2.0)
    """
    terrain = Terrain(lay_out(network, as_batch(inputs), targets, loss))
    return terrain.over_weight(path, index, values=values, rate=rate, steps=steps)


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
    terrain = Terrain(lay_out(network, as_batch(inputs), targets, loss))
    if directions is None:
        random = np.random.default_rng(seed)
        directions = (terrain.random_direction(random), terrain.random_direction(random))
    return terrain.over_plane(directions, radius, points)


class Terrain:
    """The loss of a network on a batch, wherever its parameters are moved to.

    Parameters
    ----------
    objective
        The loss as a program, with the parameters that moves begin at.
    """

    def __init__(self, objective: Objective) -> None:
        self.objective = objective
        self._loss = Interpreter(objective.graph)

    def at(self, objective: Objective) -> Terrain:
        """Begin at other numbers of the same program; what was prepared is shared."""
        moved = Terrain.__new__(Terrain)
        moved.__dict__ |= {**self.__dict__, "objective": objective}
        return moved

    def has(self, path: str, index: tuple[int, ...]) -> bool:
        """Tell whether there is such an entry of a parameter."""
        shape = self.objective.parameters[path].shape if path in self.objective.paths else None
        return (
            shape is not None
            and len(index) == len(shape)
            and all(0 <= i < n for i, n in zip(index, shape, strict=True))
        )

    def loss(self, *moves: tuple[Direction, float]) -> float:
        """Compute the loss after some moves, each a direction and how far."""
        fresh = dict(self.objective.parameters)
        for direction, distance in moves:
            for path, change in direction.items():
                fresh[path] = fresh[path] + distance * np.asarray(change)
        return float(self._loss.run(self.objective.with_parameters(fresh))[0])

    def slopes(self, parameters: Direction | None = None) -> tuple[float, dict[str, Any]]:
        """Compute the loss and its gradient by path, with other arrays for some parameters."""
        loss, *found = self._slopes.run(self.objective.with_parameters(parameters or {}))
        return float(loss), dict(zip(self.objective.paths, found, strict=True))

    @cached_property
    def _slopes(self) -> Interpreter:
        graph, wrt = self.objective.graph, self.objective.wrt
        gradients = sweep(graph, wrt).gradients
        nodes = [gradients[graph.inputs[i]] for i in wrt]
        return Interpreter(Graph(graph.inputs, (graph.outputs[0], *nodes)))

    def along_gradient(self, rates: Sequence[float] | None = None) -> LossCurve:
        """Compute the loss after a step of gradient descent; see `loss_along_gradient`."""
        value, gradient = self.slopes()
        square = sum(float(np.sum(g * g)) for g in gradient.values())
        if rates is None:
            rates = np.linspace(0, 2 * abs(value) / square if square else 1.0, 33).tolist()
        losses = [self.loss((gradient, -rate)) for rate in rates]
        places, name = np.asarray(rates, float), "learning rate"
        return LossCurve(places, np.asarray(losses), -square, name, (0.0, value))

    def over_weight(
        self,
        path: str,
        index: tuple[int, ...],
        *,
        values: Sequence[float] | None = None,
        rate: float | None = None,
        steps: int = 12,
    ) -> LossCurve:
        """Compute the loss for many values of one weight; see `loss_over_weight`."""
        array = self.objective.parameters.get(path)
        if array is None:
            raise ParameterError(
                f"there is no {path!r}; there are {', '.join(self.objective.paths)}"
            )
        if not self.has(path, index):
            raise ParameterError(
                f"{path} has the shape {array.shape}, so there is no entry {index}"
            )
        if steps < 0:
            raise ParameterError(f"steps must be at least 0, received {steps}")
        here = float(array[index])
        one = np.zeros_like(array)
        one[index] = 1.0
        if values is None:
            far = 2.0 * max(1.0, abs(here))
            values = np.linspace(here - far, here + far, 41).tolist()
        losses = [self.loss(({path: one}, value - here)) for value in values]

        def at(value: float) -> tuple[float, float]:
            moved, gradient = self.slopes({path: array + (value - here) * one})
            return moved, float(gradient[path][index])

        height, slope = at(here)
        walk, place, steepness = [(here, height)], here, slope
        for _ in range(steps if rate is not None else 0):
            place -= (rate or 0.0) * steepness
            reached, steepness = at(place)
            walk.append((place, reached))
        return LossCurve(
            np.asarray(values, float),
            np.asarray(losses),
            slope,
            f"{path}[{', '.join(map(str, index))}]",
            (here, height),
            np.asarray(walk) if rate is not None else (),
        )

    def over_plane(
        self, directions: tuple[Direction, Direction], radius: float = 1.0, points: int = 21
    ) -> LossSurface:
        """Compute the loss over a plane of two directions; see `loss_surface`."""
        if points < 1:
            raise ParameterError(f"points must be at least 1, received {points}")
        known = self.objective.paths
        unknown = {path for direction in directions for path in direction} - set(known)
        if unknown:
            raise ParameterError(f"there is no {min(unknown)!r}; there are {', '.join(known)}")
        places = np.linspace(-radius, radius, points)
        right, up = directions
        losses = [[self.loss((right, x), (up, y)) for x in places] for y in places]
        return LossSurface(places, places.copy(), np.asarray(losses))

    def scaled(self, direction: Direction) -> dict[str, Any]:
        """Give each array of a direction the norm that it has in the network."""
        found = {}
        for path, change in direction.items():
            size = np.linalg.norm(change)
            norm = np.linalg.norm(self.objective.parameters[path])
            found[path] = change * (norm / size if size else 0.0)
        return found

    def random_direction(self, random: np.random.Generator) -> dict[str, Any]:
        """Draw a direction at random, scaled as the network's arrays are."""
        arrays = self.objective.parameters
        return self.scaled({path: random.standard_normal(x.shape) for path, x in arrays.items()})
