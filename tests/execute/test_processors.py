"""How many workers and threads there are, with limits that containers and users set."""

from __future__ import annotations

from pathlib import Path

import pytest

from chainrule.execute import processors
from chainrule.execute.processors import available_threads, available_workers, limits


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def test_a_group_and_those_around_it_limit_processors(tmp_path: Path) -> None:
    _write(tmp_path / "a/b/cpu.max", "150000 100000\n")
    _write(tmp_path / "a/cpu.max", "400000 100000\n")
    _write(tmp_path / "cpu.max", "max 100000\n")
    assert limits("0::/a/b", tmp_path) == [2, 4]
    assert limits("0::/a", tmp_path) == [4]
    assert limits("0::/", tmp_path) == []


def test_in_a_container_the_own_group_is_the_root(tmp_path: Path) -> None:
    _write(tmp_path / "cpu.max", "50000 100000\n")
    assert limits("0::/", tmp_path) == [1]
    assert limits("0::/not/shown/here", tmp_path) == [1]


def test_groups_of_the_first_version_have_two_files(tmp_path: Path) -> None:
    _write(tmp_path / "cpu,cpuacct/a/cpu.cfs_quota_us", "200000\n")
    _write(tmp_path / "cpu,cpuacct/a/cpu.cfs_period_us", "100000\n")
    _write(tmp_path / "cpu,cpuacct/cpu.cfs_quota_us", "-1\n")
    _write(tmp_path / "cpu,cpuacct/cpu.cfs_period_us", "100000\n")
    assert limits("4:cpu,cpuacct:/a", tmp_path) == [2]
    assert limits("5:memory:/a", tmp_path) == []
    assert limits("9:name=systemd:/a", tmp_path) == []


@pytest.fixture
def _four_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 1, 2, 3}, raising=False)
    monkeypatch.setattr(processors, "_quota", lambda: None)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)


@pytest.mark.usefixtures("_four_processors")
def test_a_share_of_time_limits_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (available_workers(), available_threads()) == (4, 4)
    monkeypatch.setattr(processors, "_quota", lambda: 3)
    assert (available_workers(), available_threads()) == (3, 3)
    monkeypatch.setattr(processors, "_quota", lambda: 16)
    assert available_workers() == 4


@pytest.mark.usefixtures("_four_processors")
@pytest.mark.parametrize(("value", "threads"), [("1", 1), ("0", 1), ("3", 3), ("9", 4), ("", 4)])
def test_the_environment_limits_threads_and_no_workers(
    value: str, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", value)
    assert (available_workers(), available_threads()) == (4, threads)
