"""Arrays of a network, chosen by their paths."""

from __future__ import annotations

from collections.abc import Sequence

from chainrule.errors import ParameterError


def covers(name: str, path: str) -> bool:
    """Tell whether a path is that of an array, or lies within that of a layer.

    >>> covers("layers[1]", "layers[1].bias"), covers("layers[1]", "layers[10].bias")
    (True, False)
    """
    return path == name or path.startswith((name + ".", name + "["))


def chosen(names: Sequence[str], paths: Sequence[str], purpose: str) -> frozenset[str]:
    """Find the paths that are named, by their own or by the path of a layer.

    Parameters
    ----------
    names
        Paths of arrays, or of layers with all their arrays.
    paths
        All there are.
    purpose
        What they are chosen for, for messages: "freeze".

    Raises
    ------
    ParameterError
        If a name covers nothing.
    """
    if isinstance(names, str):
        raise ParameterError(f"to {purpose} takes several paths: write ({names!r},)")
    for name in names:
        if not any(covers(name, path) for path in paths):
            said = ", ".join(paths[:12]) + (", ..." if len(paths) > 12 else "")
            raise ParameterError(f"there is no array {name!r} to {purpose}; there are {said}")
    return frozenset(p for p in paths if any(covers(name, p) for name in names))
