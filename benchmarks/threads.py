"""The same number of threads for every library, however it counts them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any


def cores() -> int:
    """Count the processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def hold_threads(threads: int) -> None:
    """Set the number of threads; only before any numerical library is loaded does it hold."""
    for name in ("OMP", "OPENBLAS", "MKL", "VECLIB_MAXIMUM", "NUMEXPR"):
        os.environ[f"{name}_NUM_THREADS"] = str(threads)
    # XLA knows no such number: it counts the processors that the process may use.
    if threads < cores() and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])


@contextmanager
def using(threads: int) -> Iterator[None]:
    """Let the libraries that can change it use so many threads for a while."""
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(threads)
    with _pools(len(sys.modules)).limit(limits=threads):
        yield


@cache
def _pools(modules: int) -> Any:
    """Find the pools of threads there are; again whenever more modules are loaded."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
