"""Whole programs: kernels, and the driver that runs them in order, as one LLVM module.

The module exports two functions::

    void program(ptr slots, ptr arenas, ptr sizes, ptr status, i64 worker, ptr barrier)
    void loop(ptr slots, ptr arenas, ptr sizes, ptr status, i64 worker, ptr barrier,
              i64 steps, i64 rows)

`slots` holds the addresses of inputs, outputs and constants; `arenas` the address of the working
memory of each worker; `sizes` the symbolic sizes; `status` becomes nonzero where a position lies
outside its axis. `loop` runs the program `steps` times over minibatches: the symbolic size, if
there is one, is each time the number of rows that are left, but at most the minibatch, and the
addresses of some slots advance.

Where several workers share a program, each calls `loop` in a thread of its own with its number,
slots and sizes of its own, and one `barrier`, an int64 that begins at zero. `sizes` then holds the
worker's rows, those of the whole minibatch, those of the workers before it, and the count of
arrivals at the barrier for which it waits next.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from chainrule.execute.native.code import ROLLED, UNROLLED
from chainrule.execute.native.compiler import Library
from chainrule.execute.native.driver import Driver
from chainrule.execute.native.gemm import Target
from chainrule.execute.native.steps import Steps, barrier_text, write_loop
from chainrule.execute.native.transcendental import declarations, definition, requires
from chainrule.ir import Node
from chainrule.plan import Plan


@dataclass(frozen=True, eq=False)
class Program:
    """A module as text, with what its caller has to provide.

    Attributes
    ----------
    text
        LLVM assembly of the kernels and drivers.
    products
        LLVM assembly of each matrix product, which needs no further optimisation; equal products
        of different programs are equal texts.
    imports
        Addresses of functions from outside, by name.
    slots
        Values whose addresses the caller provides, in order.
    arena
        Bytes of working memory.
    symbols
        Symbolic sizes, in the order in which they are passed.
    """

    text: str
    products: tuple[str, ...]
    imports: Mapping[str, int]
    slots: tuple[Node, ...]
    arena: int
    symbols: tuple[str, ...]

    def link(self) -> Library:
        """Compile the modules, or take them from the cache, and join them."""
        return Library(self.text, self.products, self.imports)


def write_program(
    plan: Plan, target: Target, steps: Steps | None = None, *, timed: bool = False
) -> Program:
    """Write the module for a plan.

    Parameters
    ----------
    target
        The machine.
    steps
        For a loop, what changes from step to step.
    timed
        Whether to count the processor's cycles: one more slot, behind all others, then holds
        the address of one int64 for each group, to which its cycles are added, and of one more
        for the cycle at which the program began.
    """
    driver = Driver(plan, target, timed=timed)
    main, loop, declared = driver.write(), "", set[str]()
    if steps:
        slots = {node: i for i, node in enumerate(driver.slots)}
        symbolic = bool(driver.symbols)
        loop, declared = write_loop(
            steps, slots, symbolic=symbolic, workers=driver.workers, target=target
        )
    functions = _with_required(driver.functions)
    declared |= driver.declarations | {line for f in functions for line in declarations(*f)}
    parts = [
        "\n".join(sorted(declared)),
        *(definition(*function) for function in functions),
        *(f"define internal void @{name}{text}" for text, name in driver.kernels.items()),
        main,
        loop,
        barrier_text(target) if driver.workers > 1 else "",
        f'attributes #0 = {{ noinline nounwind "prefer-vector-width"="{target.vector_bits}" }}',
    ]
    return Program(
        _number_loops("\n\n".join(part for part in parts if part)),
        tuple(driver.products.values()),
        driver.imports,
        driver.slots,
        driver.arena,
        driver.symbols,
    )


def _number_loops(text: str) -> str:
    """Give every loop with a mark metadata of its own."""
    first, *rest = re.split(f"({ROLLED}|{UNROLLED})", text)
    kinds, parts = rest[::2], rest[1::2]
    never, fully = len(kinds), len(kinds) + 1
    numbered = [f"!{i}{part}" for i, part in enumerate(parts)]
    nodes = [
        f"!{i} = distinct !{{!{i}, !{never if kind == ROLLED else fully}}}"
        for i, kind in enumerate(kinds)
    ]
    nodes.append(f'!{never} = !{{!"llvm.loop.unroll.disable"}}')
    nodes.append(f'!{fully} = !{{!"llvm.loop.unroll.full"}}')
    return "\n".join([first + "".join(numbered), *(nodes if kinds else ())])


def _with_required(functions: set[tuple[str, str]]) -> list[tuple[str, str]]:
    """Add the functions that functions call."""
    waiting, found = sorted(functions), dict.fromkeys(sorted(functions))
    while waiting:
        needed = requires(*waiting.pop())
        waiting += [x for x in needed if x not in found]
        found |= dict.fromkeys(needed)
    return list(found)
