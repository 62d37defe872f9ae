"""Which rows train, watch and test."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.data import split
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
