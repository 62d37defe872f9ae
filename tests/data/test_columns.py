"""What each column is, and why."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest

from chainrule.data import profile, read_table
from chainrule.data.notation import NumberNotation
from chainrule.errors import DataError, ParameterError

ROWS = 40
PLAIN = [i % 7 for i in range(ROWS)]
DAYS = [str(date(2024, 1, 1) + timedelta(days=i)) for i in range(ROWS)]
PROSE = [f"the {('red', 'old', 'big')[i % 3]} house number {i} is empty" for i in range(ROWS)]
NAMES = [f"{('Mc', 'Van')[i % 2]}{chr(97 + i % 15)}an" for i in range(ROWS)]


@pytest.mark.parametrize(
    ("name", "values", "kind", "reason"),
    [
        ("x", [0.5 * i for i in range(ROWS)], "numeric", "numbers from 0 to 19.5"),
        ("x", PLAIN, "numeric", "whole numbers from 0 to 6"),
        ("x", [str(i) for i in PLAIN], "numeric", "whole numbers from 0 to 6"),
        ("x", [f"0{i}" for i in PLAIN], "categorical", "text with 7 levels"),
        ("x", [0, 1] * 20, "boolean", "0 or 1"),
        ("x", [1, 2] * 20, "numeric", "whole numbers from 1 to 2"),
        ("x", [True, False] * 20, "boolean", "true or false"),
        ("x", ["No", "yes"] * 20, "boolean", "no or yes"),
        ("x", ["yes", "f"] * 20, "categorical", "text with 2 levels"),
        ("x", ["a"] * ROWS, "constant", "the same value in every row: 'a'"),
        ("x", ["a", None] * 20, "categorical", "'a' or missing"),
        ("x", [None, "?"] * 20, "missing", "no value in any row"),
        ("x", [float("inf"), float("-inf")] * 20, "missing", "every value is infinite"),
        ("x", [f"name {i}" for i in range(ROWS)], "identifier", "every value is different"),
        ("x", list(range(100, 100 + ROWS)), "identifier", "counts up from 100 to 139"),
        ("x", [i * i for i in range(ROWS)], "numeric", "whole numbers from 0 to 1521"),
        ("customerId", [(i * 7919) % 9973 for i in range(ROWS)], "identifier", "a key"),
        ("house_id", [(i * 7919) % 9973 for i in range(ROWS)], "identifier", "a key"),
        ("acid", [(i * 7919) % 9973 for i in range(ROWS)], "numeric", "whole numbers"),
        ("house_id", PLAIN, "categorical", "7 whole numbers that name things"),
        ("StoreID", PLAIN, "categorical", "7 whole numbers that name things"),
        ("paid", PLAIN, "numeric", "whole numbers"),
        ("house_id", [i // 2 for i in range(ROWS)], "categorical", "20 whole numbers"),
        ("house_id", [max(i, 9) for i in range(ROWS)], "numeric", "whole numbers"),
        ("x", [f"text {i // 2 * 2 % 39}" for i in range(ROWS)], "categorical", "20 levels"),
        ("x", [f"text {max(i, 9)}" for i in range(ROWS)], "text", "31 different texts in 40 rows"),
        ("x", ["2024-02-29", "2024-03-01"] * 20, "date", "dates from 2024-02-29 to 2024-03-01"),
        ("x", [date(2024, 2, 29), date(2024, 3, 1)] * 20, "date", "from 2024-02-29 to 2024-03"),
        ("x", DAYS, "date", "dates from 2024-01-01 to 2024-02-09"),
        ("x", ["1/2/2024", "3/4/2024"] * 20, "date", "the day first, though either may be meant"),
        ("x", ["8:15", "17:30:00"] * 20, "date", "times of the day from 08:15 to 17:30"),
        ("x", [20240100 + i % 28 + 1 for i in range(ROWS)], "date", "from 2024-01-01 to 2024-01"),
        ("x", [timedelta(hours=i % 7) for i in range(ROWS)], "numeric", "from 0 to 21600 seconds"),
        ("x", ["3,5", "4.25"] * 20, "numeric", "written with decimal points and commas"),
        ("x", ["1.234,50 €"] * 39 + ["7 €"], "numeric", "written with decimal commas in €"),
        ("x", [*map(str, range(ROWS - 2)), "none yet", "?"], "numeric", "1 cells of text count as"),
        ("x", [f"{i} a" if i % 2 else str(i % 4) for i in range(ROWS)], "numeric", "written in a"),
        ("x", ["5 kg", "300 g"] * 20, "categorical", "text with 2 levels"),
        ("x", PROSE, "text", "40 texts, all different, that share words"),
        ("x", [f"{i // 2 * 2 % 38:032x}" for i in range(ROWS)], "categorical", "19 levels"),
        ("x", [f"{i % 30:032x}" for i in range(ROWS)], "identifier", "they look like keys"),
        ("x", [f"06 12 {i % 30:03}" for i in range(ROWS)], "identifier", "digits and signs only"),
        ("x", NAMES, "text", "different texts in 40 rows"),
        ("x", [[1], [2]] * 20, "unsupported", "holds List"),
    ],
)
def test_a_column_gets_its_kind(name: str, values: list[object], kind: str, reason: str) -> None:
    _, column = profile(read_table({"plain": PLAIN, name: values}))
    assert (column.name, column.kind) == (name, kind)
    assert reason in column.reason


def test_levels_that_are_all_rare_are_free_text() -> None:
    values = [f"word {i % 450}" for i in range(1000)]
    _, column = profile(pl.DataFrame({"plain": [i % 7 for i in range(1000)], "x": values}))
    assert column.kind == "text"
    assert column.reason == "450 different texts, none of them in 10 rows or more"


def test_texts_whose_parts_never_come_again_are_keys() -> None:
    values = [chr(0x4E00 + i % 600) * 3 for i in range(1000)]
    _, column = profile(pl.DataFrame({"plain": [i % 7 for i in range(1000)], "x": values}))
    assert column.kind == "identifier"
    assert column.reason.endswith("too many to be categories, and they share nothing")


def test_words_among_numbers_count_as_missing() -> None:
    values = [*map(str, range(100)), "unknown", "unknown", "tbc", "?"]
    (column,) = profile(read_table({"x": values}), overrides={"x": "numeric"})
    assert (column.missing, column.maximum) == (4, 99.0)
    assert "3 cells of text count as missing: 'unknown', 'tbc'" in column.reason


def test_a_few_numbers_among_words_are_levels() -> None:
    values = [*["1", "2", "3"] * 33, "crew"]
    assert profile(pl.DataFrame({"class": values}))[0].kind == "categorical"


def test_post_codes_among_numbers_keep_their_zeros() -> None:
    values = [str(90000 + i) for i in range(100)] + ["01234"]
    assert profile(pl.DataFrame({"zip": values}))[0].kind != "numeric"


def test_rows_that_are_not_looked_at_only_show_how_cells_are_written() -> None:
    frame = pl.DataFrame({"x": [*map(str, range(0, 90, 3)), "1.500,5"], "y": [0, *[5] * 30]})
    (x, y) = profile(frame, rows=range(1, 30))
    assert (x.kind, x.maximum, y.kind) == ("numeric", 87.0, "constant")
    assert x.notation == NumberNotation(mark=",")


def test_numbers_are_counted_and_summed_up() -> None:
    (column,) = profile(read_table({"x": [1.0, None, 4.0, 4.0, float("inf")]}))
    assert (column.missing, column.distinct) == (2, 3)
    assert (column.minimum, column.maximum, column.mean) == (1.0, 4.0, 3.0)
    assert column.reason.endswith("1 infinite values count as missing")


def test_the_target_is_left_out() -> None:
    frame = read_table({"x": PLAIN, "y": PLAIN})
    assert [column.name for column in profile(frame, target="y")] == ["x"]


def test_a_row_number_is_kept_if_it_is_the_only_input() -> None:
    (column,) = profile(read_table({"x": list(range(ROWS)), "y": PLAIN}), target="y")
    assert column.kind == "numeric"
    assert column.reason.endswith("but it is the only input")


def test_the_user_knows_better() -> None:
    frame = read_table({"m": PLAIN, "n": [str(i) for i in range(ROWS)], "z": PLAIN})
    wanted = {"m": "categorical", "n": "numeric", "z": "drop"}
    assert [column.kind for column in profile(frame, overrides=wanted)] == list(wanted.values())
    reason = profile(frame, overrides=wanted)[0].reason
    assert reason == "as asked (would be numeric: whole numbers from 0 to 6)"


def test_a_user_who_is_wrong_is_told() -> None:
    frame = read_table({"income": ["a", "b"] * 10, "y": PLAIN[:20]})
    with pytest.raises(DataError, match=r"no column 'incone': did you mean 'income'\?"):
        profile(frame, overrides={"incone": "numeric"})
    with pytest.raises(DataError, match="column 'y' is the target"):
        profile(frame, "y", {"y": "numeric"})
    with pytest.raises(ParameterError, match="cannot be made 'number': use 'numeric'"):
        profile(frame, overrides={"income": "number"})
    with pytest.raises(DataError, match="column 'income', row 1: 'a' is not a number"):
        profile(frame, overrides={"income": "numeric"})
