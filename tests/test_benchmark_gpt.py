"""The benchmark of a small GPT runs, and trains what it says."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from benchmarks.gpt.ours import Native
from benchmarks.gpt.task import Task

ROOT = Path(__file__).resolve().parent.parent


def test_the_smoke_run_prints_a_row_for_the_library() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.gpt", "--smoke", "--libraries", "chainrule"],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "chainrule" in done.stdout.splitlines()[-1]


def test_texts_are_the_same_for_every_library_and_the_loss_falls() -> None:
    task = Task(depth=1, width=16, heads=2, context=16, batch=4, vocabulary=7, steps=20)
    first, again = task.texts(3), task.texts(3)
    assert (first[0] == again[0]).all()
    assert (first[0][:, 1:] == first[1][:, :-1]).all()
    session = Native(task, threads=1)
    begin = session.train(*task.texts(0))
    for number in range(1, 10):
        end = session.train(*task.texts(number))
    assert end < begin - 0.1
