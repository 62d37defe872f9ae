"""The command line itself: help, version, and how it fails."""

from __future__ import annotations

import errno
import re
import subprocess
import sys
from pathlib import Path

import pytest

import chainrule as cr
from chainrule.app.failures import ExitCode, explain
from chainrule.errors import DataError, DivergenceError
from tests.app.process import chainrule, environment

COMMANDS = ("train", "evaluate", "predict", "show")


def test_help_names_every_command(tmp_path: Path) -> None:
    done = chainrule("--help", folder=tmp_path)
    assert (done.code, done.err) == (0, "")
    assert set(re.findall(r"^  (\w+)  ", done.out, re.M)) >= set(COMMANDS)
    assert chainrule(folder=tmp_path).out == done.out


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str, tmp_path: Path) -> None:
    done = chainrule(command, "--help", folder=tmp_path)
    assert (done.code, done.err) == (0, "")
    assert f"chainrule {command}" in done.out
    assert "--json" in done.out


def test_the_version_is_the_packages(tmp_path: Path) -> None:
    assert chainrule("--version", folder=tmp_path).out == f"chainrule {cr.__version__}\n"


def test_help_loads_nothing_heavy(tmp_path: Path) -> None:
    code = (
        "import sys; from chainrule.app.cli import main; sys.argv = ['chainrule', '--help']; "
        "main(); heavy = {'numpy', 'polars', 'llvmlite', 'sklearn', 'scipy', 'safetensors'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_users_mistake_is_told_in_one_line_without_a_place_in_our_code() -> None:
    assert explain(DataError("there is\n no file")) == ("there is no file", ExitCode.USAGE)
    full = OSError(errno.ENOSPC, "No space left on device", "a.csv")
    assert explain(full) == ("'a.csv': No space left on device", ExitCode.USAGE)


def test_a_mistake_of_ours_is_told_in_one_line_with_its_place() -> None:
    try:
        {}["gone"]
    except KeyError as error:
        sentence, code = explain(error)
    assert code == ExitCode.INTERNAL
    assert re.fullmatch(
        r"internal error \(test_cli\.py, line \d+\): KeyError: 'gone'; this is a bug of chainrule, "
        r"please report it with this line",
        sentence,
    )


def test_training_that_diverges_says_so_and_leaves_no_folder(tmp_path: Path) -> None:
    arguments = ("--optimizer", "sgd", "--learning-rate", "1e30", "--executor", "numpy")
    done = chainrule("train", "sample:xor", *arguments, folder=tmp_path)
    assert "training diverged in epoch" in done.err
    assert "smaller learning rate" in done.err
    assert len(done.err.splitlines()) == 1
    assert done.code == ExitCode.USAGE
    assert list(tmp_path.glob("runs/*")) == []
    assert explain(DivergenceError("x"))[1] == ExitCode.USAGE
