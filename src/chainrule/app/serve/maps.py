"""Values of any network as small pictures: kernels, feature maps, attention, states over time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.app.serve.frame import Moment
from chainrule.app.serve.plain import plain
from chainrule.backprop.formula import text
from chainrule.backprop.naming import key_of
from chainrule.errors import ParameterError

MOST_MAPS = 64
"""Pictures of one value; the first ones of more."""

MOST_CELLS = 64
"""Rows and columns of a picture; the first ones of more, which its words say."""

MOST_VALUES = 8192
"""Cells of all pictures of one value."""

_STEP = re.compile(r"(?P<name>(?:dL/d)?[a-z]+)_(?P<step>\d+)(?P<layer>\(.*\))?")
_HEADS = re.compile(r"(?:dL/d)?[ASE]\(")

_AHEAD = ("given", "forward")

Place = tuple[int, int, int]


def maps(moment: Moment) -> list[dict[str, Any]]:
    """Give all values of a step that is no chain of dense layers as pictures, in their order.

    Values of a batch are those of the shown row; the values of a loop's steps, one row for each
    step, make one picture.
    """
    found: list[dict[str, Any]] = []
    grouped: set[str] = set()
    parts = {line.key: line.part for line in moment.step.lines}
    names, loops, trained = _names(moment), _loops(moment), _trained(moment)
    for key in moment.step.keys():  # noqa: SIM118 - a step is no dict
        over_time = loops.get(key, [])
        memory = parts.get(key, "given") == "given" and re.match(r"[msv]_", key)
        if memory or (over_time and over_time[0] in grouped):
            continue
        grouped.update(over_time)
        stack = _stack([_of_row(moment, each, trained)[0] for each in over_time or [key]], key)
        if stack is None:
            continue
        count, rows, columns = stack.shape
        kept = stack[:MOST_MAPS, :MOST_CELLS, :MOST_CELLS]
        kept = kept[: max(1, MOST_VALUES // kept[0].size)]
        finite = kept[np.isfinite(kept)]
        title = names.get(key, key)
        title = re.sub(r"_\d+", "_t", title) if over_time else title
        about = f"{len(over_time)} steps × {columns}" if over_time else _size(moment, key, trained)
        if kept.shape[1:] != (rows, columns):
            about += f", its first {' × '.join(map(str, kept.shape[1 if rows > 1 else 2 :]))}"
        found.append(
            {
                "key": over_time[0] if over_time else key,
                "title": title,
                "about": about,
                "part": parts.get(key, "given"),
                "count": kept.shape[0],
                "rows": kept.shape[1],
                "columns": kept.shape[2],
                "left": count - kept.shape[0],
                "largest": float(np.abs(finite).max(initial=0.0)),
                "values": plain(kept.ravel()),
            }
        )
    return _in_order(found)


def _names(moment: Moment) -> dict[str, str]:
    """What each value is called, by its key."""
    names = {key_of(symbol): text(symbol) for symbol, _ in moment.step.derivation.given}
    return names | {line.key: text(line.symbol) for line in moment.step.lines}


def _in_order(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Put weights before the values of their layer; what runs backwards keeps its order."""
    layers, layer = [], 0
    for each in found:
        match = re.search(r"\((\d+)\)", each["key"])
        ahead = each["part"] in _AHEAD
        if match:
            layer = int(match[1])
        elif each["part"] == "given":
            layer = 0
        layers.append(layer if ahead else len(found))
    places = sorted(range(len(found)), key=layers.__getitem__)
    return [found[i] for i in places]


def about_place(moment: Moment, key: object, place: Sequence[int]) -> dict[str, Any]:
    """Give the equation of one cell of a picture.

    Parameters
    ----------
    key
        Of the picture.
    place
        Number of the picture, row and column, from 0.
    """
    if not isinstance(key, str) or key not in moment.step.keys() or len(place) != 3:  # noqa: SIM118
        raise ParameterError(f"there is no value {key!r:.80}")
    number, row, column = place
    over_time = _loops(moment).get(key, [])
    if over_time:
        if not 0 <= row < len(over_time):
            raise ParameterError(f"there is no step {row + 1} of {key}")
        key, row = over_time[row], 0
    index = _index(moment, key, (number, row, column))
    equation = moment.step.equation(key, index)
    line = next((line for line in moment.step.lines if line.key == key), None)
    part = line.part if line else "given"
    name = f"entry {', '.join(str(i + 1) for i in index)}" if index else "number"
    entry = {"key": key, "name": name, "part": part, "index": list(index), **equation.to_dict()}
    title = _names(moment).get(key, key)
    return {"kind": "entry", "title": title, "subtitle": "", "equations": [entry]}


def _loops(moment: Moment) -> dict[str, list[str]]:
    """For each key of a loop's step, those of the same value in all its steps, in order."""
    found: dict[tuple[str, str | None], list[tuple[int, str]]] = {}
    for key in moment.step.keys():  # noqa: SIM118 - a step is no dict
        match = _STEP.fullmatch(key)
        if match is not None:
            same = found.setdefault((match["name"], match["layer"]), [])
            same.append((int(match["step"]), key))
    ordered = [[key for _, key in sorted(same)] for same in found.values()]
    return {key: keys for keys in ordered for key in keys}


def _stack(shown: Sequence[Any], key: str) -> Any:
    """Values as pictures (count, rows, columns); None for numbers and what has too many axes."""
    if len(shown) > 1:
        flat = [x.reshape(-1) for x in shown]
        return np.stack(flat)[None] if len({x.size for x in flat}) == 1 else None
    (x,) = shown
    if x.ndim == 0 or x.ndim > 4 or not x.size:
        return None
    if x.ndim < 3:
        return np.atleast_2d(x)[None]
    if x.ndim == 3:
        return x if _HEADS.match(key) else np.moveaxis(x, -1, 0)
    return x.reshape(*x.shape[:2], -1).transpose(2, 0, 1)


def _index(moment: Moment, key: str, place: Place) -> tuple[int, ...]:
    """Where the cell of a picture lies in the value."""
    number, row, column = place
    x, axis = _of_row(moment, key, _trained(moment))
    if x.ndim == 0:
        inner: tuple[int, ...] = ()
    elif x.ndim == 1:
        inner = (column,)
    elif x.ndim == 2:
        inner = (row, column)
    elif x.ndim == 3:
        inner = place if _HEADS.match(key) else (row, column, number)
    else:
        inner = (row, column, *map(int, np.unravel_index(number, x.shape[2:])))
    if axis is None:
        return inner
    return (*inner[:axis], moment.row, *inner[axis:])


def _trained(moment: Moment) -> set[str]:
    """Keys of the arrays that are trained: they have no rows."""
    objective = moment.step.objective
    return {key_of(objective.names.of[objective.graph.inputs[i]]) for i in objective.wrt}


def _of_row(moment: Moment, key: str, trained: set[str]) -> tuple[Any, int | None]:
    """The part of a value that belongs to the shown row, and the axis of rows."""
    value = np.asarray(moment.step[key], np.float64)
    bare = key.removeprefix("dL/d").replace("'", "")
    if bare in trained or re.sub(r"^[msv]_", "", bare) in trained:
        return value, None
    rows = len(moment.rows)
    for axis in range(min(2, value.ndim)):
        if value.shape[axis] == rows:
            return np.take(value, moment.row, axis), axis
    return value, None


def _size(moment: Moment, key: str, trained: set[str]) -> str:
    shape = _of_row(moment, key, trained)[0].shape
    return " × ".join(map(str, shape)) or "number"
