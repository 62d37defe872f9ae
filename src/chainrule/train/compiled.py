"""Traced functions as programs that run on blocks of rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from chainrule.execute import choose_executor, trace
from chainrule.tracing import flatten, map_leaves

BLOCK = 1024  # rows: enough to hide the cost of a call, few enough to stay in the cache


def compile_function(
    function: Callable[..., Any],
    types: tuple[Any, ...],
    executor: str,
    rows: int = BLOCK,
    runs: int = 1,
) -> Callable[..., Any]:
    """Compile a function for batches of up to so many rows.

    Parameters
    ----------
    function
        Traced once.
    types
        A tree of arrays or of `ArrayType` for each argument; the axis "batch" is left open.
    executor
        "numpy", "native", or "auto".
    rows
        Largest size of the axis "batch".
    runs
        How often it will be called at most; for "auto".
    """
    traced = trace(function, *types)
    sizes = {"batch": rows}
    chosen = choose_executor(executor, traced.graph, runs, sizes)
    return traced.plan(limits=sizes).compile(chosen)


def blocks(tree: Any, size: int = BLOCK) -> Iterator[Any]:
    """Cut all arrays of a tree into pieces of so many rows.

    >>> [x.tolist() for x in blocks(np.arange(3), 2)]
    [[0, 1], [2]]
    """
    rows = flatten(tree)[0][0].shape[0]
    for begin in range(0, rows, size):
        yield map_leaves(lambda x, begin=begin: x[begin : begin + size], tree)


def joined(parts: list[Any]) -> Any:
    """Put trees of arrays together again, row by row."""
    return map_leaves(lambda *columns: np.concatenate(columns), *parts)
