"""Whole programs: kernels, and the driver that runs them in order, as LLVM modules.

They export two functions::

    void program(ptr slots, ptr arenas, ptr sizes, ptr status, i64 worker, i64 level)
    void loop(ptr slots, ptr arenas, ptr sizes, ptr status, i64 worker, i64 level,
              i64 steps, i64 rows)

`slots` holds the addresses of inputs, constants and outputs; `arenas` the address of the working
memory of each worker; `sizes` the symbolic sizes; `status` becomes nonzero where a position lies
outside its axis. `loop` runs the program `steps` times over minibatches: the symbolic size, if
there is one, is each time the number of rows that are left, but at most the minibatch, and the
addresses of some slots advance.

Where several workers share a program, each has slots and sizes of its own: its rows, those of the
whole minibatch, and those of the workers before it. `program` then runs one of the levels into
which a step falls, of one worker, and `loop` is another function, which threads call together; see
`team`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from chainrule.execute.native.code import ROLLED, UNROLLED
from chainrule.execute.native.compiler import Library, Unit, compiled
from chainrule.execute.native.digest import digest
from chainrule.execute.native.driver import Driver, KernelText
from chainrule.execute.native.gemm import Target
from chainrule.execute.native.kept import Built, obtain
from chainrule.execute.native.layout import layout_of, slots_of, symbols_of
from chainrule.execute.native.steps import Steps, write_loop
from chainrule.execute.native.team import team_text, write_team
from chainrule.execute.native.transcendental import declarations, definition, requires
from chainrule.ir import Graph, Node
from chainrule.plan import Plan

PIECE = 12_000
"""Characters of kernels that make a module, compiled beside others."""


@dataclass(frozen=True)
class Written:
    """What the code generator wrote.

    Attributes
    ----------
    units
        The drivers first, then kernels, then the matrix products, which need no optimisation;
        equal products of different programs are equal texts.
    imports
        Addresses of functions from outside, by name.
    scratch
        Bytes of working memory for matrix products.
    """

    units: tuple[Unit, ...]
    imports: Mapping[str, int]
    scratch: int


@dataclass(frozen=True, eq=False)
class Program:
    """A plan in machine code, with what its caller has to provide.

    Where the code is on disk, no text is written.

    Attributes
    ----------
    plan
        What it computes.
    target
        The machine.
    steps
        For a loop, what changes from step to step.
    timed
        Whether it counts the processor's cycles: one more slot, behind all others, then holds
        the address of one int64 for each group, to which its cycles are added, and of one more
        for the cycle at which the program began.
    """

    plan: Plan
    target: Target
    steps: Steps | None = None
    timed: bool = False

    @cached_property
    def slots(self) -> tuple[Node, ...]:
        """Values whose addresses the caller provides, in order."""
        return slots_of(self.plan)

    @cached_property
    def symbols(self) -> tuple[str, ...]:
        """Symbolic sizes, in the order in which they are passed."""
        return symbols_of(self.plan)

    @property
    def arena(self) -> int:
        """Bytes of working memory: for values, for the steps of a loop, and for products."""
        return self._built.layout.arena

    @property
    def calls_blas(self) -> bool:
        """Whether functions from outside are called."""
        return bool(self._built.imports)

    @cached_property
    def written(self) -> Written:
        """The program as text."""
        return _write(self)

    def build(self, graph: Graph) -> Built:
        """Write the modules and compile them; the layout numbers the constants of `graph`."""
        text = self.written
        layout = layout_of(self.plan, graph, text.scratch)
        return Built(compiled(text.units), layout, text.imports)

    def link(self) -> Library:
        """Compile the modules, or take them from the cache, and join them as a function."""
        return self._built.link("program")

    def llvm(self) -> str:
        """Print the optimised LLVM code."""
        return "\n".join(unit.llvm() for unit in self.written.units)

    def assembly(self) -> str:
        """Print the machine code, in the processor's assembly language."""
        return "\n".join(unit.assembly() for unit in self.written.units)

    @cached_property
    def _built(self) -> Built:
        name = digest(self.plan, self.target, self.steps, self.timed)
        return obtain(name, lambda: self.build(self.plan.graph))


def _write(program: Program) -> Written:
    """Write the modules."""
    plan, target, steps = program.plan, program.target, program.steps
    driver = Driver(plan, target, timed=program.timed)
    main, loop, declared = driver.write(), "", set[str]()
    if steps:
        slots = {node: i for i, node in enumerate(driver.slots)}
        if driver.workers > 1:
            loop, declared = write_team(
                steps, slots, workers=driver.workers, levels=driver.levels, target=target
            )
        else:
            symbolic = bool(driver.frame.symbols)
            loop, declared = write_loop(steps, slots, symbolic=symbolic, target=target)
    drivers, declared = [main, loop], declared | driver.frame.declarations
    pieces = _pieces(list(driver.kernels.values()))
    if len(pieces) > 1:
        declared |= {x.declaration for piece in pieces for x in piece}
        units = [_unit(target, [], drivers, declared)]
        units += [_unit(target, piece, [], set()) for piece in pieces]
    else:
        units = [_unit(target, [x for piece in pieces for x in piece], drivers, declared)]
    units += [Unit(text, finished=True) for text in driver.frame.products.values()]
    if steps and driver.workers > 1:
        units.append(Unit(team_text(target), finished=True))
    return Written(tuple(units), driver.frame.imports, driver.frame.scratch)


def _pieces(kernels: Sequence[KernelText]) -> list[list[KernelText]]:
    """Divide kernels into pieces of about the same length."""
    total = sum(len(kernel.definition) for kernel in kernels)
    count = max(1, round(total / PIECE))
    pieces: list[list[KernelText]] = [[] for _ in range(count)]
    done = 0
    for kernel in kernels:
        pieces[done * count // total].append(kernel)
        done += len(kernel.definition)
    return [piece for piece in pieces if piece]


def _unit(
    target: Target, kernels: Sequence[KernelText], drivers: Sequence[str], declared: set[str]
) -> Unit:
    """Write a module of kernels, which others may call, and drivers with what these declare."""
    functions = _with_required({x for kernel in kernels for x in kernel.functions})
    declared = declared | {line for kernel in kernels for line in kernel.intrinsics}
    declared |= {line for function in functions for line in declarations(*function)}
    width = f'"prefer-vector-width"="{target.vector_bits}"'
    lines = [
        "\n".join(sorted(declared)),
        *(definition(*function) for function in functions),
        *(kernel.definition for kernel in kernels),
        *drivers,
        f"attributes #0 = {{ noinline nounwind {width} }}",
    ]
    return Unit(_number_loops("\n\n".join(line for line in lines if line)))


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
