"""A network as plain JSON, and back.

A network is a tree of modules, settings and arrays. A module is stored as the name of its class
and the values of its fields; an array as its path, under which the weights hold it. The only
classes that a file can name are the public ones of `chainrule.nn`, and reading calls none of
their constructors. A network with modules of a user's own has no such description: its program
is stored all the same, and that is what predicts.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, get_type_hints

import numpy as np
from numpy.typing import NDArray

from chainrule import nn
from chainrule.app.model.forecast_network import ForecastNetwork
from chainrule.app.model.sequence_network import SequenceNetwork
from chainrule.app.model.table_network import TableNetwork
from chainrule.data.stored import Fields
from chainrule.errors import ChainruleError, ModelFileError
from chainrule.nn import initialisers

SETTINGS = (bool, int, float, str)
Known = Mapping[str, Any]
"""Classes that a file may name."""


@cache
def classes() -> Mapping[str, Any]:
    """Give the classes that a file may name: modules and initialisers that are public."""
    names = {name: getattr(nn, name) for name in nn.__all__}
    names |= {**vars(initialisers)}
    names |= {each.__name__: each for each in (ForecastNetwork, SequenceNetwork, TableNetwork)}
    public = {
        name: value
        for name, value in names.items()
        if isinstance(value, type) and dataclasses.is_dataclass(value) and not name.startswith("_")
    }
    return MappingProxyType({k: v for k, v in public.items() if v is not nn.Variable})


def network_to_json(network: nn.Module) -> dict[str, Any] | None:
    """Give a network as plain JSON values, or None if it holds anything that is not ours."""
    try:
        stored: dict[str, Any] = object_to_json(network, classes())
    except NotOursError:
        return None
    return stored


def network_from_json(stored: object, arrays: Mapping[str, NDArray[Any]]) -> nn.Module:
    """Read what `network_to_json` gave.

    Parameters
    ----------
    stored
        What a JSON file holds.
    arrays
        Every array of the network by its path, such as ``layers[0].weight``.

    Raises
    ------
    ModelFileError
        If anything in it is not a network that this version knows.
    """
    network = object_from_json(stored, classes(), arrays, "network")
    if not isinstance(network, nn.Module):
        raise ModelFileError("network: the outermost object is not a module")
    return network


class NotOursError(Exception):
    """A value that has no description."""


def object_to_json(value: Any, known: Known, path: str = "") -> Any:
    """Give settings, and objects of known classes that hold them, as plain JSON values.

    Raises
    ------
    NotOursError
        If there is anything else among them.
    """
    if value is None or isinstance(value, SETTINGS):
        if isinstance(value, float) and not math.isfinite(value):
            raise NotOursError
        return value
    if isinstance(value, np.ndarray):
        return {"array": path}
    if type(value) in (tuple, list):
        items = [object_to_json(item, known, f"{path}[{i}]") for i, item in enumerate(value)]
        return {type(value).__name__: items}
    if known.get(type(value).__name__) is not type(value):
        raise NotOursError
    fields = dataclasses.fields(value)
    below = {f.name: f"{path}.{f.name}" if path else f.name for f in fields}
    return {
        "class": type(value).__name__,
        "fields": [
            [name, object_to_json(getattr(value, name), known, below[name])] for name in below
        ],
    }


def object_from_json(
    stored: Any, known: Known, arrays: Mapping[str, NDArray[Any]], place: str
) -> Any:
    """Read what `object_to_json` gave; raise `ModelFileError` if it is anything else."""
    if stored is None or isinstance(stored, SETTINGS):
        return stored
    fields = Fields(stored, place)
    if "array" in stored:
        path = fields.text("array")
        fields.end()
        if path not in arrays:
            raise ModelFileError(f"{place}: there is no array {path!r}")
        return arrays[path]
    for sequence in (tuple, list):
        if sequence.__name__ in stored:
            items = fields.items(sequence.__name__)
            fields.end()
            return sequence(
                object_from_json(x, known, arrays, f"{place}[{i}]") for i, x in enumerate(items)
            )
    return _known_from_json(fields, known, arrays)


def _known_from_json(fields: Fields, known: Known, arrays: Mapping[str, NDArray[Any]]) -> Any:
    name = fields.text("class")
    kind: Any = known.get(name)
    if kind is None:
        raise ModelFileError(f"{fields.place}: this version has no layer {name!r}")
    wanted = {f.name: f for f in dataclasses.fields(kind)}
    pairs = fields.items("fields")
    given = _first_of(pairs)
    # Files from before a field was there do without it: what it means if absent, it meant then.
    absent = [each for each in wanted if each not in given]
    in_order = [each for each in wanted if each in given] == given
    if not in_order or any(_default(wanted[each]) is _NO_DEFAULT for each in absent):
        raise ModelFileError(f"{fields.place}: {name} has the fields {', '.join(wanted)}")
    fields.end()
    hints = _hints(kind)
    value = object.__new__(kind)
    for key in absent:
        object.__setattr__(value, key, _default(wanted[key]))
    for key, stored in pairs:
        place = f"{fields.place}.{key}"
        setting = object_from_json(stored, known, arrays, place)
        if not _suits(setting, hints.get(key, Any)):
            raise ModelFileError(f"{place}: {setting!r:.40} is not of the kind {hints[key]}")
        object.__setattr__(value, key, setting)
    try:
        getattr(value, "__post_init__", lambda: None)()
    except ChainruleError as error:
        raise ModelFileError(f"{fields.place}: {error}") from error
    return value


_NO_DEFAULT = object()


def _default(field: Any) -> Any:
    """What a field holds where nothing is given, or `_NO_DEFAULT`."""
    if field.default is not dataclasses.MISSING:
        return field.default
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return _NO_DEFAULT


def _first_of(pairs: Iterable[Any]) -> list[Any]:
    return [pair[0] if isinstance(pair, list) and len(pair) == 2 else None for pair in pairs]


@cache
def _hints(kind: type) -> Mapping[str, Any]:
    return MappingProxyType(get_type_hints(kind))


def _suits(value: Any, hint: Any) -> bool:
    """Tell whether a setting has the type that its field declares, where that type is simple."""
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if hint in (bool, str):
        return isinstance(value, hint)
    if hint is initialisers.Initialiser:
        return type(value).__name__ in vars(initialisers)
    return True
