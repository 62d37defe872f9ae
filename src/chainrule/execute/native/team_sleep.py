"""How threads that share the steps of a loop sleep while they wait, and who takes a leave.

Where somebody has waited for more than `STALL`, and for a quarter of the time since this step
began, the thread that is waited for has lost its processor to other programs: two threads then do
less than one. It is sent on leave, and others do its work.
"""

from __future__ import annotations

import platform
import sys

from chainrule.execute.native.team_lines import (
    BELL,
    DONE,
    ENDED,
    LEAVE,
    NEXT,
    RESTING,
    SLEEPERS,
    function,
    line_of,
    shared_word,
)

STALL = 1_000_000
"""Nanoseconds of waiting from which on the thread that is waited for may have to take a leave."""

FIRST_LEAVE, LONGEST_LEAVE = 16_000_000, 256_000_000
"""Nanoseconds of a thread's first leave, and of those that follow others soon, at most."""

WORTH, MOST_WORTH = 8, 4_000_000_000
"""How many times as long as others had waited a leave is at least, up to so many nanoseconds."""

CALM = 1_000_000_000
"""Nanoseconds of work without a stall behind a leave, after which the next is short again."""

FUTEX = {("linux", "x86_64"): 202, ("linux", "aarch64"): 98}
"""Number of the system call by which threads sleep until a word in memory changes."""

FUTEX_WAIT, FUTEX_WAKE = 128, 129
"""What the call is to do, among the threads of this process alone."""

MOMENT = 50
"""Microseconds of sleep between looks where there is no such call."""

MONOTONIC = {"darwin": 6}
"""Number of the clock that is never set, where it is not 1."""


def sleep_text() -> tuple[str, set[str]]:
    """Write what threads do when they wait for long; give the text, and what it declares.

    These are ``sleep`` until a worker has run a level, ``rest`` until a leave is over, ``wake`` for
    those who sleep on a word, and ``now``, the time.
    """
    declarations = {"declare i32 @clock_gettime(i32, ptr)"}
    declarations |= {f"declare i64 @llvm.{x}.i64(i64, i64)" for x in ("smin", "smax")}
    number = FUTEX.get((sys.platform, platform.machine()))
    declarations.add(
        "declare i32 @usleep(i32)" if number is None else "declare i64 @syscall(i64, ...)"
    )
    texts = [_sleep(), _send_on_leave(), _rest(), _clock(), _futex(number)]
    return "\n\n".join(texts), declarations


def _sleep() -> str:
    """Sleep until somebody has run a level, or for some time; then see who keeps us waiting."""
    return function(
        "void",
        "sleep",
        "ptr %team, i64 %worker, i64 %level, i64 %thread, i64 %began, ptr %since",
        f"""
  {line_of(DONE, "done", "%worker")}
  {shared_word("bell", BELL)}
  {shared_word("sleepers", SLEEPERS)}
  %first = load i64, ptr %since
  %is.first = icmp eq i64 %first, 0
  br i1 %is.first, label %note, label %lie
note:
  %noted = call i64 @now()
  store i64 %noted, ptr %since
  br label %lie
lie:
  %before = atomicrmw add ptr %sleepers, i64 1 seq_cst
  %seen = load atomic i32, ptr %bell seq_cst, align 4
  %count = load atomic i64, ptr %done seq_cst, align 8
  %waits = icmp sle i64 %count, %level
  br i1 %waits, label %close, label %wake
close:
  call void @doze(ptr %bell, i32 %seen, i64 {STALL})
  br label %wake
wake:
  %after = atomicrmw sub ptr %sleepers, i64 1 seq_cst
  %recount = load atomic i64, ptr %done seq_cst, align 8
  %still = icmp sle i64 %recount, %level
  br i1 %still, label %judge, label %out
judge:
  %asleep = load i64, ptr %since
  %now = call i64 @now()
  %waited = sub i64 %now, %asleep
  %stalled = icmp sgt i64 %waited, {STALL}
  %passed = sub i64 %now, %began
  %quarter = sdiv i64 %passed, 4
  %much = icmp sgt i64 %waited, %quarter
  %lost = and i1 %stalled, %much
  br i1 %lost, label %send, label %out
send:
  call void @send_on_leave(ptr %team, i64 %worker, i64 %thread, i64 %now, i64 %waited)
  br label %out
out:
  ret void""",
    )


def _send_on_leave() -> str:
    """Have the thread that runs a worker take a leave, unless that one or this one is on leave."""
    return function(
        "void",
        "send_on_leave",
        "ptr %team, i64 %worker, i64 %thread, i64 %now, i64 %waited",
        f"""
  {line_of(NEXT, "next", "%worker")}
  %runner = getelementptr i64, ptr %next, i64 1
  %late = load atomic i64, ptr %runner monotonic, align 8
  {line_of(LEAVE, "mine", "%thread")}
  {line_of(LEAVE, "leave", "%late")}
  %my.end = load atomic i64, ptr %mine monotonic, align 8
  %end = load atomic i64, ptr %leave monotonic, align 8
  %last = call i64 @llvm.smax.i64(i64 %my.end, i64 %end)
  %none = icmp sle i64 %last, %now
  br i1 %none, label %lengthen, label %out
lengthen:
  %length.at = getelementptr i64, ptr %leave, i64 1
  %length = load i64, ptr %length.at
  %worked = sub i64 %now, %end
  %calm = icmp sgt i64 %worked, {CALM}
  %twice = mul i64 %length, 2
  %longer = call i64 @llvm.smax.i64(i64 %twice, i64 {FIRST_LEAVE})
  %shorter = call i64 @llvm.smin.i64(i64 %longer, i64 {LONGEST_LEAVE})
  %usual = select i1 %calm, i64 {FIRST_LEAVE}, i64 %shorter
  %times = mul i64 %waited, {WORTH}
  %worth = call i64 @llvm.smin.i64(i64 %times, i64 {MOST_WORTH})
  %chosen = call i64 @llvm.smax.i64(i64 %usual, i64 %worth)
  store i64 %chosen, ptr %length.at
  %until = add i64 %now, %chosen
  store atomic i64 %until, ptr %leave monotonic, align 8
  br label %out
out:
  ret void""",
    )


def _rest() -> str:
    """Rest until a leave is over, or all is done; give the level at which the others are."""
    return function(
        "i64",
        "rest",
        "ptr %team, i64 %until, i64 %workers",
        f"""
  {shared_word("ended", ENDED)}
  {shared_word("resting", RESTING)}
  %before = atomicrmw add ptr %resting, i64 1 seq_cst
  br label %look
look:
  %over = load atomic i32, ptr %ended seq_cst, align 4
  %now = call i64 @now()
  %left = sub i64 %until, %now
  %past = icmp sle i64 %left, 0
  %is.over = icmp ne i32 %over, 0
  %back = or i1 %past, %is.over
  br i1 %back, label %return, label %rest
rest:
  call void @doze(ptr %ended, i32 0, i64 %left)
  br label %look
return:
  %after = atomicrmw sub ptr %resting, i64 1 seq_cst
  br label %each
each:
  %worker = phi i64 [ 0, %return ], [ %next, %each ]
  %least = phi i64 [ {2**63 - 1}, %return ], [ %less, %each ]
  {line_of(DONE, "done", "%worker")}
  %count = load atomic i64, ptr %done seq_cst, align 8
  %less = call i64 @llvm.smin.i64(i64 %least, i64 %count)
  %next = add i64 %worker, 1
  %more = icmp slt i64 %next, %workers
  br i1 %more, label %each, label %out
out:
  ret i64 %less""",
    )


def _clock() -> str:
    """Nanoseconds on a clock that is never set."""
    clock = MONOTONIC.get(sys.platform, 1)
    return function(
        "i64",
        "now",
        "",
        f"""
  %time = alloca {{ i64, i64 }}
  %ignored = call i32 @clock_gettime(i32 {clock}, ptr %time)
  %seconds = load i64, ptr %time
  %rest.at = getelementptr i64, ptr %time, i64 1
  %rest = load i64, ptr %rest.at
  %whole = mul i64 %seconds, 1000000000
  %all = add i64 %whole, %rest
  ret i64 %all""",
    )


def _futex(number: int | None) -> str:
    """Sleep while a word has a value, at most for some time; and wake all who do."""
    if number is None:
        doze, wake = f"%ignored = call i32 @usleep(i32 {MOMENT})", ""
    else:
        call = f"%ignored = call i64 (i64, ...) @syscall(i64 {number}, ptr %word"
        doze = f"{call}, i32 {FUTEX_WAIT}, i32 %value, ptr %time)"
        wake = f"{call}, i32 {FUTEX_WAKE}, i32 2147483647)"
    return function(
        "void",
        "doze",
        "ptr %word, i32 %value, i64 %nanoseconds",
        f"""
  %time = alloca {{ i64, i64 }}
  %seconds = udiv i64 %nanoseconds, 1000000000
  %rest = urem i64 %nanoseconds, 1000000000
  store i64 %seconds, ptr %time
  %rest.at = getelementptr i64, ptr %time, i64 1
  store i64 %rest, ptr %rest.at
  {doze}
  ret void
}}

define internal void @wake(ptr %word) noinline nounwind {{
entry:
  {wake}
  ret void""",
    )
