"""Compiled programs, and how they are found on disk: a list of objects, and how to call them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass

from chainrule.execute.native.cache import read, write
from chainrule.execute.native.compiler import Library
from chainrule.execute.native.layout import Layout


@dataclass(frozen=True)
class Built:
    """A program's objects, and what its caller has to know of them.

    Attributes
    ----------
    objects
        Machine code, by the names under which it is kept.
    layout
        What the caller provides.
    imports
        Addresses of functions from outside, by name.
    """

    objects: Mapping[str, bytes]
    layout: Layout
    imports: Mapping[str, int]

    def link(self, *exports: str) -> Library:
        """Join the objects; `exports` are the functions that will be called."""
        return Library(tuple(self.objects.values()), exports, self.imports)


def obtain(name: str, make: Callable[[], Built]) -> Built:
    """Take the program of this name from disk; if it is not there, make it and keep it."""
    found = _recall(name)
    if found is None:
        found = make()
        if not found.imports:  # whether BLAS is there, and how it is called, may change
            listed = {"objects": list(found.objects), "layout": asdict(found.layout)}
            write(name, json.dumps(listed).encode())
    return found


def _recall(name: str) -> Built | None:
    """Take a program from disk, if its list is there and all that it lists."""
    found = read(name)
    if found is None:
        return None
    listed = json.loads(found)
    objects = {x: read(x) for x in listed["objects"]}
    whole = {x: image for x, image in objects.items() if image is not None}
    return Built(whole, Layout(**listed["layout"]), {}) if len(whole) == len(objects) else None
