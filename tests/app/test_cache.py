"""``chainrule cache``: compiled programs on disk, seen and removed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import chainrule as cr
from chainrule.execute.native.cache import CACHE_LIMIT, cache_contents
from tests.app.process import chainrule


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "compiled"
    monkeypatch.setenv("CHAINRULE_CACHE", str(folder))
    return folder


def test_compiled_programs_are_counted_and_removed(own_cache: Path, tmp_path: Path) -> None:
    x = np.ones((3, 4), "float32")
    cr.trace(lambda x: x * 2.5 + 1, x).plan().compile()
    contents = cache_contents()
    told = chainrule("cache", "--json", folder=tmp_path).json
    assert told == {
        "folder": str(own_cache),
        "objects": len(contents),
        "removed": 0,
        "bytes": sum(size for _, size in contents),
        "tuning": None,
        "limit": CACHE_LIMIT,
    }
    assert told["objects"] == 2  # the machine code, and the program's list of it
    assert "2 files of compiled code" in chainrule("cache", "--clear", "-q", folder=tmp_path).out
    assert cache_contents() == []


def test_a_cache_that_is_not_there_is_empty(own_cache: Path, tmp_path: Path) -> None:
    told = chainrule("cache", "--clear", "--json", folder=tmp_path).json
    assert (told["objects"], told["removed"], told["bytes"]) == (0, 0, 0)
    assert not own_cache.exists()
