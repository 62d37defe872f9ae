"""Ctrl-C while training: the best model so far is saved, and it is said."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from chainrule.app.model import load_language_model, load_model
from tests.app.process import environment


def wait_for(words: bytes, terminal: int) -> bytes:
    """Read what a process writes to a terminal until some words come."""
    seen = b""
    while words not in seen:
        seen += os.read(terminal, 1024)
    return seen


def interrupted(folder: Path, *arguments: str) -> Any:
    """Train until something was learnt, press Ctrl-C, and give the report."""
    # The progress bar, which tells when training has begun, moves on a terminal only.
    terminal, end = pty.openpty()
    command = ["train", *arguments, "--out", "run", "--epochs", "100000", "--patience", "0"]
    training = subprocess.Popen(
        [sys.executable, "-m", "chainrule", *command, "--json", "--progress"],
        cwd=folder,
        env={**environment(), "TERM": "xterm"},
        stdout=subprocess.PIPE,
        stderr=end,
        text=True,
    )
    os.close(end)
    wait_for(b"validation loss", terminal)
    training.send_signal(signal.SIGINT)
    said = wait_for(b"interrupted", terminal)
    out, _ = training.communicate(timeout=60)
    os.close(terminal)
    assert training.returncode == 130
    assert b"interrupted: the best model so far is kept" in said
    assert b"Traceback" not in said
    report = json.loads(out)
    assert report["interrupted"] is True
    assert report["training"]["stopped_because"] == "interrupted"
    assert report["training"]["best_epoch"] >= 1
    return report


def test_ctrl_c_saves_the_best_model_and_says_so(tmp_path: Path) -> None:
    report = interrupted(tmp_path, "sample:adult")
    # One epoch of this table is enough to beat the baseline.
    assert report["test"]["scores"]["accuracy"] > report["baseline"]["accuracy"]
    assert load_model(tmp_path / "run").report["test"] == report["test"]


def test_ctrl_c_saves_a_language_model_too(tmp_path: Path) -> None:
    (tmp_path / "book.txt").write_text("the cat sat on the mat. " * 400)
    report = interrupted(tmp_path, "book.txt", "--network", "embedding 8, gru 8", "--context", "16")
    assert load_language_model(tmp_path / "run").report["test"] == report["test"]


def test_ctrl_c_before_training_leaves_nothing(tmp_path: Path) -> None:
    code = (
        "import chainrule.app.training.preparation as p, chainrule.app.cli as cli, sys\n"
        "def interrupted(*args): raise KeyboardInterrupt\n"
        "p.read_table = p.load_sample = interrupted\n"
        "sys.argv = ['chainrule', 'train', 'sample:xor']\n"
        "sys.exit(cli.main())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr == "chainrule: interrupted; nothing was written\n"
    assert list(tmp_path.iterdir()) == []
