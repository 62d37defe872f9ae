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

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from chainrule.errors import ExecutorError
from chainrule.execute.native import along
from chainrule.execute.native.blas import matrix_product
from chainrule.execute.native.code import ROLLED, Code, Indices
from chainrule.execute.native.compiler import Library
from chainrule.execute.native.gemm import GemmText, Target, gemm
from chainrule.execute.native.gemm_plan import BLAS_WORK
from chainrule.execute.native.kernels import Divided, Kernel
from chainrule.execute.native.steps import ARGUMENTS, Steps, barrier_text, write_loop
from chainrule.execute.native.transcendental import declarations, definition, requires
from chainrule.ir import Dim, Node, Size, bind, element_count, itemsize, symbols
from chainrule.plan import Group, Plan
from chainrule.plan.chunk import Chunk
from chainrule.plan.fuse import matrix_operand
from chainrule.plan.rows import row_axis


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
    return _Writer(plan, target, timed).write(steps)


class _Writer:
    def __init__(self, plan: Plan, target: Target, timed: bool) -> None:
        self.plan = plan
        self.sharing = plan.sharing
        self.workers = plan.sharing.workers if plan.sharing else 1
        self.partial = plan.sharing.partial if plan.sharing else frozenset[Node]()
        self.timed = timed
        self.target = target
        graph = plan.graph
        constants = [x for x in graph.nodes if x.card.name == "constant"]
        inside = {*plan.placement.offsets, *plan.in_place, *graph.inputs, *constants}
        outputs = [x for x in dict.fromkeys(graph.outputs) if x not in inside]
        self.slots = (*graph.inputs, *outputs, *constants)
        found = {s for x in graph.nodes for s in symbols(x.type.shape)}
        found |= {s for x in graph.nodes for _, v in x.params for s in symbols(v)}
        self.symbols = tuple(sorted(found))
        missing = [s for s in self.symbols if s not in plan.limits]
        if missing:
            raise ExecutorError(f"the native executor needs a limit for the size {missing[0]}")
        counts = [element_count(bind(x.type.shape, plan.limits)) for x in graph.nodes]
        self.narrow = max(map(int, counts), default=0) < 2**31
        self.kernels: dict[str, str] = {}
        self.declarations: set[str] = set()
        self.functions: set[tuple[str, str]] = set()
        self.products: dict[str, str] = {}
        self.imports: dict[str, int] = {}
        self.scratch = 0
        self.driver = Code()
        self.sizes = Indices(self.driver, self.narrow)
        self.addresses: dict[Node, str] = {}
        self.parts: dict[Node, tuple[str, ...]] = {}
        self.chunk: Chunk | None = None
        self.whole_rows = ("", "", "")

    def write(self, steps: Steps | None) -> Program:
        """Write kernels and drivers."""
        scratch_at = -(-self.plan.placement.total // 64) * 64
        self._load_arguments(scratch_at)
        begin = self._clock() if self.timed else ""
        if self.timed:
            self.driver.line(f"store i64 {begin}, ptr {self._counter(len(self.plan.groups))}")
        chunks = {chunk.first: chunk for chunk in self.plan.chunks}
        i = 0
        while i < len(self.plan.groups):
            if self.sharing and i and self.sharing.levels[i] > self.sharing.levels[i - 1]:
                self._meet()
            if i in chunks:
                begin = self._run_chunk(chunks[i], begin)
                i = chunks[i].last + 1
            else:
                begin = self._run_group(i, begin)
                i += 1
        self._copy_back()
        self._meet()
        self.driver.line("ret void")
        loop = self._loop(steps) if steps else ""
        functions = _with_required(self.functions)
        for function in functions:
            self.declarations |= set(declarations(*function))
        parts = [
            "\n".join(sorted(self.declarations)),
            *(definition(*function) for function in functions),
            *(f"define internal void @{name}{text}" for text, name in self.kernels.items()),
            f"define void @program({ARGUMENTS}) nounwind {{\n{self.driver.body}\n}}",
            loop,
            barrier_text(self.target) if self.workers > 1 else "",
            f'attributes #0 = {{ noinline nounwind "prefer-vector-width"="'
            f'{self.target.vector_bits}" }}',
        ]
        text = _number_loops("\n\n".join(part for part in parts if part))
        return Program(
            text,
            tuple(self.products.values()),
            self.imports,
            self.slots,
            scratch_at + self.scratch,
            self.symbols,
        )

    def _load_arguments(self, scratch_at: int) -> None:
        """Begin the driver: addresses and sizes into registers."""
        set_ = self.driver.set
        for i, node in enumerate(self.slots):
            self.addresses[node] = set_(
                f"load ptr, ptr {set_(f'getelementptr ptr, ptr %slots, i64 {i}')}"
            )
        arenas = [self._arena(str(i)) for i in range(self.workers if self.workers > 1 else 0)]
        own = self._arena("%worker")
        for node, offset in self.plan.placement.offsets.items():
            self.addresses[node] = set_(f"getelementptr i8, ptr {own}, i64 {offset}")
            if arenas and self.sharing and node in self.sharing.partial:
                self.parts[node] = tuple(
                    set_(f"getelementptr i8, ptr {arena}, i64 {offset}") for arena in arenas
                )
        for node in self.plan.in_place:
            self.addresses[node] = self.addresses[self.plan.carried[node]]
        for i, symbol in enumerate(self.symbols):
            address = set_(f"getelementptr i64, ptr %sizes, i64 {i}")
            self.driver.line(f"%size.{symbol} = load i64, ptr {address}")
        if self.sharing:
            whole = f"%size.{self.symbols[0]}"
            self.whole_rows = (whole, whole, "0")
        if self.workers > 1:
            for i, name in enumerate(("total", "first"), 1):
                address = set_(f"getelementptr i64, ptr %sizes, i64 {i}")
                self.driver.line(f"%{name}.{self.symbols[0]} = load i64, ptr {address}")
            self.whole_rows = (whole, f"%total.{self.symbols[0]}", f"%first.{self.symbols[0]}")
        self.scratch_address = set_(f"getelementptr i8, ptr {own}, i64 {scratch_at}")

    def _arena(self, worker: str) -> str:
        address = self.driver.set(f"getelementptr ptr, ptr %arenas, i64 {worker}")
        return self.driver.set(f"load ptr, ptr {address}")

    def _meet(self) -> None:
        """Wait until all workers are here."""
        if self.workers > 1:
            goal = self.driver.set("getelementptr i64, ptr %sizes, i64 3")
            self.driver.line(f"call void @meet(ptr %barrier, ptr {goal}, i64 {self.workers})")

    def _run_group(self, i: int, begin: str) -> str:
        group = self.plan.groups[i]
        if group.kind == "contract":
            self._call_product(group)
        else:
            self._call_kernel(group)
        return self._count_cycles(i, begin) if self.timed else begin

    def _run_chunk(self, chunk: Chunk, begin: str) -> str:
        """Run some kernels for as many rows at a time as the chunk takes."""
        set_, (size, total, first) = self.driver.set, self.whole_rows
        groups = self.plan.groups[chunk.first : chunk.last + 1]
        for x in dict.fromkeys(x for g in groups for x in g.outputs if x in self.partial):
            self._clear(x)
        if self.timed:  # what went before is not the chunk's
            begin = self._clock()
        outer, addresses = self.sizes, self.addresses
        turns = set_(f"sdiv i64 {set_(f'add i64 {size}, {chunk.rows - 1}')}, {chunk.rows}")
        with self.driver.loop(turns) as turn:
            done = set_(f"mul i64 {turn}, {chunk.rows}")
            left = set_(f"sub i64 {size}, {done}")
            many = set_(f"icmp sgt i64 {left}, {chunk.rows}")
            prefix = self.driver.fresh("chunk")
            symbol = self.symbols[0]
            self.driver.line(f"%{prefix}.{symbol} = select i1 {many}, i64 {chunk.rows}, i64 {left}")
            self.whole_rows = (f"%{prefix}.{symbol}", total, set_(f"add i64 {first}, {done}"))
            self.sizes, self.chunk = Indices(self.driver, self.narrow, prefix), chunk
            self.addresses = addresses | {
                x: self._advanced(x, done)
                for x in dict.fromkeys(x for g in groups for x in (*g.reads, *g.outputs))
                if row_axis(x.type.shape) is not None and x not in chunk.local
            }
            start = self._clock() if self.timed else ""
            for i in range(chunk.first, chunk.last + 1):
                start = self._run_group(i, start)
        self.whole_rows = (size, total, first)
        self.sizes, self.addresses, self.chunk = outer, addresses, None
        return self._clock() if self.timed else begin

    def _advanced(self, node: Node, rows: str) -> str:
        """The address at which a value's rows begin, behind some of them."""
        each = bind(element_count(node.type.shape), {self.symbols[0]: 1})
        offset = self.sizes.multiply(rows, int(each) * itemsize(node.type.dtype))
        return self.driver.set(f"getelementptr i8, ptr {self.addresses[node]}, i64 {offset}")

    def _clear(self, node: Node) -> None:
        size = int(element_count(node.type.shape)) * itemsize(node.type.dtype)
        self.declarations.add("declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)")
        self.driver.line(
            f"call void @llvm.memset.p0.i64(ptr {self.addresses[node]}, i8 0, i64 {size}, i1 false)"
        )

    def _call_kernel(self, group: Group) -> None:
        memory: dict[str, str] = {}  # address in the driver -> pointer in the kernel
        pointers, parts = {}, {}

        def pointer(address: str) -> str:
            return memory.setdefault(address, f"%p{len(memory)}")

        for node in group.outputs:
            pointers[node] = pointer(self.addresses[node])
        for node in group.reads:
            if node in self.parts:
                parts[node] = tuple(map(pointer, self.parts[node]))
                pointers[node] = parts[node][0]
            else:
                pointers[node] = pointer(self.addresses[node])
        names, sizes = (
            [f"i64 %size.{s}" for s in self.symbols],
            [f"i64 %size.{s}" for s in self.symbols],
        )
        divided = None
        update = self.workers > 1 and self.sharing is not None and group in self.sharing.updates
        if self.sharing:
            names += [f"i64 %{name}.{self.symbols[0]}" for name in ("total", "first")]
            sizes = [f"i64 {register}" for register in self.whole_rows]
            adds = self.chunk is not None and group.outputs[0] in self.partial
            divided = Divided(parts, adds=adds)
        kernel = Kernel(group, pointers, self.narrow, divided)
        if update and kernel.runs_flat():
            kernel = Kernel(group, pointers, self.narrow, replace(divided or Divided(), split=True))
            begin, end = self._share_of(element_count(group.outputs[0].type.shape))
            ranges = [f"i64 {begin}", f"i64 {end}"]
            names += ["i64 %begin", "i64 %end"]
        else:
            ranges = []
        code = along.write(kernel)
        self.declarations |= code.intrinsics
        self.functions |= code.functions
        parameters = [f"ptr noalias {p}" for p in (*memory.values(), "%status")]
        name = self._define(f"({', '.join([*parameters, *names])}) #0 {{\n{code.body}\n}}")
        arguments = [f"ptr {address}" for address in (*memory, "%status")]
        call = f"call void @{name}({', '.join([*arguments, *sizes, *ranges])})"
        if update and not ranges:
            self._on_first_worker(call)
        else:
            self.driver.line(call)

    def _share_of(self, count: Size) -> tuple[str, str]:
        """The range of entries of this worker: whole cache lines, the last one takes the rest."""
        set_, total = self.driver.set, self.sizes.size(count)
        workers = self.workers
        each = set_(f"sdiv i64 {total}, {workers * 16}")
        each = set_(f"mul i64 {each}, 16")
        begin = set_(f"mul i64 {each}, %worker")
        is_last = set_(f"icmp eq i64 %worker, {workers - 1}")
        end = set_(f"select i1 {is_last}, i64 {total}, i64 {set_(f'add i64 {begin}, {each}')}")
        return begin, end

    def _on_first_worker(self, call: str) -> None:
        tag = self.driver.fresh("only")
        test = self.driver.set("icmp eq i64 %worker, 0")
        self.driver.line(f"br i1 {test}, label %{tag}, label %{tag}.done")
        self.driver.label(tag)
        self.driver.line(call)
        self.driver.line(f"br label %{tag}.done")
        self.driver.label(f"{tag}.done")

    def _define(self, text: str) -> str:
        """Keep a function once, however often it is needed."""
        return self.kernels.setdefault(text, f"kernel{len(self.kernels)}")

    def _call_product(self, group: Group) -> None:
        (node,) = group.outputs
        a, transpose_a = matrix_operand(node.inputs[0])
        b, transpose_b = matrix_operand(node.inputs[1])
        m, n = node.type.shape[-2:]
        k = node.inputs[0].type.shape[-1]
        symbolic = [s for s in (m, n, k) if isinstance(s, Dim)]
        if len(set(symbolic)) > 1 or len(symbolic) > 1:
            raise ExecutorError(f"a product of {a.type} and {b.type} has two symbolic sizes")
        fixed = [None if isinstance(s, Dim) else s for s in (m, n, k)]
        limits = (self._limit(m), self._limit(n), self._limit(k))
        blas = matrix_product(node.type.dtype) if math.prod(limits) >= BLAS_WORK else None
        product = gemm(
            "product",
            node.type.dtype,
            *fixed,
            transpose_a=transpose_a,
            transpose_b=transpose_b,
            accumulate=self.chunk is not None and node in self.partial,
            target=self.target,
            limits=limits,
            blas=blas,
        )
        if blas is not None:
            self.imports |= dict.fromkeys(product.symbols, blas.address)
        self.scratch = max(self.scratch, product.scratch)
        name = self._keep_product(product)
        size = self.sizes.size(symbolic[0]) if symbolic else 0
        with self.driver.loop(self.sizes.size(element_count(node.type.shape[:-2]))) as i:
            addresses = []
            for x, matrix in zip((a, b, node), (*node.inputs, node), strict=True):
                count = element_count(matrix.type.shape[-2:])
                step = self.sizes.multiply(count, itemsize(x.type.dtype))
                offset = self.sizes.multiply(i, step)
                base = self.addresses[x]
                addresses.append(
                    base
                    if offset == 0
                    else self.driver.set(f"getelementptr i8, ptr {base}, i64 {offset}")
                )
            pointers = ", ".join(f"ptr {x}" for x in (*addresses,))
            self.driver.line(
                f"call void @{name}({pointers}, i64 {size}, ptr {self.scratch_address})"
            )

    def _clock(self) -> str:
        self.declarations.add("declare i64 @llvm.readcyclecounter()")
        return self.driver.set("call i64 @llvm.readcyclecounter()")

    def _counter(self, group: int) -> str:
        slot = self.driver.set(f"getelementptr ptr, ptr %slots, i64 {len(self.slots)}")
        counters = self.driver.set(f"load ptr, ptr {slot}")
        return self.driver.set(f"getelementptr i64, ptr {counters}, i64 {group}")

    def _count_cycles(self, group: int, begin: str) -> str:
        """Add the cycles since `begin` to a group's count; return the time now."""
        set_ = self.driver.set
        now, count = self._clock(), self._counter(group)
        passed = set_(f"sub i64 {now}, {begin}")
        total = set_(f"add i64 {set_(f'load i64, ptr {count}')}, {passed}")
        self.driver.line(f"store i64 {total}, ptr {count}")
        return now

    def _keep_product(self, product: GemmText) -> str:
        """Keep a product as a module of its own, under a name made of its text."""
        text = "\n".join([*product.declarations, product.text.replace("define internal", "define")])
        name = f"product_{hashlib.sha256(text.encode()).hexdigest()[:16]}"
        self.products[name] = text.replace("@product(", f"@{name}(")
        self.declarations.add(f"declare void @{name}(ptr, ptr, ptr, i64, ptr)")
        return name

    def _limit(self, size: Size) -> int:
        limits = self.plan.limits
        return int(bind(size, dict.fromkeys(limits, self.chunk.rows) if self.chunk else limits))

    def _copy_back(self) -> None:
        """Bring what could not be written in place to its place, when all has been read."""
        for x, old in self.plan.carried.items():
            if x in self.plan.in_place:
                continue
            count = self.sizes.multiply(element_count(x.type.shape), itemsize(x.type.dtype))
            self.declarations.add("declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)")
            self.driver.line(
                f"call void @llvm.memcpy.p0.p0.i64(ptr {self.addresses[old]}, "
                f"ptr {self.addresses[x]}, i64 {count}, i1 false)"
            )

    def _loop(self, steps: Steps) -> str:
        """The driver of many steps."""
        text, declarations = write_loop(
            steps,
            {node: i for i, node in enumerate(self.slots)},
            symbolic=bool(self.symbols),
            workers=self.workers,
            target=self.target,
        )
        self.declarations |= declarations
        return text


def _number_loops(text: str) -> str:
    """Give every loop that stays rolled metadata of its own."""
    first, *rest = text.split(ROLLED)
    numbered = [f"!{i}{part}" for i, part in enumerate(rest)]
    stop = f"!{len(rest)}"
    nodes = [f"!{i} = distinct !{{!{i}, {stop}}}" for i in range(len(rest))]
    nodes.append(f'{stop} = !{{!"llvm.loop.unroll.disable"}}')
    return "\n".join([first + "".join(numbered), *(nodes if rest else ())])


def _with_required(functions: set[tuple[str, str]]) -> list[tuple[str, str]]:
    """Add the functions that functions call."""
    waiting, found = sorted(functions), dict.fromkeys(sorted(functions))
    while waiting:
        needed = requires(*waiting.pop())
        waiting += [x for x in needed if x not in found]
        found |= dict.fromkeys(needed)
    return list(found)
