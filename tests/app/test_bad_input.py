"""Everything that a user can get wrong: one clear sentence, exit code 2, nothing lost."""

from __future__ import annotations

import resource
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from chainrule.app.cli import main
from tests.app.models import table
from tests.app.process import chainrule

FAST = ("--epochs", "2", "--executor", "numpy")


def rows(**columns: Any) -> pl.DataFrame:
    return table("binary").with_columns(pl.Series(name, x) for name, x in columns.items())


# What is written to table.csv, the arguments after it, and words of the sentence.
TRAINING: dict[str, tuple[Callable[[], pl.DataFrame] | str | None, tuple[str, ...], str]] = {
    "missing file": (None, ("--target", "y"), "there is no file 'table.csv'"),
    "empty file": ("", ("--target", "y"), "'table.csv' is empty"),
    "header alone": ("a,y\n", ("--target", "y"), "has column names but no rows"),
    "ragged": ("a,y\n1,2\n1,2,3\n", ("--target", "y"), "line 3: 3 cells"),
    "unknown target": (rows, ("--target", "Y"), "no column 'Y': did you mean 'y'?"),
    "no target": (rows, (), "say which column to predict with --target; 'table.csv' has 'age'"),
    "target missing everywhere": (
        lambda: rows(y=[None] * 60),
        ("--target", "y"),
        "the target 'y' has no value in any row",
    ),
    "one class": (lambda: rows(y=["no"] * 60), ("--target", "y"), "'no' in every row"),
    "three classes as two": (
        lambda: table("multiclass"),
        ("--target", "y", "--task", "binary"),
        "has 3 classes, but a binary task has two",
    ),
    "text as a number": (rows, ("--target", "y", "--task", "regression"), "is not a number"),
    "nothing to learn from": (
        lambda: rows().select(pl.lit("a").alias("same"), "y"),
        ("--target", "y"),
        "no column to learn from",
    ),
    "a missing column asked to be numeric": (
        lambda: rows(age=[None] * 60),
        ("--target", "y", "--column", "age=numeric"),
        "column 'age'",
    ),
    "unknown column": (rows, ("--target", "y", "--column", "aeg=drop"), "did you mean 'age'?"),
    "folder is a file": (rows, ("--target", "y", "--out", "table.csv"), "a file, not a folder"),
    "folder below a file": (rows, ("--target", "y", "--out", "table.csv/x"), "Not a directory"),
}

# Arguments that are wrong by themselves, and words of the sentence.
SETTINGS = {
    "--column age=big": "cannot be made 'big'",
    "--column age": "expects NAME=KIND",
    "--activation rleu": "relu",
    "--optimizer adm": "use one of adam",
    "--optimizer adam --weight-decay 0.1": "only the optimizers adamw, lion, muon have a",
    "--executor quick": "'quick'",
    "--hidden 64,x": "--hidden expects units",
    "--epochs 0": "at least 1",
    "--epochs many": "--epochs",
    "--batch-size 0": "batch_size",
    "--dropout 1.5": "[0, 1)",
    "--learning-rate -1": "learning_rate",
    "--test 0.95": "test=0.95",
    "--epcohs 3": "--epcohs",
    "--task poetry": "no task 'poetry'",
}


@pytest.mark.parametrize("case", TRAINING)
def test_training_refuses(case: str, tmp_path: Path) -> None:
    content, arguments, words = TRAINING[case]
    if isinstance(content, str):
        (tmp_path / "table.csv").write_text(content)
    elif content is not None:
        content().write_csv(tmp_path / "table.csv")
    before = (tmp_path / "table.csv").read_bytes() if content is not None else b""
    done = chainrule("train", "table.csv", *FAST, *arguments, folder=tmp_path)
    assert words in done.complaint
    assert [path.name for path in tmp_path.rglob("*")] in (
        (["table.csv"], ["table.csv", "runs"], ["runs", "table.csv"])
        if content is not None
        else ([],)
    )
    assert content is None or (tmp_path / "table.csv").read_bytes() == before


@pytest.mark.parametrize("wrong", SETTINGS)
def test_settings_are_checked(
    wrong: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    # In this process, which is quicker; those above show that a process of its own does the same.
    rows().write_csv(tmp_path / "table.csv")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("warnings.showwarning", warnings.showwarning)
    command = ["chainrule", "train", "table.csv", "--target", "y", *FAST, *wrong.split()]
    monkeypatch.setattr("sys.argv", command)
    assert main() == 2
    said = capsys.readouterr().err
    assert SETTINGS[wrong] in said
    assert len(said.splitlines()) == 1
    assert list(tmp_path.glob("runs/*")) == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("train", "sample:adlut"), "did you mean 'adult'?"),
        (("train", "table.doc", "--target", "y"), "no file"),
        (("train",), "Missing argument 'SOURCE'"),
        (("trian",), "Did you mean 'train'?"),
        (("evaluate", "run"), "Missing argument 'SOURCE'"),
        (("predict", "nothing.chainrule", "table.csv"), "No such file"),
        (("show", "table.csv"), "'table.csv': this is not a chainrule model file"),
        (("show", "."), "'.': the folder holds no model.chainrule"),
        (("train", "table.csv", "--target", "y", "--out", "run"), "already holds model.chainrule"),
    ],
)
def test_commands_refuse(arguments: tuple[str, ...], words: str, trained: tuple[Path, Any]) -> None:
    folder, _ = trained
    assert words in chainrule(*arguments, folder=folder).complaint


def test_a_model_that_was_cut_short_is_refused(trained: tuple[Path, Any], tmp_path: Path) -> None:
    folder, _ = trained
    whole = (folder / "run" / "model.chainrule").read_bytes()
    (tmp_path / "half.chainrule").write_bytes(whole[: len(whole) // 2])
    rows = folder / "table.csv"
    for command, more in (("show", []), ("predict", [rows]), ("evaluate", [rows])):
        done = chainrule(command, "half.chainrule", *more, folder=tmp_path)
        assert "'half.chainrule': the model file is damaged or cut short" in done.complaint


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: t.drop("age"), "lacks a column that the model needs: 'age'"),
        (lambda t: t.rename({"age": "Age"}), "did you mean 'Age'?"),
        (
            lambda t: t.with_columns(pl.Series("age", ["41", "old", *["17"] * 88])),
            "column 'age', row 2: 'old' is not a number",
        ),
        (lambda t: t[:0], "has column names but no rows"),
    ],
)
def test_predicting_refuses(
    change: Callable[[pl.DataFrame], pl.DataFrame],
    words: str,
    trained: tuple[Path, Any],
    tmp_path: Path,
) -> None:
    folder, _ = trained
    change(pl.read_csv(folder / "table.csv")).write_csv(tmp_path / "new.csv")
    (tmp_path / "out.csv").write_text("from before")
    done = chainrule("predict", folder / "run", "new.csv", "-o", "out.csv", folder=tmp_path)
    assert words in done.complaint
    assert (tmp_path / "out.csv").read_text() == "from before"


@pytest.mark.parametrize(
    ("out", "words"),
    [
        ("out.doc", "use one of .csv"),
        ("out", "use one of .csv"),
        ("nowhere/out.csv", "No such file or directory"),
        ("run", "stands for no table format"),
    ],
)
def test_predictions_go_nowhere_strange(out: str, words: str, trained: tuple[Path, Any]) -> None:
    folder, _ = trained
    assert words in chainrule("predict", "run", "table.csv", "-o", out, folder=folder).complaint


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: t.drop("y"), "no column 'y'"),
        (
            lambda t: t.with_columns(pl.Series("y", ["maybe", *["no"] * 89])),
            "row 1: training did not see the label 'maybe'",
        ),
    ],
)
def test_evaluating_refuses(
    change: Callable[[pl.DataFrame], pl.DataFrame],
    words: str,
    trained: tuple[Path, Any],
    tmp_path: Path,
) -> None:
    folder, _ = trained
    change(pl.read_csv(folder / "table.csv")).write_csv(tmp_path / "test.csv")
    done = chainrule("evaluate", folder / "run", "test.csv", folder=tmp_path)
    assert words in done.complaint


def test_numbers_have_no_probabilities(tmp_path: Path) -> None:
    table("regression").write_csv(tmp_path / "t.csv")
    arguments = ("train", "t.csv", "--target", "y", "--task", "regression", "--out", "run")
    assert chainrule(*arguments, *FAST, folder=tmp_path).code == 0
    done = chainrule("predict", "run", "t.csv", "--proba", folder=tmp_path)
    assert "it has no probabilities" in done.complaint


# A file-size limit stands in for a full disk: writing fails half-way, like there.


def small_disk() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))


def test_a_full_disk_leaves_old_predictions_alone(
    trained: tuple[Path, Any], tmp_path: Path
) -> None:
    folder, _ = trained
    many = pl.concat([pl.read_csv(folder / "table.csv")] * 20)
    many.write_csv(tmp_path / "new.csv")
    (tmp_path / "out.csv").write_text("from before")
    done = chainrule(
        *("predict", folder / "run", "new.csv", "-o", "out.csv"),
        folder=tmp_path,
        before=small_disk,
    )
    assert "'out.csv' was not written, nor changed: File too large" in done.complaint
    assert (tmp_path / "out.csv").read_text() == "from before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new.csv", "out.csv"]


def test_a_full_disk_after_training_is_one_sentence(tmp_path: Path) -> None:
    table("binary").write_csv(tmp_path / "t.csv")
    done = chainrule(
        *("train", "t.csv", "--target", "y", "--out", "run", "--quiet", *FAST),
        folder=tmp_path,
        before=small_disk,
    )
    assert "model.chainrule' was not written, nor changed: File too large" in done.complaint
    assert [path.name for path in tmp_path.iterdir()] == ["t.csv"]
