"""How many threads may work at a time."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

CONTROL = Path("/sys/fs/cgroup")
"""Where Linux shows the limits of containers."""


def available_workers() -> int:
    """Count the processors that this process may use, a container's share of time included.

    Results of a training in native code depend on it in the last bits.
    """
    try:
        count = len(os.sched_getaffinity(0))
    except AttributeError:  # not on this operating system
        count = os.cpu_count() or 1
    return max(1, min(count, _quota() or count))


def available_threads() -> int:
    """Count the threads that may work at a time; no result depends on it.

    `OMP_NUM_THREADS`, which parallel searches set for their processes, is a limit.
    """
    count, limit = available_workers(), os.environ.get("OMP_NUM_THREADS", "")
    return max(1, min(count, int(limit))) if limit.isdigit() else count


@cache
def _quota() -> int | None:
    """The processors whose time a control group grants to its processes, a part counted as one.

    Of the group and those around it, the narrowest counts. None stands for no limit.
    """
    try:
        entries = Path("/proc/self/cgroup").read_text("ascii").splitlines()
    except OSError:
        return None
    found = [limit for entry in entries for limit in limits(entry, CONTROL)]
    return min(found, default=None)


def limits(entry: str, root: Path) -> list[int]:
    """Read the limits of a control group and of those around it.

    Parameters
    ----------
    entry
        A line of ``/proc/self/cgroup``: number, controllers and path, of either version.
    root
        Where the groups are to be found.

    Returns
    -------
    Processors, rounded up; groups without a limit are left out.
    """
    _, controllers, path = entry.split(":", 2)
    names = controllers.split(",")
    if controllers and "cpu" not in names:
        return []
    base = root / controllers if controllers else root
    found = []
    groups = [base / path.lstrip("/"), *(base / path.lstrip("/")).parents]
    for group in groups[: groups.index(base) + 1]:
        quota, period = _read_version_1(group) if controllers else _read_version_2(group)
        if quota > 0 and period > 0:
            found.append(-(-quota // period))
    return found


def _read_version_2(group: Path) -> tuple[int, int]:
    quota, period = _words(group / "cpu.max") or ("max", "0")
    return (int(quota), int(period)) if quota != "max" else (0, 0)


def _read_version_1(group: Path) -> tuple[int, int]:
    quota, period = (_words(group / f"cpu.cfs_{x}_us") for x in ("quota", "period"))
    return (int(quota[0]), int(period[0])) if quota and period else (0, 0)


def _words(file: Path) -> list[str]:
    try:
        return file.read_text("ascii").split()
    except OSError:  # the group has no such limit, or is not shown in a container
        return []
