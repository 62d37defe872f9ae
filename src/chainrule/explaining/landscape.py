"""The loss as a landscape: along the gradient, along one weight, and over a plane of weights.

The results are plain numbers with a picture of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.backprop.derive import sweep
from chainrule.errors import ParameterError
from chainrule.execute.numpy import run
from chainrule.explaining.drawing import (
    BLUE,
    GREEN,
    ORANGE,
    RIGHT,
    WIDE,
    Frame,
    drawing,
    number,
    rectangle,
    span,
    text,
    tone,
)
from chainrule.explaining.objective import Objective, as_batch, lay_out
from chainrule.ir import Graph
from chainrule.nn import Module
from chainrule.nn.losses import Loss

Direction = Mapping[str, Any]


@dataclass(frozen=True, eq=False, repr=False)
class LossCurve:
    """The loss along a line through the weights; print it, or show it in a notebook.

    Attributes
    ----------
    at
        Places on the line (points,): learning rates, or values of one weight.
    losses
        The loss at each (points,).
    slope
        Derivative of the loss by the place where the network stands.
    name
        What the places are: "learning rate", or the weight's path.
    here
        Where the network stands, and its loss.
    walk
        Places and losses (steps + 1, 2) of gradient descent along the line; empty for none.
    """

    at: Any
    losses: Any
    slope: float
    name: str
    here: tuple[float, float]
    walk: Any = ()

    @property
    def best(self) -> float:
        """The place with the smallest loss among those tried."""
        return float(self.at[int(np.nanargmin(self.losses))])

    def text(self) -> str:
        """Print a table of places and losses, and of the walk if there is one."""
        head = max(len(self.name), 10)
        rows = [f"{self.name:>{head}}        loss"]
        rows += [f"{x:>{head}.5g}  {y:>10.5g}" for x, y in zip(self.at, self.losses, strict=True)]
        rows.append(f"slope {self.slope:.5g} at {self.here[0]:.5g}; smallest at {self.best:.5g}")
        if len(self.walk):
            rows.append("walk  " + " → ".join(f"{x:.5g}" for x, _ in self.walk))
        return "\n".join(rows)

    def svg(self) -> str:
        """Draw the curve, the slope where the network stands, and the walk down."""
        return draw_curve(self)

    def to_dict(self) -> dict[str, Any]:
        """Give everything as plain data."""
        at, losses = np.asarray(self.at).tolist(), np.asarray(self.losses).tolist()
        return {
            "kind": "loss curve",
            "name": self.name,
            "at": at,
            "losses": losses,
            "slope": self.slope,
            "here": list(self.here),
            "walk": np.asarray(self.walk).tolist(),
        }

    def _repr_html_(self) -> str:
        return self.svg()

    def __repr__(self) -> str:
        return self.text()


@dataclass(frozen=True, eq=False, repr=False)
class LossSurface:
    """The loss over a plane through the weights; show it in a notebook.

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

    def text(self) -> str:
        """Print the losses, the largest y on top, as the picture has it."""
        rows = ["         " + "".join(f"{x:>10.3g}" for x in self.x)]
        for y, row in zip(self.y[::-1], self.losses[::-1], strict=True):
            rows.append(f"{y:>8.3g} " + "".join(f"{value:>10.4g}" for value in row))
        return "\n".join(rows)

    def svg(self) -> str:
        """Draw the surface as a heat map: dark where the loss is small."""
        return draw_surface(self)

    def to_dict(self) -> dict[str, Any]:
        """Give everything as plain data."""
        lists = {name: np.asarray(getattr(self, name)).tolist() for name in ("x", "y", "losses")}
        return {"kind": "loss surface", **lists}

    def _repr_html_(self) -> str:
        return self.svg()

    def __repr__(self) -> str:
        return self.text()


def draw_curve(curve: LossCurve) -> str:
    """Draw a loss curve as SVG."""
    points = [(float(x), float(y)) for x, y in zip(curve.at, curve.losses, strict=True)]
    points = [(x, y) for x, y in points if np.isfinite(y)]
    low, high = span(curve.losses)
    left, right = span(curve.at)
    frame = Frame((left, right), (min(low, 0.0), high), (curve.name, "loss"))
    x, y = curve.here
    reach = (right - left) * 0.14
    ends = [max(left, x - reach), min(right, x + reach)]
    tangent = [(a, y + curve.slope * (a - x)) for a in ends]
    parts = [*frame.parts, frame.path(points, BLUE), frame.path(tangent, GREEN, 1.5, "5 4")]
    walk = [(float(a), float(b)) for a, b in curve.walk if left <= a <= right and b <= high]
    if walk:
        parts.append(frame.path(walk, ORANGE, 1.2))
        parts += [frame.dot(a, b, ORANGE, 3.5) for a, b in walk]
    parts.append(frame.dot(x, y, GREEN))
    return drawing(f"The loss over {curve.name}, smallest near {curve.best:.4g}", parts)


def draw_surface(surface: LossSurface) -> str:
    """Draw a loss surface as SVG."""
    losses = np.asarray(surface.losses, float)
    low, high = span(losses)
    rows, columns = losses.shape
    x, y = span(surface.x), span(surface.y)
    frame = Frame(x, y, ("first direction", "second direction"))
    wide, tall = (frame.x(x[1]) - frame.x(x[0])) / columns, (frame.y(y[0]) - frame.y(y[1])) / rows
    shares = (losses - low) / (high - low) if high > low else np.zeros_like(losses)
    cells = [
        rectangle(frame.x(x[0]) + j * wide, frame.y(y[0]) - (i + 1) * tall, wide + 0.4, tall + 0.4,
                  tone(float(shares[i, j]) ** 0.5))
        for i in range(rows) for j in range(columns)
    ]  # fmt: skip
    middle = frame.dot(sum(x) / 2, sum(y) / 2, "#ffffff", 4)
    said = f"dark {number(low)}, bright {number(high)}"
    key = text(WIDE - RIGHT, 18, said, "end", 11)
    title = f"The loss over two directions, from {low:.4g} to {high:.4g}"
    return drawing(title, [*frame.parts, *cells, middle, key])


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
    value, gradient = _Slopes(objective)(objective.values)
    square = sum(float(np.sum(g * g)) for g in gradient.values())
    if rates is None:
        rates = np.linspace(0, 2 * abs(value) / square if square else 1.0, 33).tolist()
    losses = [_loss(objective, (gradient, -rate)) for rate in rates]
    places, name = np.asarray(rates, float), "learning rate"
    return LossCurve(places, np.asarray(losses), -square, name, (0.0, value))


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
    objective = lay_out(network, as_batch(inputs), targets, loss)
    array = objective.parameters.get(path)
    if array is None:
        raise ParameterError(f"there is no {path!r}; there are {', '.join(objective.paths)}")
    if index not in set(np.ndindex(array.shape)):
        raise ParameterError(f"{path} has the shape {array.shape}, so there is no entry {index}")
    if steps < 0:
        raise ParameterError(f"steps must be at least 0, received {steps}")
    here = float(array[index])
    one = np.zeros_like(array)
    one[index] = 1.0
    if values is None:
        far = 2.0 * max(1.0, abs(here))
        values = np.linspace(here - far, here + far, 41).tolist()
    losses = [_loss(objective, ({path: one}, value - here)) for value in values]
    slopes = _Slopes(objective)

    def at(value: float) -> tuple[float, float]:
        moved, gradient = slopes(objective.with_parameters({path: array + (value - here) * one}))
        return moved, float(gradient[path][index])

    height, slope = at(here)
    walk, place, steepness = [(here, height)], here, slope
    for _ in range(steps if rate is not None else 0):
        place -= (rate or 0.0) * steepness
        reached, steepness = at(place)
        walk.append((place, reached))
    name = f"{path}[{', '.join(map(str, index))}]"
    return LossCurve(
        np.asarray(values, float),
        np.asarray(losses),
        slope,
        name,
        (here, height),
        np.asarray(walk) if rate is not None else (),
    )


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


class _Slopes:
    """The loss and its gradient, at any parameters."""

    def __init__(self, objective: Objective) -> None:
        gradients = sweep(objective.graph, objective.wrt).gradients
        nodes = [gradients[objective.graph.inputs[i]] for i in objective.wrt]
        self._program = Graph(objective.graph.inputs, (objective.graph.outputs[0], *nodes))
        self._paths = objective.paths

    def __call__(self, values: Sequence[Any]) -> tuple[float, dict[str, Any]]:
        """Give the loss, and its gradient by path, for values of the graph's inputs."""
        loss, *found = run(self._program, values)
        return float(loss), dict(zip(self._paths, found, strict=True))


def _loss(objective: Objective, *moves: tuple[Direction, float]) -> float:
    """The loss at the weights plus some moves, each a direction and how far."""
    fresh = dict(objective.parameters)
    for direction, distance in moves:
        for path, change in direction.items():
            fresh[path] = fresh[path] + distance * np.asarray(change)
    return float(run(objective.graph, objective.with_parameters(fresh))[0])
