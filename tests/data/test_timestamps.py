"""How dates are written, and reading them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.data.timestamps import DateNotation, date_notation, is_order_open
from chainrule.errors import DataError

LEAP_DAY = datetime(2024, 2, 29)


def column(values: list[object]) -> pl.Series:
    return pl.Series("day", values)


@pytest.mark.parametrize(
    ("cell", "moment"),
    [
        ("2024-02-29", "2024-02-29T00:00:00"),
        ("2024/2/29", "2024-02-29T00:00:00"),
        ("20240229", "2024-02-29T00:00:00"),
        ("29.02.2024", "2024-02-29T00:00:00"),
        ("29/2/24", "2024-02-29T00:00:00"),
        ("1-3-69", "1969-03-01T00:00:00"),
        ("29 Feb 2024", "2024-02-29T00:00:00"),
        ("29-FEB-24", "2024-02-29T00:00:00"),
        ("29th February 2024", "2024-02-29T00:00:00"),
        ("Thursday, 29 February 2024", "2024-02-29T00:00:00"),
        ("Feb 29, 2024", "2024-02-29T00:00:00"),
        ("February 29th, 2024 1:05 PM", "2024-02-29T13:05:00"),
        ("Sept 3, 2024", "2024-09-03T00:00:00"),
        ("2024-02", "2024-02-01T00:00:00"),
        ("Feb 2024", "2024-02-01T00:00:00"),
        ("2024-02-29 10:11", "2024-02-29T10:11:00"),
        ("2024-02-29T10:11:12.5", "2024-02-29T10:11:12.5"),
        ("2024-02-29T10:11:12Z", "2024-02-29T10:11:12"),
        ("2024-02-29T00:11:12+02:00", "2024-02-28T22:11:12"),
        ("2024-02-29 12:00 am", "2024-02-29T00:00:00"),
        ("20240229T101112", "2024-02-29T10:11:12"),
        ("Thu, 29 Feb 2024 10:11:12 GMT", "2024-02-29T10:11:12"),
    ],
)
def test_a_date_is_read_in_the_usual_forms(cell: str, moment: str) -> None:
    np.testing.assert_array_equal(
        DateNotation().require(column([cell])), np.array([moment], "datetime64[us]")
    )


@pytest.mark.parametrize(
    "cell",
    ["30.02.2024", "2024-13-01", "13/13/2024", "29 Fob 2024", "2024-02-29 25:00", "14:30", "soon"],
)
def test_what_is_no_date_is_found_with_its_row(cell: str) -> None:
    with pytest.raises(DataError, match=rf"column 'day', row 2: '{cell}' is not a date; correct"):
        DateNotation().require(column(["2024-02-29", cell]))
    moments = DateNotation(words=True).require(column(["2024-02-29", cell]))
    assert np.isnat(moments).tolist() == [False, True]


def test_placeholders_for_never_are_missing() -> None:
    moments = DateNotation().require(column(["9999-12-31", "0001-01-01", "2024-02-29"]))
    assert np.isnat(moments).tolist() == [True, True, False]


@pytest.mark.parametrize(
    ("cells", "order", "open_order"),
    [
        (["1/2/2024", "31/1/2024"], "dmy", False),
        (["1/2/2024", "1/31/2024"], "mdy", False),
        (["1/2/2024", "3/4/2024"], "dmy", True),
        (["5/5/2024"], "dmy", False),
        (["1/31/2024", "2/28/2024", "31/1/2024"], "mdy", False),
    ],
)
def test_the_order_of_day_and_month_is_found(
    cells: list[object], order: str, open_order: bool
) -> None:
    assert date_notation(column(cells)) == DateNotation(order)
    assert is_order_open(column(cells)) == open_order


def test_a_thirteenth_month_is_a_day() -> None:
    cells = column(["1/31/2024", "31/1/2024", "2/1/2024"])
    moments = DateNotation("mdy").read(cells)
    assert moments.astype("datetime64[D]").tolist() == [
        date(2024, 1, 31),
        date(2024, 1, 31),
        date(2024, 2, 1),
    ]


def test_one_column_may_mix_all_forms() -> None:
    cells = column(["2024-02-29", "29.2.2024", "Feb 29, 2024", "20240229"])
    notation = date_notation(cells)
    assert notation == DateNotation()
    assert set(notation.read(cells).tolist()) == {LEAP_DAY}


def test_times_of_the_day_are_dates_of_their_own_kind() -> None:
    for cells in (["14:30", "9:05 pm"], [time(14, 30), time(21, 5)]):
        notation = date_notation(column(list(cells)))
        assert notation == DateNotation(clock=True)
        hours = notation.read(column(list(cells))).astype("datetime64[m]").astype(int)
        assert hours.tolist() == [14 * 60 + 30, 21 * 60 + 5]
    with pytest.raises(DataError, match="'2024-02-29' is not a time"):
        DateNotation(clock=True).require(column(["2024-02-29"]))


def test_true_dates_need_no_reading() -> None:
    for values in ([date(2024, 2, 29)], [LEAP_DAY], [LEAP_DAY.replace(tzinfo=UTC)]):
        assert DateNotation().require(column([*values, None])).tolist() == [LEAP_DAY, None]


def test_whole_numbers_may_be_days() -> None:
    days = [20240227, 20240228, 20240229, 20240301, 20240302]
    assert date_notation(column(days)) == DateNotation()
    assert date_notation(column([float(day) for day in days])) == DateNotation()
    assert date_notation(column([*days, 20240230])) is None
    assert date_notation(column(days[:4])) is None
    assert DateNotation().read(column([20240229, None])).tolist() == [LEAP_DAY, None]


def test_whole_numbers_count_seconds_only_if_asked() -> None:
    stamps = [1709164800 + i for i in range(9)]
    assert date_notation(column(stamps)) is None
    notation = date_notation(column(stamps), asked=True)
    assert notation is not None
    assert notation.read(column(stamps))[0] == np.datetime64(LEAP_DAY)
    assert notation.read(column([1709164800_000]))[0] == np.datetime64(LEAP_DAY)
    assert np.isnat(notation.read(column([10**18]))[0])
    assert np.isnat(DateNotation(words=True).read(column([1709164800]))[0])


@pytest.mark.parametrize("values", [[1.5, 2.5], [True], ["a", "b"], ["1.5", "2"], [None]])
def test_other_columns_hold_no_dates(values: list[object]) -> None:
    assert date_notation(column(values)) is None


def test_fractions_cannot_become_dates() -> None:
    with pytest.raises(DataError, match="column 'day' should hold dates, but holds Float64"):
        DateNotation().require(column([1.5]))


def test_infinite_numbers_are_no_dates() -> None:
    assert date_notation(column([float("inf"), 1.0])) is None


@settings(max_examples=25)
@given(st.datetimes(datetime(1970, 1, 1), datetime(2068, 12, 31)), st.sampled_from(["dmy", "mdy"]))
def test_any_moment_is_read_back_in_any_form(moment: datetime, order: str) -> None:
    moment = moment.replace(microsecond=0)
    forms = ["%Y-%m-%d", "%b %d, %Y", "%d %B %y"]
    forms += ["%d/%m/%y", "%d.%m.%Y"] if order == "dmy" else ["%m/%d/%y", "%m.%d.%Y"]
    cells = [moment.strftime(f + clock) for f in forms for clock in (" %H:%M:%S", " %I:%M:%S %p")]
    assert DateNotation(order).read(column([*cells])).tolist() == [moment] * len(cells), cells


@settings(max_examples=25)
@given(st.lists(st.text("0123456789-/.: TZapmFeb", max_size=12), max_size=5))
def test_any_text_is_a_date_or_not(cells: list[object]) -> None:
    texts = pl.Series(cells, dtype=pl.String)
    for notation in (date_notation(texts), DateNotation(words=True), DateNotation(clock=True)):
        if notation is not None:
            assert notation.read(texts).shape == (len(cells),)
