"""Several targets, labels and counts, from the command line to the model file and back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

import chainrule as cr
from chainrule.errors import DataError
from tests.app.process import chainrule

DRAWS = np.random.default_rng(0)
ROWS = 120
X = DRAWS.normal(size=(ROWS, 2))
TABLE = pl.DataFrame(
    {
        "a": X[:, 0],
        "b": X[:, 1],
        "warm": X[:, 0] > 0,
        "wet": X[:, 1] > 0.5,
        "tags": [
            "|".join(n for n, x in zip("pq", row, strict=True) if x > 0) or "dry" for row in X
        ],
        "price": 100.0 + 10.0 * X[:, 0],
        "size": 3.0 - X[:, 1],
        "visits": DRAWS.poisson(np.exp(0.5 + X[:, 0])),
    }
)
FAST = ("--epochs", "60", "--executor", "numpy", "--learning-rate", "0.01", "--out", "run")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    TABLE.write_csv(tmp_path / "t.csv")
    return tmp_path


def drops(*names: str) -> list[str]:
    """Options that leave columns out."""
    return [word for name in names for word in ("--column", f"{name}=drop")]


def test_several_columns_of_truth_values_are_labels(folder: Path) -> None:
    drop = drops("tags", "price", "size", "visits")
    arguments = ("train", "t.csv", "--target", "warm", "--target", "wet", *drop, *FAST)
    said = chainrule(*arguments, "--json", folder=folder).json
    assert (said["task"], said["target"], said["classes"]) == (
        *("multilabel", "warm, wet"),
        ["warm", "wet"],
    )
    assert set(said["test"]["scores"]) == {"exact", "label_accuracy", "f1", "auc", "log_loss"}
    assert said["test"]["scores"]["auc"] > 0.95
    assert said["test"]["scores"]["exact"] > said["baseline"]["exact"]
    counts = said["test"]["labels"]
    assert [row[0] for row in counts] == [row[0] for row in counts if row[2] <= min(row[:2])]
    model = cr.load_model(folder / "run")
    found = model.run({"a": [3.0, -3.0], "b": [-3.0, 3.0]})
    assert found.values.tolist() == [[True, False], [False, True]]
    done = chainrule("predict", "run", "t.csv", "--only", "--proba", "-o", "p.csv", folder=folder)
    assert done.code == 0
    names = ["predicted_warm", "predicted_wet", "probability_warm", "probability_wet"]
    assert pl.read_csv(folder / "p.csv").columns == names
    shown = chainrule("evaluate", "run", "t.csv", folder=folder).out
    assert "all labels right" in shown
    assert "rows that have it" in shown


def test_a_column_of_label_sets_is_labels_if_asked(folder: Path) -> None:
    drop = drops("warm", "wet", "price", "size", "visits")
    arguments = ("train", "t.csv", "--target", "tags", "--task", "multilabel", *drop, *FAST)
    said = chainrule(*arguments, "--json", folder=folder).json
    assert said["classes"] == ["dry", "p", "q"]
    model = cr.load_model(folder / "run")
    assert model.predict({"a": [3.0], "b": [3.0]}).tolist() == ["p|q"]
    assert model.predict_proba({"a": [3.0], "b": [3.0]}).shape == (1, 3)


def test_several_columns_of_numbers_are_outputs(folder: Path) -> None:
    drop = drops("tags", "warm", "wet", "visits")
    arguments = ("train", "t.csv", "--target", "price", "--target", "size", *drop, *FAST)
    said = chainrule(*arguments, "--folds", 2, "--json", folder=folder).json
    assert said["task"] == "multioutput"
    assert said["test"]["scores"]["r2"] > 0.9
    assert [*said["test"]["outputs"]] == ["price", "size"]
    assert said["test"]["outputs"]["size"]["rmse"] < 0.5 < said["test"]["outputs"]["price"]["rmse"]
    model = cr.load_model(folder / "run")
    assert model.predict({"a": [1.0], "b": [1.0]}).shape == (1, 2)
    assert model.evaluate(folder / "t.csv")["scores"]["r2"] > 0.9
    with pytest.raises(DataError, match="has no probabilities"):
        model.predict_proba({"a": [1.0], "b": [1.0]})
    assert "several numbers" in chainrule("show", "run", folder=folder).out


def test_counts_are_predicted_as_rates(folder: Path) -> None:
    drop = drops("tags", "warm", "wet", "price", "size")
    arguments = ("train", "t.csv", "--target", "visits", "--task", "count", *drop, *FAST)
    said = chainrule(*arguments, "--json", folder=folder).json
    assert said["task"] == "count"
    rates = cr.load_model(folder / "run").predict({"a": [-2.0, 0.0, 1.5], "b": [0.0, 0.0, 0.0]})
    assert (np.diff(rates) > 0).all()
    assert rates.min() > 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--target", "price", "--target", "tags"), "do not go together"),
        (("--target", "price", "--target", "price"), "should be different columns"),
        (("--target", "tags", "--target-scaling", "log"), "a scaling of the target suits numbers"),
        (("--target", "warm", "--task", "ranking"), "there is no task 'ranking'"),
        (("--target", "warm", "--folds", "1"), "two folds or more"),
        (("--target", "warm", "--folds", "0"), "two folds or more"),
        (("--target", "warm", "--folds", "500"), "too few rows for 500 folds"),
        (("--target", "warm", "--scaling", "minmax"), "there is no scaling 'minmax'"),
    ],
)
def test_what_cannot_be_is_said(arguments: tuple[str, ...], said: str, folder: Path) -> None:
    assert said in chainrule("train", "t.csv", *arguments, *FAST, folder=folder).complaint
