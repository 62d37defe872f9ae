"""The function by which several threads run the workers' parts of many steps.

A step is a sequence of *levels*: within one, no worker reads what another one writes. A level of a
worker may therefore be run by any thread, once all workers' last levels are done, and what comes
out depends on how many workers there are, never on the threads. Each thread first runs the worker
that has its number, whose memory lies in its processor's caches. What a thread does besides depends
on the time that others take:

- A worker whose own thread does not come, since other programs have its processor, is run by one
  that has nothing else to do.
- A thread that waits long spins for a while, then sleeps in a futex (where the system has none,
  for a moment between looks).
- A thread that lost its processor in the middle of its work, so that others had to wait for more
  than a millisecond and for a quarter of a step, takes a *leave*, at first a short one, in which
  others do its work. If that happens again soon after, the next leave is twice as long.

What threads tell each other, and where, is in `team_lines`.
"""

from __future__ import annotations

from collections.abc import Mapping

from chainrule.execute.native.code import Code
from chainrule.execute.native.gemm import Target
from chainrule.execute.native.steps import Steps, flush_denormals, write_advance
from chainrule.execute.native.team_lines import (
    BELL,
    DONE,
    ENDED,
    LEAVE,
    NEXT,
    RESTING,
    SLEEPERS,
    frame_bytes,
    function,
    line_of,
    shared_word,
    sizes_at,
)
from chainrule.execute.native.team_sleep import sleep_text
from chainrule.ir import Node

PATIENCE = 500
"""Looks at a worker's count before somebody else runs what its own thread has not begun."""

SPINS = 2000
"""Looks at a worker's count before a thread goes to sleep: some tens of microseconds."""

ARGUMENTS = (
    "ptr %frames, ptr %arenas, ptr %status, ptr %team, i64 %thread, i64 %patience, "
    "i64 %steps, i64 %rows"
)
"""Parameters of the loop, as many and of the same types as that of one worker has.

A frame holds the slots of a worker, then its sizes; `patience` is `PATIENCE`, or zero where there
are fewer threads than workers.
"""

_PART = "ptr %frames, ptr %arenas, ptr %status, i64 %worker, i64 %level, i64 %rows"


def write_team(
    steps: Steps, slots: Mapping[Node, int], *, workers: int, levels: int, target: Target
) -> tuple[str, set[str]]:
    """Write the loop of several threads; give its text, and the declarations that it needs.

    What it calls besides is in `team_text`.

    Parameters
    ----------
    slots
        Position of each value's address.
    workers
        How many share a step.
    levels
        Of a step.
    """
    code, declarations = Code(), {f"declare void @take_turns({ARGUMENTS}, i64, i64)"}
    restore = flush_denormals(code, target, declarations)
    code.line(f"call void @take_turns({ARGUMENTS}, i64 {workers}, i64 {levels})")
    restore()
    code.line("ret void")
    texts = [
        f"define void @loop({ARGUMENTS}) nounwind {{\n{code.body}\n}}",
        write_advance(steps, slots, workers),
        _part(levels, len(slots) + 1),  # one slot more, for counts of cycles
    ]
    return "\n\n".join(texts), declarations


def _part(levels: int, slots: int) -> str:
    """Run a level of a worker."""
    return f"""define void @part({_PART}) nounwind {{
entry:
  %slots = getelementptr [{frame_bytes(slots)} x i8], ptr %frames, i64 %worker
  %sizes = getelementptr i8, ptr %slots, i64 {sizes_at(slots)}
  %step = udiv i64 %level, {levels}
  %in.step = urem i64 %level, {levels}
  %first = icmp eq i64 %in.step, 0
  br i1 %first, label %advance, label %run
advance:
  call void @advance(ptr %slots, ptr %sizes, i64 %worker, i64 %step, i64 %rows)
  br label %run
run:
  call void @program(ptr %slots, ptr %arenas, ptr %sizes, ptr %status, i64 %worker, i64 %in.step)
  ret void
}}"""


def team_text(target: Target) -> str:
    """Write the module that all programs of several workers share.

    It holds ``take_turns``, by which a thread runs levels until all are done, and calls ``part``.
    """
    sleep, declarations = sleep_text()
    declarations.add(f"declare void @part({_PART})")
    pause = ""
    if "+sse2" in target.features:
        declarations.add("declare void @llvm.x86.sse2.pause()")
        pause = "call void @llvm.x86.sse2.pause()"
    return "\n\n".join([*sorted(declarations), _turns(), _run(), _claim(), _wait(pause), sleep])


def _turns() -> str:
    """Run level after level; a thread that comes late finds all done, and catches up."""
    return function(
        "void",
        "take_turns",
        f"{ARGUMENTS}, i64 %workers, i64 %levels",
        f"""
  {line_of(LEAVE, "leave", "%thread")}
  {shared_word("ended", ENDED)}
  {shared_word("resting", RESTING)}
  %began = alloca i64
  %helped = alloca i1
  br label %turn
turn:
  %level = phi i64 [ 0, %entry ], [ %back, %rest ], [ %after, %met ]
  %looks = phi i64 [ %patience, %entry ], [ %looks, %rest ], [ %less, %met ]
  %step = udiv i64 %level, %levels
  %more = icmp slt i64 %step, %steps
  br i1 %more, label %begin, label %end
begin:
  store i1 false, ptr %helped
  %in.step = urem i64 %level, %levels
  %first = icmp eq i64 %in.step, 0
  br i1 %first, label %ask, label %own
ask:
  %now = call i64 @now()
  store i64 %now, ptr %began
  %until = load atomic i64, ptr %leave monotonic, align 8
  %away = icmp sgt i64 %until, %now
  br i1 %away, label %rest, label %own
rest:
  %back = call i64 @rest(ptr %team, i64 %until, i64 %workers)
  %again = call i64 @now()
  store i64 %again, ptr %began
  br label %turn
own:
  %mine = call i1 @claim(ptr %team, i64 %thread, i64 %level, i64 %thread)
  br i1 %mine, label %run, label %wait
run:
  %worker = phi i64 [ %thread, %own ], [ %other, %help ]
  call void @run(ptr %frames, ptr %arenas, ptr %status, ptr %team,
                 i64 %worker, i64 %level, i64 %rows)
  br label %wait
wait:
  %start = load i64, ptr %began
  %other = call i64 @wait(ptr %team, i64 %thread, i64 %level, i64 %looks, i64 %start,
                         i64 %workers)
  %some = icmp sge i64 %other, 0
  br i1 %some, label %help, label %met
help:
  store i1 true, ptr %helped
  br label %run
met:
  %after = add i64 %level, 1
  %was.needed = load i1, ptr %helped
  %less = select i1 %was.needed, i64 0, i64 %patience
  br label %turn
end:
  store atomic i32 1, ptr %ended seq_cst, align 4
  %others = load atomic i64, ptr %resting seq_cst, align 8
  %any = icmp sgt i64 %others, 0
  br i1 %any, label %call, label %out
call:
  call void @wake(ptr %ended)
  br label %out
out:
  ret void""",
        exported=True,
    )


def _run() -> str:
    """Run a level of a worker, and tell the others; wake those who sleep."""
    return function(
        "void",
        "run",
        "ptr %frames, ptr %arenas, ptr %status, ptr %team, i64 %worker, i64 %level, i64 %rows",
        f"""
  call void @part(ptr %frames, ptr %arenas, ptr %status, i64 %worker, i64 %level, i64 %rows)
  {line_of(DONE, "done", "%worker")}
  %after = add i64 %level, 1
  %before = atomicrmw xchg ptr %done, i64 %after seq_cst
  {shared_word("sleepers", SLEEPERS)}
  %sleeping = load atomic i64, ptr %sleepers seq_cst, align 8
  %some = icmp sgt i64 %sleeping, 0
  br i1 %some, label %ring, label %out
ring:
  {shared_word("bell", BELL)}
  %rung = atomicrmw add ptr %bell, i32 1 seq_cst
  call void @wake(ptr %bell)
  br label %out
out:
  ret void""",
    )


def _claim() -> str:
    """Take a level of a worker, if nobody has; tell who did."""
    return function(
        "i1",
        "claim",
        "ptr %team, i64 %worker, i64 %level, i64 %thread",
        f"""
  {line_of(NEXT, "next", "%worker")}
  %after = add i64 %level, 1
  %found = cmpxchg ptr %next, i64 %level, i64 %after seq_cst seq_cst
  %mine = extractvalue {{ i64, i1 }} %found, 1
  br i1 %mine, label %sign, label %out
sign:
  %runner = getelementptr i64, ptr %next, i64 1
  store atomic i64 %thread, ptr %runner monotonic, align 8
  br label %out
out:
  ret i1 %mine""",
    )


def _wait(pause: str) -> str:
    """Wait until all have run a level; give -1, or a worker that was claimed on the way."""
    return function(
        "i64",
        "wait",
        "ptr %team, i64 %thread, i64 %level, i64 %patience, i64 %began, i64 %workers",
        f"""
  %after = add i64 %level, 1
  %since = alloca i64
  store i64 0, ptr %since
  br label %look
look:
  %looks = phi i64 [ 0, %entry ], [ %more, %spin ], [ %more, %sleep ]
  %from = phi i64 [ 0, %entry ], [ %worker, %spin ], [ %worker, %sleep ]
  br label %each
each:
  %worker = phi i64 [ %from, %look ], [ %following, %next ]
  %is.one = icmp slt i64 %worker, %workers
  br i1 %is.one, label %test, label %met
test:
  {line_of(DONE, "done", "%worker")}
  %count = load atomic i64, ptr %done acquire, align 8
  %has = icmp sge i64 %count, %after
  br i1 %has, label %next, label %pending
next:
  %following = add i64 %worker, 1
  br label %each
pending:
  %more = add i64 %looks, 1
  %late = icmp sgt i64 %more, %patience
  br i1 %late, label %seek, label %spin
seek:
  %other = phi i64 [ %worker, %pending ], [ %other.next, %taken ]
  %is.other = icmp slt i64 %other, %workers
  br i1 %is.other, label %free, label %busy
free:
  {line_of(NEXT, "claims", "%other")}
  %claimed = load atomic i64, ptr %claims monotonic, align 8
  %is.free = icmp eq i64 %claimed, %level
  br i1 %is.free, label %try, label %taken
try:
  %mine = call i1 @claim(ptr %team, i64 %other, i64 %level, i64 %thread)
  br i1 %mine, label %help, label %taken
taken:
  %other.next = add i64 %other, 1
  br label %seek
help:
  ret i64 %other
busy:
  %long = icmp sgt i64 %more, {SPINS}
  br i1 %long, label %sleep, label %spin
spin:
  {pause}
  br label %look
sleep:
  call void @sleep(ptr %team, i64 %worker, i64 %level, i64 %thread, i64 %began, ptr %since)
  br label %look
met:
  ret i64 -1""",
    )
