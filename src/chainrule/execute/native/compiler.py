"""From LLVM text to functions in memory, by way of a cache of compiled objects on disk."""

from __future__ import annotations

import ctypes
import hashlib
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import llvmlite
import llvmlite.binding as llvm

from chainrule.errors import ExecutorError

GENERATION = 2
"""Number of the code generator; part of every cache key."""

CACHE_LIMIT = 256 << 20
"""Bytes that all compiled objects may take on disk."""

_MAGIC = b"chainrule object 1\n"


@dataclass(frozen=True, eq=False)
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
        """LLVM's code generator for this processor."""
        return llvm.Target.from_default_triple().create_target_machine(
            cpu=self.cpu, features=self.features, opt=2, reloc="pic", codemodel="default"
        )


@cache
def machine() -> Machine:
    """Describe the processor that we run on."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    features = llvm.get_host_cpu_features()
    bits = 512 if features.get("avx512f") else 256 if features.get("avx2") else 128
    return Machine(llvm.get_host_cpu_name(), features.flatten(), bits)


class Library:
    """Functions of a compiled module; they live as long as this object does.

    Parameters
    ----------
    text
        LLVM assembly of a module that defines `program`, `loop`, or both.
    parts
        Assembly of modules that it needs, and that are as fast as they can be already.
    imports
        Addresses of functions that the modules declare.
    """

    def __init__(
        self, text: str, parts: Sequence[str] = (), imports: Mapping[str, int] | None = None
    ) -> None:
        self.text = text
        self.parts = tuple(parts)
        self._machine = machine().target_machine
        # LLVM's older linker puts code and constants anywhere, and aborts the process where they
        # lie more than 2 GiB apart; this one, which Windows lacks, gives each object one block.
        self._jit = llvm.create_lljit_compiler(self._machine, use_jit_link=sys.platform != "win32")
        builder = llvm.JITLibraryBuilder()
        builder.add_object_img(_object(text, self._machine, optimise=True))
        for part in parts:
            builder.add_object_img(_object(part, self._machine, optimise=False))
        for name, address in (imports or {}).items():
            builder.import_symbol(name, address)
        for name in ("program", "loop"):
            if f"define void @{name}(" in text:
                builder.export_symbol(name)
        builder.add_current_process()
        self._tracker = builder.link(self._jit, "chainrule")

    def function(self, name: str, *arguments: Any) -> Any:
        """Get a function that takes arguments of these ctypes and returns nothing."""
        function = ctypes.CFUNCTYPE(None, *arguments)(self._tracker[name])
        function.library = self  # type: ignore[attr-defined]  # its code lives as long as we do
        return function

    def assembly(self) -> str:
        """Print the machine code, in the processor's assembly language."""
        modules = [_optimised(self.text, self._machine)]
        modules += [_parsed(part, self._machine) for part in self.parts]
        return "\n".join(str(self._machine.emit_assembly(module)) for module in modules)

    def llvm(self) -> str:
        """Print the optimised LLVM code."""
        return "\n".join([str(_optimised(self.text, self._machine)), *self.parts])


def _parsed(text: str, target_machine: Any) -> Any:
    try:
        module = llvm.parse_assembly(text)
    except RuntimeError as error:
        raise ExecutorError(
            f"the code generator wrote a module that LLVM refuses: {error}"
        ) from error
    module.triple = target_machine.triple
    module.data_layout = str(target_machine.target_data)
    return module


def _optimised(text: str, target_machine: Any) -> Any:
    module = _parsed(text, target_machine)
    options = llvm.create_pipeline_tuning_options(speed_level=2)
    options.loop_vectorization = True
    options.loop_unrolling = False  # but for loops that are marked
    options.slp_vectorization = False
    builder = llvm.create_pass_builder(target_machine, options)
    builder.getModulePassManager().run(module, builder)
    return module


def _key(text: str, here: Machine) -> str:
    version = ".".join(map(str, llvm.llvm_version_info))
    parts = (text, llvmlite.__version__, version, here.cpu, here.features, GENERATION)
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]


def cache_folder() -> Path:
    """Where compiled objects are kept: `CHAINRULE_CACHE`, or the user's cache folder."""
    chosen = os.environ.get("CHAINRULE_CACHE")
    if chosen:
        return Path(chosen)
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    return base / "chainrule"


def _object(text: str, target_machine: Any, *, optimise: bool) -> bytes:
    """The compiled module: from disk if it is there and whole, else made and kept."""
    path = cache_folder() / f"{_key(text, machine())}.o"
    kept = _read(path)
    if kept is not None:
        return kept
    module = _optimised(text, target_machine) if optimise else _parsed(text, target_machine)
    image = bytes(target_machine.emit_object(module))
    _write(path, image)
    return image


def _read(path: Path) -> bytes | None:
    """Read an object, and make sure that it is the one that was written."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    begin = len(_MAGIC) + 32
    if not content.startswith(_MAGIC) or len(content) < begin:
        return None
    image = content[begin:]
    return image if hashlib.sha256(image).digest() == content[len(_MAGIC) : begin] else None


def _write(path: Path, image: bytes) -> None:
    """Keep an object; a folder that cannot be written to is no error, only slower next time."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".part")
        with os.fdopen(handle, "wb") as file:
            file.write(_MAGIC + hashlib.sha256(image).digest() + image)
        Path(temporary).replace(path)
        _shrink(path.parent)
    except OSError:
        return


def _shrink(folder: Path) -> None:
    """Remove the objects that were made longest ago while all of them take too much space."""
    objects = sorted(folder.glob("*.o"), key=lambda path: path.stat().st_mtime, reverse=True)
    total = 0
    for path in objects:
        total += path.stat().st_size
        if total > CACHE_LIMIT:
            path.unlink(missing_ok=True)


def cache_contents() -> list[tuple[Path, int]]:
    """List the compiled objects that are kept, with their sizes in bytes."""
    folder = cache_folder()
    return sorted((path, path.stat().st_size) for path in folder.glob("*.o"))


def clear_cache() -> int:
    """Remove all compiled objects that are kept; return how many there were."""
    removed = 0
    for path, _ in cache_contents():
        path.unlink(missing_ok=True)
        removed += 1
    return removed
