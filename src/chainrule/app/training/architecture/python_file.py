"""A network out of a Python file that the user names: ``my.py:build``."""

from __future__ import annotations

import importlib.util
import re
import traceback
from pathlib import Path

from chainrule import nn
from chainrule.errors import ChainruleError, ParameterError

_PLACE = re.compile(r"(?P<file>.+\.py):(?P<function>\w+)")


def is_python_file(described: str) -> bool:
    """Tell whether a description names a function in a Python file.

    >>> is_python_file("my.py:build"), is_python_file("dense 3")
    (True, False)
    """
    return described.endswith(".py") or _PLACE.fullmatch(described) is not None


def network_of_file(described: str, outputs: int) -> nn.Module:
    """Run a file that the user named, and call its function with ``outputs``.

    The file's code runs in training alone. The model file stores the network if all of its layers
    are chainrule's own, else the program that it became; opening it runs none of the user's code.

    Parameters
    ----------
    described
        ``FILE.py:FUNCTION``.
    outputs
        Numbers that the network should give for each example; the function's only argument.

    Raises
    ------
    ParameterError
        If there is no such file or function, it fails, or what it returns is no module.
    """
    match = _PLACE.fullmatch(described)
    if match is None:
        raise ParameterError(f"--network {described!r}: name its function too, as in my.py:build")
    path, name = Path(match["file"]), match["function"]
    if not path.is_file():
        raise ParameterError(f"--network: there is no file {str(path)!r}")
    spec = importlib.util.spec_from_file_location("chainrule_network", path)
    if spec is None or spec.loader is None:
        raise ParameterError(f"--network: {str(path)!r} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise ParameterError(_failure(path, error)) from error
    build = getattr(module, name, None)
    if not callable(build):
        raise ParameterError(f"--network: {str(path)!r} has no function {name!r}")
    try:
        network = build(outputs)
    except ChainruleError:
        raise
    except Exception as error:
        raise ParameterError(_failure(path, error)) from error
    if not isinstance(network, nn.Module):
        raise ParameterError(
            f"--network: {described} should return a module of chainrule.nn, not "
            f"{type(network).__name__}"
        )
    return network


def _failure(path: Path, error: Exception) -> str:
    """Say where the user's own code failed."""
    lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == str(path)]
    if isinstance(error, SyntaxError):
        lines = [error.lineno]
    where = f", line {lines[-1]}" if lines and lines[-1] else ""
    return f"--network: {str(path)!r}{where}: {type(error).__name__}: {error}"
