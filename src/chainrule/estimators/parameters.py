"""Parameters that hold parameters: ``optimizer__learning_rate``, ``network__layers__0__units``."""

from __future__ import annotations

import dataclasses
from abc import ABC
from collections.abc import Iterator
from typing import Any, Self

from sklearn.base import BaseEstimator

from chainrule.tracing import Array


class Adjustable(BaseEstimator, ABC):
    """An estimator whose searches reach into networks, optimisers and schedules.

    Frozen dataclasses among the parameters are not estimators, but their fields can be read and
    set by the same names, joined by two underscores; items of tuples and lists by their number.
    A change makes a new object, so a network that two estimators share stays as it is.
    """

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Give the parameters by name.

        Parameters
        ----------
        deep
            Whether to add the parameters of parameters.
        """
        found: dict[str, Any] = super().get_params(deep=deep)
        if deep:
            for name, value in list(found.items()):
                if _is_adjustable(value):
                    found |= {f"{name}__{path}": x for path, x in _inner(value)}
        return found

    def set_params(self, **params: Any) -> Self:
        """Set parameters by name, those inside of others included."""
        inside = {}
        for name in list(params):
            outer, _, path = name.partition("__")
            if path and _is_adjustable(params.get(outer, getattr(self, outer, None))):
                inside[name] = params.pop(name)
        super().set_params(**params)
        if not inside:
            return self
        known = self.get_params(deep=True)
        for name, value in inside.items():
            outer, *steps = name.split("__")
            if name not in known:
                raise ValueError(
                    f"Invalid parameter {name!r} for estimator {self}. "
                    f"{outer} has: {sorted(p for p in known if p.startswith(f'{outer}__'))}"
                )
            setattr(self, outer, _replaced(getattr(self, outer), steps, value))
        return self


def _is_adjustable(value: Any) -> bool:
    if isinstance(value, tuple | list):
        return any(map(_is_adjustable, value))
    return dataclasses.is_dataclass(value) and not isinstance(value, type | Array)


def _items(value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, tuple | list):
        return [(str(i), x) for i, x in enumerate(value)]
    return [(f.name, getattr(value, f.name)) for f in dataclasses.fields(value)]


def _inner(value: Any) -> Iterator[tuple[str, Any]]:
    for step, x in _items(value):
        yield step, x
        if _is_adjustable(x):
            for path, y in _inner(x):
                yield f"{step}__{path}", y


def _replaced(value: Any, steps: list[str], new: Any) -> Any:
    """Copy an object with another value at the end of a path."""
    if not steps:
        return new
    first, rest = steps[0], steps[1:]
    items = {step: _replaced(x, rest, new) if step == first else x for step, x in _items(value)}
    if isinstance(value, tuple | list):
        return type(value)(items.values())
    # Not dataclasses.replace: a module may have an __init__ of its own.
    copy = object.__new__(type(value))
    for step, x in items.items():
        object.__setattr__(copy, step, x)
    if hasattr(copy, "__post_init__"):
        copy.__post_init__()
    return copy
