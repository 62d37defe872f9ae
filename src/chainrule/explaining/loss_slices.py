"""The loss along a line and over a plane of weights, as plain numbers with a picture of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

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
