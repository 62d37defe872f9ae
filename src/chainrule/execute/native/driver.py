"""The driver of a program: one LLVM function that calls kernels and products in order."""

from __future__ import annotations

from dataclasses import dataclass, replace

from chainrule.execute.native import along
from chainrule.execute.native.code import Code, Indices
from chainrule.execute.native.frame import Frame
from chainrule.execute.native.gemm import Target
from chainrule.execute.native.kernels import Divided, Kernel
from chainrule.execute.native.layout import scratch_at, slots_of, workspace_at
from chainrule.execute.native.looping import run_loop
from chainrule.execute.native.products import call_product
from chainrule.execute.native.steps import ARGUMENTS
from chainrule.ir import Node, Size, bind, element_count, itemsize
from chainrule.plan import Group, Plan
from chainrule.plan.chunk import Chunk
from chainrule.plan.rows import row_axis


@dataclass(frozen=True)
class KernelText:
    """A kernel as text, and what it refers to.

    Attributes
    ----------
    name
        Of the function.
    definition, declaration
        The function, and what others need to call it.
    intrinsics, functions
        Declarations that it needs; transcendental functions that it calls, by name and dtype.
    """

    name: str
    definition: str
    declaration: str
    intrinsics: frozenset[str]
    functions: frozenset[tuple[str, str]]


class Driver:
    """Writes the function that runs the kernels of a plan in order, and the kernels.

    Parameters
    ----------
    plan
        What to run.
    target
        The machine.
    timed
        Whether to count the cycles of each group; see `Program`.

    Attributes
    ----------
    slots
        Values whose addresses the caller provides, in order.
    workers
        How many share the program.
    kernels
        Kernels by their text.
    frame
        The function that is written, with the matrix products it calls.
    """

    def __init__(self, plan: Plan, target: Target, *, timed: bool) -> None:
        self.plan = plan
        self.sharing = plan.sharing
        self.workers = plan.sharing.workers if plan.sharing else 1
        levels = plan.sharing.levels if plan.sharing and self.workers > 1 else ()
        self._begins = [i for i in range(1, len(levels)) if levels[i] > levels[i - 1]]
        self.timed = timed
        self.slots = slots_of(plan)
        self.frame = Frame(plan, target)
        self.code = self.frame.code
        self.kernels: dict[str, KernelText] = {}
        self.parts: dict[Node, tuple[str, ...]] = {}
        self.whole_rows = ("", "", "")
        self.counters = {group: i for i, group in enumerate(plan.every_group)}

    @property
    def levels(self) -> int:
        """Into how many parts it falls: before each, all workers must have run the last."""
        return 1 + len(self._begins)

    def write(self) -> str:
        """Write the function; for several workers, each call of it runs one level."""
        self._load_arguments()
        if self._begins:
            others = " ".join(f"i64 {i}, label %level{i}" for i in range(1, self.levels))
            self.code.line(f"switch i64 %level, label %level0 [ {others} ]")
            self.code.label("level0")
        if self.timed:
            begin = self._counter(len(self.counters))
            self.code.line(f"store i64 {self._clock()}, ptr {begin}")
        chunks = {chunk.first: chunk for chunk in self.plan.chunks}
        i = level = 0
        while i < len(self.plan.groups):
            if i in self._begins:
                level += 1
                self.code.line("ret void")
                self.code.label(f"level{level}")
            if i in chunks:
                self._run_chunk(chunks[i])
                i = chunks[i].last + 1
            else:
                self._run_group(self.plan.groups[i])
                i += 1
        self._copy_back()
        self.code.line("ret void")
        return f"define void @program({ARGUMENTS}) nounwind {{\n{self.code.body}\n}}"

    def _load_arguments(self) -> None:
        """Begin the driver: addresses and sizes into registers."""
        frame, set_ = self.frame, self.code.set
        for i, node in enumerate(self.slots):
            frame.addresses[node] = set_(
                f"load ptr, ptr {set_(f'getelementptr ptr, ptr %slots, i64 {i}')}"
            )
        arenas = [self._arena(str(i)) for i in range(self.workers if self.workers > 1 else 0)]
        own = self._arena("%worker")
        for node, offset in self.plan.placement.offsets.items():
            frame.addresses[node] = set_(f"getelementptr i8, ptr {own}, i64 {offset}")
            if arenas and self.sharing and node in self.sharing.partial:
                self.parts[node] = tuple(
                    set_(f"getelementptr i8, ptr {arena}, i64 {offset}") for arena in arenas
                )
        for node in self.plan.in_place:
            frame.addresses[node] = frame.addresses[self.plan.carried[node]]
        for i, symbol in enumerate(frame.symbols):
            address = set_(f"getelementptr i64, ptr %sizes, i64 {i}")
            self.code.line(f"%size.{symbol} = load i64, ptr {address}")
        if self.sharing:
            symbol = frame.symbols[0]
            whole = f"%size.{symbol}"
            self.whole_rows = (whole, whole, "0")
        if self.workers > 1:
            for i, name in enumerate(("total", "first"), 1):
                address = set_(f"getelementptr i64, ptr %sizes, i64 {i}")
                self.code.line(f"%{name}.{symbol} = load i64, ptr {address}")
            self.whole_rows = (whole, f"%total.{symbol}", f"%first.{symbol}")
        frame.workspace = set_(f"getelementptr i8, ptr {own}, i64 {workspace_at(self.plan)}")
        frame.scratch_address = set_(f"getelementptr i8, ptr {own}, i64 {scratch_at(self.plan)}")

    def _arena(self, worker: str) -> str:
        address = self.code.set(f"getelementptr ptr, ptr %arenas, i64 {worker}")
        return self.code.set(f"load ptr, ptr {address}")

    def _run_group(self, group: Group) -> None:
        begin = self._clock() if self.timed else ""
        if group.kind == "contract":
            call_product(self.frame, group)
        elif group.kind == "scan":
            run_loop(self.frame, group, self.plan.every_loop[group], self._run_group)
        else:
            self._call_kernel(group)
        if self.timed:
            self._count_cycles(group, begin)

    def _run_chunk(self, chunk: Chunk) -> None:
        """Run some kernels for as many rows at a time as the chunk takes."""
        frame, set_, (size, total, first) = self.frame, self.code.set, self.whole_rows
        groups = self.plan.groups[chunk.first : chunk.last + 1]
        for x in dict.fromkeys(x for g in groups for x in g.outputs if x in frame.partial):
            frame.clear(x)
        outer, addresses = frame.sizes, frame.addresses
        turns = set_(f"sdiv i64 {set_(f'add i64 {size}, {chunk.rows - 1}')}, {chunk.rows}")
        with self.code.loop(turns) as turn:
            done = set_(f"mul i64 {turn}, {chunk.rows}")
            left = set_(f"sub i64 {size}, {done}")
            many = set_(f"icmp sgt i64 {left}, {chunk.rows}")
            prefix = self.code.fresh("chunk")
            symbol = frame.symbols[0]
            self.code.line(f"%{prefix}.{symbol} = select i1 {many}, i64 {chunk.rows}, i64 {left}")
            self.whole_rows = (f"%{prefix}.{symbol}", total, set_(f"add i64 {first}, {done}"))
            frame.sizes, frame.chunk = Indices(self.code, frame.narrow, prefix), chunk
            frame.addresses = addresses | {
                x: self._advanced(x, done)
                for x in dict.fromkeys(x for g in groups for x in (*g.reads, *g.outputs))
                if row_axis(x.type.shape) is not None and x not in chunk.local
            }
            for group in groups:
                self._run_group(group)
        self.whole_rows = (size, total, first)
        frame.sizes, frame.addresses, frame.chunk = outer, addresses, None

    def _advanced(self, node: Node, rows: str) -> str:
        """The address at which a value's rows begin, behind some of them."""
        each = bind(element_count(node.type.shape), {self.frame.symbols[0]: 1})
        offset = self.frame.sizes.multiply(rows, int(each) * itemsize(node.type.dtype))
        return self.code.set(f"getelementptr i8, ptr {self.frame.addresses[node]}, i64 {offset}")

    def _call_kernel(self, group: Group) -> None:
        frame = self.frame
        memory: dict[str, str] = {}  # address in the driver -> pointer in the kernel
        pointers, parts = {}, {}

        def pointer(address: str) -> str:
            return memory.setdefault(address, f"%p{len(memory)}")

        for node in group.outputs:
            pointers[node] = pointer(frame.addresses[node])
        for node in group.reads:
            if node in self.parts:
                parts[node] = tuple(map(pointer, self.parts[node]))
                pointers[node] = parts[node][0]
            else:
                pointers[node] = pointer(frame.addresses[node])
        names = [f"i64 %size.{s}" for s in frame.symbols]
        sizes = list(names)
        divided = None
        update = self.workers > 1 and self.sharing is not None and group in self.sharing.updates
        if self.sharing:
            names += [f"i64 %{name}.{frame.symbols[0]}" for name in ("total", "first")]
            sizes = [f"i64 {register}" for register in self.whole_rows]
            adds = frame.chunk is not None and group.outputs[0] in frame.partial
            divided = Divided(parts, adds=adds)
        kernel = Kernel(group, pointers, frame.narrow, divided)
        if update and kernel.runs_flat():
            kernel = Kernel(
                group, pointers, frame.narrow, replace(divided or Divided(), split=True)
            )
            begin, end = self._share_of(element_count(group.outputs[0].type.shape))
            ranges = [f"i64 {begin}", f"i64 {end}"]
            names += ["i64 %begin", "i64 %end"]
        else:
            ranges = []
        code = along.write(kernel)
        parameters = [f"ptr noalias {p}" for p in (*memory.values(), "%status")]
        name = self._define(f"({', '.join([*parameters, *names])})", code)
        arguments = [f"ptr {address}" for address in (*memory, "%status")]
        call = f"call void @{name}({', '.join([*arguments, *sizes, *ranges])})"
        if update and not ranges:
            self._on_first_worker(call)
        else:
            self.code.line(call)

    def _share_of(self, count: Size) -> tuple[str, str]:
        """The range of entries of this worker: whole cache lines, the last one takes the rest."""
        set_, total = self.code.set, self.frame.sizes.size(count)
        workers = self.workers
        each = set_(f"sdiv i64 {total}, {workers * 16}")
        each = set_(f"mul i64 {each}, 16")
        begin = set_(f"mul i64 {each}, %worker")
        is_last = set_(f"icmp eq i64 %worker, {workers - 1}")
        end = set_(f"select i1 {is_last}, i64 {total}, i64 {set_(f'add i64 {begin}, {each}')}")
        return begin, end

    def _on_first_worker(self, call: str) -> None:
        tag = self.code.fresh("only")
        test = self.code.set("icmp eq i64 %worker, 0")
        self.code.line(f"br i1 {test}, label %{tag}, label %{tag}.done")
        self.code.label(tag)
        self.code.line(call)
        self.code.line(f"br label %{tag}.done")
        self.code.label(f"{tag}.done")

    def _define(self, parameters: str, code: Code) -> str:
        """Keep a kernel once, however often it is needed; return its name."""
        text, name = f"{parameters} #0 {{\n{code.body}\n}}", f"kernel{len(self.kernels)}"
        kernel = KernelText(
            name,
            f"define void @{name}{text}",
            f"declare void @{name}{parameters}",
            frozenset(code.intrinsics),
            frozenset(code.functions),
        )
        return self.kernels.setdefault(text, kernel).name

    def _clock(self) -> str:
        self.frame.declarations.add("declare i64 @llvm.readcyclecounter()")
        return self.code.set("call i64 @llvm.readcyclecounter()")

    def _counter(self, group: int) -> str:
        slot = self.code.set(f"getelementptr ptr, ptr %slots, i64 {len(self.slots)}")
        counters = self.code.set(f"load ptr, ptr {slot}")
        return self.code.set(f"getelementptr i64, ptr {counters}, i64 {group}")

    def _count_cycles(self, group: Group, begin: str) -> None:
        """Add the cycles since `begin` to a group's count."""
        set_ = self.code.set
        passed = set_(f"sub i64 {self._clock()}, {begin}")
        count = self._counter(self.counters[group])
        total = set_(f"add i64 {set_(f'load i64, ptr {count}')}, {passed}")
        self.code.line(f"store i64 {total}, ptr {count}")

    def _copy_back(self) -> None:
        """Bring what could not be written in place to its place, when all has been read."""
        addresses = self.frame.addresses
        for x, old in self.plan.carried.items():
            if x not in self.plan.in_place:
                self.frame.copy(addresses[old], addresses[x], x)
