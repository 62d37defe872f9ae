"""Splits, folds and findings of ``chainrule train``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from chainrule.app.training import Wishes, open_table
from chainrule.errors import DataError, ParameterError
from tests.app.models import table
from tests.app.process import chainrule

FAST = ("--epochs", "3", "--executor", "numpy")


@pytest.fixture
def visits(tmp_path: Path) -> Path:
    """Ninety rows with a group, a day and a part; rows of a day or a group stay together."""
    rows = table("binary", rows=90).with_columns(
        pl.Series("shop", [f"shop {i % 9}" for i in range(90)]),
        pl.Series("day", [f"2024-01-{1 + i // 3:02}" for i in range(90)]),
        pl.Series("part", ["train"] * 60 + ["validation"] * 10 + ["test"] * 20),
    )
    rows.write_csv(tmp_path / "visits.csv")
    return tmp_path / "visits.csv"


def test_each_fold_tests_other_rows_and_the_model_kept_sees_all(visits: Path) -> None:
    said = chainrule(
        *("train", visits, "--target", "y", "--folds", 3, "--out", "run", *FAST, "--json"),
        folder=visits.parent,
    ).json
    assert [fold["test"] for fold in said["folds"]] == [30, 30, 30]
    assert [fold["train"] + fold["validation"] for fold in said["folds"]] == [60, 60, 60]
    assert said["rows"] == said["rows"] | {"train": 81, "validation": 9, "test": 0}
    test = said["test"]
    assert (test["of"], test["rows"], np.sum(test["confusion"])) == ("test", 90, 90)
    for name in ("accuracy", "auc", "log_loss"):
        each = [fold["scores"][name] for fold in said["folds"]]
        assert test["scores"][name] == pytest.approx(np.mean(each))
        assert test["deviations"][name] == pytest.approx(np.std(each, ddof=1))
    assert set(said["baseline"]) == set(test["scores"])
    assert json.loads((visits.parent / "run" / "report.json").read_text())["folds"]


def test_people_see_each_fold(visits: Path) -> None:
    done = chainrule(*("train", visits, "--target", "y", "--folds", 2, *FAST), folder=visits.parent)
    assert (done.code, done.err) == (0, "")
    words = " ".join(done.out.split())
    for said in ("Folds 2 models", "Fold 1", "Fold 2", "2 folds: mean, and deviation", "±"):
        assert said in words


@pytest.mark.parametrize("task", ["regression", "multiclass"])
def test_scores_of_folds_are_of_the_rows_that_each_tests(task: str, tmp_path: Path) -> None:
    table(task).write_csv(tmp_path / "t.csv")
    said = chainrule(
        *("train", "t.csv", "--target", "y", "--task", task, "--folds", 4, *FAST, "--json"),
        folder=tmp_path,
    ).json
    assert said["test"]["rows"] == 60
    errors = said["test"]["residuals" if task == "regression" else "confusion"]
    assert "median" in errors if task == "regression" else np.sum(errors) == 60


def test_what_a_fold_has_to_say_is_said(tmp_path: Path) -> None:
    rows = {"x": [i * 7 % 11 for i in range(40)], "y": ["c", *["a", "b"] * 19, "a"]}
    pl.DataFrame(rows).write_csv(tmp_path / "t.csv")
    said = chainrule(
        *("train", "t.csv", "--target", "y", "--folds", 2, *FAST, "--json"), folder=tmp_path
    ).json
    (alone,) = [note for note in said["notes"] if "left out" in note]
    assert alone.endswith("1 test row is left out: training saw no row of its class")
    assert alone.startswith("fold ")


def parts(path: Path, split: str, **wishes: Any) -> Any:
    opened = open_table(str(path), "y", Wishes(split=split, **wishes))
    return opened, opened.prepared(opened.split())


def test_groups_stay_together(visits: Path) -> None:
    opened, prepared = parts(visits, "group:shop")
    shops = [set(opened.frame["shop"][p.rows]) for p in (prepared.train, prepared.test)]
    assert not shops[0] & shops[1]
    assert "shop" not in [column.name for column in prepared.encoder.columns]
    assert any("'shop' decides the split" in note for note in prepared.notes)


def test_the_latest_rows_test(visits: Path) -> None:
    _, prepared = parts(visits, "time:day")
    assert prepared.test.rows.tolist() == list(range(72, 90))
    assert max(prepared.train.rows) < min(prepared.validation.rows)


def test_a_column_can_say_which_rows_test(visits: Path) -> None:
    _, prepared = parts(visits, "column:part")
    sizes = [len(part) for part in (prepared.train, prepared.validation, prepared.test)]
    assert sizes == [60, 10, 20]


def test_a_column_of_the_split_is_an_input_if_the_user_says_so(visits: Path) -> None:
    _, prepared = parts(visits, "time:day", kinds={"day": "date"})
    assert "day" in [column.name for column in prepared.encoder.columns]


def test_folds_by_time_test_on_later_rows(visits: Path) -> None:
    opened = open_table(str(visits), "y", Wishes(split="time:day"))
    for fold in opened.folds(3):
        assert max(fold.train) < min(fold.test)


@pytest.mark.parametrize(
    ("split", "error", "said"),
    [
        ("weekly", ParameterError, "no way to split 'weekly'"),
        ("group:shops", DataError, "did you mean 'shop'"),
        ("time:town", DataError, "holds neither dates nor numbers"),
        ("column:town", DataError, "should be 'train', 'validation' or 'test'"),
        ("group:y", ParameterError, "cannot go by a column to be predicted"),
    ],
)
def test_a_split_that_cannot_be_is_refused(
    split: str, error: type[Exception], said: str, visits: Path
) -> None:
    with pytest.raises(error, match=said):
        parts(visits, split)


def test_test_rows_of_a_class_that_training_never_saw_are_left_out(tmp_path: Path) -> None:
    rows = {"x": list(range(40)), "day": list(range(40)), "y": ["a", "b"] * 19 + ["c", "b"]}
    pl.DataFrame(rows).write_csv(tmp_path / "t.csv")
    _, prepared = parts(tmp_path / "t.csv", "time:day")
    assert len(prepared.test) == 7
    assert "1 test row is left out: training saw no row of its class" in prepared.notes


def test_leaks_are_said_and_reported(tmp_path: Path) -> None:
    rows = table("binary", rows=90)
    rows.with_columns(status=pl.col("y").replace({"no": "open", "yes": "shut"})).write_csv(
        tmp_path / "t.csv"
    )
    arguments = ("train", "t.csv", "--target", "y", *FAST)
    words = " ".join(chainrule(*arguments, folder=tmp_path).out.split())
    assert "Look at column 'status' equals the target 'y'" in words
    said = chainrule(*arguments, "--json", folder=tmp_path).json
    assert [(each["rule"], each["columns"]) for each in said["findings"]] == [
        ("equals target", ["status"])
    ]


def test_the_report_says_what_was_done_to_each_column(trained: tuple[Path, Any]) -> None:
    _, said = trained
    assert [line.split(":")[0] for line in said["columns"]] == ["age", "height", "member", "town"]
    assert "standardised" in said["columns"][0]


def test_numbers_can_be_scaled_as_asked(tmp_path: Path) -> None:
    table("regression").write_csv(tmp_path / "t.csv")
    said = chainrule(
        *("train", "t.csv", "--target", "y", "--task", "regression", "--scaling", "quantile"),
        *("--column", "age=numeric:robust", "--target-scaling", "log", *FAST, "--json"),
        folder=tmp_path,
    ).json
    assert "age: number; robust" in said["columns"][0]
    assert "height: number; quantiles mapped" in said["columns"][1]
