"""The network's output over the plane of two inputs."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.app.serve.course import Course

SIDE = 48
"""Points along each side."""

MOST_POINTS = 800


def bounds(course: Course) -> tuple[float, float, float, float]:
    """Give the part of the plane that holds all rows, with a margin: left, right, low, high."""
    points = np.asarray(course.examples.inputs[0], np.float64)
    low, high = points.min(axis=0), points.max(axis=0)
    margin = 0.15 * np.maximum(high - low, 1e-3) + 1e-6
    (left, bottom), (right, top) = low - margin, high + margin
    return float(left), float(right), float(bottom), float(top)


def surface(course: Course, carry: Any, side: int = SIDE) -> dict[str, Any]:
    """Compute outputs on a grid, from 0 to 1, as bytes from the upper left to the lower right.

    For classes of several outputs each point has the class, and how sure it is.
    """
    program = course.program
    left, right, low, high = bounds(course)
    xs, ys = np.linspace(left, right, side), np.linspace(high, low, side)
    grid = np.stack(np.meshgrid(xs, ys), axis=-1).reshape(-1, 2).astype(program.dtype)
    outputs = np.asarray(program.outputs(carry, grid), np.float64)
    said = np.asarray(program.setup.make_loss().probabilities(outputs))
    many = said.shape[1] > 1
    classes = said.argmax(axis=1) if many else np.zeros(len(said), int)
    values = said.max(axis=1) if many else said[:, 0]
    finite = np.nan_to_num(values, posinf=1.0, neginf=0.0)
    return {
        "side": side,
        "bounds": [left, right, low, high],
        "values": _bytes(np.clip(finite, 0.0, 1.0) * 255),
        "classes": _bytes(classes) if many else None,
    }


def points(course: Course) -> list[list[float]]:
    """Give rows of the table as points of the plane, each with its label."""
    inputs = np.asarray(course.examples.inputs[0], np.float64)
    labels = np.asarray(course.examples.targets, np.float64)
    if labels.ndim == 2:
        labels = labels.argmax(axis=1) if labels.shape[1] > 1 else labels[:, 0]
    chosen = np.linspace(0, len(inputs) - 1, min(len(inputs), MOST_POINTS)).astype(int)
    return [[*map(float, inputs[i]), float(labels[i])] for i in chosen]


def _bytes(values: NDArray[Any]) -> str:
    return base64.b64encode(values.astype(np.uint8).tobytes()).decode()
