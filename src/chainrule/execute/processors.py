"""How many threads may work at a time."""

from __future__ import annotations

import os


def available_workers() -> int:
    """Count the processors that this process may use.

    `OMP_NUM_THREADS`, which parallel searches set for their processes, is a limit.
    """
    try:
        count = len(os.sched_getaffinity(0))
    except AttributeError:  # not on this operating system
        count = os.cpu_count() or 1
    limit = os.environ.get("OMP_NUM_THREADS", "")
    return max(1, min(count, int(limit))) if limit.isdigit() else count
