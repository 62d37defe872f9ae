"""Names of columns, made usable."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.data.headers import column_names, holds_data, repaired_names
from chainrule.errors import DataError


@pytest.mark.parametrize(
    ("header", "names"),
    [
        (["\ufeffage", " a  b\n"], ["age", "a b"]),
        (["", None, float("nan"), "\u200b"], [f"unnamed_{i}" for i in (1, 2, 3, 4)]),
        ([0, 1], ["0", "1"]),
        ([("price", "net"), ("price", "")], ["price net", "price"]),
        (["x", "x", "x"], ["x", "x_2", "x_3"]),
        (["x", "x", "x_2"], ["x", "x_3", "x_2"]),
        (["x_2", "x", "x"], ["x_2", "x", "x_3"]),
        (["", "unnamed_1"], ["unnamed_1", "unnamed_1_2"]),
    ],
)
def test_names_become_usable(header: list[object], names: list[str]) -> None:
    assert column_names(header) == names


@given(st.lists(st.text(max_size=3) | st.sampled_from(["x", "x_2", " x"]), max_size=8))
def test_names_always_differ_and_stay_when_repaired_again(header: list[str]) -> None:
    try:
        names = column_names(header)
    except DataError:
        return  # numbers that are there twice
    assert len(set(names)) == len(header)
    assert column_names(names) == names


def test_numbers_that_are_there_twice_are_data() -> None:
    with pytest.raises(DataError, match=r"more than one column is called '0.5': add a header line"):
        column_names(["0.5", "a", "0.5"])


def test_good_names_need_no_note() -> None:
    assert repaired_names(["age", "2019", "x_1"]) == (["age", "2019", "x_1"], ())


@pytest.mark.parametrize(
    ("header", "data"),
    [
        ("5.1 3.5 1.4 0.2 setosa", True),
        ("0 0 0 7", True),
        ("a a b", False),
        ("id 0.25 0.5 0.75", False),
        ("age 0.5", False),
        ("1999 1998 2000", False),
        (" ".join(f"{w}.5" for w in range(4000, 3990, -1)), False),
        ("0.5 0.1 0.2", True),
    ],
)
def test_a_header_that_is_data_is_known(header: str, data: bool) -> None:
    assert holds_data(header.split()) is data
