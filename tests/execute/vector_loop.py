"""Compiles a transcendental function into a loop over arrays, as fused kernels do."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache
from typing import Any

import llvmlite.binding as llvm
import numpy as np

from chainrule.execute.native import transcendental
from chainrule.execute.native.expression import LLVM_TYPES

LOOP = """
define void @loop(ptr noalias %inputs, ptr noalias %others, ptr noalias %outputs, i64 %count) {{
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
"""


def source(name: str, dtype: str) -> str:
    """Text of a module with one loop."""
    wanted, texts = [(name, dtype)], {}
    declarations: set[str] = set()
    while wanted:
        which = wanted.pop()
        texts[which] = transcendental.definition(*which)
        declarations.update(transcendental.declarations(*which))
        wanted += transcendental.requires(*which)
    kind = LLVM_TYPES[dtype]
    arguments = f"{kind} %x, {kind} %y" if name == "pow" else f"{kind} %x"
    loop = LOOP.format(
        kind=kind, symbol=transcendental.symbol(name, dtype), arguments=arguments
    )
    return "\n".join(
        [f'target triple = "{llvm.get_process_triple()}"', *declarations, *texts.values(), loop]
    )


class Compiled:
    """The loop in machine code."""

    def __init__(self, name: str, dtype: str, features: str | None = None) -> None:
        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        machine = llvm.Target.from_default_triple().create_target_machine(
            cpu=llvm.get_host_cpu_name(),
            features=llvm.get_host_cpu_features().flatten() if features is None else features,
            opt=3,
        )
        module = llvm.parse_assembly(source(name, dtype))
        module.verify()
        options = llvm.create_pipeline_tuning_options(speed_level=3)
        options.loop_vectorization = True
        options.slp_vectorization = False
        passes = llvm.create_pass_builder(machine, options)
        passes.getModulePassManager().run(module, passes)
        self.assembly = machine.emit_assembly(module)
        self.text = str(module)
        self._engine = llvm.create_mcjit_compiler(module, machine)
        self._engine.finalize_object()
        address = self._engine.get_function_address("loop")
        pointer = ctypes.c_void_p
        self._loop = ctypes.CFUNCTYPE(None, pointer, pointer, pointer, ctypes.c_int64)(address)
        self.dtype = np.dtype(dtype)

    def __call__(self, x: Any, y: Any = None) -> Any:
        x = np.ascontiguousarray(x, self.dtype)
        y = x if y is None else np.ascontiguousarray(y, self.dtype)
        result = np.empty_like(x)
        self._loop(x.ctypes.data, y.ctypes.data, result.ctypes.data, x.size)
        return result
