"""Sequences of unequal length: read, scaled, padded, put into buckets; windows of a series."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from chainrule.data.sequences import (
    SequenceEncoder,
    Sequences,
    Windows,
    bucket_lengths,
    bucket_of,
    bucketed_batches,
    is_ts,
    read_long_table,
    read_ts,
)
from chainrule.errors import DataError, ModelFileError, ParameterError

HEADER = "@problemName p\n@dimensions 2\n@classLabel true a b\n@data\n"
TRAIN = HEADER + "1,2,3:4,5,6:a\n7,?:8,9:b\n"
TEST = "# a comment\n" + HEADER + "\n1:2:b\n"


# ---------------------------------------------------------------------------------------------
# Padding and scaling.


def test_short_sequences_get_zeros_behind_and_long_ones_keep_their_end() -> None:
    values, mask = Sequences.of([[1.0, 2.0, 3.0], [4.0]]).padded(2)
    assert values[:, :, 0].tolist() == [[2, 3], [4, 0]]
    assert mask.tolist() == [[True, True], [True, False]]


def test_taking_some_sequences_keeps_their_steps_and_rows() -> None:
    some_of = Sequences.of([[1.0], [2.0, 3.0], [4.0, 5.0]], ["a", "b", "c"]).take([2, 0])
    assert some_of.lengths.tolist() == [2, 1]
    assert some_of[0].ravel().tolist() == [4, 5]
    assert some_of.frame["label"].to_list() == ["c", "a"]
    assert len(some_of.take([])) == 0


def test_scaling_is_learnt_from_the_training_part_alone() -> None:
    sequences = Sequences.of([[0.0, 2.0], [2.0, 0.0], [100.0]])
    encoder = SequenceEncoder.fit(sequences, [0, 1])
    assert (encoder.mean, encoder.deviation, encoder.length) == ((1.0,), (1.0,), 2)
    values, _ = encoder.encode(sequences)
    assert values[:, :, 0].tolist() == [[-1, 1], [1, -1], [99, 0]]


def test_a_gap_gets_the_last_number_before_it_or_the_mean() -> None:
    nan = float("nan")
    sequences = Sequences.of([[0.0, nan, nan, 2.0], [nan, 2.0, 0.0]])
    values, _ = SequenceEncoder.fit(sequences).encode(sequences)
    assert values[:, :, 0].tolist() == [[-1, -1, -1, 1], [0, 1, -1, 0]]


def test_an_encoding_of_sequences_travels_as_json() -> None:
    encoder = SequenceEncoder.fit(Sequences.of([[[0.0, 1.0], [2.0, 5.0]]]), id="who", time="when")
    stored = encoder.to_dict()
    assert SequenceEncoder.from_dict(json.loads(json.dumps(stored))) == encoder
    for name, value in (("mean", []), ("deviation", [0.0, 1.0]), ("length", 0), ("extra", 1)):
        with pytest.raises(ModelFileError, match="encoding"):
            SequenceEncoder.from_dict({**stored, name: value})


@pytest.mark.parametrize(
    ("sequences", "message"),
    [
        ([], "no sequences"),
        ([[[1.0, 2.0]], [[1.0]]], r"sequence 2 has the shape \(1, 1\); expected \(steps, 2\)"),
        ([[1.0], []], r"sequence 2 has the shape \(0, 1\)"),
    ],
)
def test_sequences_of_other_channels_or_no_steps_are_refused(
    sequences: list[Any], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        Sequences.of(sequences)


def test_a_channel_without_numbers_and_another_number_of_channels_are_refused() -> None:
    with pytest.raises(DataError, match="'channel_1' has no number"):
        SequenceEncoder.fit(Sequences.of([[float("nan")]]))
    encoder = SequenceEncoder.fit(Sequences.of([[[1.0, 2.0]]]))
    with pytest.raises(DataError, match="have 1 channels, but the model was trained on 2"):
        encoder.encode(Sequences.of([[1.0]]))


# ---------------------------------------------------------------------------------------------
# Files.


def test_rows_of_a_long_table_are_ordered_by_sequence_and_time(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(
        "series,date,x,note,y,kind\n"
        "b,2024-01-02,2,hm,,up\n"
        "a,2024-01-05,5,hm,1,down\n"
        "b,2024-01-01,1,hm,0,up\n"
    )
    found = read_long_table(tmp_path / "a.csv", "kind")
    assert found.frame.rows() == [("b", "up"), ("a", "down")]
    assert found.channels == ("x", "y")
    assert np.array_equal(found.values, [[1, 0], [2, np.nan], [5, 1]], equal_nan=True)
    assert "'note'" in found.notes[0]


@pytest.mark.parametrize(
    ("columns", "options", "message"),
    [
        ({"x": [1]}, {}, "no column that tells the sequences apart.*it has 'x'"),
        ({"id": [1], "x": [1]}, {"time": "when"}, "no time column 'when'"),
        ({"id": [1], "x": [1]}, {"target": "kind"}, "no target column 'kind'"),
        ({"id": [1], "x": ["a"]}, {}, "no column of numbers"),
        ({"id": [1, None], "x": [1, 2]}, {}, "row 2: the column 'id' of sequences is empty"),
        ({"id": [1], "time": ["soon"], "x": [1]}, {}, "holds neither dates nor numbers"),
        ({"id": [1], "x": [1], "y": ["b"]}, {"channels": ["y"]}, "'y' is no channel"),
        ({"id": [1], "x": [1]}, {"channels": ["z"]}, "there is no column 'z'"),
        (
            {"id": [7, 7], "x": [1, 2], "kind": ["a", "b"]},
            {"target": "kind"},
            "the sequence 7 has the labels 'a' and 'b'",
        ),
    ],
)
def test_a_long_table_that_does_not_fit_is_refused(
    columns: dict[str, list[Any]], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        read_long_table(columns, **options)


def test_a_pair_of_ts_files_is_a_given_split(tmp_path: Path) -> None:
    (tmp_path / "p_TRAIN.ts").write_text(TRAIN)
    (tmp_path / "p_TEST.ts").write_text(TEST)
    for place in (tmp_path, tmp_path / "p"):
        assert is_ts(place)
        found = read_ts(place)
        assert found.frame["part"].to_list() == ["train", "train", "test"]
        assert found.frame["label"].to_list() == ["a", "b", "b"]
        assert found.frame["sequence"].to_list() == [1, 2, 3]
        assert found.lengths.tolist() == [3, 2, 1]
        assert np.array_equal(found[1], [[7, 8], [np.nan, 9]], equal_nan=True)
    assert read_ts(tmp_path / "p_TRAIN.ts").frame.columns == ["sequence", "label"]


def test_numbers_are_targets_where_a_ts_file_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.ts").write_text("@targetlabel true\n@data\n1,2:0.5\n3:7\n")
    assert read_ts(tmp_path / "a.ts").frame["label"].to_list() == [0.5, 7.0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEADER, "holds no sequence"),
        ("1,2:a\n", "line 1: a line of numbers before @data"),
        (HEADER + "1,2:3:a\n", "line 5: the channels have 1, 2 steps"),
        (HEADER + "1:2:a\n1:a\n", "line 6: 1 channels, but the first sequence has 2"),
        (HEADER + "1,x:2,3:a\n", "line 5: could not convert"),
        (HEADER + "(0,1.5):a\n", "time stamps"),
    ],
)
def test_a_damaged_ts_file_is_refused_with_its_line(
    tmp_path: Path, text: str, message: str
) -> None:
    (tmp_path / "a.ts").write_text(text)
    with pytest.raises(DataError, match=message):
        read_ts(tmp_path / "a.ts")


def test_a_ts_file_that_is_not_there_or_one_of_many_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no file"):
        read_ts(tmp_path / "a")
    for name in ("a_TRAIN", "a_TEST", "b_TRAIN"):
        (tmp_path / f"{name}.ts").write_text(TRAIN)
    with pytest.raises(DataError, match="more than one pair"):
        read_ts(tmp_path)


# ---------------------------------------------------------------------------------------------
# Buckets.


def padding(lengths: list[int], bounds: tuple[int, ...]) -> int:
    return sum(bounds[i] - n for n, i in zip(lengths, bucket_of(lengths, bounds), strict=True))


@given(some.lists(some.integers(1, 12), min_size=1, max_size=20), some.integers(1, 4))
def test_no_other_bounds_pad_less(lengths: list[int], count: int) -> None:
    bounds = bucket_lengths(lengths, count)
    assert len(bounds) <= count
    assert bounds[-1] == max(lengths)
    different = sorted(set(lengths))
    others = combinations(different[:-1], min(count, len(different)) - 1)
    best = min(padding(lengths, (*inner, different[-1])) for inner in others)
    assert padding(lengths, bounds) == best


def test_many_lengths_are_bounded_by_a_grid() -> None:
    bounds = bucket_lengths(range(1, 10_001), 4)
    assert bounds == pytest.approx((2500, 5000, 7500, 10000), abs=200)


@given(some.lists(some.integers(1, 30), min_size=1, max_size=40), some.integers(1, 5))
def test_every_sequence_is_in_one_minibatch_and_fits(lengths: list[int], size: int) -> None:
    batches = bucketed_batches(lengths, bucket_lengths(lengths, 3), size, seed=1)
    rows = np.concatenate([rows for _, rows in batches])
    assert sorted(rows.tolist()) == list(range(len(lengths)))
    for bound, inside in batches:
        assert len(inside) <= size
        assert max(lengths[i] for i in inside) <= bound


def test_buckets_refuse_what_makes_no_sense() -> None:
    with pytest.raises(ParameterError, match="at least one bucket"):
        bucket_lengths([1], 0)
    with pytest.raises(DataError, match="at least 1"):
        bucket_lengths([], 1)
    with pytest.raises(ParameterError, match="at least one sequence"):
        bucketed_batches([1], (1,), 0)


# ---------------------------------------------------------------------------------------------
# Windows.


def test_no_window_sees_a_row_of_its_target_or_trains_on_a_later_part() -> None:
    rows = np.arange(50.0)
    windows = Windows.cut(rows, 4, 2, validation=0.2, test=0.2)
    for part, first, end in (("train", 0, 30), ("validation", 30, 40), ("test", 40, 50)):
        seen = windows.restore(windows.inputs[part])
        forecast = windows.restore(windows.targets[part])
        assert seen[:, -1, 0] + 1 == pytest.approx(forecast[:, 0, 0], abs=1e-4)
        assert forecast.min() == pytest.approx(max(first, 4), abs=1e-4)
        assert forecast.max() == pytest.approx(end - 1, abs=1e-4)
        assert windows.begins[part].tolist() == list(range(max(first, 4), end - 1))
    assert windows.mean.tolist() == [rows[:30].mean()]


def test_windows_of_several_channels_forecast_some_of_them() -> None:
    series = np.stack([np.arange(40.0), np.full(40, 7.0), np.sin(np.arange(40))], axis=1)
    windows = Windows.cut(series, 3, 1, stride=5, targets=(2, 0))
    assert windows.inputs["train"].shape[1:] == (3, 3)
    assert windows.targets["train"].shape[1:] == (1, 2)
    assert windows.restore(windows.targets["train"])[0, 0] == pytest.approx(series[3, [2, 0]])
    assert np.diff(windows.begins["train"]).tolist() == [5] * 4
    assert np.isfinite(windows.inputs["train"]).all()  # the constant channel too


@pytest.mark.parametrize(
    ("series", "options", "error", "message"),
    [
        ([1.0, float("nan")], {}, DataError, "row 1 of the series"),
        ([], {}, DataError, "received"),
        (np.arange(10.0), {"look_back": 9}, DataError, "the train part has 7 rows, too few"),
        (np.arange(30.0), {"horizon": 4}, DataError, "the validation part has 3 rows"),
        (np.arange(10.0), {"look_back": 0}, ParameterError, "at least 1"),
        (np.arange(10.0), {"targets": (1,)}, ParameterError, "from 0 to 0"),
        (np.arange(10.0), {"test": 1.0}, ParameterError, "leave rows"),
    ],
)
def test_windows_that_cannot_be_cut_are_refused(
    series: Any, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        Windows.cut(series, **{"look_back": 2, **options})
