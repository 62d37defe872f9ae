"""``chainrule check``: the gradients of a user's own network or function."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.app.failures import ExitCode
from chainrule.app.screen import Screen
from chainrule.backprop import check_gradients
from chainrule.errors import ParameterError
from chainrule.explaining import find_nonfinite
from chainrule.nn import Module

_INPUT = re.compile(r"(?:int:)?(number|\d+(?:x\d+)*)(?::(\d+))?$")


def check(
    screen: Screen, where: str, inputs: Sequence[str], order: int, directions: int, seed: int
) -> ExitCode:
    """Compare gradients with finite differences; give the exit code: 2 if they differ.

    Parameters
    ----------
    screen
        Where to write.
    where
        ``file.py:NAME`` or ``package.module:NAME``: a module, a class of modules that is made
        without arguments, or a function of arrays.
    inputs
        For each argument its shape, as in "4x3" or "number"; "int:8:5" draws 8 integers below 5.
    order, directions, seed
        As for `chainrule.check_gradients`; the seed also draws weights and inputs.
    """
    function = load(where)
    random = np.random.default_rng(seed)
    args = [draw(each, random) for each in inputs]
    try:
        called, given = _prepared(where, function, args, seed)
        found = check_gradients(called, *given, order=order, directions=directions, seed=seed)
        broken = find_nonfinite(called, *given)
    except ParameterError:
        raise
    except Exception as error:  # the user's code may raise anything
        raise ParameterError(f"{where} failed: {type(error).__name__}: {error}") from error
    screen.say(str(found))
    if broken is not None:
        screen.say(f"not finite: {broken}")
    compared = [
        {"what": c.what, "gradient": c.gradient, "difference": c.difference, "error": c.error}
        for c in found.comparisons
        if np.isfinite([c.gradient, c.difference, c.error]).all()
    ]
    screen.result(
        {
            "kind": "gradient check",
            "ok": found.ok,
            "tolerance": found.tolerance,
            "comparisons": compared,
            "not_finite": None if broken is None else str(broken),
        },
        str(found).splitlines()[0],
    )
    return ExitCode.OK if found.ok else ExitCode.USAGE


def _prepared(
    where: str, function: Any, args: list[Any], seed: int
) -> tuple[Callable[..., Any], list[Any]]:
    """What is called, and with what: a network is an argument of its own, which moves, too."""
    if isinstance(function, type) and issubclass(function, Module):
        function = function()
    if isinstance(function, Module):
        return _call, [function.initialise(seed, *args, dtype="float64"), *args]
    if callable(function):
        return function, args
    raise ParameterError(f"{where} is {function!r:.60}, no module and no function")


def _call(network: Module, *inputs: Any) -> Any:
    return network(*inputs)


def draw(said: str, random: np.random.Generator) -> Any:
    """Draw an argument: standard normal numbers of a shape, or whole numbers below a bound.

    >>> draw("2x3", np.random.default_rng(0)).shape
    (2, 3)
    >>> draw("int:4:10", np.random.default_rng(0)).tolist()
    [8, 6, 5, 2]
    """
    match = _INPUT.match(said)
    if match is None:
        raise ParameterError(
            f"--input expects a shape as in 4x3 or number, or int:8:5 for 8 whole numbers below 5; "
            f"received {said!r}"
        )
    shape = () if match[1] == "number" else tuple(map(int, match[1].split("x")))
    if said.startswith("int:"):
        return random.integers(0, int(match[2] or 2), shape).astype(np.int32)
    return random.standard_normal(shape)


def load(where: str) -> Any:
    """Import a name from a file, or from a module that Python finds.

    Raises
    ------
    ParameterError
        If there is no such file, module or name, or importing it fails.
    """
    place, _, name = where.rpartition(":")
    if not place:
        raise ParameterError(f"expected file.py:NAME or package.module:NAME, received {where!r}")
    from_file = place.endswith(".py")
    if from_file and not Path(place).is_file():
        raise ParameterError(f"there is no file {place!r}")
    sys.path.insert(0, str(Path(place).parent if from_file else Path.cwd()))
    try:
        named = Path(place).stem if from_file else place
        spec = spec_from_file_location(named, place) if from_file else find_spec(place)
        if spec is None or spec.loader is None:
            raise ParameterError(f"Python finds no module {place!r}")
        module = module_from_spec(spec)
        sys.modules[named] = module
        spec.loader.exec_module(module)
    except ParameterError:
        raise
    except Exception as error:
        raise ParameterError(
            f"importing {place} failed: {type(error).__name__}: {error}"
        ) from error
    finally:
        sys.path.pop(0)
    if not hasattr(module, name):
        raise ParameterError(f"{place} has no {name!r}")
    return getattr(module, name)
