"""One call of a network in progress: where its layers stand, what they draw and what they keep."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from chainrule import random
from chainrule.nn.initialisers import Initialiser


@dataclass(frozen=True)
class Variable:
    """An array that a layer declares: its shape, and how it begins.

    Attributes
    ----------
    shape
        Sizes of the axes, all of them numbers.
    initial
        Draws the first value.
    """

    shape: tuple[Any, ...]
    initial: Initialiser


@dataclass
class Building:
    """First values that are being drawn; the n-th array takes the key folded with n.

    Attributes
    ----------
    key
        Random key of the whole network.
    dtype
        Of the arrays.
    arrays
        What was drawn so far, by path.
    """

    key: Any
    dtype: str
    arrays: dict[str, Any] = field(default_factory=dict)

    def draw(self, path: str, variable: Variable) -> Any:
        """Give the first value of an array; the same one whenever the path comes again."""
        if path not in self.arrays:
            key = random.fold_in(self.key, len(self.arrays))
            self.arrays[path] = variable.initial(key, variable.shape, self.dtype)
        return self.arrays[path]


@dataclass
class Call:
    """One call of one module, as it was traced.

    Attributes
    ----------
    path, module
        What was called.
    inputs, options
        With what.
    output
        What it returned; None while it runs.
    """

    path: str
    module: Any
    inputs: tuple[Any, ...]
    options: Mapping[str, Any]
    output: Any = None


@dataclass
class Memory:
    """What layers keep of the places before, where a network reads one place at a time.

    Attributes
    ----------
    place
        Number of the place that is read, int32 (1,).
    length
        How many places there is room for.
    past
        What was kept, by the layer's path and the number of its call; empty before the first place.
    kept
        The same behind this place.
    """

    place: Any
    length: int
    past: Mapping[str, Any]
    kept: dict[str, Any] = field(default_factory=dict)

    def recall(self, path: str, first: Callable[[int], Any]) -> tuple[str, Any]:
        """Give the name of what a call keeps, and what it kept last, or what it begins with."""
        calls = sum(name.startswith(f"{path}#") for name in self.kept)
        name = f"{path}#{calls}"
        return name, self.past[name] if name in self.past else first(self.length)


@dataclass
class Remembered:
    """What one call of a layer kept at the places before.

    Attributes
    ----------
    memory
        Of the whole network.
    name
        Of what this call keeps.
    past
        What it kept.
    """

    memory: Memory
    name: str
    past: Any

    @property
    def place(self) -> Any:
        """Number of the place that is read, int32 (1,)."""
        return self.memory.place

    @property
    def length(self) -> int:
        """How many places there is room for."""
        return self.memory.length

    def keep(self, value: Any) -> None:
        """Keep something for the next place."""
        self.memory.kept[self.name] = value


@dataclass
class Scope:
    """A call in progress.

    Attributes
    ----------
    paths
        Path of each module of the network, by identity.
    building
        Where first values are drawn; None once a network has them.
    changes
        New values of state, by path: what normalisation layers hand on to the next step.
    calls
        Every call so far, outer ones first, where somebody wants to know.
    recomputed
        Layers whose inner values are computed again in the backward pass: for the path of the
        first of some, how many; see `chainrule.nn.run_with_state`.
    memory
        Of the places before; None where whole sequences are read.
    """

    paths: Mapping[int, str]
    building: Building | None = None
    changes: dict[str, Any] = field(default_factory=dict)
    calls: list[Call] | None = None
    recomputed: Mapping[str, int] = field(default_factory=dict)
    memory: Memory | None = None


_CURRENT: ContextVar[Scope | None] = ContextVar("call of a network", default=None)


def current() -> Scope | None:
    """Give the innermost call in progress."""
    return _CURRENT.get()


@contextmanager
def entered(scope: Scope) -> Iterator[Scope]:
    """Make a scope the innermost one for a while."""
    token = _CURRENT.set(scope)
    try:
        yield scope
    finally:
        _CURRENT.reset(token)
