"""One call of a network in progress: where its layers stand, what they draw and what they keep."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
    """

    paths: Mapping[int, str]
    building: Building | None = None
    changes: dict[str, Any] = field(default_factory=dict)
    calls: list[Call] | None = None
    recomputed: Mapping[str, int] = field(default_factory=dict)


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
