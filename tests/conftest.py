"""Settings that hold for every test."""

from __future__ import annotations

import os
from pathlib import Path

# Before NumPy is loaded: test workers run side by side, so a BLAS with threads of its own would
# only make them wait for each other.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import hypothesis
import pytest

# A shared machine has slow moments, and the first example may compile something: no deadline.
hypothesis.settings.register_profile("chainrule", deadline=None, max_examples=50)
hypothesis.settings.load_profile("chainrule")


@pytest.fixture(scope="session")
def repository() -> Path:
    """Folder that holds pyproject.toml."""
    return Path(__file__).resolve().parent.parent
