"""Modules become objects, side by side, and objects become functions."""

from __future__ import annotations

import ctypes
from pathlib import Path

import llvmlite.binding as llvm
import numpy as np
import pytest

from chainrule.errors import ExecutorError
from chainrule.execute.native import compiler
from chainrule.execute.native.cache import cache_contents
from chainrule.execute.native.compiler import Library, Unit, compiled

DOUBLE = """define void @program(ptr %x) {
  %v = load double, ptr %x
  %y = fmul double %v, 2.0
  store double %y, ptr %x
  ret void
}"""


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHAINRULE_CACHE", str(tmp_path / "cache"))


def _library(*texts: str) -> Library:
    objects = compiled([Unit(text) for text in texts])
    return Library(list(objects.values()), ["program"])


def _doubled(value: float) -> float:
    x = np.array([value])
    _library(DOUBLE).function("program", ctypes.c_void_p)(x.ctypes.data)
    return float(x[0])


def test_a_module_becomes_a_function() -> None:
    assert _doubled(21.0) == 42.0


def test_an_object_is_kept_and_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _doubled(1.0) == 2.0
    assert len(cache_contents()) == 1
    monkeypatch.setattr(Unit, "compile", None)  # a second compilation would fail
    assert _doubled(3.0) == 6.0


@pytest.mark.parametrize("damage", [b"", b"nonsense", None])
def test_a_damaged_object_is_made_anew(damage: bytes | None) -> None:
    _doubled(1.0)
    ((path, _),) = cache_contents()
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(bytes(content) if damage is None else damage)
    assert _doubled(4.0) == 8.0


def test_an_object_of_another_processor_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    here = compiler.machine()
    other = compiler.Machine(here.cpu, here.features + ",-avx512vl", here.vector_bits)
    monkeypatch.setattr(compiler, "machine", lambda: other)
    name = Unit(DOUBLE).name
    monkeypatch.undo()
    assert Unit(DOUBLE).name != name
    assert Unit(DOUBLE, finished=True).name != Unit(DOUBLE).name


def test_two_libraries_of_one_module_live_side_by_side() -> None:
    first, second = _library(DOUBLE), _library(DOUBLE)
    x = np.array([1.0])
    for library in (first, second):
        library.function("program", ctypes.c_void_p)(x.ctypes.data)
    assert x[0] == 4.0


def _caller(count: int) -> str:
    declared = "\n".join(f"declare double @plus{i}(double)" for i in range(count))
    calls = "\n".join(f"  %v{i + 1} = call double @plus{i}(double %v{i})" for i in range(count))
    return f"""{declared}
define void @program(ptr %x) {{
  %v0 = load double, ptr %x
{calls}
  store double %v{count}, ptr %x
  ret void
}}"""


def _plus(i: int) -> str:
    return f"""define double @plus{i}(double %x) {{
  %y = fadd double %x, {i}.0
  ret double %y
}}"""


def test_modules_that_are_compiled_side_by_side_are_those_that_are_compiled_in_turn() -> None:
    modules = [Unit(text) for text in (_caller(12), *map(_plus, range(12)))]
    together = compiled(modules)
    assert together == {module.name: module.compile() for module in modules}
    x = np.array([0.5])
    library = Library(list(together.values()), ["program"])
    library.function("program", ctypes.c_void_p)(x.ctypes.data)
    assert x[0] == 0.5 + sum(range(12))


def test_without_a_way_around_the_lock_threads_take_turns() -> None:
    def function() -> None:
        """Stands for a function of another llvmlite."""

    assert compiler._side_by_side(function) is function
    locked = llvm.ffi.lib.LLVMPY_TargetMachineEmitToMemory
    assert compiler._side_by_side(locked) is not locked  # as long as llvmlite is as it is today


def test_a_module_that_llvm_refuses_is_our_error() -> None:
    with pytest.raises(ExecutorError, match="LLVM refuses"):
        _library("define void @program() { nonsense }")


def test_code_can_be_read() -> None:
    module = Unit(DOUBLE)
    assert "fmul" in module.llvm() or "fadd" in module.llvm()
    assert "ret" in module.assembly()
