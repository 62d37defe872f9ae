"""Where NaN or infinity came from: the failing step is run once more, and watched."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.errors import DivergenceError
from chainrule.execute import Loop, Session
from chainrule.execute import numpy as numpy_executor
from chainrule.ir import Graph, Node
from chainrule.tracing import flatten

_ADVICE = (
    "Try a smaller learning rate, clip=optim.ClipGlobalNorm(1.0), or inputs with mean 0 and "
    "standard deviation 1."
)


@dataclass(frozen=True)
class Culprit:
    """The first value of a program that is not finite although all that it was made of is.

    Attributes
    ----------
    layer
        Path of the layer it belongs to, "loss" for the loss itself; None if it is not known.
    what
        The value in words.
    source
        The user's line that led to it; None for the network's own layers.
    """

    layer: str | None
    what: str
    source: str | None


def find_culprit(graph: Graph, values: list[Any]) -> Culprit | None:
    """Run a program by NumPy and find the first value that is not finite; None if all are."""
    broken: set[Node] = set()
    found: list[tuple[Node, Any]] = []

    def watch(node: Node, value: Any) -> None:
        if value.dtype.kind != "f" or np.isfinite(value).all():
            return
        broken.add(node)
        constant = not node.inputs and node not in graph.inputs
        if not found and not constant and not any(x in broken for x in node.inputs):
            found.append((node, value))

    numpy_executor.run(graph, values, watch)
    if not found:
        return None
    node, value = found[0]
    note = graph.notes.get(node)
    number = "NaN" if np.isnan(value).any() else "infinity"
    if node in graph.inputs:
        path = re.sub(
            r"^carry\.(trainable|state|optimiser)\.", "", _name(graph, node) or "an input"
        )
        return Culprit(_layer(path), f"{path} holds {number} before the step", None)
    source = str(note.source) if note and note.source else None
    near = _nearest_name(graph, node)
    if _layer(near) is None:  # a summary of the whole network: better is what it was made of
        near = next((name for x in node.inputs if (name := _name(graph, x))), near)
    place = f" on the way to “{near}”" if near else ""
    return Culprit(_layer(near), f"the op {node.card.name}{place} gave {number}", source)


def _name(graph: Graph, node: Node) -> str | None:
    note = graph.notes.get(node)
    return note.name if note else None


def _nearest_name(graph: Graph, node: Node) -> str | None:
    """Name of the value itself, or of the nearest named one that is made of it."""
    queue, seen = deque([node]), {node}
    while queue:
        each = queue.popleft()
        if name := _name(graph, each):
            return name
        fresh = [user for user in graph.users[each] if user not in seen]
        seen.update(fresh)
        queue.extend(fresh)
    return None


def _layer(name: str | None) -> str | None:
    """Path of the layer in the name of a value: "layers[0]" in "gradient of layers[0].weight"."""
    if name is None or name in ("gradient norm", "network output"):
        return None
    if name.endswith(" output"):
        return name.removesuffix(" output")
    path = re.sub(r"^(gradient of|new) ", "", name)
    return path.rpartition(".")[0] or path


def diverged(
    plan: Loop, session: Session, data: Any, order: Any, epoch: int, step: int
) -> DivergenceError:
    """Make the error that says where training diverged.

    Parameters
    ----------
    plan, session, data
        The compiled step; the run, standing before the failing epoch; and what it reads.
    order
        Positions of the rows in this epoch.
    epoch, step
        The failing epoch, and the failing step in it; both count from 0.
    """
    size = plan.batch_size
    steps = -(-len(order) // size)
    number = epoch * steps + step
    if step:
        session.run(order[: step * size], epoch * steps)
    rows = order[step * size : (step + 1) * size]
    values = [*flatten(session.carry())[0], *flatten(data)[0], rows, np.int32(number)]
    culprit = find_culprit(plan.graph, values)
    said = f"training diverged in epoch {epoch + 1}, step {step + 1} of {steps}"
    if culprit is None:
        said += ": the loss or the gradient is too large for the dtype"
    else:
        where = f" in layer {culprit.layer}" if culprit.layer else ""
        line = f" ({culprit.source})" if culprit.source else ""
        said += f"{where}: {culprit.what}{line}"
    return DivergenceError(
        f"{said}. {_ADVICE} The network of the last sound epoch, or the best one, is error.run",
        epoch=epoch + 1,
        step=step + 1,
        layer=culprit.layer if culprit else None,
    )
