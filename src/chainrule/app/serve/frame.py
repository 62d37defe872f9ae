"""One step of an experiment as plain data: what the page draws."""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from chainrule import nn
from chainrule.app.serve.address import Address
from chainrule.app.serve.course import Course, Library
from chainrule.app.serve.material import Material, names_of_units
from chainrule.app.serve.plain import plain
from chainrule.app.serve.setup import has_activations
from chainrule.backprop.formula import text
from chainrule.backprop.naming import key_of
from chainrule.explaining.continued import Continued
from chainrule.explaining.step import Step
from chainrule.explaining.stepping import Explainer
from chainrule.nn.activations import ACTIVATIONS

MOST_INLINE = 4096
"""Entries of an array up to which it is sent with the frame; larger ones are fetched."""

MOST_ROWS = 64
"""Rows of a batch that are explained; the rest of a larger batch is left out of the equations."""

_KINDS = {kind: name for name, kind in ACTIVATIONS.items() if isinstance(kind, type)}
_MOST_STEPS = 24


@dataclass(frozen=True, eq=False)
class Moment:
    """A step, taken apart, with where it stands.

    Attributes
    ----------
    address
        What the page asked for.
    course
        What it belongs to.
    carry
        What is carried on before the step.
    rows
        Positions of the rows of its batch.
    step
        The equations and all numbers.
    """

    address: Address
    course: Course
    carry: Any
    rows: Any
    step: Step

    @property
    def row(self) -> int:
        """Place in the batch of the row that is shown."""
        return self.address.place(self.rows)

    @cached_property
    def sizes(self) -> list[int] | None:
        """Units of the inputs and of each layer; None where the network is no chain of layers."""
        found = self.step.objective.sizes
        names = self.step.keys()
        chain = found is not None and "x" in names and self.step["x"].ndim == 2
        return found if chain else None

    def of_row(self, key: str) -> Any:
        """Give the values of the shown row."""
        return self.step[key][self.row]


class Moments:
    """Takes steps apart, and keeps the last ones.

    Parameters
    ----------
    library
        Where courses are found.
    """

    def __init__(self, library: Library) -> None:
        self._library = library
        self._kept: OrderedDict[tuple[int, int], tuple[Course, Any, Any, Step]] = OrderedDict()
        self._lock = threading.RLock()

    def at(self, address: Address) -> Moment:
        """Take the step that an address shows apart."""
        with self._lock:
            course = self._library.course(address)
            key = (id(course), address.step)
            found = self._kept.get(key)
            if found is None:
                carry = course.at(address.step)
                rows = course.program.rows_of(address.step)[:MOST_ROWS]
                found = (course, carry, rows, taken_apart(course, carry, rows, address.step))
                self._kept[key] = found
                while len(self._kept) > _MOST_STEPS:
                    self._kept.popitem(last=False)
        return Moment(address, *found)


def taken_apart(course: Course, carry: Any, rows: Any, number: int) -> Step:
    """Take a step apart: what it makes of some rows, going on from what is carried on.

    Parameters
    ----------
    carry
        Parameters and memory before the step.
    rows
        Positions of the rows of its batch.
    number
        Steps made before.
    """
    program = course.program
    network = program.network_of(carry)
    inputs = tuple(x[rows] for x in course.examples.inputs)
    targets = course.examples.targets[rows]
    frozen = frozenset(program.layout.paths) - program.layout.trainable
    optimiser = program.setup.make_optimiser()
    going = Continued(optimiser.learning_rate, optimiser, _double(carry["optimiser"]), frozen)
    loss = program.setup.make_loss()
    # Equations hold for all numbers of the same shapes; the last batch of an epoch may be smaller.
    found = program.explainers.get(len(rows))
    if found is None:
        units = program.material.units or names_of_units(
            _dense_sizes(network, inputs), program.material.features, program.material.answers
        )
        found = Explainer.of(network, inputs, targets, loss, going, units=units or None)
        program.explainers[len(rows)] = found
    objective = found.first.objective.with_numbers(network, inputs, targets, loss)
    return found.at(objective, going, number)


def _double(memory: Any) -> Any:
    return {
        name: {path: np.asarray(x, np.float64) for path, x in arrays.items()}
        for name, arrays in memory.items()
    }


def _dense_sizes(network: nn.Module, inputs: tuple[Any, ...]) -> list[int] | None:
    """Sizes of a plain chain of dense layers, before it is traced."""
    plain = len(inputs) == 1 and inputs[0].ndim == 2 and inputs[0].dtype.kind == "f"
    if not plain or not isinstance(network, nn.Sequential):
        return None
    dense = [layer.units for layer in network.layers if isinstance(layer, nn.Dense)]
    return [inputs[0].shape[1], *dense] if dense else None


def frame(moment: Moment) -> dict[str, Any]:
    """Give a step as plain JSON values."""
    step, program = moment.step, moment.course.program
    address, setup = moment.address, program.setup
    material = program.material
    return {
        "source": address.source,
        "title": material.title,
        "about": material.about,
        "step": address.step,
        "epoch": address.step // program.steps_per_epoch,
        "stepsPerEpoch": program.steps_per_epoch,
        "row": moment.row,
        "rows": [int(i) for i in moment.rows],
        "rowNames": [called(material, int(i)) for i in moment.rows],
        "batch": program.batch_size,
        "tableRows": material.rows,
        "loss": plain(step.loss),
        "lossAfter": plain(step.loss_after),
        "setup": setup.to_dict(),
        "ownSetup": material.setup.to_dict(),
        "task": material.task,
        "fixedNetwork": material.network is not None,
        "activations": material.network is None or has_activations(material.network),
        "plane": material.plane,
        "forecast": material.past is not None,
        "dtype": program.dtype,
        "parameters": int(sum(x.size for x in step.objective.parameters.values())),
        "network": _network(moment),
        "arrays": {
            key: _array(moment, key)
            for key in step.keys()  # noqa: SIM118
            if moment.sizes is not None
        },
        "flow": plain(gradient_flow(moment)),
        "prediction": _prediction(moment),
        "curve": plain(moment.course.curve(address.step)),
    }


def called(material: Material, row: int) -> str:
    """Name a row of the table; of a forecast, by the time where it begins."""
    return f"row {row + 1}" if material.past is None else material.past.called(row)


def _network(moment: Moment) -> dict[str, Any]:
    """The layers as the page draws them."""
    step, material = moment.step, moment.course.program.material
    sizes = moment.sizes
    paths = {
        key_of(step.objective.names.of[step.objective.graph.inputs[i]]): path
        for path, i in zip(step.objective.paths, step.objective.wrt, strict=True)
    }
    if sizes is None:
        return {"chain": False, "paths": paths, "layers": []}
    keys = set(step.keys())
    kinds = _activations(step.objective.network)
    layers: list[dict[str, Any]] = []
    short = step.labels.units or [[str(i + 1) for i in range(n)] for n in sizes]
    for number, size in enumerate(sizes):
        value = {name: f"{name}({number})" for name in ("z", "a", "delta", "W", "b")}
        gone = {f"d{name}": f"dL/d{name}({number})" for name in ("a", "W", "b")}
        fresh = {f"new{name}": f"{name}'({number})" for name in ("W", "b")}
        named = {**value, **gone, **fresh} if number else {"x": "x"}
        last = number == len(sizes) - 1
        layers.append(
            {
                "number": number,
                "size": size,
                "units": list(short[number]) if size <= 1024 else [],
                "names": list(
                    material.features if not number else material.answers if last else ()
                )[:1024],
                "activation": kinds[number - 1] if 0 < number <= len(kinds) else "",
                "keys": {name: key for name, key in named.items() if key in keys},
                "places": (number == 0 and material.places) or _square(size),
            }
        )
    return {"chain": True, "paths": paths, "layers": layers}


def _activations(network: Any) -> list[str]:
    """Name what follows each dense layer of a chain."""
    names: list[str] = []
    for layer in getattr(network, "layers", ()):
        if isinstance(layer, nn.Dense):
            names.append("identity")
        elif names and type(layer) in _KINDS:
            names[-1] = _KINDS[type(layer)]
    return names


def _square(size: int) -> list[list[int]] | None:
    """Units of a large layer in rows, as near to a square as their number allows."""
    if size <= 16:
        return None
    across = math.ceil(math.sqrt(size))
    across = next((n for n in range(across, min(size, 2 * across) + 1) if size % n == 0), across)
    return [[i // across, i % across] for i in range(size)]


def _array(moment: Moment, key: str) -> dict[str, Any]:
    """An array, whole if it is small, and of values of a batch only the shown row."""
    value = np.asarray(moment.step[key], np.float64)
    batch = moment.sizes is not None and value.ndim == 2 and _is_of_rows(key)
    labels = key == "t" and value.ndim >= 1
    shown = value[moment.row] if batch or labels else value
    finite = shown[np.isfinite(shown)]
    small = shown.size <= MOST_INLINE
    return {
        "shape": list(shown.shape),
        "largest": float(np.abs(finite).max(initial=0.0)),
        "values": plain(shown) if small else None,
    }


def _is_of_rows(key: str) -> bool:
    """Whether a value has a row for each example."""
    name = key.removeprefix("dL/d").split("(")[0]
    return name in ("x", "z", "a", "delta", "t")


def gradient_flow(moment: Moment) -> list[dict[str, Any]]:
    """Compare gradients and weights layer by layer.

    Returns
    -------
    For each weight matrix its layer and name, the norms of its gradient and of the weights, the
    ratio of update and weights, and the share of units that are saturated or dead for the batch.
    """
    step = moment.step
    found = []
    for path, i in zip(step.objective.paths, step.objective.wrt, strict=True):
        weight = np.asarray(step.objective.values[i])
        if weight.ndim < 2:
            continue
        gradient = np.asarray(step.results[f"gradient of {path}"])
        fresh = np.asarray(step.results[f"new {path}"])
        norm = _norm(weight)
        symbol = step.objective.names.of[step.objective.graph.inputs[i]]
        key = key_of(symbol)
        layered = key.startswith("W(")
        number = key.removeprefix("W(").removesuffix(")") if layered else key
        found.append(
            {
                "layer": number,
                "name": f"layer {number}" if layered else text(symbol),
                "path": path,
                "gradient": _norm(gradient),
                "weight": norm,
                "update": _norm(fresh - weight) / norm if norm else 0.0,
                "idle": _idle(moment, number),
            }
        )
    return found


def _norm(x: Any) -> float:
    """Root of the sum of squares; one pass, where a threaded product would wait for its threads."""
    return float(np.sqrt(np.square(x).sum()))


def _idle(moment: Moment, number: str) -> float | None:
    """Share of a layer's units through which next to nothing flows back, for the whole batch."""
    keys = moment.step.keys()
    kinds = _activations(moment.step.objective.network)
    if f"a({number})" not in keys or not number.isdigit() or int(number) > len(kinds):
        return None
    values = np.asarray(moment.step[f"a({number})"])
    kind = kinds[int(number) - 1]
    if kind == "relu":
        return float((values <= 0).all(axis=0).mean())
    if kind == "sigmoid":
        return float((np.abs(values - 0.5) > 0.49).all(axis=0).mean())
    return float((np.abs(values) > 0.98).all(axis=0).mean()) if kind == "tanh" else None


def _prediction(moment: Moment) -> dict[str, Any]:
    """What the network says of the shown row, and what it should say."""
    program, step = moment.course.program, moment.step
    outputs = np.asarray(step.values[step.objective.graph.outputs[1]], np.float64)
    loss, material = program.setup.make_loss(), program.material
    row = moment.row
    known = "t" in step.keys()  # noqa: SIM118 - a step is no dict
    target = np.asarray(step["t"] if known else step.objective.targets)[row]
    said = np.asarray(loss.probabilities(outputs))[row]
    return {
        "outputs": plain(outputs[row]),
        "probabilities": plain(said) if loss.classifies else None,
        "target": plain(np.asarray(target, np.float64)),
        "answers": list(material.answers),
    }
