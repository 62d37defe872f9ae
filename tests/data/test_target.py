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

from chainrule.data import (
    TargetEncoder,
    drop_unlabelled,
    infer_task,
    target_column,
    target_columns,
)
from chainrule.data.label_set_target import LabelSetTarget
from chainrule.data.number_target import NumberTarget
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
    assert target.deviation == pytest.approx(np.std([10.0, 20.0, 30.0, 25.5]))
    codes = target.encode(column([10.0, 21.375]))
    assert codes.dtype == np.float32
    assert codes[1] == 0.0
    # float32 holds seven digits.
    np.testing.assert_allclose(target.decode(codes), [10.0, 21.375], rtol=1e-6)
    assert target.decode(codes).dtype == np.float64


@given(st.lists(st.floats(-1e9, 1e9), min_size=2, unique=True))
def test_any_numbers_come_back(values: list[float]) -> None:
    if max(values) - min(values) < max(1e-9 * max(map(abs, values)), 1e-300):
        return  # as good as constant
    target = TargetEncoder.fit(column(values), "regression", scaling="standard")
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


LABELS = TargetEncoder.fit(column(["a", "b"])).to_dict()
NUMBERS = TargetEncoder.fit(column([1.0, 2.0]), "regression").to_dict()
SETS = TargetEncoder.fit(column(["a|b", "b"]), "multilabel").to_dict()


def changed(stored: dict[str, Any], change: dict[str, object]) -> dict[str, object]:
    if "parts" in change or "task" in change or "more" in change:
        return {**stored, **change}
    return {**stored, "parts": [{**stored["parts"][0], **change}]}


@pytest.mark.parametrize(
    ("stored", "change", "message"),
    [
        (LABELS, {"task": "ranking"}, "'task' should be one of binary"),
        (LABELS, {"task": "regression"}, "its 1 columns do not make a regression task"),
        (LABELS, {"parts": []}, "its 0 columns do not make a binary task"),
        (LABELS, {"parts": LABELS["parts"] * 2}, "its 2 columns do not make a binary task"),
        (LABELS, {"more": 1}, "unknown field 'more'"),
        (LABELS, {"kind": "label"}, "column 1: field 'kind' should be one of labels"),
        (LABELS, {"classes": ["a"]}, "there should be two classes or more, not 1"),
        (LABELS, {"classes": ["a", "b", "c"]}, "its 1 columns do not make a binary task"),
        (LABELS, {"classes": ["a", None]}, "a class should be a text or a number, not None"),
        (LABELS, {"classes": ["1", 1]}, "one class is there twice"),
        (LABELS, {"classes": "ab"}, "'classes' should be a list"),
        (LABELS, {"name": None}, "'name' should be a text"),
        (NUMBERS, {"deviation": 0}, "'deviation' should be a number over zero"),
        (NUMBERS, {"unit": -1}, "'unit' should be a number over zero"),
        (NUMBERS, {"shape": "cube"}, "'shape' should be one of standard, log"),
        (NUMBERS, {"shape": "count"}, "its 1 columns do not make a regression task"),
        (NUMBERS, {"notation": None}, "notation: expected an object"),
        (NUMBERS, {"task": "count"}, "its 1 columns do not make a count task"),
        (SETS, {"labels": ["a"]}, "there should be two labels or more"),
        (SETS, {"separator": "x"}, "'separator' should be one of"),
        (SETS, {"task": "multiclass"}, "its 1 columns do not make a multiclass task"),
    ],
)
def test_a_damaged_target_is_refused(
    stored: dict[str, Any], change: dict[str, object], message: str
) -> None:
    with pytest.raises(ModelFileError, match=message):
        TargetEncoder.from_dict(changed(stored, change))


# ---------------------------------------------------------------------------------------------
# Skewed numbers and counts.

SKEWED = [float(x) for x in np.exp(np.linspace(0.0, 9.0, 200))]


def test_skewed_numbers_are_learnt_as_logarithms_and_mapped_back() -> None:
    target = TargetEncoder.fit(column(SKEWED))
    (part,) = target.parts
    assert isinstance(part, NumberTarget)
    assert part.shape == "log"
    assert part.unit == pytest.approx(np.median(SKEWED))
    encoded = target.encode(column(SKEWED)).astype(np.float64)
    assert abs(encoded.mean()) < 1e-6
    assert abs(encoded.std() - 1.0) < 1e-6
    # float32 holds seven digits, and the exponential loses one.
    np.testing.assert_allclose(target.decode(encoded), SKEWED, rtol=1e-5)
    assert "skewed: ln(1 + y / 90.0" in target.describe()[0]


def test_the_logarithm_is_the_formula() -> None:
    part = NumberTarget("y", "log", 0.0, 1.0, 0.0, 2.0, 0.5, 4.0, 0.0, 9.0)
    assert part.encode(column([6.0]))[0] == pytest.approx((math.log(4.0) - 0.5) / 4.0)
    assert part.decode(np.array([(math.log(4.0) - 0.5) / 4.0]))[0] == pytest.approx(6.0)


def test_predictions_of_skewed_numbers_do_not_run_away() -> None:
    target = TargetEncoder.fit(column(SKEWED))
    highest, lowest = target.decode(np.array([1e6, -1e6]))
    assert lowest == 0.0
    assert max(SKEWED) < highest < 1e8


def test_skewed_numbers_below_zero_are_pulled_in_on_both_sides() -> None:
    values = [*SKEWED, -5.0]
    target = TargetEncoder.fit(column(values))
    (part,) = target.parts
    assert isinstance(part, NumberTarget)
    assert part.shape == "asinh"
    np.testing.assert_allclose(target.decode(target.encode(column(values))), values, rtol=1e-4)


@pytest.mark.parametrize("values", [SKEWED[:49], list(np.linspace(0, 1, 200))])
def test_few_or_even_numbers_are_only_standardised(values: list[float]) -> None:
    (part,) = TargetEncoder.fit(column(values)).parts
    assert isinstance(part, NumberTarget)
    assert part.shape == "standard"


def test_the_scaling_of_a_target_may_be_asked_for() -> None:
    for shape in ("standard", "log", "asinh"):
        (part,) = TargetEncoder.fit(column([1.0, 2.0, 9.5]), scaling=shape).parts
        assert isinstance(part, NumberTarget)
        assert part.shape == shape
    with pytest.raises(DataError, match=r"row 2: -1.0 is below 0, which 'log' does not allow"):
        TargetEncoder.fit(column([1.5, -1.0, 2.0]), "regression", scaling="log")
    with pytest.raises(ParameterError, match="no scaling 'cube' of a target"):
        TargetEncoder.fit(column([1.5, 2.0, 3.0]), scaling="cube")


def test_counts_are_learnt_as_rates() -> None:
    target = TargetEncoder.fit(column([0, 1, 2, 5]), "count")
    assert (target.task, target.mean, target.outputs) == ("count", 2.0, 1)
    encoded = target.encode(column([0, 4]))
    np.testing.assert_array_equal(encoded, [0.0, 2.0])
    np.testing.assert_array_equal(target.restore(encoded), [0.0, 4.0])
    np.testing.assert_allclose(target.decode(np.array([0.0, math.log(2.5)])), [2.0, 5.0])
    assert target.decode(np.array([1e9]))[0] < 100.0


def test_what_is_no_count_is_refused() -> None:
    with pytest.raises(DataError, match=r"row 2: 1.5 is no count; use the task 'regression'"):
        TargetEncoder.fit(column([1.0, 1.5, 2.0]), "count")
    with pytest.raises(DataError, match="row 1: -1 is below 0"):
        TargetEncoder.fit(column([-1, 1]), "count")


@given(st.lists(st.floats(0.0, 1e9), min_size=60, max_size=90))
def test_any_target_survives_json_in_any_shape(values: list[float]) -> None:
    values = [*values, 0.0, 1.0]
    for shape in ("auto", "standard", "log", "asinh"):
        target = TargetEncoder.fit(column(values), "regression", scaling=shape)
        stored = json.loads(json.dumps(target.to_dict(), allow_nan=False))
        assert TargetEncoder.from_dict(stored) == target
        assert np.isfinite(target.decode(np.array([-1e30, 0.0, 1e30]))).all() or shape == "standard"


def test_numbers_in_any_notation_can_be_predicted() -> None:
    values = ["1.234,50 €", "17 €", "3 €", "1.000 €"]
    assert infer_task(column(values)).task == "regression"
    target = TargetEncoder.fit(column(values), scaling="standard")
    assert target.text_columns == ("y",)
    truth = target.decode(target.encode(column(values)))
    np.testing.assert_allclose(truth, [1234.5, 17.0, 3.0, 1000.0], rtol=1e-5)
    again = TargetEncoder.from_dict(json.loads(json.dumps(target.to_dict())))
    assert again == target


# ---------------------------------------------------------------------------------------------
# Several targets.

SEVERAL = pl.DataFrame(
    {"rain": ["yes", "no", "no", "yes"], "wind": [True, False, True, False], "mm": [1.5, 0, 2, 9]}
)


def test_several_columns_of_truth_are_many_labels() -> None:
    both = target_columns(SEVERAL, ["rain", "wind"])
    assert infer_task(both).task == "multilabel"
    target = TargetEncoder.fit(both)
    assert (target.name, target.classes, target.outputs) == ("rain, wind", ("rain", "wind"), 2)
    encoded = target.encode(SEVERAL)
    assert encoded.dtype == np.float32
    np.testing.assert_array_equal(encoded, [[1, 1], [0, 0], [0, 1], [1, 0]])
    assert target.decode(encoded)[:2].tolist() == [["yes", True], ["no", False]]


def test_a_cell_may_hold_any_number_of_labels() -> None:
    texts = column(["news|sport", "news", "art | news", "sport"])
    assert infer_task(texts).task == "multiclass"
    target = TargetEncoder.fit(texts, "multilabel")
    assert target.classes == ("art", "news", "sport")
    encoded = target.encode(texts)
    np.testing.assert_array_equal(encoded, [[0, 1, 1], [0, 1, 0], [1, 1, 0], [0, 0, 1]])
    assert target.decode(encoded).tolist() == ["news|sport", "news", "art|news", "sport"]
    with pytest.raises(DataError, match=r"row 2: training did not see the label 'music'"):
        target.encode(column(["news", "music|art"]))


@pytest.mark.parametrize(
    ("cells", "separator"), [(["a;b", "b"], ";"), (["a, b", "b"], ","), (["a b", "b c"], " ")]
)
def test_the_separator_of_labels_is_found(cells: list[str], separator: str) -> None:
    (part,) = TargetEncoder.fit(column(cells), "multilabel").parts
    assert isinstance(part, LabelSetTarget)
    assert part.separator == separator


def test_lists_are_many_labels() -> None:
    lists = column([["a", "b"], ["b"], []])
    assert infer_task(lists).task == "multilabel"
    target = TargetEncoder.fit(lists)
    np.testing.assert_array_equal(target.encode(lists), [[1, 1], [0, 1], [0, 0]])
    assert target.decode(target.encode(lists)).tolist() == ["a|b", "b", ""]


def test_several_numbers_are_predicted_at_once() -> None:
    frame = SEVERAL.with_columns(sun=pl.Series([10, 20, 30, 42]))
    both = target_columns(frame, ["mm", "sun"])
    assert infer_task(both).task == "multioutput"
    target = TargetEncoder.fit(both)
    encoded = target.encode(frame)
    assert encoded.shape == (4, 2)
    np.testing.assert_allclose(encoded.mean(axis=0), 0.0, atol=1e-6)
    np.testing.assert_allclose(target.decode(encoded), both.to_numpy(), rtol=1e-6, atol=1e-6)
    assert (target.outputs, target.classes) == (2, ())


def test_targets_that_do_not_go_together_are_refused() -> None:
    with pytest.raises(DataError, match=r"'rain', 'mm' do not go together.*a model for each"):
        infer_task(target_columns(SEVERAL, ["rain", "mm"]))
    with pytest.raises(DataError, match="'binary' has one target, received 2 columns"):
        TargetEncoder.fit(SEVERAL[["rain", "wind"]], "binary")
    with pytest.raises(DataError, match="should be different columns, received 'mm', 'mm'"):
        target_columns(SEVERAL, ["mm", "mm"])
    with pytest.raises(DataError, match=r"has 4 classes, .* each of several targets"):
        TargetEncoder.fit(SEVERAL[["rain", "mm"]], "multilabel")


def test_rows_without_one_of_several_targets_are_left_out() -> None:
    frame = pl.DataFrame({"a": [1.5, None, 2.5], "b": [1.5, 2.5, float("nan")]})
    labelled, dropped = drop_unlabelled(frame, ["a", "b"])
    assert (labelled.height, dropped) == (1, 2)


@pytest.mark.parametrize("names", [["rain", "wind"], ["mm"], ["wind"]])
def test_any_targets_survive_json(names: list[str]) -> None:
    target = TargetEncoder.fit(target_columns(SEVERAL, names))
    assert TargetEncoder.from_dict(json.loads(json.dumps(target.to_dict()))) == target
