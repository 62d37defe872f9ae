"""What was measured of this processor, kept in the cache beside the code that was made for it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import cache

from chainrule.execute.native.cache import LASTING, read, write
from chainrule.execute.native.compiler import machine
from chainrule.execute.native.tuning import Tuning, read_tuning, usual_tuning


@dataclass(frozen=True)
class KeptTuning:
    """Figures by which products are cut, and what they are worth.

    Attributes
    ----------
    tuning
        The figures.
    gain
        By how much products take less time than with the usual figures, on average: .02 is 2 %.
    """

    tuning: Tuning
    gain: float


def keep_tuning(kept: KeptTuning) -> bool:
    """Keep what was measured, for this processor and this version of LLVM; programs then use it.

    Returns
    -------
    Whether it is kept: a folder may be only to be read.
    """
    write(_name(), json.dumps({"tuning": asdict(kept.tuning), "gain": kept.gain}).encode())
    tuned.cache_clear()
    return kept_tuning() == kept


def kept_tuning() -> KeptTuning | None:
    """Read what was measured; None where nothing was, or what is there is damaged."""
    content = read(_name())
    try:
        values = json.loads(content) if content else None
    except ValueError:
        return None
    if not isinstance(values, dict) or not isinstance(values.get("gain"), float):
        return None
    tuning = read_tuning(values.get("tuning"), machine().vector_bits)
    return KeptTuning(tuning, values["gain"]) if tuning else None


@cache
def tuned() -> Tuning | None:
    """Give the measured figures, read once in a process; None where the usual ones are to be used.

    Figures that were measured to be the usual ones are no others, so that programs stay the same.
    """
    kept = kept_tuning()
    here = machine()
    if kept is None or kept.tuning == usual_tuning(here.cpu, here.vector_bits):
        return None
    return kept.tuning


def _name() -> str:
    """Of the file: another processor or another LLVM has another one."""
    return LASTING + hashlib.sha256(machine().compiler.encode()).hexdigest()[:32]
