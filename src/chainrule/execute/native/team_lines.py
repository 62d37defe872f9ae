"""What threads that share the steps of a loop tell each other, and where.

It lies in `team`, in lines of `LINE` bytes: the first one about sleep, then for each worker one
with the level that somebody is to run next and with the thread that ran the last, and one with the
number of levels that were run; then for each thread one about its leave, which lasts from call to
call. Levels are counted through all steps.
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


def lasting_lines(workers: int) -> int:
    """How many of the lines are to be zero before a call; the others stay as they are."""
    return 1 + 2 * workers


def sizes_at(slots: int) -> int:
    """Where sizes begin in a frame, which holds the slots of a worker before them, in bytes."""
    return -(-8 * slots // LINE) * LINE


def frame_bytes(slots: int) -> int:
    """How many bytes a frame has."""
    return sizes_at(slots) + LINE


def shared_word(name: str, offset: int) -> str:
    """Write the address of a word of the first line into a register."""
    return f"%{name} = getelementptr i8, ptr %team, i64 {offset}"


def line_of_next(name: str, worker: str) -> str:
    """Write the address of the line with a worker's next level into a register."""
    return _line(name, 1, worker)


def line_of_done(name: str, worker: str, workers: int) -> str:
    """Write the address of the line with the count of a worker's levels into a register."""
    return _line(name, 1 + workers, worker)


def line_of_leave(name: str, thread: str, workers: int) -> str:
    """Write the address of the line about a thread's leave into a register."""
    return _line(name, 1 + 2 * workers, thread)


def _line(name: str, first: int, number: str) -> str:
    return f"""%{name}.line = add i64 {number}, {first}
  %{name} = getelementptr [{LINE} x i8], ptr %team, i64 %{name}.line"""


def function(result: str, name: str, parameters: str, body: str) -> str:
    """Write a function that only others of its module call."""
    return f"define internal {result} @{name}({parameters}) nounwind {{\nentry:{body}\n}}"
