"""Time that passed, and whether other work on the machine was in the way."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, process_time, sleep

CALM = 0.25
"""Processors that others may keep busy on average before a time counts as disturbed."""

PAUSE = 0.15
"""Seconds of rest before each timing, until the last library's threads stop looking for work.

Those of NumPy's and SciPy's OpenBLAS look for some 2**28 cycles: 97 ms, measured at 2.6 GHz.
"""


@dataclass(frozen=True)
class Lap:
    """One timing.

    Parameters
    ----------
    seconds : float
        How long the work took.
    disturbed : bool
        Whether others were busy meanwhile, or in the pause before. Never, where the system does
        not tell.
    """

    seconds: float
    disturbed: bool


class Stopwatch:
    """Times the inside of a ``with`` block, after a pause."""

    def __enter__(self) -> Stopwatch:
        self._others = _others()
        self._arrived = perf_counter()
        sleep(PAUSE)
        self._begin = perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        end = perf_counter()
        others = _others() - self._others
        # The system counts in hundredths of a second: one of them says nothing.
        busy = others > max(CALM * (end - self._arrived), 0.015)
        self.lap = Lap(end - self._begin, busy)


def _others() -> float:
    """Seconds that all processors have given to others so far, a hypervisor's included."""
    try:
        line = Path("/proc/stat").read_text(encoding="ascii").partition("\n")[0]
    except OSError:
        return 0.0
    ticks = [int(x) for x in line.split()[1:9]]
    idle = ticks[3] + ticks[4]  # idle, and idle while a disk was busy
    return (sum(ticks) - idle) / os.sysconf("SC_CLK_TCK") - process_time()
