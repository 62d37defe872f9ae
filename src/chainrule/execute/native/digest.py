"""A short name for all that a program's machine code follows from.

The name is known when a plan is; that spares the writing of LLVM text where the code is on disk.
It covers the plan with everything in it, so that two plans share a name only if the same text would
be written for them, and the source of the code generator.
"""

from __future__ import annotations

import hashlib
import os
import platform
import sys
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any

from chainrule.execute.native.compiler import machine
from chainrule.ir import Graph, Node, topological
from chainrule.plan import Group

_ROOMS = ("ir", "ops", "plan", "execute")
"""What a program's text depends on, the traced program being given."""


def digest(*parts: Any) -> str:
    """Hash a plan, what else its code depends on, and the generator.

    Parameters
    ----------
    parts
        Numbers, strings, nodes, dataclasses such as plans, and collections of these.
    """
    text = _Writer().text(parts)
    here = (sys.platform, platform.machine(), machine().compiler, generator())
    return hashlib.sha256(f"{here}{text}".encode()).hexdigest()[:32]


@cache
def generator() -> str:
    """Tell one state of the code generator's source from all others.

    Names, sizes and times of change of its files do, by which Python itself decides whether what
    it compiled of them is still good.
    """
    home = Path(__file__).parents[2]
    rooms = [home / room for room in _ROOMS if (home / room).is_dir()]  # none in an archive
    seen = [str(home), *sorted(line for room in rooms for line in _sources(room))]
    return hashlib.sha256("\n".join(seen).encode()).hexdigest()


def _sources(folder: str | Path) -> Iterator[str]:
    """Describe every file of a folder and of those in it."""
    for entry in os.scandir(folder):
        if entry.name.endswith(".py"):
            status = entry.stat()
            yield f"{entry.path} {status.st_size} {status.st_mtime_ns}"
        elif entry.is_dir() and entry.name != "__pycache__":
            yield from _sources(entry.path)


class _Writer:
    """Writes values as text: each node and group once, then its number."""

    def __init__(self) -> None:
        self._numbers: dict[Node, str] = {}
        self._groups: dict[Group, str] = {}

    def text(self, value: Any) -> str:
        """Write a value; different values give different texts."""
        if isinstance(value, Node):
            return self._numbers.get(value) or self._define(value)
        if isinstance(value, str | int | float | None):
            return repr(value)
        if isinstance(value, tuple | list):
            return f"({','.join(map(self.text, value))})"
        if isinstance(value, Mapping):
            return f"{{{','.join(f'{self.text(k)}:{self.text(v)}' for k, v in value.items())}}}"
        if isinstance(value, frozenset):  # its order differs from process to process
            return f"<{','.join(sorted(map(self.text, value)))}>"
        if isinstance(value, Graph):  # its notes are for people
            return self.text((value.nodes, value.inputs, value.outputs))
        if isinstance(value, Group):
            if value not in self._groups:
                content = self._fields(value)
                self._groups[value] = f"g{len(self._groups)}"
                return f"{self._groups[value]}={content}"
            return self._groups[value]
        return self._fields(value) if is_dataclass(value) else f"{type(value).__name__}{value!r}"

    def _define(self, node: Node) -> str:
        """Write a node behind those that it needs."""
        written = []
        known = all(x in self._numbers for x in node.inputs)
        for x in (node,) if known else topological((node,), self._numbers):
            if x not in self._numbers:
                # The entries of a constant are passed to the code when it runs.
                params = x.params if x.card.name != "constant" else ()
                inputs = ",".join(self._numbers[y] for y in x.inputs)
                self._numbers[x] = f"n{len(self._numbers)}"
                written.append(f"{self._numbers[x]}={x.card.name}({inputs}){params}{x.type}")
        return ";".join(written)

    def _fields(self, value: Any) -> str:
        return f"{type(value).__name__}{self.text([getattr(value, x.name) for x in fields(value)])}"
