"""Dates become inputs."""

from __future__ import annotations

import json
from datetime import date, datetime, time, timedelta

import numpy as np
import polars as pl
import pytest

from chainrule.data.date import DateColumn
from chainrule.data.stored import Fields
from chainrule.data.timestamps import date_notation
from chainrule.errors import DataError, ModelFileError


def column(values: list[object]) -> pl.Series:
    return pl.Series("day", values)


def fit(values: list[object]) -> DateColumn:
    return DateColumn.fit(column(values), notation=date_notation(column(values)))


YEAR = [date(2023, 1, 1) + timedelta(days=i) for i in range(365)]


def test_a_date_is_days_elapsed_and_places_in_the_calendar() -> None:
    dates = fit([*YEAR])
    assert dates.feature_names == (
        "day",
        "day: year sin",
        "day: year cos",
        "day: month sin",
        "day: month cos",
        *(f"day: {name}" for name in ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")),
    )
    inputs, notes = dates.transform(column([date(2023, 7, 2), date(2023, 1, 1)]))
    assert inputs.dtype == np.float32
    assert notes == ()
    middle, first = inputs
    # The 2nd of July is day 182 of 365: the mean; half the year is round; 1 of 31 days is over.
    np.testing.assert_allclose(middle[0], 0.0, atol=1e-6)
    np.testing.assert_allclose(middle[1:3], [np.sin(2 * np.pi * 182 / 365), -1.0], atol=1e-4)
    np.testing.assert_allclose(middle[3:5], [np.sin(2 * np.pi / 31), np.cos(2 * np.pi / 31)], 1e-5)
    assert middle[5:].tolist() == [0, 0, 0, 0, 0, 0, 1]  # a Sunday
    np.testing.assert_allclose(first[:5], [-182 / np.std(range(365)), 0, 1, 0, 1], atol=1e-5)


def test_new_year_is_near_the_old_one() -> None:
    inputs, _ = fit([*YEAR]).transform(column([date(2023, 12, 31), date(2024, 1, 1)]))
    assert np.abs(inputs[0, 1:3] - inputs[1, 1:3]).max() < 0.02


def test_only_what_differs_becomes_an_input() -> None:
    assert fit([date(2020, 3, 1), date(2021, 3, 1)]).parts == ("week",)
    assert fit([date(2021, m, 1) for m in (2, 3)]).parts == ("year",)
    assert fit([datetime(2021, 2, 1, h) for h in (0, 9)]).parts == ("day",)


def test_the_time_of_day_is_a_point_on_a_circle() -> None:
    times = fit([time(h) for h in range(24)])
    assert times.feature_names == ("day: time sin", "day: time cos")
    inputs, _ = times.transform(column([time(6), time(18)]))
    np.testing.assert_allclose(inputs, [[1, 0], [-1, 0]], atol=1e-6)


def test_a_missing_date_is_flagged() -> None:
    dates = fit([date(2020, 3, 1), date(2020, 3, 2), None])
    assert dates.feature_names[-1] == "day=(missing)"
    inputs, notes = dates.transform(column([None, date(2020, 3, 1)]))
    assert inputs[0].tolist() == [0.0] * (len(dates.feature_names) - 1) + [1.0]
    assert inputs[1, -1] == 0.0
    assert notes == ()


def test_a_missing_date_that_training_never_had_is_noted() -> None:
    dates = fit([date(2020, 3, 1), date(2020, 3, 2)])
    inputs, notes = dates.transform(pl.Series("day", [None], dtype=pl.String))
    assert not inputs.any()
    assert notes == (
        "column 'day': 1 missing dates, though the training rows had none; their inputs are 0",
    )


def test_far_away_dates_stay_finite() -> None:
    dates = fit([date(2020, 3, 1), date(2020, 3, 2)])
    inputs, _ = dates.transform(column([date(1000, 1, 1), date(2899, 12, 31)]))
    assert np.abs(inputs).max() <= 100.0


def test_a_column_without_dates_cannot_be_fitted() -> None:
    with pytest.raises(DataError, match="column 'day' holds no dates that can be read"):
        DateColumn.fit(column(["a"]), notation=None)


def test_dates_survive_json_and_damage_is_refused() -> None:
    for dates in (fit([*YEAR, None]), fit([time(1), time(2)])):
        stored = json.loads(json.dumps(dates.to_dict(), allow_nan=False))
        assert DateColumn.from_fields(Fields(stored, "it")) == dates
        with pytest.raises(ModelFileError, match="parts should be some of year, month"):
            DateColumn.from_fields(Fields({**stored, "parts": ["century"]}, "it"))
        with pytest.raises(ModelFileError, match="'order' should be one of dmy, mdy"):
            DateColumn.from_fields(
                Fields({**stored, "notation": {**stored["notation"], "order": "ymd"}}, "it")
            )


def test_a_line_says_what_was_done() -> None:
    assert fit([*YEAR, None]).describe() == (
        "day: date; days elapsed, place in the year, in the month, day of the week: 13 inputs; "
        "missing (0.27 %) flagged"
    )
    assert fit([time(1), time(2)]).describe() == "day: time of day; time of day: 2 inputs"
