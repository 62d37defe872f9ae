"""How numbers are written, and reading them."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.data.notation import NumberNotation, number_notation, words_among
from chainrule.errors import DataError


def column(values: list[str | None]) -> pl.Series:
    return pl.Series("x", values, dtype=pl.String)


@pytest.mark.parametrize(
    ("cells", "mark", "unit", "values"),
    [
        (["3,14", "2,5"], ",", "", [3.14, 2.5]),
        (["3.14", "2,72"], "either", "", [3.14, 2.72]),
        (["1,234.5", "12"], ".", "", [1234.5, 12.0]),
        (["1,234", "567"], ".", "", [1234.0, 567.0]),
        (["1,234", "0.5"], ".", "", [1234.0, 0.5]),
        (["1.234", "0,5"], ",", "", [1234.0, 0.5]),
        (["1.234.567", "890"], ",", "", [1234567.0, 890.0]),
        (["1.234.567", "0.5"], "either", "", [1234567.0, 0.5]),
        (["1.234,5", "1,234.5"], "either", "", [1234.5, 1234.5]),
        (["1 234", "5\u202f678,25"], ",", "", [1234.0, 5678.25]),
        (["1'234.5", "2’000"], ".", "", [1234.5, 2000.0]),
        (["12,34,567", "1,00,000"], ".", "", [1234567.0, 100000.0]),
        (["1.234,50 €", "€ 3", "17"], ",", "€", [1234.5, 3.0, 17.0]),
        (["$5", "-$6.50", "($1,200)"], ".", "$", [5.0, -6.5, -1200.0]),
        (["CHF 5", "CHF 6.5"], ".", "CHF", [5.0, 6.5]),
        (["5 %", "12.5%"], ".", "%", [0.05, 0.125]),
        (["12 kg", "13.5kg"], ".", "kg", [12.0, 13.5]),
        (["−3,5", "+2"], ",", "", [-3.5, 2.0]),
        (["1e3", "2,5E-1"], ",", "", [1000.0, 0.25]),
        ([".5", "5,"], "either", "", [0.5, 5.0]),
    ],
)
def test_numbers_are_read_as_people_write_them(
    cells: list[str | None], mark: str, unit: str, values: list[float]
) -> None:
    notation = number_notation(column(cells))
    assert notation == NumberNotation(mark, unit)
    np.testing.assert_allclose(notation.read(column(cells)), values, rtol=1e-15)


@pytest.mark.parametrize(
    "cells",
    [
        ["12 34", "1"],  # telephone numbers
        ["01234", "94110"],  # post codes
        ["192.168.1.1", "10.0.0.1"],
        ["2024-02-29", "2023-01-01"],
        ["$5", "€6"],
        ["5 kg", "300 g"],
        ["12A", "13B"],
        ["A12", "A13"],
        ["1,23,4", "5"],
        ["(5", "6"],
        ["yes", "no"],
        ["10-20", "20-30"],
    ],
)
def test_what_only_looks_like_numbers_is_none(cells: list[str | None]) -> None:
    assert number_notation(column(cells)) is None


def test_nothing_is_no_number() -> None:
    assert number_notation(column([None, None])) is None


def test_a_few_words_among_numbers_are_words() -> None:
    cells = column([*map(str, range(100)), "unknown", "unknown", "tbc", None])
    notation = number_notation(cells)
    assert notation == NumberNotation(words=True)
    assert words_among(cells, notation) == {"unknown": 2, "tbc": 1}
    np.testing.assert_array_equal(notation.require(cells)[98:], [98, 99, *[np.nan] * 4])


def test_many_words_among_numbers_are_levels_unless_asked() -> None:
    cells = column([*map(str, range(60)), *["unknown"] * 40])
    assert number_notation(cells) is None
    assert number_notation(cells, asked=True) == NumberNotation(words=True)
    assert number_notation(column(["1", "a", "b"]), asked=True) is None


def test_a_word_is_an_error_where_training_had_none() -> None:
    notation = NumberNotation(mark=",")
    assert notation.require(column(["1.234", None, "-inf"])).tolist()[0] == 1234.0
    with pytest.raises(DataError, match=r"column 'x', row 2: '1,2,3' is not a number; correct it"):
        notation.require(column(["1,5", "1,2,3"]))


def test_numbers_that_are_numbers_need_no_notation() -> None:
    values = NumberNotation(mark=",").require(pl.Series([1.5, None, float("inf")]))
    np.testing.assert_array_equal(values, [1.5, np.nan, np.nan])


def german(number: float) -> str:
    return f"{number:,.2f}".translate(str.maketrans(",.", ".,"))


@settings(max_examples=20)
@given(st.lists(st.integers(-(10**12), 10**12), min_size=1, max_size=4))
def test_either_locale_is_read_back(hundredths: list[int]) -> None:
    numbers = [n / 100 for n in hundredths]
    for write in (german, lambda n: f"{n:,.2f}"):
        cells = column([write(n) for n in numbers])
        notation = number_notation(cells)
        assert notation is not None
        np.testing.assert_allclose(notation.read(cells), numbers, rtol=1e-15)
        alone = [notation.read(column([cell]))[0] for cell in cells.to_list()]
        np.testing.assert_array_equal(alone, notation.read(cells))


@settings(max_examples=25)
@given(st.lists(st.text("0123456789.,-+e €%'() a", max_size=6), max_size=6), st.booleans())
def test_any_text_is_a_number_or_not(cells: list[str | None], asked: bool) -> None:
    notation = number_notation(column(cells), asked=asked)
    if notation is not None:
        values = notation.require(column(cells))
        assert values.shape == (len(cells),)
        assert not np.isinf(values).any()
