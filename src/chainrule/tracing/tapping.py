"""Values that a person wants to see: marked where they are computed, read from outside."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any

from chainrule.errors import ParameterError
from chainrule.tracing.array import Array

_SEEN: ContextVar[dict[str, Any] | None] = ContextVar("tapped values", default=None)


def tap(x: Any, name: str) -> Any:
    """Mark a value to be looked at, and give it back unchanged.

    Training records it: the history gets the columns ``name.mean``, ``name.std``, ``name.min`` and
    ``name.max`` (only ``name`` for a single number). `explain` and `derive` call the value by this
    name in their equations. Within ``with taps() as seen``, the value itself is kept. In the step
    of a `scan` the value is that of all steps, stacked.

    Parameters
    ----------
    x
        An array; what else there is passes untouched.
    name
        What it is called; a name is used once in a call of a network.

    Raises
    ------
    ParameterError
        If the name is empty, or was used before.

    >>> import numpy as np
    >>> import chainrule as cr
    >>> import chainrule.numpy as cnp
    >>> from chainrule import nn
    >>> class Watched(nn.Module):
    ...     inner: nn.Module = nn.Dense(2, weight=np.full((1, 2), 0.5), bias=np.zeros(2))
    ...
    ...     def __call__(self, x, *, key=None):
    ...         return cnp.sum(cr.tap(cnp.tanh(self.inner(x)), "hidden"), axis=1, keepdims=True)
    >>> with cr.taps() as seen:
    ...     output = Watched()([[1.0]])
    >>> seen["hidden"].round(4).tolist()
    [[0.4621, 0.4621]]
    """
    if not isinstance(name, str) or not name:
        raise ParameterError(f"tap needs a name, received {name!r}")
    seen = _SEEN.get()
    if seen is not None:
        if name in seen:
            raise ParameterError(f"two values are tapped as {name!r}: give each its own name")
        seen[name] = x
    if isinstance(x, Array):
        x.recorder.builder.annotate(x.node, name=name, tapped=name)
    return x


def returning_taps(function: Callable[..., Any]) -> Callable[..., tuple[Any, dict[str, Any]]]:
    """Let a function that is traced on its own return what is tapped in it, beside its result.

    Where nobody looks at tapped values, it returns none.
    """

    @wraps(function)
    def both(*args: Any) -> tuple[Any, dict[str, Any]]:
        around = _SEEN.get()
        if around is None:
            return function(*args), {}
        with taps() as seen:
            result = function(*args)
        own = {n: x for n, x in seen.items() if isinstance(x, Array) and x.recorder.open}
        around.update({n: x for n, x in seen.items() if n not in own})
        return result, own

    return both


@contextmanager
def taps() -> Iterator[dict[str, Any]]:
    """Keep the values that are tapped within a ``with`` block, by their names."""
    seen: dict[str, Any] = {}
    token = _SEEN.set(seen)
    try:
        yield seen
    finally:
        _SEEN.reset(token)
