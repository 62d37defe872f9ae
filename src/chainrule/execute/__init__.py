"""From plans to arrays: the NumPy executor, which defines the meaning, and native code."""

from chainrule.execute.loop import Loop, Session, loop

__all__ = ["Loop", "Session", "loop"]
