"""The function that runs a program many times over minibatches, and the meeting of its workers."""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from chainrule.execute.native.code import Code
from chainrule.execute.native.gemm import Target
from chainrule.ir import Node

ARGUMENTS = "ptr %slots, ptr %arenas, ptr %sizes, ptr %status, i64 %worker, ptr %barrier"
"""Parameters of a program."""

FLUSH = 0x8040
"""Bits of the x86 control register: denormal results become zero, and operands count as zero."""

SPINS = 2000
"""Looks at the barrier before a worker goes to sleep."""

FUTEX = {("linux", "x86_64"): 202, ("linux", "aarch64"): 98}
"""Number of the system call by which threads sleep until a word in memory changes."""

FUTEX_WAIT, FUTEX_WAKE = 128, 129
"""What the call is to do, among the threads of this process alone."""


@dataclass(frozen=True, eq=False)
class Steps:
    """What changes from one step of a loop to the next.

    Attributes
    ----------
    rows
        The value that holds the positions of the minibatch's rows.
    batch_size
        Rows of a full minibatch.
    strides
        Other values whose address advances after each step, and by how many bytes.
    """

    rows: Node
    batch_size: int
    strides: Mapping[Node, int]


def write_loop(
    steps: Steps, slots: Mapping[Node, int], *, symbolic: bool, workers: int, target: Target
) -> tuple[str, set[str]]:
    """Write the driver of many steps; give its text, and the declarations that it needs.

    Parameters
    ----------
    slots
        Position of each value's address.
    symbolic
        Whether the number of rows is passed to the program.
    workers
        How many share each step.
    """
    code, declarations = Code(), set[str]()
    set_, size = code.set, steps.batch_size
    restore = _flush_denormals(code, target, declarations)
    rows_slot = set_(f"getelementptr ptr, ptr %slots, i64 {slots[steps.rows]}")
    rows = set_(f"load ptr, ptr {rows_slot}")
    with code.loop("%steps") as step:
        begin = set_(f"mul i64 {step}, {size}")
        if symbolic:
            left = set_(f"sub i64 %rows, {begin}")
            is_last = set_(f"icmp slt i64 {left}, {size}")
            now = set_(f"select i1 {is_last}, i64 {left}, i64 {size}")
            if workers > 1:
                begin = _store_share(code, now, begin, workers)
            else:
                code.line(f"store i64 {now}, ptr %sizes")
        code.line(
            f"store ptr {set_(f'getelementptr i32, ptr {rows}, i64 {begin}')}, ptr {rows_slot}"
        )
        code.line(f"call void @program({ARGUMENTS})")
        for node, stride in steps.strides.items():
            address = set_(f"getelementptr ptr, ptr %slots, i64 {slots[node]}")
            old = set_(f"load ptr, ptr {address}")
            new = set_(f"getelementptr i8, ptr {old}, i64 {stride}")
            code.line(f"store ptr {new}, ptr {address}")
    restore()
    code.line("ret void")
    head = f"define void @loop({ARGUMENTS}, i64 %steps, i64 %rows) nounwind"
    return f"{head} {{\n{code.body}\n}}", declarations


def _flush_denormals(code: Code, target: Target, declarations: set[str]) -> Callable[[], None]:
    """Take numbers below the normal range as zero; return what sets the old mode again.

    Adam's second moments fade into that range, where x86 computes a hundred times slower.
    """
    if "+sse2" not in target.features:
        return lambda: None
    for name in ("stmxcsr", "ldmxcsr"):
        declarations.add(f"declare void @llvm.x86.sse.{name}(ptr)")
    old, new = code.allocate("i32"), code.allocate("i32")
    code.line(f"call void @llvm.x86.sse.stmxcsr(ptr {old})")
    mode = code.set(f"or i32 {code.set(f'load i32, ptr {old}')}, {FLUSH}")
    code.line(f"store i32 {mode}, ptr {new}")
    code.line(f"call void @llvm.x86.sse.ldmxcsr(ptr {new})")
    return lambda: code.line(f"call void @llvm.x86.sse.ldmxcsr(ptr {old})")


def _store_share(code: Code, total: str, begin: str, workers: int) -> str:
    """Store the sizes of this worker's rows; return where in the order they begin."""
    set_ = code.set
    first = set_(f"sdiv i64 {set_(f'mul i64 {total}, %worker')}, {workers}")
    after = set_(f"mul i64 {total}, {set_('add i64 %worker, 1')}")
    end = set_(f"sdiv i64 {after}, {workers}")
    for i, value in enumerate((set_(f"sub i64 {end}, {first}"), total, first)):
        code.line(f"store i64 {value}, ptr {set_(f'getelementptr i64, ptr %sizes, i64 {i}')}")
    return set_(f"add i64 {begin}, {first}")


def barrier_text(target: Target) -> str:
    """A meeting of workers: each adds one to the count, and waits until all have.

    A worker spins for some tens of microseconds. Then it sleeps until the last one arrives, so
    that a processor that other programs leave to us goes to those who still have work; where the
    system has no futex, it lets other threads run between looks. The count is the first word
    behind `%count`, that of the sleepers the second.
    """
    x86 = "+sse2" in target.features
    pause = "call void @llvm.x86.sse2.pause()" if x86 else ""
    declare = "declare void @llvm.x86.sse2.pause()\n" if x86 else ""
    futex = FUTEX.get((sys.platform, platform.machine()))
    if futex is None:
        declare += "declare i32 @sched_yield()"
        wake, rest = "", "%ignored = call i32 @sched_yield()"
    else:
        declare += "declare i64 @syscall(i64, ...)"
        call = f"call i64 (i64, ...) @syscall(i64 {futex}, ptr %count"
        rest = f"""%before = atomicrmw add ptr %sleepers, i64 1 seq_cst
  %seen = trunc i64 %now to i32
  %slept = {call}, i32 {FUTEX_WAIT}, i32 %seen, ptr null)
  %after = atomicrmw sub ptr %sleepers, i64 1 seq_cst"""
        wake = f"""%sleeping = load atomic i64, ptr %sleepers seq_cst, align 8
  %some = icmp sgt i64 %sleeping, 0
  br i1 %some, label %wake, label %met
wake:
  %woken = {call}, i32 {FUTEX_WAKE}, i32 2147483647)
  br label %met
met:"""
    return f"""{declare}

define internal void @meet(ptr %count, ptr %goal, i64 %workers) noinline nounwind {{
entry:
  %sleepers = getelementptr i64, ptr %count, i64 1
  %last = load i64, ptr %goal
  %next = add i64 %last, %workers
  store i64 %next, ptr %goal
  %old = atomicrmw add ptr %count, i64 1 seq_cst
  {wake}
  br label %look
look:
  %looks = phi i64 [ 0, %{"met" if wake else "entry"} ], [ %more, %wait ]
  %now = load atomic i64, ptr %count seq_cst, align 8
  %all = icmp sge i64 %now, %next
  br i1 %all, label %done, label %spin
spin:
  {pause}
  %more = add i64 %looks, 1
  %long = icmp sgt i64 %more, {SPINS}
  br i1 %long, label %rest, label %wait
rest:
  {rest}
  br label %wait
wait:
  br label %look
done:
  ret void
}}"""
