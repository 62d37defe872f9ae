"""What a claim speaks of: net[h1], w[x1->h1], loss and so on."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from chainrule.errors import DataError
from chainrule.explaining.claims.textbook import Snapshot, Task, loss_of

KINDS = MappingProxyType(
    {
        "net": "weighted sum of a unit, with its bias",
        "out": "output of a unit",
        "error": "target minus output of an output unit",
        "absolute_error": "its size",
        "squared_error": "its square",
        "delta": "slope of the loss by the weighted sum of a unit",
        "gradient": "slope of the loss by a weight, or by the bias of a unit",
        "w": "weight of an edge",
        "b": "bias of a unit",
        "loss": "the loss, or one output's part of it",
        "mean_squared_error": "mean of the squared errors over rows and outputs",
    }
)
_OF_OUTPUTS = ("error", "absolute_error", "squared_error")
_OF_EVERYTHING = ("loss", "mean_squared_error")


@dataclass(frozen=True)
class Shape:
    """Names of a network's units.

    Attributes
    ----------
    inputs
        Names of the inputs.
    layers
        Names of the units of each layer.
    """

    inputs: tuple[str, ...]
    layers: tuple[tuple[str, ...], ...]

    def unit(self, name: str) -> tuple[int, int]:
        """Give the layer and the place of a unit."""
        for k, layer in enumerate(self.layers):
            if name in layer:
                return k, layer.index(name)
        known = ", ".join(unit for layer in self.layers for unit in layer)
        raise DataError(f"there is no unit {name!r}; the units are {known}")

    def edge(self, name: str) -> tuple[int, int, int]:
        """Give the layer of an edge "x1->h1", and the places of its two ends."""
        before, arrow, behind = name.replace("→", "->").partition("->")
        if not arrow:
            raise DataError(f"{name!r} is no edge; write it as 'x1->h1'")
        layer, j = self.unit(behind.strip())
        sources = self.layers[layer - 1] if layer else self.inputs
        if before.strip() not in sources:
            raise DataError(
                f"there is no edge {name!r}: edges to {behind.strip()} begin at "
                f"{', '.join(sources)}"
            )
        return layer, sources.index(before.strip()), j


@dataclass(frozen=True)
class Quantity:
    """A number that a network has at some moment.

    Attributes
    ----------
    kind
        One of `KINDS`.
    name
        The unit or edge; empty for the whole.
    layer, place
        Where it stands: the layer, and the unit, or both ends of the edge.
    row
        The row of the data, counted from 0.
    after
        Number of updates before it was measured.
    """

    kind: str
    name: str
    layer: int
    place: tuple[int, ...]
    row: int
    after: int

    def __str__(self) -> str:
        return f"{self.kind}[{self.name}]" if self.name else self.kind

    @property
    def is_parameter(self) -> bool:
        """Whether updates change it directly."""
        return self.kind in ("w", "b")

    def value(self, task: Task, snapshot: Snapshot, sign: float = 1.0) -> Any:
        """Read it from a snapshot; an array if there are several random starts.

        Parameters
        ----------
        sign
            -1 where deltas are meant to point downhill.
        """
        k, place = self.layer, self.place
        match self.kind:
            case "w":
                return snapshot.weights[k][..., *place]
            case "b":
                return snapshot.biases[k][..., *place]
            case "net":
                return snapshot.nets[k][..., self.row, place[0]]
            case "out":
                return snapshot.outs[k][..., self.row, place[0]]
            case "error":
                return snapshot.error[..., self.row, place[0]]
            case "absolute_error":
                return abs(snapshot.error[..., self.row, place[0]])
            case "squared_error":
                return snapshot.error[..., self.row, place[0]] ** 2
            case "delta":
                return sign * snapshot.deltas[k][..., self.row, place[0]]
            case "gradient":
                found = snapshot.gradients if len(place) == 2 else snapshot.bias_gradients
                return found[k][..., *place]
            case "loss":
                if place:
                    return loss_of(task, snapshot.outs[-1], self.row, place[0])
                return loss_of(task, snapshot.outs[-1])
            case _:
                return ((task.targets - snapshot.outs[-1]) ** 2).mean((-1, -2))


def read_quantity(said: str, shape: Shape, row: int, after: int) -> Quantity:
    """Read what a claim speaks of.

    Parameters
    ----------
    said
        As in the file: "out[h1]", "w[x1->h1]", "loss".
    row, after
        See `Quantity`.

    >>> read_quantity("w[x->y]", Shape(("x",), (("y",),)), 0, 1).place
    (0, 0)
    """
    found = re.fullmatch(r"\s*(\w+)\s*(?:\[\s*([^\]]*\S)\s*\])?\s*", said)
    kind, name = (found[1], found[2] or "") if found else ("", "")
    if kind not in KINDS:
        raise DataError(f"{said!r} is no quantity; write one of {', '.join(KINDS)}, as in out[h1]")
    last = len(shape.layers) - 1
    if kind in _OF_EVERYTHING and not name:
        return Quantity(kind, "", last, (), row, after)
    if kind == "mean_squared_error" or not name:
        what = "no name" if name else "a unit or an edge"
        raise DataError(f"{said!r}: {kind} needs {what}")
    place: Sequence[int]
    if kind == "w" or (kind == "gradient" and ("->" in name or "→" in name)):
        layer, *place = shape.edge(name)
        name = name.replace("→", "->")
    else:
        layer, *place = shape.unit(name)
        if kind in (*_OF_OUTPUTS, "loss") and layer != last:
            raise DataError(f"{said!r}: only output units have a target")
    return Quantity(kind, name, layer, tuple(place), row, after)
