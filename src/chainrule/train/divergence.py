"""Where NaN or infinity came from: the failing step is run once more, and watched."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chainrule.errors import DivergenceError
from chainrule.execute import Loop, Session
from chainrule.execute.nonfinite import first_nonfinite
from chainrule.ir import Dim, Graph
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
        The value in words: its op, its place, what the op read, and the user's line.
    row
        Its row in the minibatch, counted from 0; None for a value that has no row for each example.
    """

    layer: str | None
    what: str
    row: int | None


def find_culprit(graph: Graph, values: list[Any]) -> Culprit | None:
    """Run a program by NumPy and find the first value that is not finite; None if all are."""
    found = first_nonfinite(graph, values)
    if found is None:
        return None
    if found.op == "input":
        said = re.sub(r"^carry\.(trainable|state|optimiser)\.", "", found.name or "an input")
        what = str(replace(found, name=said)).removeprefix("the argument ")
        return Culprit(_layer(said), f"{what} before the step", None)
    # Where the name is that of the whole network, better is what the value was made of.
    names = [found.name, *(x.name for x in found.operands)]
    layer = next((path for path in map(_layer, names) if path), None)
    batched = bool(found.node.type.shape) and isinstance(found.node.type.shape[0], Dim)
    return Culprit(layer, str(found), found.row if batched else None)


def _layer(name: str) -> str | None:
    """Path of the layer in the name of a value: "layers[0]" in "gradient of layers[0].weight"."""
    if name.endswith(" output"):
        return None if name == "network output" else name.removesuffix(" output")
    path = re.sub(r"^(gradient of|new) ", "", name)
    return path.rpartition(".")[0] or (name if name == "loss" else None)


def diverged(
    plan: Loop,
    session: Session,
    data: Any,
    order: Any,
    epoch: int,
    first: int,
    step: int,
    before: int = 0,
    steps: int | None = None,
    table: str = "the data",
) -> DivergenceError:
    """Make the error that says where training diverged.

    Parameters
    ----------
    plan, session, data
        The compiled step; the run, standing before the first step of `order`; and what it reads.
    order
        Positions of the rows that these steps take.
    epoch
        The failing epoch, counted from 0.
    first, step
        The number of the first of these steps, and how many of them come before the failing one.
    before, steps
        How many steps of the epoch came before, and how many it has, if that is known.
    table
        Words for what rows are counted in.
    """
    size, number = plan.batch_size, first + step
    if step:
        session.run(order[: step * size], first)
    rows = order[step * size : (step + 1) * size]
    values = [*flatten(session.carry())[0], *flatten(data)[0], rows, np.int32(number)]
    culprit = find_culprit(plan.graph, values)
    of = "" if steps is None else f" of {steps}"
    said = f"training diverged in epoch {epoch + 1}, step {before + step + 1}{of}"
    if culprit is None:
        said += ": the loss or the gradient is too large for the dtype"
    else:
        where = f" in layer {culprit.layer}" if culprit.layer else ""
        row = "" if culprit.row is None else f"; its row of {table} is {int(rows[culprit.row])}"
        said += f"{where}: {culprit.what}{row}"
    return DivergenceError(
        f"{said}. {_ADVICE} The network of the last sound epoch, or the best one, is error.run",
        epoch=epoch + 1,
        step=before + step + 1,
        layer=culprit.layer if culprit else None,
    )
