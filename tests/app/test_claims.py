"""``chainrule claims`` through a real process."""

from __future__ import annotations

import json
import subprocess
import sys


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "chainrule", "claims", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def test_a_wrong_print_is_found_with_its_cause() -> None:
    done = _run("example:E3")
    assert done.returncode == 0
    assert "ascent" in done.stdout


def test_verdicts_can_be_read_by_machines() -> None:
    done = _run("example:E4", "--json")
    assert json.loads(done.stdout)


def test_a_missing_file_is_one_sentence() -> None:
    done = _run("nowhere.toml")
    assert done.returncode == 2
    assert "nowhere.toml" in done.stderr
    assert len(done.stderr.splitlines()) == 1
