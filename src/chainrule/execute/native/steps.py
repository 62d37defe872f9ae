"""The function that runs a program many times over minibatches."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from chainrule.execute.native.code import Code
from chainrule.execute.native.gemm import Target
from chainrule.ir import Node

ARGUMENTS = "ptr %slots, ptr %arenas, ptr %sizes, ptr %status, i64 %worker, i64 %level"
"""Parameters of a program."""

FLUSH = 0x8040
"""Bits of the x86 control register: denormal results become zero, and operands count as zero."""


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
    steps: Steps, slots: Mapping[Node, int], *, symbolic: bool, target: Target
) -> tuple[str, set[str]]:
    """Write the driver of many steps; give its text, and the declarations that it needs.

    Parameters
    ----------
    slots
        Position of each value's address.
    symbolic
        Whether the number of rows is passed to the program.
    """
    code, declarations = Code(), set[str]()
    set_ = code.set
    restore = flush_denormals(code, target, declarations)
    rows_slot = set_(f"getelementptr ptr, ptr %slots, i64 {slots[steps.rows]}")
    rows = set_(f"load ptr, ptr {rows_slot}")
    with code.loop("%steps") as step:
        begin = set_(f"mul i64 {step}, {steps.batch_size}")
        if symbolic:
            code.line(f"store i64 {_rows_now(code, begin, steps.batch_size)}, ptr %sizes")
        code.line(
            f"store ptr {set_(f'getelementptr i32, ptr {rows}, i64 {begin}')}, ptr {rows_slot}"
        )
        code.line(f"call void @program({ARGUMENTS})")
        for node, stride in steps.strides.items():
            _move(code, slots[node], stride)
    restore()
    code.line("ret void")
    head = f"define void @loop({ARGUMENTS}, i64 %steps, i64 %rows) nounwind"
    return f"{head} {{\n{code.body}\n}}", declarations


def write_advance(steps: Steps, slots: Mapping[Node, int], workers: int) -> str:
    """Write the function that brings what one of several workers reads to a step.

    `sizes` becomes the worker's rows, those of the whole minibatch and those of the workers before
    it; behind these it holds the address of the positions of all rows, which stays.
    """
    code = Code()
    set_, size = code.set, steps.batch_size
    begin = set_(f"mul i64 %step, {size}")
    total = _rows_now(code, begin, size)
    first = set_(f"sdiv i64 {set_(f'mul i64 {total}, %worker')}, {workers}")
    after = set_(f"mul i64 {total}, {set_('add i64 %worker, 1')}")
    end = set_(f"sdiv i64 {after}, {workers}")
    places = [set_(f"getelementptr i64, ptr %sizes, i64 {i}") for i in range(4)]
    for value, place in zip((set_(f"sub i64 {end}, {first}"), total, first), places, strict=False):
        code.line(f"store i64 {value}, ptr {place}")
    order = set_(f"load ptr, ptr {places[3]}")
    mine = set_(f"getelementptr i32, ptr {order}, i64 {set_(f'add i64 {begin}, {first}')}")
    rows_slot = set_(f"getelementptr ptr, ptr %slots, i64 {slots[steps.rows]}")
    code.line(f"store ptr {mine}, ptr {rows_slot}")
    later = set_(f"zext i1 {set_('icmp sgt i64 %step, 0')} to i64")
    for node, stride in steps.strides.items():
        _move(code, slots[node], set_(f"mul i64 {later}, {stride}"))
    code.line("ret void")
    arguments = "ptr %slots, ptr %sizes, i64 %worker, i64 %step, i64 %rows"
    return f"define internal void @advance({arguments}) nounwind {{\n{code.body}\n}}"


def _rows_now(code: Code, begin: str, size: int) -> str:
    """How many rows the minibatch has that begins here: fewer than others, if it is the last."""
    left = code.set(f"sub i64 %rows, {begin}")
    is_last = code.set(f"icmp slt i64 {left}, {size}")
    return code.set(f"select i1 {is_last}, i64 {left}, i64 {size}")


def _move(code: Code, slot: int, count: int | str) -> None:
    """Let the address in a slot advance by some bytes."""
    address = code.set(f"getelementptr ptr, ptr %slots, i64 {slot}")
    old = code.set(f"load ptr, ptr {address}")
    code.line(f"store ptr {code.set(f'getelementptr i8, ptr {old}, i64 {count}')}, ptr {address}")


def flush_denormals(code: Code, target: Target, declarations: set[str]) -> Callable[[], None]:
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
