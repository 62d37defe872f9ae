"""Which rows train, watch and test."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.data import fold_table, folds, split, split_column, split_table
from chainrule.errors import DataError, ParameterError


@given(st.integers(1, 300), st.floats(0, 0.45), st.floats(0, 0.45), st.integers(0, 5))
def test_every_row_is_in_exactly_one_part(
    rows: int, validation: float, test: float, seed: int
) -> None:
    parts = split(rows, validation=validation, test=test, seed=seed)
    together = np.concatenate([parts.train, parts.validation, parts.test])
    np.testing.assert_array_equal(np.sort(together), np.arange(rows))
    for part in (parts.train, parts.validation, parts.test):
        assert (np.diff(part) > 0).all()
    assert len(parts.train) > 0


def test_the_shares_are_exact() -> None:
    parts = split(1000)
    assert (len(parts.train), len(parts.validation), len(parts.test)) == (700, 100, 200)
    assert not parts.stratified


def test_one_seed_gives_one_split() -> None:
    labels = ["a", "b", "b", "c"] * 20
    first, again, other = (split(labels, seed=seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first.test, again.test)
    np.testing.assert_array_equal(first.validation, again.validation)
    assert not np.array_equal(first.test, other.test)


@given(st.lists(st.integers(10, 80), min_size=2, max_size=6), st.integers(0, 3))
def test_every_class_has_its_share_of_every_part(sizes: list[int], seed: int) -> None:
    labels = np.repeat(np.arange(len(sizes)), sizes)
    parts = split(labels, validation=0.1, test=0.25, seed=seed)
    assert parts.stratified
    assert len(parts.test) == max(1, round(0.25 * len(labels)))
    for name, size in enumerate(sizes):
        assert abs((labels[parts.test] == name).sum() - 0.25 * size) <= 2.0
        assert abs((labels[parts.validation] == name).sum() - 0.1 * size) <= 2.0
        assert (labels[parts.train] == name).any()


def test_a_class_with_one_row_trains_and_is_noted() -> None:
    labels = ["common"] * 20 + ["single"]
    for seed in range(10):
        parts = split(labels, seed=seed)
        assert 20 in parts.train
        assert parts.notes == ("1 class has a single row, which trains: no other part can show it",)


def test_labels_of_any_kind_are_stratified() -> None:
    for labels in (pl.Series(["a", "b"] * 10), [True, False] * 10, [1.0, 2.0] * 10):
        assert split(labels).stratified


def test_measurements_and_a_count_are_split_at_random() -> None:
    assert not split([0.5, 1.5] * 10).stratified
    assert not split([0, 1] * 10, stratify=False).stratified


def test_below_ten_rows_all_train() -> None:
    parts = split(4)
    np.testing.assert_array_equal(parts.train, [0, 1, 2, 3])
    assert len(parts.test) == len(parts.validation) == 0
    assert "all 4 rows train: too few to hold any out" in parts.notes[0]
    assert split(4, validation=0.0, test=0.0).notes == ()


def test_a_part_that_is_asked_for_has_a_row() -> None:
    parts = split(10, validation=0.01, test=0.01)
    assert (len(parts.train), len(parts.validation), len(parts.test)) == (8, 1, 1)
    assert len(split(100, validation=0.0).validation) == 0


@pytest.mark.parametrize(("validation", "test"), [(-0.1, 0.2), (0.5, 0.5), (0.0, 1.0)])
def test_shares_that_leave_nothing_are_refused(validation: float, test: float) -> None:
    with pytest.raises(ParameterError, match="should leave rows for training"):
        split(100, validation=validation, test=test)


def test_no_rows_cannot_be_split() -> None:
    with pytest.raises(DataError, match="no row to split"):
        split(0)


# ---------------------------------------------------------------------------------------------
# By groups, by time, as given.


@given(st.lists(st.integers(0, 30), min_size=10, max_size=200), st.integers(0, 4))
def test_a_group_stays_together(groups: list[int], seed: int) -> None:
    if len(set(groups)) < 3:
        return
    labels = np.array(groups)
    parts = split(len(groups), groups=groups, seed=seed)
    sets = [set(labels[part]) for part in (parts.train, parts.validation, parts.test)]
    assert all(sets)
    assert sum(map(len, sets)) == len(set(groups))


def test_groups_meet_the_shares_as_closely_as_they_can() -> None:
    parts = split(1000, groups=np.arange(1000) // 10)
    assert (len(parts.train), len(parts.validation), len(parts.test)) == (700, 100, 200)
    assert not parts.stratified


def test_rows_without_a_group_are_groups_of_their_own() -> None:
    parts = split(100, groups=[None] * 90 + ["a"] * 10, seed=1)
    assert len(parts.test) in range(15, 26)
    held = [part for part in (parts.train, parts.validation, parts.test) if 95 in part]
    assert set(range(90, 100)) <= set(held[0].tolist())


def test_too_few_groups_are_refused() -> None:
    with pytest.raises(DataError, match="there are 2 groups, too few for 3 parts"):
        split(20, groups=[0, 1] * 10)


def test_the_latest_rows_test() -> None:
    times = np.random.default_rng(0).permutation(100)
    parts = split(100, time=times)
    assert (len(parts.train), len(parts.validation), len(parts.test)) == (70, 10, 20)
    assert times[parts.train].max() < times[parts.validation].min()
    assert times[parts.validation].max() < times[parts.test].min()


@given(st.lists(st.integers(0, 9), min_size=10, max_size=80))
def test_rows_of_one_time_stay_together(times: list[int]) -> None:
    if len(set(times)) < 2:
        return
    time = np.array(times)
    parts = split(len(times), time=times)
    found = [time[part] for part in (parts.train, parts.validation, parts.test) if len(part)]
    for earlier, later in pairwise(found):
        assert earlier.max() < later.min()
    assert len(parts.test)
    assert len(parts.train)


def test_rows_without_a_time_train_and_are_noted() -> None:
    days = pl.Series(["2024-01-01", None, *["2024-01-02"] * 9]).str.to_date().to_numpy()
    parts = split(11, time=days, validation=0.0)
    assert parts.train.tolist() == [0, 1]
    assert parts.notes == ("1 rows without a time train",)


def test_one_time_cannot_be_split() -> None:
    with pytest.raises(DataError, match="they are all of one time"):
        split(20, time=[5.0] * 19 + [float("nan")])


def test_a_column_may_say_which_rows_test() -> None:
    parts = split(6, given=["train", "Test", "train", "val", "training", "holdout"])
    assert parts.train.tolist() == [0, 2, 4]
    assert parts.validation.tolist() == [3]
    assert parts.test.tolist() == [1, 5]


def test_without_given_validation_rows_some_are_taken_from_training() -> None:
    parts = split(40, given=["train"] * 30 + ["test"] * 10)
    assert (len(parts.train), len(parts.validation), len(parts.test)) == (26, 4, 10)
    assert "4 of the 30 training rows were taken at random" in parts.notes[0]


def test_other_names_of_parts_are_refused() -> None:
    with pytest.raises(DataError, match=r"row 2: .* 'validation' or 'test', not 'x' \(1 such"):
        split(3, given=["train", "x", "test"])
    with pytest.raises(DataError, match="names no row for training"):
        split(2, given=["test", "test"])


def test_only_one_way_to_split_at_a_time() -> None:
    with pytest.raises(ParameterError, match="in one way only, received 'groups', 'time'"):
        split(20, groups=range(20), time=range(20))
    with pytest.raises(ParameterError, match=r"'time' should have one value for each of the 20"):
        split(20, time=range(10))


# ---------------------------------------------------------------------------------------------
# Folds.


@given(st.integers(2, 6), st.integers(20, 90), st.integers(0, 3))
def test_each_row_tests_once(count: int, rows: int, seed: int) -> None:
    found = folds(rows, count, seed=seed)
    assert len(found) == count
    tests = np.concatenate([fold.test for fold in found])
    np.testing.assert_array_equal(np.sort(tests), np.arange(rows))
    for fold in found:
        together = np.concatenate([fold.train, fold.validation, fold.test])
        np.testing.assert_array_equal(np.sort(together), np.arange(rows))
        assert abs(len(fold.test) - rows / count) < 1.0
        assert len(fold.validation) == max(1, round(0.1 * (rows - len(fold.test))))


@given(st.lists(st.integers(10, 40), min_size=2, max_size=4))
def test_every_class_has_its_share_of_every_fold(sizes: list[int]) -> None:
    labels = np.repeat(np.arange(len(sizes)), sizes)
    for fold in folds(labels, 5):
        assert fold.stratified
        for name, size in enumerate(sizes):
            assert abs((labels[fold.test] == name).sum() - size / 5) <= 1.0


def test_folds_keep_groups_together_and_even() -> None:
    groups = np.arange(100) // 7
    for fold in folds(100, 5, groups=groups):
        held = [set(groups[part]) for part in (fold.train, fold.validation, fold.test)]
        assert sum(map(len, held)) == 15
        assert 14 <= len(fold.test) <= 23


def test_folds_by_time_never_train_on_what_comes_later() -> None:
    times = np.random.default_rng(0).permutation(60) // 2
    found = folds(60, 4, time=times)
    assert [len(fold.test) for fold in found] == [12, 12, 12, 12]
    for fold in found:
        assert times[fold.train].max() < times[fold.validation].min()
        assert times[fold.validation].max() < times[fold.test].min()


def test_a_column_may_name_the_folds() -> None:
    found = folds(30, given=["a", "b", "c"] * 10, validation=0.0)
    assert [fold.test[:2].tolist() for fold in found] == [[0, 3], [1, 4], [2, 5]]


@pytest.mark.parametrize(
    ("count", "options", "message"),
    [
        (1, {}, "two folds or more, not 1"),
        (21, {}, "too few rows for 21 folds"),
        (5, {"groups": [0, 1] * 10}, "too few groups for 5 folds"),
        (5, {"time": [0, 1] * 10}, "5 folds by time need more than 5 times, not 2"),
        (5, {"given": [0] * 20}, "has one value only"),
    ],
)
def test_too_few_for_folds_is_explained(count: int, options: dict[str, Any], message: str) -> None:
    with pytest.raises((DataError, ParameterError), match=message):
        folds(20, count, **options)


# ---------------------------------------------------------------------------------------------
# Of a table, in words.

TABLE = pl.DataFrame(
    {
        "day": [f"{i % 28 + 1}.{i // 28 + 1}.2024" for i in range(60)],
        "shop": [f"shop {i % 6}" for i in range(60)],
        "part": ["train", "train", "test"] * 20,
        "price": [0.5 * i for i in range(60)],
        "y": ["a", "b", "a"] * 20,
    }
)


def test_a_table_is_split_in_words() -> None:
    assert split_table(TABLE, "y").stratified
    assert not split_table(TABLE, "y", "random").stratified
    assert not split_table(TABLE, "price").stratified
    assert split_table(TABLE, "y", "time:day").test.tolist() == [*range(48, 60)]
    assert split_table(TABLE, "y", "time:price", test=0.5).test.tolist() == [*range(30, 60)]
    assert split_table(TABLE, "y", "column:part").test.tolist() == [*range(2, 60, 3)]
    shops = TABLE["shop"].to_numpy()
    parts = split_table(TABLE, "y", "group:shop")
    assert not set(shops[parts.test]) & set(shops[parts.train])


def test_a_table_is_folded_in_words() -> None:
    assert len(fold_table(TABLE, "y", 3, "group:shop")) == 3
    assert all(fold.stratified for fold in fold_table(TABLE, "y"))


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("date:day", "no way to split 'date:day': use 'auto', 'random'"),
        ("time", "no way to split 'time'"),
        ("random:day", "no way to split 'random:day'"),
        ("time:", "no way to split 'time:'"),
        ("time:dat", r"no column 'dat': did you mean 'day'\?"),
        ("time:shop", "by the time in column 'shop', which holds neither dates nor numbers"),
        ("column:shop", "should be 'train', 'validation' or 'test', not 'shop 0'"),
    ],
)
def test_a_wrong_word_is_explained(how: str, message: str) -> None:
    with pytest.raises((DataError, ParameterError), match=message):
        split_table(TABLE, "y", how)


def test_numbers_cannot_be_stratified() -> None:
    with pytest.raises(DataError, match="by classes, but the task is 'regression'"):
        split_table(TABLE, "price", "stratified")
    with pytest.raises(ParameterError, match="a stratified split needs a target"):
        split_table(TABLE, how="stratified")


def test_the_column_of_a_split_is_known() -> None:
    assert split_column("group:shop") == "shop"
    assert split_column("auto") is None
