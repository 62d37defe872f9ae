"""What a cell means."""

from __future__ import annotations

import math
from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.data.levels import level, level_codes, level_counts, truth_level
from chainrule.data.values import MISSING, clean, numbers
from chainrule.errors import DataError


def cleaned(values: list[str | None]) -> pl.Series:
    return clean(pl.DataFrame({"x": pl.Series(values, dtype=pl.String)})).to_series()


@pytest.mark.parametrize(
    ("texts", "values"),
    [
        (["1", " -2 ", "+3"], [1, -2, 3]),
        (["1", "2.5", "1e3"], [1.0, 2.5, 1000.0]),
        (["1", "inf"], [1.0, math.inf]),
        (["true", "FALSE", "?"], [True, False, None]),
        (["01", "2"], ["01", "2"]),
        (["0", "0.5"], [0.0, 0.5]),
        (["12345678901234567890", "1"], ["12345678901234567890", "1"]),
        (["1", "two"], ["1", "two"]),
        (["1,5", "2"], ["1,5", "2"]),
        (["?", " "], [None, None]),
        (["2024-02-29"], ["2024-02-29"]),
    ],
)
def test_text_gets_its_natural_type(texts: list[str | None], values: list[object]) -> None:
    result = cleaned(texts).to_list()
    assert result == values
    assert [type(value) for value in result] == [type(value) for value in values]


def test_nan_is_missing_and_infinity_is_not() -> None:
    frame = clean(pl.DataFrame({"x": [1.0, math.nan, math.inf]}))
    assert frame["x"].to_list() == [1.0, None, math.inf]


texts = st.text(max_size=4) | st.sampled_from(MISSING) | st.integers().map(str)
texts |= st.floats().map(str) | st.sampled_from(["True", "false", "01", "1.0", " 1"])


@given(st.lists(texts, max_size=6))
def test_cleaning_twice_is_cleaning_once(values: list[str]) -> None:
    once = clean(pl.DataFrame({"x": pl.Series(values, dtype=pl.String)}))
    assert clean(once).equals(once)


@given(st.lists(texts, min_size=1, max_size=6), st.data())
def test_a_cell_has_the_same_level_in_any_company(values: list[str], data: st.DataObject) -> None:
    """Even though a column of numbers alone is typed differently from one among text."""
    together = cleaned([*values, "text"]).to_list()
    row = data.draw(st.integers(0, len(values) - 1))
    (alone,) = cleaned([values[row]]).to_list()
    assert (alone is None) == (together[row] is None)
    assert level(alone) == level(together[row])


@given(st.integers(-(10**6), 10**6))
def test_all_ways_to_write_a_whole_number_are_one_level(number: int) -> None:
    assert level(number) == level(float(number)) == level(str(number)) == level(f"{number}.0")


def test_numbers_are_float64_with_nan_where_nothing_is_known() -> None:
    result = numbers(pl.Series("x", [1.0, None, math.inf]))
    assert result.dtype == np.float64
    np.testing.assert_array_equal(result, [1.0, np.nan, np.nan])
    np.testing.assert_array_equal(numbers(pl.Series("x", [True, None])), [1.0, np.nan])


def test_text_among_numbers_is_found_with_its_row() -> None:
    with pytest.raises(DataError, match=r"column 'x', row 3: 'abc' is not a number \(2 such rows"):
        numbers(pl.Series("x", ["1", None, "abc", "2", "d"]))


def test_dates_are_no_numbers() -> None:
    with pytest.raises(DataError, match="column 'x' should hold numbers, but holds Date"):
        numbers(pl.Series("x", [date(2024, 2, 29)]))


def test_truth_has_many_names() -> None:
    values = ["yes", "N", "T", "0", 1, 0.0, True, "maybe", 2]
    expected = ["true", "false", "true", "false", "true", "false", "true", "maybe", "2"]
    assert [truth_level(value) for value in values] == expected


def test_levels_are_counted_and_coded() -> None:
    column = pl.Series("x", ["b", "1.0", None, "a", "1"])
    assert level_counts(column) == {"b": 1, "1": 2, "a": 1}
    codes, new = level_codes(column, {"a": 5, "1": 6}, unknown=0, missing=1)
    assert codes.tolist() == [0, 6, 1, 5, 6]
    assert codes.dtype == np.int32
    assert new == ["b"]


def test_lists_have_no_levels() -> None:
    with pytest.raises(DataError, match=r"column 'x' holds List.*, which has no levels"):
        level_counts(pl.Series("x", [[1], [2]]))
