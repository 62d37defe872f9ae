"""From an exception to one sentence and an exit code."""

from __future__ import annotations

import traceback
from enum import IntEnum
from pathlib import Path

from chainrule.errors import (
    DataError,
    DivergenceError,
    MissingDependencyError,
    ModelFileError,
    ParameterError,
)


class ExitCode(IntEnum):
    """What a command tells the shell; the last two are what shells say for Ctrl-C and SIGPIPE."""

    OK = 0
    INTERNAL = 1
    USAGE = 2
    INTERRUPTED = 130
    PIPE = 141


_USERS = (DataError, DivergenceError, MissingDependencyError, ModelFileError, ParameterError)


def explain(error: Exception) -> tuple[str, ExitCode]:
    """Say what went wrong in one sentence, and give the exit code.

    What a user can mend (a file, a table, an argument, the disk) is `ExitCode.USAGE`; what is a
    bug of ours is `ExitCode.INTERNAL`, and names the place in our code.

    >>> explain(DataError("there is no file 'x.csv'"))
    ("there is no file 'x.csv'", <ExitCode.USAGE: 2>)
    """
    if isinstance(error, _USERS):
        return _one_line(error), ExitCode.USAGE
    if isinstance(error, OSError):
        place = f"{error.filename!r}: " if error.filename else ""
        return f"{place}{error.strerror or error}", ExitCode.USAGE
    if isinstance(error, MemoryError):
        return "there is not enough memory for this table or network", ExitCode.USAGE
    frames = traceback.extract_tb(error.__traceback__)
    where = f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
    return (
        f"internal error{where}: {type(error).__name__}: {_one_line(error)}; this is a bug of "
        "chainrule, please report it with this line",
        ExitCode.INTERNAL,
    )


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
