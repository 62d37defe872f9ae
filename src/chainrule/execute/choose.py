"""Choose an executor from the amount of work alone, so that the same call gives the same bits."""

from __future__ import annotations

from chainrule.errors import ParameterError
from chainrule.ir import Graph, bind, element_count, families, is_loop

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
    return "native" if _seconds(graph, sizes) * runs > WORTH_COMPILING else "numpy"


def _seconds(graph: Graph, sizes: dict[str, int]) -> float:
    """How long NumPy needs for a program."""
    seconds = 0.0
    loops = families(graph.nodes)
    for node in graph.nodes:
        if is_loop(node):
            if node is loops[node][0]:
                options = node.options
                seconds += bind(options["length"], sizes) * _seconds(options["body"].graph, sizes)
            continue
        over = node.inputs[0].type if node.card.kind == "reduce" else node.type
        entries = int(element_count(bind(over.shape, sizes)))
        if node.card.kind == "contract":
            entries *= int(bind(node.inputs[0].type.shape[-1], sizes))
        seconds += OVERHEAD + ARITHMETIC * entries * node.card.cost
    return seconds
