"""Levels become inputs, or codes."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from chainrule.data.category import MISSING, UNSEEN, CategoryColumn
from chainrule.errors import DataError


def fit(
    values: list[object], kind: str = "categorical", above: int | None = None
) -> CategoryColumn:
    return CategoryColumn.fit(pl.Series("c", values), kind=kind, embed_above=above)


def test_each_level_has_an_input() -> None:
    column = fit(["b", "a", "c", "a"])
    assert column.feature_names == ("c=a", "c=b", "c=c")
    codes, notes = column.codes(pl.Series(["c", "a", "b"]))
    assert notes == ()
    np.testing.assert_array_equal(column.rows[codes], [[0, 0, 1], [1, 0, 0], [0, 1, 0]])


def test_missing_has_its_own_input_if_training_had_missing_cells() -> None:
    column = fit(["a", "b", None, "c"])
    assert column.feature_names == ("c=a", "c=b", "c=c", "c=(missing)")
    np.testing.assert_array_equal(column.rows[MISSING], [0, 0, 0, 1])


def test_what_training_never_saw_counts_as_the_average_row() -> None:
    column = fit(["a", "a", "b", "c"])
    codes, notes = column.codes(pl.Series(["z", None, "z"]))
    np.testing.assert_array_equal(codes, [UNSEEN, MISSING, UNSEEN])
    np.testing.assert_array_equal(column.rows[UNSEEN], [0.5, 0.25, 0.25])
    np.testing.assert_array_equal(column.rows[MISSING], [0.5, 0.25, 0.25])
    assert notes == ("column 'c': 2 rows have levels that training never saw: 'z'",)


def test_rare_levels_stand_in_for_the_unseen() -> None:
    column = fit(["a"] * 600 + ["b"] * 391 + ["rare"] * 9)
    assert column.levels == ("a", "b")
    assert column.feature_names == ("c=a", "c=b", "c=(unseen)")
    assert column.rare_share == pytest.approx(0.009)
    codes, notes = column.codes(pl.Series(["rare", *["a"] * 99]))
    assert codes[0] == UNSEEN
    np.testing.assert_array_equal(column.rows[UNSEEN], [0, 0, 1])
    assert notes == ()
    assert column.codes(pl.Series(["new", "a"]))[1] == (
        "column 'c': 1 row has a level that training hardly or never saw: 'new'",
    )


def test_small_tables_keep_every_level() -> None:
    assert fit(["a"] * 198 + ["b"]).levels == ("a", "b")


def test_beyond_256_levels_the_most_frequent_are_kept() -> None:
    values = [f"{i:03}" for i in range(300) for _ in range(10 + (i >= 100))]
    column = fit(values)
    assert len(column.levels) == 256
    assert set(column.levels) > {f"{i:03}" for i in range(100, 300)}


def test_one_input_is_enough_for_two_levels() -> None:
    column = fit(["f", "m", "m", "m"])
    assert column.feature_names == ("c=m",)
    np.testing.assert_array_equal(column.rows[:, 0], [0.75, 0.75, 0, 1])
    column = fit(["x", None, None, "x"])
    assert column.feature_names == ("c=(missing)",)
    np.testing.assert_array_equal(column.rows[:, 0], [0.5, 1, 0])


def test_truth_values_are_read_in_any_words() -> None:
    column = fit([True, False, True], kind="boolean")
    assert column.feature_names == ("c=true",)
    for values in (["yes", "NO"], [1, 0], ["t", "F"], [True, False]):
        codes, _ = column.codes(pl.Series(values))
        np.testing.assert_array_equal(column.rows[codes][:, 0], [1, 0])


def test_other_words_are_not_truth_values() -> None:
    with pytest.raises(DataError, match=r"column 'c' cannot be boolean: it holds .*'maybe'"):
        fit(["yes", "no", "maybe"], kind="boolean")


def test_a_column_without_values_has_no_levels() -> None:
    with pytest.raises(DataError, match="no value in any training row"):
        fit([None, None])


def test_many_levels_are_embedded_on_request() -> None:
    column = fit(["a", "b", "c", None], above=2)
    assert column.embedded
    assert column.feature_names == ()
    assert column.cardinality == 5
    codes, _ = column.codes(pl.Series(["a", "c", None, "z"]))
    np.testing.assert_array_equal(codes, [2, 4, 1, 0])
    assert codes.dtype == np.int32
    assert not fit(["a", "b", "c"], above=3).embedded


def test_every_row_of_inputs_sums_to_the_same() -> None:
    """Unseen and missing cells must not change the scale of the first layer's sums."""
    for values in (["a", "b", "c"], ["a", "b", "c", None], ["a"] * 500 + ["b"] * 494 + ["r"] * 6):
        np.testing.assert_allclose(fit(values).rows.sum(axis=1), 1.0, rtol=1e-6)


@pytest.mark.parametrize(
    ("values", "above", "line"),
    [
        (["a", "b", "c"], None, "c: categorical with 3 levels; one-hot, 3 inputs"),
        (["a", None], None, "c: categorical with 1 level; one-hot, 1 input; missing (50 %) has"),
        (["a", "b"], 1, "c: categorical with 2 levels; embedded, with codes for unseen and"),
    ],
)
def test_a_line_says_what_was_done(values: list[object], above: int | None, line: str) -> None:
    assert fit(values, above=above).describe().startswith(line)
