"""The column to predict: there and back."""

from __future__ import annotations

import json
import math
from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.data import TargetEncoder, drop_unlabelled, infer_task, target_column
from chainrule.errors import DataError, ModelFileError, ParameterError


def column(values: list[Any]) -> pl.Series:
    return pl.Series("y", values)


@pytest.mark.parametrize(
    ("values", "task", "reason"),
    [
        (["a", "b", "a"], "binary", "two values: 'a', 'b'"),
        ([0, 1, 1, None], "binary", "two values: 0, 1"),
        ([1.5, 2.5], "binary", "two values: 1.5, 2.5"),
        ([True, False], "binary", "two values: False, True"),
        (["a", "b", "c"] * 2, "multiclass", "text with 3 different values"),
        ([0, 1, 2] * 5, "multiclass", "whole numbers with only 3 different values"),
        ([0.0, 1.0, 2.0] * 5, "multiclass", "whole numbers with only 3 different values"),
        ([0, 1, 2] * 4, "regression", "whole numbers with 3 different values"),
        (list(range(21)) * 9, "regression", "whole numbers with 21 different values"),
        ([0.5, 1.5, 2.0], "regression", "numbers with fractions"),
        (["0.5", "1.5", "2"], "regression", "numbers with fractions"),
    ],
)
def test_the_task_is_inferred(values: list[Any], task: str, reason: str) -> None:
    guess = infer_task(column(values))
    assert (guess.task, guess.reason) == (task, reason)
    assert TargetEncoder.fit(column(values)).task == task


@pytest.mark.parametrize(
    ("values", "classes"),
    [
        (["b", "a", "b", None], ("a", "b")),
        ([7, 3, 3, 7], (3, 7)),
        ([True, False, True], (False, True)),
        ([1.5, 0.5, 0.5], (0.5, 1.5)),
        (["10", "9", "x"] * 2, ("10", "9", "x")),
    ],
)
def test_labels_are_kept_as_they_were_read(values: list[Any], classes: tuple[Any, ...]) -> None:
    target = TargetEncoder.fit(column(values), "multiclass")
    assert target.classes == classes
    assert [type(label) for label in target.classes] == [type(label) for label in classes]
    known = column(values).drop_nulls()
    codes = target.encode(known)
    assert codes.dtype == np.int32
    assert target.decode(codes).tolist() == known.to_list()


def test_a_label_may_be_written_in_other_ways() -> None:
    target = TargetEncoder.fit(column([0, 1, 1]))
    np.testing.assert_array_equal(target.encode(column(["1", "0"])), [1, 0])
    np.testing.assert_array_equal(target.encode(column([1.0, 0.0])), [1, 0])


def test_numbers_are_standardised_and_mapped_back() -> None:
    target = TargetEncoder.fit(column([10.0, 20.0, 30.0, 25.5]), "regression")
    assert target.mean == 21.375
    codes = target.encode(column([10.0, 21.375]))
    assert codes.dtype == np.float32
    assert codes[1] == 0.0
    # float32 holds seven digits.
    np.testing.assert_allclose(target.decode(codes), [10.0, 21.375], rtol=1e-6)
    assert target.decode(codes).dtype == np.float64


@given(st.lists(st.floats(-1e9, 1e9), min_size=2, unique=True))
def test_any_numbers_come_back(values: list[float]) -> None:
    if max(values) - min(values) < 1e-9 * max(map(abs, values)):
        return  # as good as constant
    target = TargetEncoder.fit(column(values), "regression")
    spread = max(values) - min(values)
    np.testing.assert_allclose(
        target.decode(target.encode(column(values))), values, atol=spread / 1e6
    )


labels = (
    st.lists(st.text(min_size=1, max_size=3).filter(str.strip), min_size=2, unique=True)
    | st.lists(st.integers(-(10**9), 10**9), min_size=2, unique=True)
    | st.just([True, False])
)


@given(labels)
def test_any_labels_survive_json_and_come_back(values: list[Any]) -> None:
    try:
        target = TargetEncoder.fit(column(values * 2), "multiclass")
    except DataError:  # all but one of them mean that nothing is known, or are the same
        return
    again = TargetEncoder.from_dict(json.loads(json.dumps(target.to_dict())))
    assert again == target
    assert [type(label) for label in again.classes] == [type(label) for label in target.classes]
    codes = np.arange(len(target.classes))
    np.testing.assert_array_equal(again.encode(column(list(target.classes))), codes)
    assert again.decode(codes).tolist() == list(target.classes)


def test_rows_without_a_target_are_left_out_and_counted() -> None:
    frame = pl.DataFrame({"x": [1, 2, 3, 4], "y": ["a", " ? ", None, "b"]})
    labelled, dropped = drop_unlabelled(frame, "y")
    assert labelled["x"].to_list() == [1, 4]
    assert dropped == 2


def test_an_unknown_target_is_explained() -> None:
    frame = pl.DataFrame({"age": [1], "churned": [1]})
    with pytest.raises(DataError, match=r"no column 'Churn': did you mean 'churned'\?"):
        target_column(frame, "Churn")
    with pytest.raises(DataError, match="no column 'zzz': there are 'age', 'churned'"):
        drop_unlabelled(frame, "zzz")


@pytest.mark.parametrize(
    ("values", "task", "message"),
    [
        ([None, None], None, "'y' has no value in any row"),
        (["a", "a", None], None, "'y' is 'a' in every row: there is nothing to learn"),
        ([1.0, 1.0], "regression", "'y' is 1.0 in every row"),
        (["a", "b", "c"], "binary", "has 3 classes, but a binary task has two"),
        (["a", "b", "c"], "regression", "column 'y', row 1: 'a' is not a number"),
        ([1.0, math.inf, 2.0], "regression", "row 2: inf is not a finite number"),
        ([f"n{i}" for i in range(9)], None, "has 9 classes in 9 rows, too many to learn"),
        ([date(2024, 2, 29), date(2024, 3, 1)], None, "'y' holds Date; it should hold numbers"),
    ],
)
def test_a_target_that_cannot_be_learnt_is_explained(
    values: list[Any], task: str | None, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        TargetEncoder.fit(column(values), task)


def test_an_unknown_task_is_refused() -> None:
    with pytest.raises(ParameterError, match="no task 'ranking': use 'binary', 'multiclass'"):
        TargetEncoder.fit(column([1, 2]), "ranking")


def test_what_training_did_not_see_cannot_be_scored() -> None:
    target = TargetEncoder.fit(column(["a", "b"]))
    with pytest.raises(DataError, match=r"row 2: training did not see the label 'c' \(2 such rows"):
        target.encode(column(["a", "c", "d"]))
    with pytest.raises(DataError, match=r"missing in 1 rows \(first: row 2\); leave these"):
        target.encode(column(["a", None]))


STORED = TargetEncoder.fit(column(["a", "b"])).to_dict()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"task": "ranking"}, "'task' should be one of binary"),
        ({"classes": ["a"]}, "a binary task cannot have 1 classes"),
        ({"task": "regression"}, "a regression task cannot have 2 classes"),
        ({"task": "multiclass", "classes": []}, "a multiclass task cannot have 0 classes"),
        ({"classes": ["a", None]}, "a class should be a text or a number, not None"),
        ({"classes": ["1", 1]}, "one class is there twice"),
        ({"classes": "ab"}, "'classes' should be a list"),
        ({"deviation": 0}, "'deviation' should be a number over zero"),
        ({"name": None}, "'name' should be a text"),
        ({"more": 1}, "unknown field 'more'"),
    ],
)
def test_a_damaged_target_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(ModelFileError, match=message):
        TargetEncoder.from_dict({**STORED, **change})
