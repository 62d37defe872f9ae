"""From plans to arrays: the NumPy executor, which defines the meaning, and native code."""

from chainrule.execute.choose import EXECUTORS, choose_executor
from chainrule.execute.loop import Loop, Session, loop
from chainrule.execute.stages import (
    Compiled,
    Differentiated,
    Planned,
    Traced,
    jit,
    trace,
)

__all__ = [
    "EXECUTORS",
    "Compiled",
    "Differentiated",
    "Loop",
    "Planned",
    "Session",
    "Traced",
    "choose_executor",
    "jit",
    "loop",
    "trace",
]
