"""What training records of the values that a network taps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

import chainrule.numpy as cnp
from chainrule.errors import ParameterError
from chainrule.ir import is_float
from chainrule.tracing import Array

MARK = "tap "
"""Begins the names of such records of a step."""


def summaries(seen: Mapping[str, Any]) -> dict[str, Any]:
    """Sum up tapped values in single numbers, as a traced function.

    Raises
    ------
    ParameterError
        If a value was tapped inside of a function that is traced on its own.
    """
    found: dict[str, Any] = {}
    for name, value in seen.items():
        if isinstance(value, Array) and not value.recorder.open:
            raise ParameterError(
                f"the value tapped as {name!r} lies inside of a function that is traced on its "
                "own, such as one that is differentiated: return it from there and tap what comes "
                "out"
            )
        x = cnp.asarray(value)
        x = x if is_float(str(x.dtype)) else cnp.astype(x, "float32")
        if x.ndim == 0:
            found[MARK + name] = x
            continue
        found[f"{MARK}{name}.mean"] = cnp.mean(x)
        found[f"{MARK}{name}.std"] = cnp.std(x)
        found[f"{MARK}{name}.min"] = cnp.min(x)
        found[f"{MARK}{name}.max"] = cnp.max(x)
    return found


def columns(records: Mapping[str, Any]) -> dict[str, Any]:
    """Make columns of an epoch's steps: the smallest, the largest, else the mean.

    Parameters
    ----------
    records
        Arrays (epochs, steps) by name; others than tapped ones are left out.

    >>> columns({"tap h.max": np.array([[1.0, 3.0]]), "total": np.array([[5.0, 5.0]])})
    {'h.max': array([3.])}
    """
    found = {}
    for name, steps in records.items():
        if name.startswith(MARK):
            kind = name.rpartition(".")[2]
            fold = {"min": np.min, "max": np.max}.get(kind, np.mean)
            found[name.removeprefix(MARK)] = fold(steps.astype(np.float64), axis=1)
    return found
