"""Forecasts on the command line: train, evaluate, predict, show; and their files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from chainrule.app.model import ForecastModel, load_language_model, load_model, open_model
from chainrule.app.model.forecast import forecast_scores
from chainrule.app.training.forecast import ForecastWishes, prepare_series
from chainrule.errors import ModelFileError, ParameterError
from tests.app.process import chainrule
from tests.app.test_model_file import changed, refused

MONTHS = 120
QUICK = ("--executor", "numpy", "--json")


def sales(path: Path, months: int = MONTHS) -> Path:
    """Sales that rise, with a wave of twelve months; and a column of no use."""
    at = np.arange(months)
    begin = np.datetime64("2010-01", "M")
    pl.DataFrame(
        {
            "month": (begin + at).astype("datetime64[D]"),
            "sold": 100 + at + 20 * np.sin(2 * np.pi * at / 12),
            "staff": np.full(months, 5),
        }
    ).write_csv(path)
    return path


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    folder = tmp_path_factory.mktemp("forecast")
    sales(folder / "sales.csv")
    done = chainrule(
        *("train", "sales.csv", "--kind", "forecast", "--target", "sold", "--out", "run"),
        *("--epochs", 60, "--learning-rate", 0.01, *QUICK),
        folder=folder,
    )
    return folder, done.json


def test_a_series_is_forecast_better_than_by_its_last_season(trained: tuple[Path, Any]) -> None:
    _, said = trained
    assert (said["horizon"], said["season"], said["step"]) == (12, 12, "month")
    # The last season lies twelve below what follows; a line finds both the wave and the rise.
    assert said["baseline"]["last season"]["mae"] == pytest.approx(12)
    assert said["test"]["scores"]["mae"] < 6 < said["baseline"]["last value"]["mae"]
    assert sum(said["windows"].values()) > 50


def test_predict_continues_the_table(trained: tuple[Path, Any]) -> None:
    folder, _ = trained
    chainrule("predict", "run", "sales.csv", "-o", "next.csv", folder=folder)
    rows = pl.read_csv(folder / "next.csv", try_parse_dates=True, infer_schema_length=None)
    assert rows.columns == ["month", "sold", "staff", "predicted_sold"]
    assert rows.height == MONTHS + 12
    assert rows["predicted_sold"][:MONTHS].null_count() == MONTHS
    assert str(rows["month"][-1]) == "2020-12-01"
    at = np.arange(MONTHS, MONTHS + 12)
    truth = 100 + at + 20 * np.sin(2 * np.pi * at / 12)
    assert rows["predicted_sold"][MONTHS:].to_numpy() == pytest.approx(truth, abs=15)
    said = chainrule("predict", "run", "sales.csv", "--json", folder=folder).json
    assert said["columns"]["month"][0] == "2020-01-01"
    assert len(said["columns"]["predicted_sold"]) == 12
    alone = chainrule("predict", "run", "sales.csv", "--only", folder=folder).out
    assert alone.splitlines()[0] == "month,predicted_sold"
    assert len(alone.splitlines()) == 13
    complaint = chainrule("predict", "run", "sales.csv", "--proba", folder=folder).complaint
    assert "it has no probabilities" in complaint


def test_evaluate_and_show_know_forecasts(trained: tuple[Path, Any]) -> None:
    folder, said = trained
    sales(folder / "longer.csv", 150)
    result = chainrule("evaluate", "run", "longer.csv", "--json", folder=folder).json
    assert result["rows"] == 150 - said["look_back"] - 12 + 1
    assert result["scores"]["mae"] < result["baseline"]["last season"]["mae"]
    shown = chainrule("show", "run", folder=folder).out
    assert f"{said['look_back']} rows are seen, the next 12 are forecast" in shown
    assert "ForecastNetwork" in chainrule("show", "run", "--quiet", folder=folder).out


def test_the_file_carries_scale_and_window_and_is_checked(
    trained: tuple[Path, Any], tmp_path: Path
) -> None:
    model = open_model(trained[0] / "run")
    assert isinstance(model, ForecastModel)
    assert model.outlook.channels == ("sold", "staff")
    stored = (trained[0] / "run" / "model.chainrule").read_bytes()
    for change, message in (
        (lambda m: m["outlook"].update(horizon=3), "does not forecast what the encoding says"),
        (lambda m: m["outlook"].update(look_back=3), "does not forecast what the encoding says"),
        (lambda m: m.pop("outlook"), "'outlook' is not there"),
        (lambda m: m["network"]["fields"][1].__setitem__(1, 4), "does not run"),
    ):
        assert message in refused(changed(stored, change), tmp_path)


def test_models_of_other_kinds_are_told_apart(trained: tuple[Path, Any]) -> None:
    folder, _ = trained
    with pytest.raises(ModelFileError, match="is a forecast, which continues a series"):
        load_model(folder / "run")
    with pytest.raises(ModelFileError, match="no language model: it predicts 'sold'"):
        load_language_model(folder / "run")


@pytest.mark.parametrize(
    "network", ["dense 8", "conv 4, pool, dense 8", "gru 8", "positions, attention 1"]
)
def test_networks_in_words_take_windows(tmp_path: Path, network: str) -> None:
    sales(tmp_path / "sales.csv", 60)
    said = chainrule(
        *("train", "sales.csv", "--kind", "forecast", "--target", "sold", "--target", "staff"),
        *("--horizon", 2, "--look-back", 6, "--network", network, "--epochs", 2, "--out", "run"),
        *QUICK,
        folder=tmp_path,
    ).json
    assert [*said["test"]["scores"]] == ["sold: mae", "sold: rmse", "staff: mae", "staff: rmse"]
    again = chainrule("predict", "run", "sales.csv", "--only", folder=tmp_path).out
    assert again.startswith("month,predicted_sold,predicted_staff\n2015-01-01,")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "say which column of 'sales.csv' to forecast"),
        (("--target", "sould"), "did you mean 'sold'?"),
        (("--target", "month"), "it cannot be forecast"),
        (("--target", "sold", "--time", "week"), "there is no time column 'week'"),
        (("--target", "sold", "--horizon", 0), "--horizon is a number of rows, at least 1"),
        (("--target", "sold", "--horizon", 500), "too few for a window"),
        (("--target", "sold", "--look-back", 500), "too few for a window"),
        (("--target", "sold", "--look-back", 0), "--look-back is a number of rows"),
        (("--target", "sold", "--target", "sold"), "names a column twice"),
        (("--target", "sold", "--hidden", 8), "described by --network"),
        (("--target", "sold", "--folds", 3), "--folds is for the kind 'table' and 'images'"),
        (("--target", "sold", "--split", "random"), "these are taken for 'forecast'"),
        (("--target", "sold", "--network", "conv 8, flatten"), "makes no sense"),
        (("--target", "sold", "--learning-rate", "find"), "is found for tables"),
        (("--target", "sold", "--test", 0.9, "--validation", 0.2), "leave rows for training"),
        (("--target", "sold", "--test", "nan"), "leave rows for training"),
    ],
)
def test_a_mistake_of_the_user_is_one_sentence(
    tmp_path: Path, arguments: tuple[object, ...], message: str
) -> None:
    sales(tmp_path / "sales.csv", 60)
    complaint = chainrule(
        "train", "sales.csv", "--kind", "forecast", *arguments, "--out", "run", folder=tmp_path
    ).complaint
    assert message in complaint
    assert not (tmp_path / "run").exists()


def test_a_series_too_short_for_the_model_is_refused(trained: tuple[Path, Any]) -> None:
    folder, said = trained
    sales(folder / "short.csv", 10)
    complaint = chainrule("predict", "run", "short.csv", folder=folder).complaint
    assert f"has 10 rows, but {said['look_back']} are needed" in complaint
    pl.DataFrame({"month": ["2020-01-01"], "staff": [4]}).write_csv(folder / "other.csv")
    assert "no column 'sold'" in chainrule("predict", "run", "other.csv", folder=folder).complaint


def test_windows_follow_the_step_unless_the_user_says_otherwise(tmp_path: Path) -> None:
    path = str(sales(tmp_path / "sales.csv"))
    usual = prepare_series(path, ["sold"]).outlook
    assert (usual.look_back, usual.horizon, usual.season) == (24, 12, 12)
    asked = prepare_series(path, ["sold"], ForecastWishes(horizon=3, look_back=5, season=2)).outlook
    assert (asked.look_back, asked.horizon, asked.season) == (5, 3, 2)
    with pytest.raises(ParameterError, match="--season is a number of rows"):
        ForecastWishes(season=0)


def test_scores_are_those_worked_by_hand() -> None:
    forecasts, truth = np.array([[[1.0], [3.0]]]), np.array([[[2.0], [0.0]]])
    scores = forecast_scores(("x",), forecasts, truth)
    assert scores == {"mae": 2.0, "rmse": pytest.approx(np.sqrt(5))}
