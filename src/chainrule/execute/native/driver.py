"""The driver of a program: one LLVM function that calls kernels and products in order."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from chainrule.errors import ExecutorError
from chainrule.execute.native import along
from chainrule.execute.native.blas import matrix_product
from chainrule.execute.native.code import Code, Indices
from chainrule.execute.native.gemm import GemmText, Target, gemm
from chainrule.execute.native.gemm_plan import worth_blas
from chainrule.execute.native.kernels import Divided, Kernel
from chainrule.execute.native.layout import (
    rounded,
    scratch_at,
    slots_of,
    symbols_of,
    workspace_at,
)
from chainrule.execute.native.steps import ARGUMENTS
from chainrule.ir import Dim, Node, Size, bind, element_count, itemsize
from chainrule.plan import Group, Plan
from chainrule.plan.chunk import Chunk
from chainrule.plan.fuse import in_memory, matrix_operand
from chainrule.plan.loops import LoopPlan
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
    symbols
        Symbolic sizes, in the order in which they are passed.
    kernels
        Kernels by their text.
    products
        Text of matrix products by their names.
    held
        Bytes of matrices that are packed for the loops around the place that is being written.
    packed
        Where the matrix lies that a product in a loop finds packed.
    declarations, imports
        What the text of the driver refers to: lines, and addresses from outside.
    scratch
        Bytes of working memory for matrix products.
    """

    def __init__(self, plan: Plan, target: Target, *, timed: bool) -> None:
        self.plan = plan
        self.sharing = plan.sharing
        self.workers = plan.sharing.workers if plan.sharing else 1
        self.partial = plan.sharing.partial if plan.sharing else frozenset[Node]()
        self.timed = timed
        self.target = target
        self.slots = slots_of(plan)
        self.symbols = symbols_of(plan)
        self.loops = plan.every_loop
        nodes = (*plan.graph.nodes, *(x for loop in plan.loops.values() for x in loop.nodes))
        counts = [element_count(bind(x.type.shape, plan.limits)) for x in nodes]
        self.narrow = max(map(int, counts), default=0) < 2**31
        self.kernels: dict[str, KernelText] = {}
        self.declarations: set[str] = set()
        self.products: dict[str, str] = {}
        self.imports: dict[str, int] = {}
        self.scratch = 0
        self.held = 0
        self.packed: dict[Group, str] = {}
        self.code = Code()
        self.sizes = Indices(self.code, self.narrow)
        self.addresses: dict[Node, str] = {}
        self.parts: dict[Node, tuple[str, ...]] = {}
        self.chunk: Chunk | None = None
        self.whole_rows = ("", "", "")
        self.workspace = ""
        self.counters = {group: i for i, group in enumerate(plan.every_group)}

    def write(self) -> str:
        """Write the function."""
        self._load_arguments()
        if self.timed:
            begin = self._counter(len(self.counters))
            self.code.line(f"store i64 {self._clock()}, ptr {begin}")
        chunks = {chunk.first: chunk for chunk in self.plan.chunks}
        i = level = 0
        while i < len(self.plan.groups):
            if self.sharing and self.sharing.levels[i] > level:
                level = self.sharing.levels[i]
                self._meet()
            if i in chunks:
                self._run_chunk(chunks[i])
                i = chunks[i].last + 1
            else:
                self._run_group(self.plan.groups[i])
                i += 1
        self._copy_back()
        self._meet()
        self.code.line("ret void")
        return f"define void @program({ARGUMENTS}) nounwind {{\n{self.code.body}\n}}"

    def _load_arguments(self) -> None:
        """Begin the driver: addresses and sizes into registers."""
        set_ = self.code.set
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
            self.code.line(f"%size.{symbol} = load i64, ptr {address}")
        if self.sharing:
            whole = f"%size.{self.symbols[0]}"
            self.whole_rows = (whole, whole, "0")
        if self.workers > 1:
            for i, name in enumerate(("total", "first"), 1):
                address = set_(f"getelementptr i64, ptr %sizes, i64 {i}")
                self.code.line(f"%{name}.{self.symbols[0]} = load i64, ptr {address}")
            self.whole_rows = (whole, f"%total.{self.symbols[0]}", f"%first.{self.symbols[0]}")
        self.workspace = set_(f"getelementptr i8, ptr {own}, i64 {workspace_at(self.plan)}")
        self.scratch_address = set_(f"getelementptr i8, ptr {own}, i64 {scratch_at(self.plan)}")

    def _arena(self, worker: str) -> str:
        address = self.code.set(f"getelementptr ptr, ptr %arenas, i64 {worker}")
        return self.code.set(f"load ptr, ptr {address}")

    def _meet(self) -> None:
        """Wait until all workers are here."""
        if self.workers > 1:
            goal = self.code.set("getelementptr i64, ptr %sizes, i64 3")
            self.code.line(f"call void @meet(ptr %barrier, ptr {goal}, i64 {self.workers})")

    def _run_group(self, group: Group) -> None:
        begin = self._clock() if self.timed else ""
        if group.kind == "contract":
            self._call_product(group)
        elif group.kind == "scan":
            self._run_loop(group)
        else:
            self._call_kernel(group)
        if self.timed:
            self._count_cycles(group, begin)

    def _run_chunk(self, chunk: Chunk) -> None:
        """Run some kernels for as many rows at a time as the chunk takes."""
        set_, (size, total, first) = self.code.set, self.whole_rows
        groups = self.plan.groups[chunk.first : chunk.last + 1]
        for x in dict.fromkeys(x for g in groups for x in g.outputs if x in self.partial):
            self._clear(x)
        outer, addresses = self.sizes, self.addresses
        turns = set_(f"sdiv i64 {set_(f'add i64 {size}, {chunk.rows - 1}')}, {chunk.rows}")
        with self.code.loop(turns) as turn:
            done = set_(f"mul i64 {turn}, {chunk.rows}")
            left = set_(f"sub i64 {size}, {done}")
            many = set_(f"icmp sgt i64 {left}, {chunk.rows}")
            prefix = self.code.fresh("chunk")
            symbol = self.symbols[0]
            self.code.line(f"%{prefix}.{symbol} = select i1 {many}, i64 {chunk.rows}, i64 {left}")
            self.whole_rows = (f"%{prefix}.{symbol}", total, set_(f"add i64 {first}, {done}"))
            self.sizes, self.chunk = Indices(self.code, self.narrow, prefix), chunk
            self.addresses = addresses | {
                x: self._advanced(x, done)
                for x in dict.fromkeys(x for g in groups for x in (*g.reads, *g.outputs))
                if row_axis(x.type.shape) is not None and x not in chunk.local
            }
            for group in groups:
                self._run_group(group)
        self.whole_rows = (size, total, first)
        self.sizes, self.addresses, self.chunk = outer, addresses, None

    def _advanced(self, node: Node, rows: str) -> str:
        """The address at which a value's rows begin, behind some of them."""
        each = bind(element_count(node.type.shape), {self.symbols[0]: 1})
        offset = self.sizes.multiply(rows, int(each) * itemsize(node.type.dtype))
        return self.code.set(f"getelementptr i8, ptr {self.addresses[node]}, i64 {offset}")

    def _clear(self, node: Node) -> None:
        size = int(element_count(node.type.shape)) * itemsize(node.type.dtype)
        self.declarations.add("declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)")
        self.code.line(
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
        set_, total = self.code.set, self.sizes.size(count)
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

    def _call_product(self, group: Group) -> None:
        (node,) = group.outputs
        a, b = (matrix_operand(x)[0] for x in node.inputs)
        bases = [self.addresses[a], self.packed.get(group, self.addresses[b]), self.addresses[node]]
        product, symbolic = self._product(group, repeated=group in self.packed)
        self.scratch = max(self.scratch, self.held + product.scratch)
        name = self._keep_product(product.declarations, product.text, "ptr, ptr, ptr, i64, ptr")
        size = self.sizes.size(symbolic[0]) if symbolic else 0
        scratch = self._at(self.scratch_address, self.held)
        with self.code.loop(self.sizes.size(element_count(node.type.shape[:-2]))) as i:
            pointers = []
            for base, matrix in zip(bases, (*node.inputs, node), strict=True):
                count = element_count(matrix.type.shape[-2:])
                step = self.sizes.multiply(count, itemsize(matrix.type.dtype))
                pointers.append(f"ptr {self._at(base, self.sizes.multiply(i, step))}")
            self.code.line(f"call void @{name}({', '.join(pointers)}, i64 {size}, ptr {scratch})")

    def _product(self, group: Group, *, repeated: bool) -> tuple[GemmText, list[Dim]]:
        """Write the text of a product; give it with its symbolic size, if it has one."""
        (node,) = group.outputs
        a, transpose_a = matrix_operand(node.inputs[0])
        b, transpose_b = matrix_operand(node.inputs[1])
        m, n = node.type.shape[-2:]
        k = node.inputs[0].type.shape[-1]
        symbolic = [s for s in (m, n, k) if isinstance(s, Dim)]
        if len(symbolic) > 1:
            raise ExecutorError(f"a product of {a.type} and {b.type} has two symbolic sizes")
        fixed = [None if isinstance(s, Dim) else s for s in (m, n, k)]
        limits = (self._limit(m), self._limit(n), self._limit(k))
        large = worth_blas(math.prod(limits), self.target)
        blas = matrix_product(node.type.dtype) if large else None
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
            repeated=repeated,
        )
        if blas is not None:
            self.imports |= dict.fromkeys(product.symbols, blas.address)
        return product, symbolic

    def _clock(self) -> str:
        self.declarations.add("declare i64 @llvm.readcyclecounter()")
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

    def _keep_product(self, declarations: Sequence[str], definition: str, kinds: str) -> str:
        """Keep a function as a module of its own, under a name made of its text."""
        text = "\n".join([*declarations, definition.replace("define internal", "define")])
        name = f"product_{hashlib.sha256(text.encode()).hexdigest()[:16]}"
        self.products[name] = text.replace("@product(", f"@{name}(")
        self.declarations.add(f"declare void @{name}({kinds})")
        return name

    def _limit(self, size: Size) -> int:
        limits = self.plan.limits
        return int(bind(size, dict.fromkeys(limits, self.chunk.rows) if self.chunk else limits))

    def _copy_back(self) -> None:
        """Bring what could not be written in place to its place, when all has been read."""
        for x, old in self.plan.carried.items():
            if x not in self.plan.in_place:
                self._copy(self.addresses[old], self.addresses[x], x)

    def _copy(self, to: str, source: str, x: Node) -> None:
        count = self.sizes.multiply(element_count(x.type.shape), itemsize(x.type.dtype))
        self.declarations.add("declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)")
        arguments = f"ptr {to}, ptr {source}, i64 {count}, i1 false"
        self.code.line(f"call void @llvm.memcpy.p0.p0.i64({arguments})")

    def _run_loop(self, group: Group) -> None:
        """Run a loop: its step's kernels with addresses that move on, and carries in turn."""
        loop, set_ = self.loops[group], self.code.set
        inputs = [self.addresses[in_memory(x)] for x in group.outputs[0].inputs]
        first = inputs[len(loop.constants) : len(inputs) - len(loop.slices)]
        whole = inputs[len(inputs) - len(loop.slices) :]
        self.addresses |= zip(loop.constants, inputs, strict=False)
        for node, offset in loop.placement.offsets.items():
            self.addresses[node] = self._inside(offset)
        buffers = {i: [self._inside(x) for x in pair] for i, pair in loop.buffers.items()}
        outer, self.workspace = self.workspace, self._inside(loop.inner_at)
        held = self.held
        self._pack_constants(loop)
        latest = [self.code.allocate("ptr") for _ in loop.carries]
        for i, (variable, address) in enumerate(zip(latest, first, strict=True)):
            if i in loop.entering:
                address = self._first_row(loop, i, address)
            self.code.line(f"store ptr {address}, ptr {variable}")
        with self.code.loop(self.sizes.size(loop.length)) as step:
            last = self.sizes.subtract(loop.length, 1)
            t = self.sizes.subtract(last, step) if loop.reverse else step
            for x, address in zip(loop.slices, whole, strict=True):
                self.addresses[x] = self._row(address, t, x)
            for x, variable in zip(loop.carries, latest, strict=True):
                self.addresses[x] = set_(f"load ptr, ptr {variable}")
            for i, pair in buffers.items():
                self.addresses[loop.ends[i]] = self._alternate(pair, step)
            for i, stack in loop.entering.items():
                x = loop.ends[i]
                following = self.sizes.subtract(t, 1) if loop.reverse else self.sizes.add(t, 1)
                row = self._row(self.addresses[stack], following, x)
                self.addresses[x] = self._choose(step, last, self.addresses[x], row)
            for stack, x in loop.stacks.items():
                if x not in loop.carries:
                    self.addresses[x] = self._row(self.addresses[stack], t, x)
            for inner in loop.groups:
                self._run_group(inner)
            for x, variable in zip(loop.ends, latest, strict=True):
                self.code.line(f"store ptr {self.addresses[x]}, ptr {variable}")
        self.workspace, self.held = outer, held
        for x, i in loop.finals.items():
            self._copy(self.addresses[x], set_(f"load ptr, ptr {latest[i]}"), x)

    def _pack_constants(self, loop: LoopPlan) -> None:
        """Pack matrices that products read in every step of a loop, once before it.

        The copies lie where the scratch memory of products begins, until the loop ends.
        """
        constants = set(loop.constants)
        for group in loop.groups:
            if group.kind != "contract" or group.outputs[0].type.ndim != 2:
                continue
            b, _ = matrix_operand(group.outputs[0].inputs[1])
            product, _ = self._product(group, repeated=True)
            if b not in constants or not product.packed:
                continue
            self.packed[group] = self._at(self.scratch_address, self.held)
            name = self._keep_product(product.declarations, product.packing, "ptr, ptr")
            self.code.line(f"call void @{name}(ptr {self.addresses[b]}, ptr {self.packed[group]})")
            self.held += rounded(product.packed)
            self.scratch = max(self.scratch, self.held)

    def _at(self, base: str, offset: int | str) -> str:
        """The address some bytes behind another one."""
        if offset == 0:
            return base
        return self.code.set(f"getelementptr i8, ptr {base}, i64 {offset}")

    def _inside(self, offset: int) -> str:
        """An address in the workspace of the loop that is being written."""
        return self.code.set(f"getelementptr i8, ptr {self.workspace}, i64 {offset}")

    def _row(self, address: str, t: int | str, x: Node) -> str:
        """The address of a value of step `t` in its stack."""
        stride = self.sizes.multiply(element_count(x.type.shape), itemsize(x.type.dtype))
        place = self.sizes.multiply(stride, t)
        return self.code.set(f"getelementptr i8, ptr {address}, i64 {place}")

    def _first_row(self, loop: LoopPlan, number: int, first: str) -> str:
        """Copy a first carry to its place in a stack, if there are steps; give that place."""
        stack, x = loop.entering[number], loop.carries[number]
        length = self.sizes.size(loop.length)
        if length == 0:
            return first
        t = self.sizes.subtract(length, 1) if loop.reverse else 0
        row = self._row(self.addresses[stack], t, x)
        place = self._choose(length, 0, first, row)
        self._copy(place, first, x)
        return place

    def _choose(self, a: int | str, b: int | str, same: str, other: str) -> str:
        """One address where two numbers are equal, another one where they are not."""
        test = self.sizes.compare("==", a, b)
        if isinstance(test, bool):
            return same if test else other
        return self.code.set(f"select i1 {test}, ptr {same}, ptr {other}")

    def _alternate(self, pair: Sequence[str], step: int | str) -> str:
        """The one buffer in even steps, the other one in odd steps."""
        if isinstance(step, int):
            return pair[step % 2]
        odd = self.code.set(f"trunc i64 {step} to i1")
        return self.code.set(f"select i1 {odd}, ptr {pair[1]}, ptr {pair[0]}")
