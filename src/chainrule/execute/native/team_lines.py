"""What threads that share the steps of a loop tell each other, and where.

It lies in `team`, in lines of `LINE` bytes: the first one is about sleep, then there are three for
each worker and the thread of its number. One holds the level of the worker that somebody is to run
next, and the thread that ran the last; one holds the number of its levels that were run; one is
about the leave of the thread, which lasts from call to call. Levels are counted through all steps.
"""

from __future__ import annotations

LINE = 128
"""Bytes that one thread writes while others write their own: processors fetch lines by two."""

BELL, SLEEPERS, ENDED, RESTING = 0, 8, 16, 24
"""Bytes at which the first line holds the word that changes for sleepers, how many these are, the
word that changes for threads on leave, and how many those are."""


def lines_of_team(workers: int) -> int:
    """How many lines there are."""
    return 1 + 3 * workers


NEXT, DONE, LEAVE = 1, 2, 3
"""Which line is the first of each kind."""


def sizes_at(slots: int) -> int:
    """Where sizes begin in a frame, which holds the slots of a worker before them, in bytes."""
    return -(-8 * slots // LINE) * LINE


def frame_bytes(slots: int) -> int:
    """How many bytes a frame has."""
    return sizes_at(slots) + LINE


def shared_word(name: str, offset: int) -> str:
    """Write the address of a word of the first line into a register."""
    return f"%{name} = getelementptr i8, ptr %team, i64 {offset}"


def line_of(kind: int, name: str, number: str) -> str:
    """Write the address of the line of a worker, or of a thread, into a register."""
    return f"""%{name}.before = mul i64 {number}, 3
  %{name}.line = add i64 %{name}.before, {kind}
  %{name} = getelementptr [{LINE} x i8], ptr %team, i64 %{name}.line"""


def function(result: str, name: str, parameters: str, body: str, *, exported: bool = False) -> str:
    """Write a function, which only others of its module call, unless it is exported."""
    linkage = "" if exported else "internal "
    return f"define {linkage}{result} @{name}({parameters}) nounwind {{\nentry:{body}\n}}"
