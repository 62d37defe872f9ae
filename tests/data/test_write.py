"""A file is written whole, or not at all."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from chainrule.data import read_table, write_table
from chainrule.errors import DataError

FRAME = pl.DataFrame({"id": [1, 2], "label": ["a,b", None], "share": [0.25, 1e-7]})


@pytest.mark.parametrize(
    "name", ["a.csv", "a.tsv", "a.jsonl", "a.parquet", "a.arrow", "a.csv.gz", "a.jsonl.gz"]
)
def test_what_is_written_is_read_back(tmp_path: Path, name: str) -> None:
    write_table(FRAME, tmp_path / name)
    assert read_table(tmp_path / name).equals(FRAME)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_columns_by_name_are_a_table(tmp_path: Path) -> None:
    write_table(
        {"label": np.array(["a", "b"], object), "share": np.array([0.5, 1.0])}, tmp_path / "a.csv"
    )
    assert (tmp_path / "a.csv").read_text() == "label,share\na,0.5\nb,1.0\n"


def test_a_missing_cell_is_empty(tmp_path: Path) -> None:
    write_table(FRAME, tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_text() == 'id,label,share\n1,"a,b",0.25\n2,,1e-7\n'


@pytest.mark.parametrize("name", ["a.csv.gz", "a.parquet"])
def test_the_same_table_gives_the_same_bytes(tmp_path: Path, name: str) -> None:
    write_table(FRAME, tmp_path / name)
    first = (tmp_path / name).read_bytes()
    write_table(FRAME, tmp_path / name)
    assert (tmp_path / name).read_bytes() == first


def test_an_unknown_ending_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"the ending '\.xlsx' stands for no table format"):
        write_table(FRAME, tmp_path / "a.xlsx")
    assert not list(tmp_path.iterdir())


def test_a_missing_folder_is_explained(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="was not written, nor changed: No such file or directory"):
        write_table(FRAME, tmp_path / "absent" / "a.csv")


def test_a_folder_of_that_name_is_explained(tmp_path: Path) -> None:
    (tmp_path / "a.csv").mkdir()
    with pytest.raises(DataError, match="was not written, nor changed: Is a directory"):
        write_table(FRAME, tmp_path / "a.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]


def test_a_column_that_the_format_cannot_hold_is_explained(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="was not written"):
        write_table(pl.DataFrame({"x": [[1]]}), tmp_path / "a.csv")
    assert not list(tmp_path.iterdir())


def test_when_the_disk_is_full_the_old_file_stays(tmp_path: Path) -> None:
    """A real write fails: the process may write files of 4 KiB at most."""
    path = tmp_path / "a.csv"
    path.write_text("old")
    code = f"""
import resource, signal
import polars as pl
from chainrule.data import write_table
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
write_table(pl.DataFrame({{"x": list(range(10_000))}}), {str(path)!r})
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "DataError" in done.stderr
    assert "was not written, nor changed: File too large" in done.stderr
    assert path.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]
