"""How gradients flow through a network: norms by layer, and units that pass none on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import count
from typing import Any

import numpy as np

from chainrule.backprop.derive import sweep
from chainrule.execute.numpy import run
from chainrule.explaining.drawing import BLUE, GREEN, ORANGE, drawing, rectangle, text
from chainrule.explaining.objective import Objective, as_batch, lay_out
from chainrule.ir import Graph, Node
from chainrule.nn import Module
from chainrule.nn.losses import Loss

SATURATED = 0.01  # share of the largest slope of sigmoid and tanh below which a unit hardly learns


@dataclass(frozen=True)
class ParameterFlow:
    """The gradient by one array of a network.

    Attributes
    ----------
    path
        Of the array.
    shape
        Its sizes.
    norm, gradient_norm
        Root of the sum of squares of the array and of its gradient.
    ratio
        The second divided by the first; infinite for an array of zeros.
    """

    path: str
    shape: tuple[int, ...]
    norm: float
    gradient_norm: float
    ratio: float


@dataclass(frozen=True)
class ActivationFlow:
    """What an activation passes on.

    Attributes
    ----------
    path
        Of the layer.
    op
        "relu", "sigmoid" or "tanh".
    gradient_norm
        Root of the sum of squares of the gradient that leaves it on the way down.
    dead
        Share of the units that give 0 for every row, so that nothing reaches their weights.
    saturated
        Share of the entries where the slope is below a hundredth of its largest value.
    """

    path: str
    op: str
    gradient_norm: float
    dead: float
    saturated: float

    @property
    def idle(self) -> bool:
        """Whether more than half of it passes next to nothing on."""
        return max(self.dead, self.saturated) > 0.5


@dataclass(frozen=True, repr=False)
class GradientFlow:
    """Gradients by layer, first layer first; print it, or show it in a notebook.

    Attributes
    ----------
    loss
        Of the batch.
    parameters
        One row for each array that is trained.
    activations
        One row for each activation.
    """

    loss: float
    parameters: tuple[ParameterFlow, ...]
    activations: tuple[ActivationFlow, ...]

    def text(self) -> str:
        """Print two tables."""
        arrays = [["array", "shape", "norm", "gradient", "ratio"]]
        for p in self.parameters:
            shape = " × ".join(map(str, p.shape))
            arrays.append(
                [p.path, shape, f"{p.norm:.3g}", f"{p.gradient_norm:.3g}", f"{p.ratio:.2e}"]
            )
        units = [["activation", "op", "gradient", "dead", "saturated"]]
        for a in self.activations:
            units.append(
                [a.path, a.op, f"{a.gradient_norm:.3g}", f"{a.dead:.0%}", f"{a.saturated:.0%}"]
            )
        return _table(arrays) + (f"\n\n{_table(units)}" if self.activations else "")

    def to_dict(self) -> dict[str, Any]:
        """Give everything as plain data; a ratio that is infinite as None."""
        found = asdict(self)
        for row in found["parameters"]:
            row["ratio"] = row["ratio"] if np.isfinite(row["ratio"]) else None
        return {"kind": "gradient flow", **found}

    def svg(self) -> str:
        """Draw a bar for each gradient, on a logarithmic scale, and the share of idle units."""
        return draw_flow(self)

    def _repr_html_(self) -> str:
        return self.svg()

    def __repr__(self) -> str:
        return self.text()


def draw_flow(flow: GradientFlow) -> str:
    """Draw gradient flow as SVG: a row for each array and each activation."""
    rows = []
    for p in flow.parameters:
        ratio = f"ratio {p.ratio:.1e}" if np.isfinite(p.ratio) else "array of zeros"
        rows.append((p.path, p.gradient_norm, ratio, BLUE))
    for a in flow.activations:
        idle = f"{a.dead:.0%} dead" if a.op == "relu" else f"{a.saturated:.0%} saturated"
        rows.append((f"{a.path} ({a.op})", a.gradient_norm, idle, ORANGE if a.idle else GREEN))
    sizes = np.array([size for _, size, _, _ in rows])
    known = np.log10(sizes[np.isfinite(sizes) & (sizes > 0)])
    low, high = (known.min() - 0.5, known.max()) if known.size else (-1.0, 0.0)
    low = min(low, high - 2.0)
    parts, left, room = [text(8, 20, "norm of the gradient, logarithmic", "start")], 190.0, 190.0
    for (path, size, said, colour), top in zip(rows, count(34, 26), strict=False):
        shown = path if len(path) <= 26 else f"…{path[-25:]}"
        share = (np.log10(size) - low) / (high - low) if size > 0 and np.isfinite(size) else 0.0
        parts += [
            text(left - 10, top + 13, shown, "end", 11.5),
            rectangle(left, top + 2, room, 14, "currentColor", 0.08),
            rectangle(left, top + 2, max(0.0, float(share)) * room, 14, colour),
            text(left + room + 8, top + 13, f"{size:.2e}  {said}", "start", 11),
        ]
    return drawing("Gradient flow by layer", parts, 42 + 26 * len(rows), 560)


def gradient_flow(network: Module, inputs: Any, targets: Any, loss: Loss) -> GradientFlow:
    """Measure the gradient of a loss at every layer of a network, in float64.

    Parameters
    ----------
    network
        With arrays in it.
    inputs, targets
        A batch, as for `explain`.
    loss
        Of `chainrule.losses`.

    >>> from chainrule import losses, nn
    >>> layer = nn.Dense(1, use_bias=False).with_arrays({"weight": [[3.0]]})
    >>> flow = gradient_flow(layer, [[2.0]], [[4.0]], losses.HalfSquaredError())
    >>> flow.parameters[0].gradient_norm
    4.0
    """
    objective = lay_out(network, as_batch(inputs), targets, loss)
    graph = objective.graph
    swept = sweep(graph, objective.wrt)
    values: dict[Node, Any] = {}
    everything = Graph(graph.inputs, (*graph.outputs, *swept.gradients.values()))
    run(everything, objective.values, values.__setitem__)
    parameters = []
    for path, i in zip(objective.paths, objective.wrt, strict=True):
        node = graph.inputs[i]
        norm, slope = _norm(values[node]), _norm(values[swept.gradients[node]])
        ratio = slope / norm if norm else float("inf")
        parameters.append(ParameterFlow(path, values[node].shape, norm, slope, ratio))
    activations = [
        _activation(objective, node, values, swept.gradients)
        for node in graph.nodes
        if node.card.name in ("relu", "sigmoid", "tanh") and node.inputs[0] in swept.gradients
    ]
    value = float(values[graph.outputs[0]])
    return GradientFlow(value, tuple(parameters), tuple(activations))


def _activation(
    objective: Objective, node: Node, values: Mapping[Node, Any], gradients: Mapping[Node, Node]
) -> ActivationFlow:
    y, op = values[node], node.card.name
    slope = {"relu": y > 0, "sigmoid": 4 * y * (1 - y), "tanh": 1 - y * y}[op]
    units = y.reshape(-1, y.shape[-1]) if y.ndim else y.reshape(1, 1)
    dead = float(np.mean((units == 0).all(0))) if op == "relu" else 0.0
    saturated = 0.0 if op == "relu" else float(np.mean(slope < SATURATED))
    note = objective.graph.notes.get(node)
    path = (note.name or op).removesuffix(" output") if note else op
    norm = _norm(values[gradients[node.inputs[0]]])
    return ActivationFlow(path, op, norm, dead, saturated)


def _norm(x: Any) -> float:
    return float(np.sqrt(np.sum(np.square(x))))


def _table(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in rows
    ]
    return "\n".join(lines)
