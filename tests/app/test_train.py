"""``chainrule train``, in a process of its own."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.app.models import table
from tests.app.process import chainrule

FAST = ("--epochs", "3", "--executor", "numpy")


def test_training_leaves_a_model_a_history_and_a_report(trained: tuple[Path, Any]) -> None:
    folder, said = trained
    assert {path.name for path in (folder / "run").iterdir()} == {
        "history.csv",
        "model.chainrule",
        "report.json",
    }
    assert said["files"] == {
        "history": "run/history.csv",
        "model": "run/model.chainrule",
        "report": "run/report.json",
    }
    report = json.loads((folder / "run" / "report.json").read_text())
    assert {name: said[name] for name in report} == report
    with (folder / "run" / "history.csv").open() as file:
        history = list(csv.DictReader(file))
    assert [int(row["epoch"]) for row in history] == list(range(1, 9))
    assert all(float(row["validation_loss"]) > 0 for row in history)


def test_the_report_counts_rows_and_scores_beside_the_baseline(trained: tuple[Path, Any]) -> None:
    _, said = trained
    assert said["rows"] == {"read": 90, "unlabelled": 0, "train": 63, "validation": 9, "test": 18}
    assert (said["target"], said["task"], said["classes"]) == ("y", "binary", ["no", "yes"])
    guessing = {"accuracy": 0.5, "auc": 0.5, "log_loss": 0.693}  # two classes, nearly even
    assert said["baseline"] == pytest.approx(guessing, abs=2e-3)
    assert set(said["test"]["scores"]) == {"accuracy", "auc", "log_loss"}
    assert sum(map(sum, said["test"]["confusion"])) == said["test"]["rows"] == 18
    assert said["settings"]["epochs"] == 8
    assert said["interrupted"] is False


def test_people_are_told_what_was_found_and_what_came_of_it(tmp_path: Path) -> None:
    rows = table("multiclass").with_columns(
        pl.Series("id", [f"r{i}" for i in range(60)]), pl.lit(1).alias("same")
    )
    rows.write_csv(tmp_path / "colours.csv")
    done = chainrule("train", "colours.csv", "--target", "y", *FAST, folder=tmp_path)
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert lines == [line.rstrip() for line in lines]
    words = " ".join(done.out.split())
    for said in (
        "colours: 60 rows, 7 columns",
        "y: one of several classes (text with 3 different values)",
        "blue 33.3%, green 33.3%, red 33.3%",
        "Missing age",
        "Left out id: identifier",
        "same: constant",
        "42 train, 6 validation, 12 test, each class with its share",
        "Baseline always blue: accuracy 0.3333, area under ROC 0.5, log loss 1.099",
        "at most 3 epochs",
        "stopped by 3 epochs",
        "12 test rows model baseline accuracy",
        "Confusion",
        "Files runs/colours-",
    ):
        assert said in words


def test_a_second_run_does_not_write_over_the_first(tmp_path: Path) -> None:
    arguments = ("train", "sample:xor", *FAST, "--json")
    first, second = (chainrule(*arguments, folder=tmp_path).json for _ in range(2))
    assert first["files"]["model"] != second["files"]["model"]
    assert len(list(tmp_path.glob("runs/xor-*/model.chainrule"))) == 2


def test_the_same_seed_gives_the_same_model(tmp_path: Path) -> None:
    table("regression").write_csv(tmp_path / "table.csv")
    for name in ("a", "b"):
        arguments = ("train", "table.csv", "--target", "y", *FAST, "--out", name)
        assert chainrule(*arguments, folder=tmp_path).code == 0
    (tmp_path / "a" / "model.chainrule").rename(tmp_path / "c")
    chainrule("predict", "c", "table.csv", "-o", "1.csv", folder=tmp_path)
    chainrule("predict", "b", "table.csv", "-o", "2.csv", folder=tmp_path)
    assert (tmp_path / "1.csv").read_bytes() == (tmp_path / "2.csv").read_bytes()


def test_a_learning_rate_can_be_found(tmp_path: Path) -> None:
    table("binary").write_csv(tmp_path / "t.csv")
    arguments = ("train", "t.csv", "--target", "y", "--learning-rate")
    said = chainrule(*arguments, "find", *FAST, "--json", folder=tmp_path).json
    assert 1e-6 < said["settings"]["learning_rate"] < 1.0
    again = chainrule(*arguments, "find", *FAST, "--json", folder=tmp_path).json
    assert again["settings"]["learning_rate"] == said["settings"]["learning_rate"]
    wrong = chainrule(*arguments, "quick", *FAST, folder=tmp_path)
    assert "expects a number or 'find', not 'quick'" in wrong.complaint


def test_what_the_user_chooses_is_what_is_trained(tmp_path: Path) -> None:
    table("regression").write_csv(tmp_path / "t.csv")
    said = chainrule(
        *("train", "t.csv", "--target", "y", "--task", "multiclass", "--hidden", "5,4"),
        *("--activation", "tanh", "--dropout", 0.25, "--optimizer", "sgd", "--seed", 3),
        *("--learning-rate", 0.01, "--batch-size", 7, "--patience", 0, "--validation", 0),
        *("--test", 0.5, "--column", "age=drop", "--column", "member=categorical", *FAST),
        "--json",
        folder=tmp_path,
    ).json
    assert said["settings"] == said["settings"] | {
        "hidden": [5, 4],
        "activation": "tanh",
        "dropout": 0.25,
        "optimizer": "sgd",
        "learning_rate": 0.01,
        "batch_size": 7,
        "epochs": 3,
        "patience": 0,
        "seed": 3,
        "executor": "numpy",
    }
    assert said["task"] == "multiclass"
    assert said["classes"] == [1.5, 2.25, 7.0]
    assert said["rows"] == said["rows"] | {"train": 30, "validation": 0, "test": 30}
    shown = chainrule("show", Path(said["files"]["model"]).parent, "--json", folder=tmp_path).json
    assert [column["kind"] for column in shown["encoding"]["columns"]["columns"]] == [
        "numeric",
        "categorical",
        "categorical",
    ]


def test_columns_with_many_levels_can_be_embedded(tmp_path: Path) -> None:
    rows = table("binary", rows=400)
    towns = pl.Series("town", [f"town {i % 40}" for i in range(400)])
    rows.with_columns(towns).write_csv(tmp_path / "t.csv")
    arguments = ("train", "t.csv", "--target", "y", "--embed", "--out", "run", *FAST)
    assert "1 embedding (town)" in chainrule(*arguments, folder=tmp_path).out
    layers = chainrule("show", "run", "--json", folder=tmp_path).json["layers"]
    assert layers[0] == {
        "path": "embeddings[0]",
        "kind": "Embedding",
        "settings": {"count": 42, "size": 13, "initial": "Uniform(limit=0.05)", "padding": None},
        "output": "f32[batch, 13]",
        "parameters": 42 * 13,
        "flops": 0,
    }


def test_quiet_leaves_one_line(tmp_path: Path) -> None:
    done = chainrule("train", "sample:xor", *FAST, "--quiet", folder=tmp_path)
    assert (done.code, done.err) == (0, "")
    assert len(done.out.splitlines()) == 1
    assert "model.chainrule: accuracy" in done.out
    assert "4 training rows" in done.out


def test_a_progress_bar_goes_to_standard_error(tmp_path: Path) -> None:
    done = chainrule("train", "sample:xor", *FAST, "--json", "--progress", folder=tmp_path)
    assert done.json["training"]["epochs"] == 3
    assert "train loss" in done.err


def test_rows_without_a_target_are_counted_and_left_out(tmp_path: Path) -> None:
    rows = table("binary")
    holes = pl.Series("y", [None if i < 4 else y for i, y in enumerate(rows["y"])])
    rows.with_columns(holes).write_csv(tmp_path / "t.csv")
    said = chainrule("train", "t.csv", "--target", "y", *FAST, "--json", folder=tmp_path).json
    assert (said["rows"]["read"], said["rows"]["unlabelled"]) == (60, 4)
    assert said["notes"] == ["4 rows without a value of 'y' were left out"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sample", "scores"),
    [
        # The first two figures are the issue's; the others leave room for another split.
        ("adult", {"accuracy": 0.850, "auc": 0.905}),
        ("digits", {"accuracy": 0.96, "auc": 0.99}),
        ("breast-cancer", {"accuracy": 0.96, "auc": 0.98}),
        ("wine", {"accuracy": 0.94, "auc": 0.98}),
        ("iris", {"accuracy": 0.90}),
        ("diabetes", {"r2": 0.37}),  # what ridge regression reaches on these test rows
        ("xor", {"accuracy": 1.0}),
        ("moons", {"accuracy": 0.94}),
        ("spirals", {"accuracy": 0.99}),
    ],
)
def test_every_sample_is_learnt_without_any_setting(
    sample: str, scores: dict[str, float], tmp_path: Path
) -> None:
    said = chainrule("train", f"sample:{sample}", "--json", folder=tmp_path).json
    reached = said["test"]["scores"]
    assert {name: reached[name] >= least for name, least in scores.items()} == dict.fromkeys(
        scores, True
    ), reached
