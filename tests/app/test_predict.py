"""``chainrule predict``, ``evaluate`` and ``show``, in processes of their own."""

from __future__ import annotations

import dataclasses
import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from chainrule.app.model import load_model, save_model
from tests.app.process import chainrule, environment


@pytest.mark.parametrize("ending", ["csv", "parquet", "jsonl.gz"])
def test_predictions_stand_beside_the_rows_in_their_order(
    ending: str, trained: tuple[Path, Any], tmp_path: Path
) -> None:
    folder, _ = trained
    rows = pl.read_csv(folder / "table.csv").reverse()
    rows.write_csv(tmp_path / "new.csv")
    out = tmp_path / f"predictions.{ending}"
    done = chainrule("predict", folder / "run", "new.csv", "-o", out, "--proba", folder=tmp_path)
    assert (done.code, done.err) == (0, "")
    assert "90 predictions are in" in done.out
    read = {"csv": pl.read_csv, "parquet": pl.read_parquet, "jsonl.gz": pl.read_ndjson}[ending]
    written = read(out)
    new = ["predicted_y", "probability_no", "probability_yes"]
    assert written.columns == [*rows.columns, *new]
    assert written["height"].to_list() == rows["height"].to_list()
    model = load_model(folder / "run")
    assert written["predicted_y"].to_list() == model.predict(rows).tolist()
    shares = model.predict_proba(rows)
    assert written["probability_yes"].to_list() == pytest.approx(shares[:, 1].tolist(), abs=1e-6)
    assert (written["probability_no"] + written["probability_yes"] - 1).abs().max() < 1e-6


def test_piped_predictions_are_csv(trained: tuple[Path, Any]) -> None:
    folder, _ = trained
    done = chainrule("predict", "run", "table.csv", "--only", folder=folder)
    assert done.code == 0
    written = pl.read_csv(io.StringIO(done.out))
    assert written.columns == ["predicted_y"]
    assert written.height == 90
    assert set(written["predicted_y"]) <= {"no", "yes"}


def test_predictions_for_machines_are_one_object(trained: tuple[Path, Any]) -> None:
    folder, _ = trained
    said = chainrule("predict", "run", "table.csv", "--json", "--proba", folder=folder).json
    assert said["rows"] == 90
    assert set(said["columns"]) == {"predicted_y", "probability_no", "probability_yes"}
    assert all(len(values) == 90 for values in said["columns"].values())
    out = chainrule("predict", "run", "table.csv", "--json", "-o", "p.csv", folder=folder).json
    assert out["file"] == "p.csv"


def test_a_column_that_is_there_already_is_kept(trained: tuple[Path, Any], tmp_path: Path) -> None:
    folder, _ = trained
    rows = pl.read_csv(folder / "table.csv").with_columns(pl.lit("mine").alias("predicted_y"))
    rows.write_csv(tmp_path / "new.csv")
    done = chainrule("predict", folder / "run", "new.csv", folder=tmp_path)
    written = pl.read_csv(io.StringIO(done.out))
    assert set(written["predicted_y"]) == {"mine"}
    assert set(written["predicted_y_2"]) <= {"no", "yes"}


def test_what_a_user_should_know_goes_to_standard_error(
    trained: tuple[Path, Any], tmp_path: Path
) -> None:
    folder, _ = trained
    rows = pl.read_csv(folder / "table.csv").drop("y")
    rows.with_columns(pl.lit("elsewhere").alias("town"), pl.lit(1).alias("more")).write_csv(
        tmp_path / "new.csv"
    )
    done = chainrule("predict", folder / "run", "new.csv", folder=tmp_path)
    assert done.code == 0
    assert len(done.out.splitlines()) == 91
    assert "'more'" in done.err
    assert "elsewhere" in done.err


def test_a_reader_that_leaves_early_hears_no_complaint(trained: tuple[Path, Any]) -> None:
    folder, _ = trained
    predicting = subprocess.Popen(
        [sys.executable, "-m", "chainrule", "predict", "run", "table.csv"],
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert predicting.stdout is not None
    assert predicting.stderr is not None
    predicting.stdout.close()
    said = predicting.stderr.read()
    predicting.stderr.close()
    assert (predicting.wait(), said) == (141, "")


def test_a_model_is_scored_on_another_table(trained: tuple[Path, Any], tmp_path: Path) -> None:
    folder, _ = trained
    rows = pl.read_csv(folder / "table.csv")[:40]
    holes = pl.Series("y", [None, *rows["y"][1:]])
    rows.with_columns(holes).write_csv(tmp_path / "test.csv")
    said = chainrule("evaluate", folder / "run", "test.csv", "--json", folder=tmp_path).json
    model = load_model(folder / "run")
    right = (model.predict(rows[1:]) == rows["y"][1:].to_numpy()).mean()
    assert said["rows"] == 39
    assert said["scores"]["accuracy"] == pytest.approx(right)
    assert said["baseline"]["auc"] == 0.5
    assert said["classes"] == ["no", "yes"]
    assert sum(map(sum, said["confusion"])) == 39
    assert said["notes"] == ["1 row without a value of 'y' was left out"]
    done = chainrule("evaluate", folder / "run", "test.csv", folder=tmp_path)
    assert (done.code, done.err) == (0, "")
    assert "area under ROC" in done.out
    assert "Confusion" in done.out


def test_a_model_shows_all_that_is_in_it(trained: tuple[Path, Any]) -> None:
    folder, said = trained
    done = chainrule("show", "run/model.chainrule", folder=folder)
    assert (done.code, done.err) == (0, "")
    for part in (
        "y: one of no, yes",
        "age: number; standardised",
        "town: categorical with 5 levels",
        "layers[0]",
        "Dense(units=64",
        "f32[batch, 64]",
        "flops per row",
        "matmul(numeric, layers[0].weight)",
        "sigmoid",
        "Plan for 1000 rows",
        "kernels",
    ):
        assert part in done.out
    shown = chainrule("show", "run", "--json", folder=folder).json
    assert (shown["target"], shown["task"], shown["classes"]) == ("y", "binary", ["no", "yes"])
    assert shown["parameters"] == sum(layer["parameters"] for layer in shown["layers"])
    assert shown["report"]["test"] == said["test"]
    assert shown["inputs"][0] == "age"
    assert "return" in shown["program"]
    assert "kernels" in shown["plan"]


def test_a_strangers_model_cannot_steer_the_terminal(
    trained: tuple[Path, Any], tmp_path: Path
) -> None:
    folder, _ = trained
    model = load_model(folder / "run")
    report = {"source": "y\x1b]0;title\x07[bold]"}
    save_model(dataclasses.replace(model, report=report), tmp_path / "evil.chainrule")
    done = chainrule("show", "evil.chainrule", folder=tmp_path)
    assert done.code == 0
    assert "\x1b" not in done.out
    assert r"y\x1b]0;title\x07[bold]" in done.out
