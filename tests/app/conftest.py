"""A model that the command line trained, for the tests of all commands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.app.models import table
from tests.app.process import chainrule


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """A folder with ``table.csv`` and ``run/``, and what ``train --json`` said."""
    folder = tmp_path_factory.mktemp("trained")
    table("binary", rows=90).write_csv(folder / "table.csv")
    done = chainrule(
        *("train", "table.csv", "--target", "y", "--out", "run", "--epochs", 8, "--json"),
        *("--executor", "numpy"),
        folder=folder,
    )
    return folder, done.json
