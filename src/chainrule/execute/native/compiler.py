"""From LLVM text to functions in memory, by way of a cache of compiled objects on disk."""

from __future__ import annotations

import ctypes
import hashlib
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Any

import llvmlite
import llvmlite.binding as llvm
from llvmlite.binding import ffi

from chainrule.errors import ExecutorError
from chainrule.execute.native.cache import read, shrink, write
from chainrule.execute.processors import available_threads

GENERATION = 3
"""Number of this way to compile; part of the name of every object."""


@dataclass(frozen=True)
class Machine:
    """The processor that code is made for.

    Attributes
    ----------
    cpu, features
        LLVM's names.
    vector_bits
        Width of its widest registers.
    """

    cpu: str
    features: str
    vector_bits: int

    @property
    def target_machine(self) -> Any:
        """LLVM's code generator for this processor; one thread at a time may use it."""
        return llvm.Target.from_default_triple().create_target_machine(
            cpu=self.cpu, features=self.features, opt=2, reloc="pic", codemodel="default"
        )

    @property
    def compiler(self) -> str:
        """What, beside its text, a module's object depends on."""
        version = ".".join(map(str, llvm.llvm_version_info))
        return repr((llvmlite.__version__, version, self.cpu, self.features, GENERATION))


@cache
def machine() -> Machine:
    """Describe the processor that we run on."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    features = llvm.get_host_cpu_features()
    bits = 512 if features.get("avx512f") else 256 if features.get("avx2") else 128
    return Machine(llvm.get_host_cpu_name(), features.flatten(), bits)


@dataclass(frozen=True)
class Unit:
    """A module: functions that are compiled as one.

    Attributes
    ----------
    text
        LLVM assembly.
    finished
        Whether it is as fast as it can be already, so that no optimisation is tried.
    """

    text: str
    finished: bool = False

    @property
    def name(self) -> str:
        """The name of its object: a hash of all that the object depends on."""
        parts = (self.text, self.finished, machine().compiler)
        return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]

    def llvm(self) -> str:
        """Print the optimised LLVM code."""
        return str(self._optimised(machine().target_machine))

    def assembly(self) -> str:
        """Print the machine code, in the processor's assembly language."""
        target_machine = machine().target_machine
        return str(target_machine.emit_assembly(self._optimised(target_machine)))

    def compile(self) -> bytes:
        """Make the object; several threads may do so, each for a module of its own."""
        target_machine = machine().target_machine
        return _emit(target_machine, self._optimised(target_machine))

    def _optimised(self, target_machine: Any) -> Any:
        try:
            module = llvm.parse_assembly(self.text, llvm.create_context())
        except RuntimeError as error:
            raise ExecutorError(
                f"the code generator wrote a module that LLVM refuses: {error}"
            ) from error
        module.triple = target_machine.triple
        module.data_layout = str(target_machine.target_data)
        if not self.finished:
            options = llvm.create_pipeline_tuning_options(speed_level=2)
            options.loop_vectorization = True
            options.loop_unrolling = False  # but for loops that are marked
            options.slp_vectorization = False
            builder = llvm.create_pass_builder(target_machine, options)
            run = _side_by_side(ffi.lib.LLVMPY_RunNewModulePassManager)
            run(builder.getModulePassManager(), module, builder)
        return module


def compiled(units: Sequence[Unit]) -> dict[str, bytes]:
    """Give the objects of modules by their names: from disk if they are there, else made and kept.

    As many are made at a time as there are processors for, those first that take longest.
    """
    objects = {unit.name: read(unit.name) for unit in units}
    missing = [x for x in units if objects[x.name] is None]
    if missing:
        missing.sort(key=_effort, reverse=True)
        with ThreadPoolExecutor(min(len(missing), available_threads())) as threads:
            made = threads.map(Unit.compile, missing)
            for unit, image in zip(missing, made, strict=True):
                objects[unit.name] = image
                write(unit.name, image)
        shrink()
    return {name: image for name, image in objects.items() if image is not None}


def _effort(unit: Unit) -> int:
    """Estimate how long a module takes: 1 ms for 1,000 characters, with optimisation 4 ms."""
    return len(unit.text) if unit.finished else 4 * len(unit.text)


def _emit(target_machine: Any, module: Any) -> bytes:
    """Generate machine code, as `emit_object` of llvmlite does, but side by side."""
    emit = _side_by_side(ffi.lib.LLVMPY_TargetMachineEmitToMemory)
    with ffi.OutputString() as message:
        buffer = emit(target_machine, module, 1, message)
        if not buffer:
            raise ExecutorError(f"LLVM could not generate machine code: {message}")
    try:
        begin, size = ffi.lib.LLVMPY_GetBufferStart(buffer), ffi.lib.LLVMPY_GetBufferSize(buffer)
        return ctypes.string_at(begin, size)
    finally:
        ffi.lib.LLVMPY_DisposeMemoryBuffer(buffer)


def _side_by_side(function: Any) -> Any:
    """Take a function of LLVM out of the lock by which llvmlite lets one thread in at a time.

    LLVM itself has no need of it for modules whose contexts differ. Where llvmlite does not have
    the function without the lock, threads take turns.
    """
    return getattr(function, "_cfn", function)


class Library:
    """Functions of compiled objects; they live as long as this object does.

    Parameters
    ----------
    objects
        Machine code.
    exports
        Names of the functions that are called.
    imports
        Addresses of functions that the objects call, and do not define.
    """

    def __init__(
        self,
        objects: Sequence[bytes],
        exports: Sequence[str],
        imports: Mapping[str, int] | None = None,
    ) -> None:
        # LLVM's older linker puts code and constants anywhere, and aborts the process where they
        # lie more than 2 GiB apart; this one, which Windows lacks, gives each object one block.
        self._jit = llvm.create_lljit_compiler(
            machine().target_machine, use_jit_link=sys.platform != "win32"
        )
        builder = llvm.JITLibraryBuilder()
        for image in objects:
            builder.add_object_img(image)
        for name, address in (imports or {}).items():
            builder.import_symbol(name, address)
        for name in exports:
            builder.export_symbol(name)
        builder.add_current_process()
        self._tracker = builder.link(self._jit, "chainrule")

    def function(self, name: str, *arguments: Any) -> Any:
        """Get a function that takes arguments of these ctypes and returns nothing."""
        function = ctypes.CFUNCTYPE(None, *arguments)(self._tracker[name])
        function.library = self  # type: ignore[attr-defined]  # its code lives as long as we do
        return function
