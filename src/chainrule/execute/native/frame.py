"""What all parts of a driver share while it is written: its text, sizes, addresses and memory."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from chainrule.execute.native.code import Code, Indices
from chainrule.execute.native.gemm import Target
from chainrule.execute.native.layout import symbols_of
from chainrule.ir import Node, Size, bind, element_count, itemsize
from chainrule.plan import Group, Plan
from chainrule.plan.chunk import Chunk


class Frame:
    """The function that runs a plan, at the place that is being written.

    Parameters
    ----------
    plan
        What to run.
    target
        The machine.

    Attributes
    ----------
    code
        The text.
    symbols
        Symbolic sizes, in the order in which they are passed.
    narrow
        Whether all indices fit into 31 bits.
    sizes
        Registers that hold sizes.
    addresses
        Registers that hold where each value lies.
    partial
        Values of which each worker has a sum over its own rows.
    chunk
        The chunk that is being written, if any.
    workspace
        Where the values of the loop that is being written lie.
    scratch
        Bytes of working memory for matrix products.
    scratch_address
        Where that begins.
    held
        Bytes of matrices that are packed for the loops around the place that is being written.
    packed
        Where the matrix lies that a product in a loop finds packed.
    products
        Text of matrix products by their names.
    declarations, imports
        What the text of the driver refers to: lines, and addresses from outside.
    """

    def __init__(self, plan: Plan, target: Target) -> None:
        self.plan = plan
        self.target = target
        self.code = Code()
        self.symbols = symbols_of(plan)
        nodes = (*plan.graph.nodes, *(x for loop in plan.loops.values() for x in loop.nodes))
        counts = [element_count(bind(x.type.shape, plan.limits)) for x in nodes]
        self.narrow = max(map(int, counts), default=0) < 2**31
        self.sizes = Indices(self.code, self.narrow)
        self.addresses: dict[Node, str] = {}
        self.partial = plan.sharing.partial if plan.sharing else frozenset[Node]()
        self.chunk: Chunk | None = None
        self.workspace = ""
        self.scratch = 0
        self.scratch_address = ""
        self.held = 0
        self.packed: dict[Group, str] = {}
        self.products: dict[str, str] = {}
        self.declarations: set[str] = set()
        self.imports: dict[str, int] = {}

    def limit(self, size: Size) -> int:
        """The largest number that a size stands for here."""
        limits = self.plan.limits
        return int(bind(size, dict.fromkeys(limits, self.chunk.rows) if self.chunk else limits))

    def at(self, base: str, offset: int | str) -> str:
        """The address some bytes behind another one."""
        if offset == 0:
            return base
        return self.code.set(f"getelementptr i8, ptr {base}, i64 {offset}")

    def bytes_of(self, x: Node) -> int | str:
        """How many bytes a value takes here."""
        count: int | str = self.sizes.multiply(element_count(x.type.shape), itemsize(x.type.dtype))
        return count

    def copy(self, to: str, source: str, x: Node) -> None:
        """Copy a value."""
        self.declarations.add("declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)")
        arguments = f"ptr {to}, ptr {source}, i64 {self.bytes_of(x)}, i1 false"
        self.code.line(f"call void @llvm.memcpy.p0.p0.i64({arguments})")

    def clear(self, x: Node) -> None:
        """Set a value to zero."""
        self.declarations.add("declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)")
        arguments = f"ptr {self.addresses[x]}, i8 0, i64 {self.bytes_of(x)}, i1 false"
        self.code.line(f"call void @llvm.memset.p0.i64({arguments})")

    def keep_product(self, declarations: Sequence[str], definition: str, kinds: str) -> str:
        """Keep a function as a module of its own, under a name made of its text; return that."""
        exported = definition.replace("define internal void @product(", "define void @product(")
        text = "\n".join([*declarations, exported])
        name = f"product_{hashlib.sha256(text.encode()).hexdigest()[:16]}"
        self.products[name] = text.replace("@product(", f"@{name}(")
        self.declarations.add(f"declare void @{name}({kinds})")
        return name
