"""The command line in a process of its own, as users run it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SOURCE = Path(__file__).resolve().parents[2] / "src"


@dataclass(frozen=True)
class Finished:
    """What a command left behind: its exit code, and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one object that the command wrote for machines."""
        assert self.code == 0, self.err
        return json.loads(self.out)

    @property
    def complaint(self) -> str:
        """The one sentence of a command that failed as it should: by the user's mistake."""
        assert self.code == 2, (self.code, self.out, self.err)
        assert "Traceback" not in self.err
        lines = self.err.splitlines()
        assert len(lines) == 1, self.err
        assert lines[0].startswith("chainrule: ")
        return lines[0].removeprefix("chainrule: ")


def environment() -> dict[str, str]:
    """The environment for a command: the source tree, and warnings as errors."""
    return {**os.environ, "PYTHONPATH": str(SOURCE), "PYTHONWARNINGS": "error", "COLUMNS": "100"}


def chainrule(
    *arguments: object, folder: Path, before: Callable[[], None] | None = None
) -> Finished:
    """Run ``chainrule`` in a folder.

    Parameters
    ----------
    before
        Called in the new process before it starts, to take something away from it.
    """
    done = subprocess.run(
        [sys.executable, "-m", "chainrule", *map(str, arguments)],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        preexec_fn=before,
    )
    return Finished(done.returncode, done.stdout, done.stderr)
