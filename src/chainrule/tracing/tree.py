"""Trees of parameters: tuples, lists, dicts and dataclasses, nested, with arrays as leaves."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.errors import TreeError
from chainrule.ir import ArrayType, Dim


def static(**options: Any) -> Any:
    """Declare a dataclass field that is part of a tree's structure, not one of its arrays.

    >>> @dataclass(frozen=True)
    ... class Scale:
    ...     factor: float
    ...     label: str = static(default="gain")
    >>> leaf_paths(Scale(2.0))
    ['factor']
    """
    return dataclasses.field(metadata={"static": True}, **options)


@dataclass(frozen=True)
class Tree:
    """The structure of a tree without its leaves; equal for trees that match.

    Attributes
    ----------
    kind
        The type of this level; None for a leaf.
    keys
        Names of the children: indices, dictionary keys, or field names.
    children
        The structures below.
    fixed
        Field names and values that are part of the structure.
    """

    kind: Any
    keys: tuple[Any, ...] = ()
    children: tuple[Tree, ...] = ()
    fixed: tuple[tuple[str, Any], ...] = ()


_LEAF = Tree(None)


def _is_node(value: Any) -> bool:
    if value is None or isinstance(value, (tuple, list, dict)):
        return True
    if isinstance(value, (ArrayType, Dim, type)):
        return False
    return dataclasses.is_dataclass(value)


def _parts(value: Any) -> tuple[tuple[Any, ...], list[Any], tuple[tuple[str, Any], ...]]:
    """Give keys, children and fixed fields of one level."""
    if value is None:
        return (), [], ()
    if isinstance(value, dict):
        keys = tuple(value)
        return keys, [value[k] for k in keys], ()
    if isinstance(value, (tuple, list)):
        return tuple(range(len(value))), list(value), ()
    fields = dataclasses.fields(value)
    live = [f.name for f in fields if not f.metadata.get("static")]
    fixed = tuple((f.name, getattr(value, f.name)) for f in fields if f.metadata.get("static"))
    return tuple(live), [getattr(value, name) for name in live], fixed


def flatten(value: Any) -> tuple[list[Any], Tree]:
    """Take a tree apart into its leaves and its structure.

    >>> flatten({"weight": 1.0, "rest": (2.0, 3.0)})[0]
    [1.0, 2.0, 3.0]
    """
    if type(value) is np.ndarray or not _is_node(value):
        return [value], _LEAF
    keys, children, fixed = _parts(value)
    leaves: list[Any] = []
    structures = []
    for child in children:
        below, structure = flatten(child)
        leaves += below
        structures.append(structure)
    return leaves, Tree(type(value), keys, tuple(structures), fixed)


def unflatten(tree: Tree, leaves: Sequence[Any]) -> Any:
    """Put leaves back into a structure.

    >>> unflatten(flatten({"a": 1, "b": [2]})[1], [3, 4])
    {'a': 3, 'b': [4]}
    """
    source = iter(leaves)
    value = _build(tree, source)
    rest = list(source)
    if rest:
        raise TreeError(f"{len(rest)} more leaves than the tree has places")
    return value


def _build(tree: Tree, leaves: Iterator[Any]) -> Any:
    if tree.kind is None:
        try:
            return next(leaves)
        except StopIteration:
            raise TreeError("fewer leaves than the tree has places") from None
    children = [_build(child, leaves) for child in tree.children]
    if tree.kind is type(None):
        return None
    if issubclass(tree.kind, dict):
        return tree.kind(zip(tree.keys, children, strict=True))
    if issubclass(tree.kind, tuple) and hasattr(tree.kind, "_fields"):
        return tree.kind(*children)
    if issubclass(tree.kind, (tuple, list)):
        return tree.kind(children)
    value = object.__new__(tree.kind)
    for name, child in [*zip(tree.keys, children, strict=True), *tree.fixed]:
        object.__setattr__(value, name, child)
    return value


def leaf_paths(value: Any, prefix: str = "") -> list[str]:
    """Name every leaf as one would write it in Python.

    >>> leaf_paths({"layers": [1.0, (2.0,)]})
    ['layers[0]', 'layers[1][0]']
    """
    if not _is_node(value):
        return [prefix]
    keys, children, _ = _parts(value)
    paths = []
    for key, child in zip(keys, children, strict=True):
        step = f"[{key!r}]" if not isinstance(key, str) else f".{key}" if prefix else key
        paths += leaf_paths(child, prefix + step)
    return paths


def map_leaves(function: Callable[..., Any], value: Any, *others: Any) -> Any:
    """Apply a function to the leaves of one tree, or of several that match.

    >>> map_leaves(lambda a, b: a + b, {"w": 1}, {"w": 2})
    {'w': 3}
    """
    leaves, tree = flatten(value)
    columns = [leaves]
    for other in others:
        more, structure = flatten(other)
        if structure != tree:
            raise TreeError(f"two trees differ in structure: {tree} and {structure}")
        columns.append(more)
    return unflatten(tree, [function(*row) for row in zip(*columns, strict=True)])
