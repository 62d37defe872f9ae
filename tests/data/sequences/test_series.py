"""A series out of a table: its step, its order, its gaps, and how it goes on."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from chainrule.data.sequences import Outlook, Spacing, Windows, read_series
from chainrule.errors import DataError, ModelFileError


def moments(*texts: str) -> Any:
    return np.array(texts, "datetime64[us]")


@pytest.mark.parametrize(
    ("times", "step", "following"),
    [
        (moments("2024-01-01T00", "2024-01-01T01"), "hour", "2024-01-01T02"),
        (moments("2024-01-01T00:00", "2024-01-01T00:15"), "15 minutes", "2024-01-01T00:30"),
        (moments("2024-02-28", "2024-02-29"), "day", "2024-03-01"),
        (moments("2024-01-01", "2024-01-08"), "7 days", "2024-01-15"),
        (moments("2023-12-01", "2024-01-01", "2024-02-01"), "month", "2024-03-01"),
        (moments("2024-01-31", "2024-02-29", "2024-03-31"), "month", "2024-04-30"),
        (moments("2023-07-01", "2023-10-01", "2024-01-01"), "3 months", "2024-04-01"),
        (moments("2022-01-01", "2023-01-01", "2024-01-01"), "12 months", "2025-01-01"),
        (
            moments(*(f"2024-03-{day:02}" for day in (4, 5, 6, 7, 8, 11, 12, 13, 14, 15))),
            "weekday",
            "2024-03-18",
        ),
    ],
)
def test_the_step_is_found_and_continued_by_the_calendar(
    times: Any, step: str, following: str
) -> None:
    spacing = Spacing.of(times)
    assert str(spacing) == step
    assert spacing.following(times[-1], 1)[0] == np.datetime64(following)
    assert spacing.places(times).tolist() == list(range(len(times)))


def test_a_clock_that_is_early_by_a_millionth_loses_no_step() -> None:
    clock = ("00:00:00", "01:00:00", "02:00:00", "02:59:59.999999", "04:00:00")
    times = moments(*(f"2024-01-01T{each}" for each in clock))
    spacing = Spacing.of(times)
    assert str(spacing) == "hour"
    assert spacing.places(times).tolist() == [0, 1, 2, 3, 4]


def test_times_may_be_numbers() -> None:
    spacing = Spacing.of(np.array([0.0, 0.5, 1.5]))
    assert (str(spacing), spacing.season) == ("0.5", 1)
    assert spacing.places(np.array([0.0, 0.5, 1.5])).tolist() == [0, 1, 3]
    assert spacing.following(1.5, 2).tolist() == [2.0, 2.5]


@pytest.mark.parametrize("step", [1e-12, 0.1, 7.0, 1e300])
def test_numbers_of_any_size_have_a_step(step: float) -> None:
    times = np.array([0.0, step, 2 * step, 3 * step, 5 * step])
    spacing = Spacing.of(times)
    assert spacing == Spacing("number", step)
    assert spacing.places(times).tolist() == [0, 1, 2, 3, 5]


def test_uneven_times_are_named() -> None:
    clock = ("00:00:00", "00:01:00", "00:02:00", "00:04:30")
    with pytest.raises(DataError, match=r"00:04:30\S* lies 150 seconds behind .* 60 seconds apart"):
        Spacing.of(moments(*(f"2024-01-01T{each}" for each in clock)))


def test_rows_are_put_in_order_and_gaps_are_filled_and_told() -> None:
    table = {
        "day": ["2024-03-05", "2024-03-01", "2024-03-02", "2024-03-03"],
        "sold": [9, 3, None, 5],
        "open": [True, False, True, True],
        "note": ["a", "b", "c", "d"],
    }
    series = read_series(table, ["sold"], time="day")
    assert series.channels == ("sold", "open")
    assert series.values.tolist() == [[3, 0], [3, 1], [5, 1], [5, 1], [9, 1]]
    assert [str(each)[:10] for each in series.times] == [f"2024-03-0{i}" for i in range(1, 6)]
    assert series.notes == (
        "columns that hold no numbers were left out: 'note'",
        "1 step without a row was filled with the last row before it",
        "1 empty cell was filled with the last number before",
    )


def test_gaps_of_the_only_channel_are_told_beside_missing_rows() -> None:
    series = read_series({"t": [1, 2, 3, 6], "x": [1, None, 3, 6]}, ["x"])
    assert series.values.ravel().tolist() == [1, 1, 3, 3, 3, 6]
    assert series.notes == (
        "2 steps without a row were filled with the last row before them",
        "1 empty cell was filled with the last number before",
    )


def test_a_first_gap_gets_the_first_number() -> None:
    assert read_series({"x": [None, 2, 3]}, ["x"]).values.ravel().tolist() == [2, 2, 3]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"x": [1], "y": [2]}, "there is no column 'z'"),
        ({"z": ["a", "b"]}, "is not a number"),
        ({"z": [None, None], "x": [1, 2]}, "'z' holds no number"),
        ({"time": [1, 1, 2], "z": [1, 2, 3]}, "two rows have the time 1.0"),
        ({"time": [1, None, 2], "z": [1, 2, 3]}, "row 2: the time in 'time' is empty"),
        ({"time": ["a", "b"], "z": [1, 2]}, "neither dates nor numbers"),
        ({"time": [1, 2, 3, 99], "z": [1, 2, 3, 4]}, "95 of 99 steps of 1 have no row"),
        ({"z": [1, -1e151]}, "'z' holds numbers beyond 1e\\+150"),
        ({"z": []}, "no rows"),
    ],
)
def test_a_series_that_cannot_be_forecast_says_why(table: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_series(table, ["z"])


def outlook() -> Outlook:
    series = read_series({"t": range(40), "x": range(40), "z": range(40, 80)}, ["x"])
    windows = Windows.cut(series.values, 4, 2, targets=(0,))
    return Outlook.of(series, windows, 3)


def test_guesses_are_the_last_value_and_that_of_a_season_before() -> None:
    series = read_series({"t": range(40), "x": range(40), "z": range(40, 80)}, ["x"])
    guesses = outlook().guesses(series, np.array([10]))
    assert guesses["last value"].ravel().tolist() == [9, 9]
    assert guesses["last season"].ravel().tolist() == [7, 8]


def test_a_forecast_is_put_below_the_series() -> None:
    series = read_series({"t": [5, 6], "x": [1, 2], "z": [0, 0]}, ["x"])
    assert outlook().continued(series, np.array([[3.0], [4.0]])).rows() == [
        (5, 1, 0, None),
        (6, 2, 0, None),
        (7, None, None, 3.0),
        (8, None, None, 4.0),
    ]
    alone = outlook().continued(series, np.array([[3.0], [4.0]]), only=True)
    assert alone.rows(named=True) == [{"t": 7, "predicted_x": 3.0}, {"t": 8, "predicted_x": 4.0}]


def test_without_times_rows_are_counted() -> None:
    series = read_series({"x": [1, 2], "z": [0, 0]}, ["x"])
    assert outlook().continued(series, np.array([[3.0]]), only=True)["row"].to_list() == [3]


def test_a_channel_may_be_called_row() -> None:
    series = read_series({"x": [1, 2], "row": [0, 0]}, ["x"])
    windows = Windows.cut(series.values, 1, 1, targets=(0,))
    told = Outlook.of(series, windows, 1).continued(series, np.array([[3.0]]))
    assert told.columns == ["number of the row", "x", "row", "predicted_x"]
    assert told["number of the row"].to_list() == [1, 2, 3]


def test_an_outlook_is_stored_as_json() -> None:
    assert Outlook.from_dict(outlook().to_dict()) == outlook()
    for change in ({"deviation": [0.0, 1.0]}, {"targets": 3}, {"horizon": 0}, {"mean": [1.0]}):
        with pytest.raises(ModelFileError):
            Outlook.from_dict(outlook().to_dict() | change)


def test_dates_without_a_clock_stay_dates() -> None:
    series = read_series({"date": ["2024-01-01", "2024-01-02"], "x": [1, 2]}, ["x"])
    assert series.frame["date"].dtype == pl.Date
