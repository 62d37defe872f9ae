"""The loss around a step: along the gradient, over one weight, and over a plane of weights."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from chainrule.app.serve.frame import Moment
from chainrule.app.serve.plain import plain
from chainrule.errors import ParameterError
from chainrule.explaining.landscape import Terrain

SLICES = ("gradient", "weight", "plane")
"""What can be shown."""

FINE, COARSE = 21, 11
"""Places along each direction of a plane: of small networks, and of larger ones."""

_SMALL = 5_000  # parameters
_POINTS = 33
_SEED = 0


def loss_slice(moment: Moment, kind: object, path: object, index: tuple[int, ...]) -> Any:
    """Compute the loss of the step's batch around where the step begins, as plain JSON values.

    Parameters
    ----------
    kind
        One of `SLICES`. Over a weight, a walk of gradient descent by this weight alone is
        shown too; a plane goes down the gradient, and across it in a direction drawn at random.
    path, index
        The weight.

    Raises
    ------
    ParameterError
        If there is no such slice or weight.
    """
    if kind not in SLICES:
        raise ParameterError(f"a slice is one of {', '.join(SLICES)}; received {kind!r:.80}")
    setup = moment.course.program.setup
    explainer = moment.course.program.explainers[len(moment.rows)]
    terrain = explainer.terrain.at(moment.step.objective)
    if kind == "weight":
        if not isinstance(path, str):
            raise ParameterError("a slice over a weight needs its path")
        places = _around_start(moment, terrain, path, index)
        curve = terrain.over_weight(path, index, values=places, rate=setup.rate)
        told = curve.to_dict()
    elif kind == "gradient":
        curve = terrain.along_gradient(_rates(moment))
        told = {**curve.to_dict(), "rate": setup.rate if setup.optimiser == "sgd" else None}
    else:
        told = _plane(moment, terrain)
    return plain({**told, "kind": kind})


def _rates(moment: Moment) -> list[float] | None:
    """Rates to twice that at which a straight slope would reach 0, and to the one that is set."""
    squares = [np.square(_gradient(moment, path)).sum() for path in moment.step.objective.paths]
    square = float(np.sum(squares))
    if not square or not math.isfinite(moment.step.loss / square):
        return None
    usual, rate = 2 * abs(moment.step.loss) / square, 1.3 * moment.course.program.setup.rate
    far = max(usual, rate) if rate < 50 * usual else usual
    return np.linspace(0.0, far, _POINTS).tolist() if far else None


def _around_start(
    moment: Moment, terrain: Terrain, path: str, index: tuple[int, ...]
) -> list[float] | None:
    """Values of a weight around its first one, so that the picture stands still while it moves."""
    if not terrain.has(path, index):
        return None  # the error is the terrain's
    here = float(terrain.objective.parameters[path][index])
    first = moment.course.program.first_carry()["trainable"].get(path)
    start = here if first is None else float(first[index])
    far = max(1.0, 0.67 * abs(start), 1.2 * abs(here - start))
    places: list[float] = np.linspace(start - far, start + far, 2 * _POINTS - 1).tolist()
    return places


def _plane(moment: Moment, terrain: Terrain) -> dict[str, Any]:
    paths = terrain.objective.paths
    down = terrain.scaled({path: -_gradient(moment, path) for path in paths})
    across = terrain.random_direction(np.random.default_rng(_SEED))
    small = sum(x.size for x in terrain.objective.parameters.values()) <= _SMALL
    points = FINE if small and moment.sizes is not None else COARSE
    surface = terrain.over_plane((down, across), points=points).to_dict()
    return {**surface, "here": moment.step.loss}


def _gradient(moment: Moment, path: str) -> Any:
    return np.asarray(moment.step.results[f"gradient of {path}"])
