"""Leaks, copies, and numbers that stand for no value."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from chainrule.data import find_leaks, load_sample, profile, split
from chainrule.data.associations import majority_errors
from chainrule.data.finding import RULES

RANDOM = np.random.default_rng(0)
ROWS = 200
AGE = RANDOM.normal(40, 10, ROWS)
SHOP = RANDOM.integers(0, 5, ROWS)
CHURN = RANDOM.integers(0, 2, ROWS)
SALES = RANDOM.normal(100, 20, ROWS)


def table(**columns: object) -> pl.DataFrame:
    return pl.DataFrame({"age": AGE, "shop": SHOP, **columns})


def rules(frame: pl.DataFrame, target: str) -> list[tuple[str, tuple[str, ...]]]:
    return [(finding.rule, finding.columns) for finding in find_leaks(frame, target)]


def test_an_honest_table_gives_no_finding() -> None:
    assert find_leaks(table(churn=CHURN), "churn") == ()
    assert find_leaks(table(sales=SALES), "sales") == ()
    assert find_leaks(table()) == ()
    assert find_leaks(load_sample("breast-cancer").frame, "diagnosis") == ()


def test_a_column_that_equals_the_target_is_found_whatever_it_is_called() -> None:
    frame = table(churn=CHURN, left=np.where(CHURN, "gone", "here"))
    (finding,) = find_leaks(frame, "churn")
    assert finding.rule == "equals target"
    assert finding.text == (
        "column 'left' equals the target 'churn' in (nearly) all rows: drop it, unless it is known "
        "before the target is"
    )


def test_a_column_that_tells_the_target_is_found() -> None:
    reason = np.where(CHURN, RANDOM.choice(["moved", "price"], ROWS), "stays")
    assert rules(table(churn=CHURN, reason=reason), "churn") == [("tells target", ("reason",))]
    score = CHURN + RANDOM.uniform(0, 0.4, ROWS)
    assert rules(table(churn=CHURN, score=score), "churn") == [("tells target", ("score",))]
    kinds = RANDOM.integers(0, 3, ROWS)
    score = kinds + RANDOM.uniform(0, 0.4, ROWS)
    assert rules(table(kind=kinds, score=score), "kind") == [("tells target", ("score",))]


def test_a_number_that_follows_the_target_is_found() -> None:
    euros = pl.Series([f"{x:.6f} €".replace(".", ",") for x in SALES])
    assert rules(table(sales=SALES, tax=0.19 * SALES), "sales") == [("equals target", ("tax",))]
    assert rules(table(sales=SALES, e=euros), "sales")[0][0] in ("equals target", "tells target")
    assert rules(table(sales=SALES, log=SALES**3), "sales") == [("tells target", ("log",))]


def test_columns_that_sum_up_to_the_target_are_found() -> None:
    casual, members = RANDOM.poisson(30, ROWS), RANDOM.poisson(90, ROWS)
    frame = table(riders=casual + members, casual=casual, members=members)
    (finding,) = find_leaks(frame, "riders")
    assert finding.rule == "sum is target"
    assert "'casual', 'members' together give the target 'riders'" in finding.text
    profit = SALES - 0.2 * AGE + 7.0
    assert rules(table(profit=profit, sales=SALES), "profit") == [
        ("sum is target", ("age", "sales"))
    ]
    noise = RANDOM.normal(0, 0.1, ROWS)
    assert rules(table(profit=profit + noise, sales=SALES), "profit") == []


def test_a_sum_is_found_in_the_rows_that_have_all_its_terms() -> None:
    part = np.where(np.arange(ROWS) < 50, np.nan, SALES)
    empty = pl.Series([None] * ROWS, dtype=pl.Float64)
    frame = table(total=SALES + AGE, part=part, empty=empty, same=np.ones(ROWS))
    assert rules(frame, "total") == [("sum is target", ("age", "part"))]


def test_a_gap_that_tells_the_target_is_found() -> None:
    when = pl.Series(np.where(CHURN, RANDOM.normal(0, 1, ROWS), np.nan), nan_to_null=True)
    assert rules(table(churn=CHURN, when=when), "churn") == [("gap tells target", ("when",))]


def test_a_key_that_sorts_with_the_target_is_found_though_it_is_no_input() -> None:
    frame = table(id=range(ROWS), churn=np.sort(CHURN))
    assert rules(frame, "churn") == [("identifier sorts with target", ("id",))]
    frame = table(id=[f"k{i:04}" for i in range(ROWS)], sales=np.sort(SALES))
    assert rules(frame, "sales") == [("identifier sorts with target", ("id",))]
    assert rules(table(id=range(ROWS), churn=CHURN), "churn") == []


def test_a_class_that_is_nearly_always_the_same_is_not_told_by_anything() -> None:
    rare = np.zeros(ROWS, int)
    rare[:1] = 1
    assert rules(table(churn=rare), "churn") == []


def test_columns_that_say_the_same_are_found() -> None:
    frame = table(town=SHOP * 7, years=AGE, churn=CHURN)
    assert rules(frame, "churn") == [
        ("same columns", ("shop", "town")),
        ("same columns", ("age", "years")),
    ]


@pytest.mark.parametrize(
    ("values", "number"),
    [
        (np.where(np.arange(ROWS) % 20, AGE + 50.0, -999.0), -999),
        (np.where(np.arange(ROWS) % 20, np.abs(AGE), 9999.0), 9999),
        (np.where(np.arange(ROWS) % 20, np.abs(AGE), -1.0), -1),
    ],
)
def test_a_number_that_stands_for_no_value_is_found(values: np.ndarray, number: int) -> None:
    (finding,) = find_leaks(table(x=values, churn=CHURN), "churn")
    assert finding.rule == "number for missing"
    assert f"column 'x' is {number} in 10 rows" in finding.text
    assert f"x=numeric:missing={number}" in finding.text


def test_ordinary_numbers_below_zero_are_no_gaps() -> None:
    assert rules(table(x=np.round(AGE - 40.0), churn=CHURN), "churn") == []


def test_copies_are_found_in_the_whole_table_or_across_a_split() -> None:
    frame = pl.concat([table(churn=CHURN), table(churn=CHURN)[:30]])
    (finding,) = find_leaks(frame, "churn")
    assert finding.text.startswith("30 rows (13 %) are copies of another row in every input")
    parts = split(frame.height, seed=0)
    found = find_leaks(frame, "churn", parts=parts)
    assert {finding.rule for finding in found} == {"copies across split"}
    rows = frame.select("age", "shop").rows()
    seen = {rows[i] for i in parts.train}
    count = sum(rows[i] in seen for i in parts.test)
    assert any(f.text.startswith(f"{count} of {len(parts.test)} test rows") for f in found)


def test_copies_that_disagree_are_found() -> None:
    frame = pl.concat([table(churn=CHURN), table(churn=1 - CHURN)[:30]])
    found = find_leaks(frame, "churn")
    assert [finding.rule for finding in found] == ["copies", "copies disagree"]
    assert found[1].text.startswith("60 rows (26 %) equal another row in every input but not in")


def test_a_table_of_few_possible_rows_repeats_them_by_nature() -> None:
    frame = pl.DataFrame({"a": SHOP, "b": RANDOM.integers(0, 3, ROWS), "churn": CHURN})
    assert find_leaks(frame, "churn", parts=split(ROWS)) == ()


def test_below_twenty_rows_nothing_is_found() -> None:
    assert find_leaks(table(churn=CHURN, left=CHURN)[:19], "churn") == ()


def test_a_column_that_is_dropped_as_asked_is_passed_over() -> None:
    frame = table(churn=CHURN, left=CHURN)
    kinds = profile(frame, "churn", {"left": "drop"})
    assert find_leaks(frame, "churn", kinds=kinds) == ()


def test_each_of_several_targets_is_looked_at() -> None:
    frame = table(a=CHURN, b=1 - CHURN[::-1], copy=CHURN)
    found = find_leaks(frame, ["a", "b"])
    assert [(finding.rule, finding.columns) for finding in found] == [("equals target", ("copy",))]


def test_every_rule_is_in_the_list() -> None:
    assert len(RULES) == 10


def test_errors_of_the_majority_are_counted() -> None:
    given, told = np.array([0, 0, 0, 1]), np.array([2, 2, 0, 1])
    assert majority_errors(given, told) == 0.25
