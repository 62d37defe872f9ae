"""Compiled code on disk: whole, checked, private, and not too much of it."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from chainrule.execute.native import cache
from chainrule.execute.native.cache import cache_contents, clear_cache, read, shrink, write


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CHAINRULE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_what_is_written_can_be_read() -> None:
    write("name", b"content")
    assert read("name") == b"content"
    assert read("other") is None


def test_what_is_damaged_is_not_there(folder: Path) -> None:
    write("name", b"content")
    ((path, _),) = cache_contents()
    whole = path.read_bytes()
    for i in range(len(whole)):
        path.write_bytes(whole[:i])
        assert read("name") is None
        path.write_bytes(whole[:i] + bytes([whole[i] ^ 1]) + whole[i + 1 :])
        assert read("name") is None


def test_a_file_under_another_name_is_not_taken_for_it(folder: Path) -> None:
    write("name", b"content")
    ((path, _),) = cache_contents()
    path.rename(folder / path.name.replace("name", "other"))
    assert read("other") is None


def test_writers_and_readers_at_once_see_all_or_nothing() -> None:
    contents = [bytes([i]) * 100_000 for i in range(8)]

    def work(i: int) -> bool:
        write("name", contents[i % 8])
        return read("name") in contents

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(work, range(64)))
    assert len(cache_contents()) == 1


def test_a_folder_that_cannot_be_made_costs_only_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("CHAINRULE_CACHE", str(tmp_path / "file" / "cache"))
    write("name", b"content")
    assert read("name") is None
    assert cache_contents() == []


def test_a_file_that_cannot_be_finished_leaves_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Path, target: Path) -> Path:
        raise OSError("no space left on device")

    monkeypatch.setattr(Path, "replace", refuse)
    write("name", b"content")
    assert list(folder.iterdir()) == []


def test_the_cache_is_private_and_can_be_cleared(folder: Path) -> None:
    write("one", b"1")
    write("two", b"2")
    assert folder.stat().st_mode & 0o077 == 0
    assert clear_cache() == 2
    assert cache_contents() == []


def test_old_files_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    for age, name in enumerate(("new", "old", "oldest")):
        write(name, b"x" * 1000)
        path = next(x for x, _ in cache_contents() if x.stem == name)
        os.utime(path, (1e9 - age, 1e9 - age))
    monkeypatch.setattr(cache, "CACHE_LIMIT", 2200)
    shrink()
    assert [path.stem for path, _ in cache_contents()] == ["new", "old"]


def test_a_file_that_cannot_be_removed_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path, missing_ok: bool = False) -> None:
        raise PermissionError(f"the folder of {self.name} is only to be read")

    write("name", b"content")
    monkeypatch.setattr(cache, "CACHE_LIMIT", 0)
    monkeypatch.setattr(Path, "unlink", refuse)
    shrink()
    assert read("name") == b"content"


def test_files_of_older_versions_and_unfinished_ones_are_cleared_too(folder: Path) -> None:
    folder.mkdir()
    for name in ("code.o", "half.part", "notes.txt"):
        (folder / name).write_text("x")
    assert clear_cache() == 2
    assert [path.name for path in folder.iterdir()] == ["notes.txt"]
