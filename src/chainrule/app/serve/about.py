"""The equations of one unit or one edge, with the numbers of the step that is shown."""

from __future__ import annotations

import re
from typing import Any

from chainrule.app.serve.frame import Moment
from chainrule.backprop.derivation import Line
from chainrule.backprop.formula import Expression, Symbol, walk
from chainrule.errors import ParameterError

_PARTS = {
    "z": "weighted sum",
    "a": "activation",
    "dL/da": "gradient that arrives",
    "delta": "delta",
    "b": "bias",
    "dL/db": "gradient of the bias",
    "b'": "new bias",
    "W": "weight",
    "dL/dW": "gradient",
    "W'": "new weight",
    "x": "input",
}


def about_unit(moment: Moment, layer: int, unit: int) -> dict[str, Any]:
    """Give the equations of a unit: its sum, activation, delta, and what becomes of its bias.

    Parameters
    ----------
    layer, unit
        Layer 0 are the inputs; units count from 0.
    """
    sizes = _sizes(moment)
    if not 0 <= layer < len(sizes) or not 0 <= unit < sizes[layer]:
        raise ParameterError(f"there is no unit {unit} in layer {layer}")
    here = (moment.row, unit)
    names = ["x"] if layer == 0 else ["z", "a", "dL/da", "delta"]
    rows = [_entry(moment, name, layer, here) for name in names]
    if layer:
        memory = ["m_b'", "s_b'", "v_b'"]
        rows += [_entry(moment, name, layer, (unit,)) for name in ("b", "dL/db", *memory)]
        rows += _last(moment, f"b'({layer})", (unit,))
    material = moment.course.program.material
    known = material.features if layer == 0 else material.answers
    named = (layer == 0 or layer == len(sizes) - 1) and unit < len(known)
    title = _unit(moment, layer, unit)
    return {
        "kind": "unit",
        "title": title,
        "subtitle": known[unit] if named and known[unit] != title else "",
        "equations": [row for row in rows if row is not None],
    }


def about_edge(moment: Moment, layer: int, start: int, end: int) -> dict[str, Any]:
    """Give the equations of an edge: its weight, gradient, and new weight.

    Parameters
    ----------
    layer
        The layer that the edge leads to, from 1.
    start, end
        Units of the layer before and of this layer, from 0.
    """
    sizes = _sizes(moment)
    inside = 1 <= layer < len(sizes)
    if not inside or not 0 <= start < sizes[layer - 1] or not 0 <= end < sizes[layer]:
        raise ParameterError(f"there is no edge from {start} to {end} into layer {layer}")
    names = ["W", "dL/dW", "m_W'", "s_W'", "v_W'"]
    rows = [_entry(moment, name, layer, (start, end)) for name in names]
    rows += _last(moment, f"W'({layer})", (start, end))
    title = f"{_unit(moment, layer - 1, start)} → {_unit(moment, layer, end)}"
    return {
        "kind": "edge",
        "title": title,
        "subtitle": f"weight into layer {layer}",
        "equations": [row for row in rows if row is not None],
    }


def _sizes(moment: Moment) -> list[int]:
    if moment.sizes is None:
        raise ParameterError("this network is no chain of layers: read its equations instead")
    return moment.sizes


def _unit(moment: Moment, layer: int, unit: int) -> str:
    units = moment.step.labels.units
    if units:
        return units[layer][unit]
    return f"input {unit + 1}" if layer == 0 else f"unit {unit + 1} of layer {layer}"


def _last(moment: Moment, key: str, index: tuple[int, ...]) -> list[dict[str, Any]]:
    """The equation of a new parameter, behind those of the values made up on the way to it."""
    lines = {line.symbol: line for line in moment.step.lines}
    own = next((line for line in lines.values() if line.key == key), None)
    if own is None:
        return []
    before = [lines[part] for part in walk(own.formula) if part in lines and _made_up(part)]
    found = [
        _told(moment, "on the way", line, index if line.type.shape else ())
        for line in dict.fromkeys(before)
    ]
    return [*found, _told(moment, _PARTS[key.split("(")[0]], own, index)]


def _made_up(part: Expression) -> bool:
    return isinstance(part, Symbol) and re.fullmatch(r"u\d+", part.name) is not None


def _entry(moment: Moment, name: str, layer: int, index: tuple[int, ...]) -> dict[str, Any] | None:
    key = name if name == "x" else f"{name}({layer})"
    if key not in moment.step.keys():  # noqa: SIM118 - a step is no dict
        return None
    said = _PARTS.get(name, "memory of the optimiser")
    line = next((line for line in moment.step.lines if line.key == key), None)
    if line is not None:
        return _told(moment, said, line, index)
    equation = moment.step.equation(key, index)
    return {"key": key, "name": said, "part": "given", "index": list(index), **equation.to_dict()}


def _told(moment: Moment, name: str, line: Line, index: tuple[int, ...]) -> dict[str, Any]:
    equation = moment.step.equation(line.key, index).to_dict()
    return {"key": line.key, "name": name, "part": line.part, "index": list(index), **equation}


def derivation(moment: Moment) -> dict[str, Any]:
    """Give all equations of the step, with the shape of every value."""
    return moment.step.derivation.to_dict()
