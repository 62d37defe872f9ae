"""Modules as trees: what lies below a node, under which path, and copies with other arrays."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from chainrule.ir import ArrayType, Dim, is_float
from chainrule.tracing import Array, as_array, leaf_paths


def below(path: str, step: str) -> str:
    """The path of what lies one step below another path."""
    return path + step if path else step.removeprefix(".")


def field_path(path: str, name: str) -> str:
    """The path of a field."""
    return below(path, f".{name}")


def array_places(path: str, module: Any) -> list[str]:
    """Places of a module that hold an array, or would."""
    names = [f.name for f in dataclasses.fields(module) if not f.metadata.get("static")]
    return [field_path(path, n) for n in names if not list(children(getattr(module, n)))]


def children(value: Any) -> list[tuple[str, Any]]:
    """What lies one level below, each with the step that leads there."""
    if isinstance(value, dict):
        return [(f".{k}" if isinstance(k, str) else f"[{k!r}]", v) for k, v in value.items()]
    if isinstance(value, (tuple, list)):
        return [(f"[{i}]", v) for i, v in enumerate(value)]
    if dataclasses.is_dataclass(value) and not isinstance(value, (type, ArrayType, Dim)):
        fields = [f for f in dataclasses.fields(value) if not f.metadata.get("static")]
        return [(f".{f.name}", getattr(value, f.name)) for f in fields]
    return []


def state_paths(module: Any, path: str = "") -> set[str]:
    """Name the arrays that are state: handed on by steps, changed by no gradient."""
    found: set[str] = set()
    if dataclasses.is_dataclass(module):
        for f in dataclasses.fields(module):
            if f.metadata.get("state"):
                found.update(leaf_paths(getattr(module, f.name), field_path(path, f.name)))
    for step, child in children(module):
        found |= state_paths(child, below(path, step))
    return found


def rebuilt(value: Any, path: str, arrays: Mapping[str, Any], dtype: str | None) -> Any:
    """Copy a tree, so that every module in it is an object of its own, with arrays put in."""
    if path in arrays:
        return arrays[path]

    parts = [rebuilt(x, below(path, step), arrays, dtype) for step, x in children(value)]
    if isinstance(value, dict):
        return type(value)(zip(value, parts, strict=True))
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*parts)
    if isinstance(value, (tuple, list)):
        return type(value)(parts)
    if dataclasses.is_dataclass(value) and not isinstance(value, (type, ArrayType, Dim)):
        names = [step[1:] for step, _ in children(value)]
        return with_fields(value, dict(zip(names, parts, strict=True)))
    if value is None or isinstance(value, Array) or dtype is None:
        return value
    array = as_array(value)
    return array.astype(dtype) if is_float(array.dtype.name) else array


def with_fields(value: Any, changes: Mapping[str, Any]) -> Any:
    """A dataclass with other values in some fields; its ``__init__`` may be its own."""
    copy = object.__new__(type(value))
    for f in dataclasses.fields(value):
        object.__setattr__(copy, f.name, changes.get(f.name, getattr(value, f.name)))
    return copy
