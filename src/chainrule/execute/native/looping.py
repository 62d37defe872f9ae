"""Loops of a program: kernels of a step whose addresses move on, and carries that take turns."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from chainrule.execute.native.frame import Frame
from chainrule.execute.native.products import pack_constants
from chainrule.ir import Node
from chainrule.plan import Group
from chainrule.plan.fuse import in_memory
from chainrule.plan.loops import LoopPlan


def run_loop(
    frame: Frame, group: Group, loop: LoopPlan, run_group: Callable[[Group], None]
) -> None:
    """Run a loop.

    Parameters
    ----------
    group
        The kernel that the loop is, to those around it.
    loop
        How it runs.
    run_group
        Writes the call of a kernel.
    """
    set_, sizes, addresses = frame.code.set, frame.sizes, frame.addresses
    inputs = [addresses[in_memory(x)] for x in group.outputs[0].inputs]
    first = inputs[len(loop.constants) : len(inputs) - len(loop.slices)]
    whole = inputs[len(inputs) - len(loop.slices) :]
    addresses |= zip(loop.constants, inputs, strict=False)
    for node, offset in loop.placement.offsets.items():
        addresses[node] = _inside(frame, offset)
    buffers = {i: [_inside(frame, x) for x in pair] for i, pair in loop.buffers.items()}
    outer, frame.workspace = frame.workspace, _inside(frame, loop.inner_at)
    held = frame.held
    pack_constants(frame, loop)
    latest = [frame.code.allocate("ptr") for _ in loop.carries]
    for i, (variable, address) in enumerate(zip(latest, first, strict=True)):
        if i in loop.entering:
            address = _first_row(frame, loop, i, address)
        frame.code.line(f"store ptr {address}, ptr {variable}")
    with frame.code.loop(sizes.size(loop.length)) as step:
        last = sizes.subtract(loop.length, 1)
        t = sizes.subtract(last, step) if loop.reverse else step
        for x, address in zip(loop.slices, whole, strict=True):
            addresses[x] = _row(frame, address, t, x)
        for x, variable in zip(loop.carries, latest, strict=True):
            addresses[x] = set_(f"load ptr, ptr {variable}")
        for i, pair in buffers.items():
            addresses[loop.ends[i]] = _alternate(frame, pair, step)
        for i, stack in loop.entering.items():
            x = loop.ends[i]
            following = sizes.subtract(t, 1) if loop.reverse else sizes.add(t, 1)
            row = _row(frame, addresses[stack], following, x)
            addresses[x] = _choose(frame, step, last, addresses[x], row)
        for stack, x in loop.stacks.items():
            if x not in loop.carries:
                addresses[x] = _row(frame, addresses[stack], t, x)
        for inner in loop.groups:
            run_group(inner)
        for x, variable in zip(loop.ends, latest, strict=True):
            frame.code.line(f"store ptr {addresses[x]}, ptr {variable}")
    frame.workspace, frame.held = outer, held
    for x, i in loop.finals.items():
        frame.copy(addresses[x], set_(f"load ptr, ptr {latest[i]}"), x)


def _inside(frame: Frame, offset: int) -> str:
    """An address in the workspace of the loop that is being written."""
    return frame.code.set(f"getelementptr i8, ptr {frame.workspace}, i64 {offset}")


def _row(frame: Frame, address: str, t: int | str, x: Node) -> str:
    """The address of a value of step `t` in its stack."""
    place = frame.sizes.multiply(frame.bytes_of(x), t)
    return frame.code.set(f"getelementptr i8, ptr {address}, i64 {place}")


def _first_row(frame: Frame, loop: LoopPlan, number: int, first: str) -> str:
    """Copy a first carry to its place in a stack, if there are steps; give that place."""
    stack, x = loop.entering[number], loop.carries[number]
    length = frame.sizes.size(loop.length)
    if length == 0:
        return first
    t = frame.sizes.subtract(length, 1) if loop.reverse else 0
    row = _row(frame, frame.addresses[stack], t, x)
    place = _choose(frame, length, 0, first, row)
    frame.copy(place, first, x)
    return place


def _choose(frame: Frame, a: int | str, b: int | str, same: str, other: str) -> str:
    """One address where two numbers are equal, another one where they are not."""
    test = frame.sizes.compare("==", a, b)
    if isinstance(test, bool):
        return same if test else other
    return frame.code.set(f"select i1 {test}, ptr {same}, ptr {other}")


def _alternate(frame: Frame, pair: Sequence[str], step: int | str) -> str:
    """The one buffer in even steps, the other one in odd steps."""
    if isinstance(step, int):
        return pair[step % 2]
    odd = frame.code.set(f"trunc i64 {step} to i1")
    return frame.code.set(f"select i1 {odd}, ptr {pair[1]}, ptr {pair[0]}")
