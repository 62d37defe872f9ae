"""Compiles a transcendental function into a loop over arrays, as fused kernels do.

``python -m tests.execute.vector_loop`` prints how long each takes for one number.
"""

from __future__ import annotations

import ctypes
import re
import time
from typing import Any

import llvmlite.binding as llvm
import numpy as np

from chainrule.execute.native import transcendental
from chainrule.execute.native.code import LLVM_TYPES

# @repeated calls the loop again and again, so that a measurement does not see Python.
LOOP = """
define void @loop(ptr noalias %inputs, ptr noalias %others, ptr noalias %outputs, i64 %count)
    noinline {{
entry:
  br label %body
body:
  %i = phi i64 [ 0, %entry ], [ %next, %body ]
  %input = getelementptr inbounds {kind}, ptr %inputs, i64 %i
  %other = getelementptr inbounds {kind}, ptr %others, i64 %i
  %output = getelementptr inbounds {kind}, ptr %outputs, i64 %i
  %x = load {kind}, ptr %input
  %y = load {kind}, ptr %other
  %z = call {kind} @{symbol}({arguments})
  store {kind} %z, ptr %output
  %next = add nuw nsw i64 %i, 1
  %more = icmp slt i64 %next, %count
  br i1 %more, label %body, label %end
end:
  ret void
}}

define void @repeated(ptr %inputs, ptr %others, ptr %outputs, i64 %count, i64 %times) {{
entry:
  br label %body
body:
  %i = phi i64 [ 0, %entry ], [ %next, %body ]
  call void @loop(ptr %inputs, ptr %others, ptr %outputs, i64 %count)
  %next = add nuw nsw i64 %i, 1
  %more = icmp slt i64 %next, %times
  br i1 %more, label %body, label %end
end:
  ret void
}}
"""


def definitions(*wanted: tuple[str, str]) -> str:
    """Text of functions and of all that they require, each once."""
    texts: dict[tuple[str, str], str] = {}
    declarations: set[str] = set()
    waiting = list(wanted)
    while waiting:
        which = waiting.pop()
        if which not in texts:
            texts[which] = transcendental.definition(*which)
            declarations.update(transcendental.declarations(*which))
            waiting += transcendental.requires(*which)
    return "\n".join([*sorted(declarations), *texts.values()])


def optimised(text: str, *, baseline: bool = False) -> tuple[Any, Any]:
    """Return the optimised module and the target machine.

    With `baseline`, for the oldest processor of this kind: on x86-64 one without fused
    multiply-add and with vectors of 128 bits.
    """
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    machine = llvm.Target.from_default_triple().create_target_machine(
        cpu="" if baseline else llvm.get_host_cpu_name(),
        features="" if baseline else llvm.get_host_cpu_features().flatten(),
        opt=3,
        reloc="pic",
    )
    module = llvm.parse_assembly(text)
    module.triple = machine.triple
    module.data_layout = str(machine.target_data)
    module.verify()
    options = llvm.create_pipeline_tuning_options(speed_level=2)
    options.loop_vectorization = True
    options.slp_vectorization = False
    builder = llvm.create_pass_builder(machine, options)
    builder.getModulePassManager().run(module, builder)
    return module, machine


class VectorLoop:
    """A loop in machine code that applies one function to each entry of arrays."""

    def __init__(self, name: str, dtype: str, *, baseline: bool = False) -> None:
        self.name, self.dtype = name, np.dtype(dtype)
        kind = LLVM_TYPES[dtype]
        arguments = f"{kind} %x, {kind} %y" if name == "pow" else f"{kind} %x"
        loop = LOOP.format(
            kind=kind, symbol=transcendental.symbol(name, dtype), arguments=arguments
        )
        module, machine = optimised(definitions((name, dtype)) + loop, baseline=baseline)
        self.llvm = str(module)
        builder = llvm.JITLibraryBuilder().add_object_img(machine.emit_object(module))
        builder.export_symbol("loop").export_symbol("repeated").add_current_process()
        self._jit = llvm.create_lljit_compiler(machine)
        self._library = builder.link(self._jit, f"{name}_{dtype}_{baseline}")
        pointers = [ctypes.c_void_p] * 3
        self._loop = ctypes.CFUNCTYPE(None, *pointers, ctypes.c_int64)(self._library["loop"])
        self._repeated = ctypes.CFUNCTYPE(None, *pointers, ctypes.c_int64, ctypes.c_int64)(
            self._library["repeated"]
        )

    def __call__(self, x: Any, y: Any = None) -> Any:
        x = np.ascontiguousarray(x, self.dtype)
        y = x if y is None else np.ascontiguousarray(y, self.dtype)
        result = np.empty_like(x)
        self._loop(x.ctypes.data, y.ctypes.data, result.ctypes.data, x.size)
        return result

    def body(self) -> str:
        """Return the optimised code of the vectorised loop's body, or nothing."""
        found = re.search(r"^vector\.body:.*?^  br ", self.llvm, re.MULTILINE | re.DOTALL)
        return found.group() if found else ""

    def nanoseconds(self, count: int = 1024) -> float:
        """Measure the time for one number, with the arrays in the nearest cache."""
        low = 1.0 if self.name == "acosh" else 0.0
        x = np.random.default_rng(0).uniform(low + 0.05, low + 0.95, count).astype(self.dtype)
        result = np.empty_like(x)
        # Looking up an address takes longer than the loop.
        source, target = x.ctypes.data, result.ctypes.data
        best = float("inf")
        for _ in range(30):
            begin = time.perf_counter()
            self._repeated(source, source, target, count, 50)
            best = min(best, time.perf_counter() - begin)
        return best / count / 50 * 1e9


def _print_times() -> None:
    print(f"{'ns':10}float32  float64")
    for name in sorted(transcendental.NAMES):
        times = [VectorLoop(name, dtype).nanoseconds() for dtype in ("float32", "float64")]
        print(f"{name:10}{times[0]:7.2f}  {times[1]:7.2f}")


if __name__ == "__main__":
    _print_times()
