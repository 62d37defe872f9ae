"""Choose an executor from the amount of work alone, so that the same call gives the same bits."""

from __future__ import annotations

from chainrule.errors import ParameterError
from chainrule.ir import Graph
from chainrule.plan import count_work

EXECUTORS = ("numpy", "native")

# One operation by NumPy costs about 6 microseconds beside its arithmetic, of which it does about
# 2 per nanosecond. To plan and compile a step costs from 0.3 to 0.6 seconds the first time on a
# machine, 0.08 in another process when the object is on disk, and nothing when this process has
# the program. People fit the same structure again and again, so what counts is the second time.
OVERHEAD = 6e-6
ARITHMETIC = 0.5e-9
WORTH_COMPILING = 0.1


def check_executor(name: str) -> str:
    """Return the name of an executor, or raise `ParameterError`."""
    if name not in EXECUTORS:
        raise ParameterError(f"unknown executor {name!r}; expected one of {', '.join(EXECUTORS)}")
    return name


def choose_executor(name: str, graph: Graph, runs: int, sizes: dict[str, int]) -> str:
    """Replace "auto" by "native" where NumPy would need longer than compiling takes.

    Parameters
    ----------
    name
        "auto", or an executor, which is returned as it is.
    graph
        The program.
    runs
        How many times it will run at most.
    sizes
        Its symbolic sizes.
    """
    if name != "auto":
        return check_executor(name)
    operations, flops = count_work(graph, sizes)
    seconds = runs * (OVERHEAD * operations + ARITHMETIC * flops)
    return "native" if seconds > WORTH_COMPILING else "numpy"
