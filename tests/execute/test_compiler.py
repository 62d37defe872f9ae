"""Compiled objects: made once, kept on disk, checked before they are loaded."""

from __future__ import annotations

import ctypes
from pathlib import Path

import numpy as np
import pytest

from chainrule.errors import ExecutorError
from chainrule.execute.native import compiler
from chainrule.execute.native.compiler import Library, cache_contents, clear_cache

DOUBLE = """define void @program(ptr %x) {
  %v = load double, ptr %x
  %y = fmul double %v, 2.0
  store double %y, ptr %x
  ret void
}"""


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHAINRULE_CACHE", str(tmp_path / "cache"))


def _doubled(value: float) -> float:
    x = np.array([value])
    Library(DOUBLE).function("program", ctypes.c_void_p)(x.ctypes.data)
    return float(x[0])


def test_a_module_becomes_a_function() -> None:
    assert _doubled(21.0) == 42.0


def test_an_object_is_kept_and_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _doubled(1.0) == 2.0
    assert len(cache_contents()) == 1
    monkeypatch.setattr(compiler, "_optimised", None)  # a second compilation would fail
    assert _doubled(3.0) == 6.0


@pytest.mark.parametrize("damage", [b"", b"nonsense", None])
def test_a_damaged_object_is_made_anew(damage: bytes | None) -> None:
    _doubled(1.0)
    ((path, _),) = cache_contents()
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(bytes(content) if damage is None else damage)
    assert _doubled(4.0) == 8.0


def test_a_folder_that_cannot_be_made_costs_only_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("CHAINRULE_CACHE", str(tmp_path / "file" / "cache"))
    assert _doubled(5.0) == 10.0


def test_the_cache_is_private_and_can_be_cleared(tmp_path: Path) -> None:
    _doubled(1.0)
    assert (tmp_path / "cache").stat().st_mode & 0o077 == 0
    assert clear_cache() == 1
    assert cache_contents() == []


def test_old_objects_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiler, "CACHE_LIMIT", 1)
    _doubled(1.0)
    assert cache_contents() == []


def test_two_libraries_of_one_module_live_side_by_side() -> None:
    first, second = Library(DOUBLE), Library(DOUBLE)
    x = np.array([1.0])
    for library in (first, second):
        library.function("program", ctypes.c_void_p)(x.ctypes.data)
    assert x[0] == 4.0


def test_a_module_that_llvm_refuses_is_our_error() -> None:
    with pytest.raises(ExecutorError, match="LLVM refuses"):
        Library("define void @program() { nonsense }")


def test_code_can_be_read() -> None:
    library = Library(DOUBLE)
    assert "fmul" in library.llvm() or "fadd" in library.llvm()
    assert "ret" in library.assembly()
