"""A table becomes a matrix: fitted once, the same for any rows, and safe to store."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.data import Encoder, load_sample, read_table, split
from chainrule.data.numeric import NumericColumn
from chainrule.data.scaling import fit_scaling
from chainrule.errors import DataError, ModelFileError, ParameterError

TABLE = read_table(
    {
        "id": list(range(1, 13)),
        "age": [20, 40, None] * 4,
        "job": ["smith", "cook", "smith", "?"] * 3,
        "member": ["yes", "no"] * 6,
        "country": ["NL"] * 12,
        "paid": [0, 1, 0] * 4,
    }
)


def test_a_table_becomes_numbers_checked_by_hand() -> None:
    encoder = Encoder.fit(TABLE, target="paid")
    assert encoder.feature_names == (
        "age",
        "age=(missing)",
        "job=cook",
        "job=smith",
        "job=(missing)",
        "member=true",
    )
    encoded = encoder.transform(TABLE[:4])
    assert encoded.numeric.dtype == np.float32
    np.testing.assert_array_equal(
        encoded.numeric,
        [
            [-1, 0, 0, 1, 0, 1],
            [1, 0, 1, 0, 0, 0],
            [0, 1, 0, 1, 0, 1],
            [-1, 0, 0, 0, 1, 0],
        ],
    )
    assert encoded.codes.shape == (4, 0)
    assert len(encoded) == 4
    assert encoded.notes == ()


def test_a_line_per_column_says_what_was_done() -> None:
    assert Encoder.fit(TABLE, target="paid").describe() == (
        "age: number; standardised (mean 30, deviation 10); missing (33 %) -> mean, and flagged",
        "job: categorical with 2 levels; one-hot, 3 inputs; missing (25 %) has its own",
        "member: boolean with 2 levels; one-hot, 1 input",
        "id: dropped; identifier: every value is different, and the name says that it is a key",
        "country: dropped; constant: the same value in every row: 'NL'",
    )


def test_levels_above_the_threshold_become_codes() -> None:
    encoder = Encoder.fit(TABLE, target="paid", embed=1, overrides={"member": "drop"})
    assert encoder.embedded == (("job", 4),)
    encoded = encoder.transform(TABLE[:4])
    assert encoded.codes.dtype == np.int32
    np.testing.assert_array_equal(encoded.codes, [[3], [2], [3], [1]])
    assert encoded.numeric.shape == (4, 2)
    assert Encoder.fit(TABLE, target="paid", embed=True).embedded == ()


def test_a_senseless_threshold_is_refused() -> None:
    with pytest.raises(ParameterError, match="embed should be True, False or at least 1"):
        Encoder.fit(TABLE, embed=0)


def test_an_override_changes_the_encoding() -> None:
    encoder = Encoder.fit(TABLE, target="paid", overrides={"age": "categorical", "job": "drop"})
    assert encoder.feature_names[:3] == ("age=20", "age=40", "age=(missing)")
    assert "job: dropped; drop: as asked" in "\n".join(encoder.describe())
    np.testing.assert_array_equal(
        encoder.transform(pl.DataFrame({"age": ["40.0"], "member": [True]})).numeric,
        [[0, 1, 0, 1]],
    )


def test_only_the_training_rows_are_learnt_from() -> None:
    encoder = Encoder.fit(TABLE[:6], target="paid")
    poisoned = TABLE.with_columns(
        age=pl.when(pl.col("id") > 6).then(10**6).otherwise("age"),
        job=pl.when(pl.col("id") > 6).then(pl.lit("spy")).otherwise("job"),
    )
    assert Encoder.fit(poisoned[:6], target="paid") == encoder


def test_a_number_in_other_rows_may_be_missing_though_training_had_all() -> None:
    encoder = Encoder.fit(pl.DataFrame({"x": [1.0, 3.0]}))
    encoded = encoder.transform(pl.DataFrame({"x": [None, 3.0]}))
    np.testing.assert_array_equal(encoded.numeric, [[0], [1]])
    assert encoded.notes == (
        "column 'x': 1 missing values, though the training rows had none; the mean stands in",
    )


def test_order_extra_columns_and_an_absent_target_do_not_matter() -> None:
    encoder = Encoder.fit(TABLE, target="paid")
    expected = encoder.transform(TABLE)
    shuffled = TABLE.select("member", "job", "age").with_columns(weather=pl.lit("fine"))
    encoded = encoder.transform(shuffled)
    np.testing.assert_array_equal(encoded.numeric, expected.numeric)
    assert encoded.notes == ("ignored columns that training did not have: 'weather'",)


def test_absent_columns_are_named() -> None:
    encoder = Encoder.fit(TABLE, target="paid")
    with pytest.raises(DataError, match=r"lacks a column .*: 'job'; .* did you mean 'Jobs'"):
        encoder.transform(TABLE.rename({"job": "Jobs"}))
    with pytest.raises(DataError, match="lacks 2 columns that the model needs: 'age', 'member'"):
        encoder.transform(TABLE.drop("age", "member"))


def test_text_in_a_numeric_column_is_found_with_its_row() -> None:
    encoder = Encoder.fit(TABLE, target="paid")
    with pytest.raises(DataError, match=r"column 'age', row 2: 'forty' is not a number"):
        encoder.transform(TABLE[:3].with_columns(age=pl.Series(["20", "forty", "?"])))


def test_a_table_without_inputs_is_explained() -> None:
    frame = pl.DataFrame({"x": [1, 1], "y": [0, 1]})
    with pytest.raises(DataError, match="no column to learn from; 'x' is constant: the same value"):
        Encoder.fit(frame, target="y")


RICH = {
    "price": ["1.234,50 €", "17 €", "3 €", "2.000 €"] * 6,
    "day": [f"{i + 1}.2.2024" for i in range(24)],
    "note": ["red car", "blue car", "red bus", "blue bus, red bus"] * 6,
    "grade": [*map(str, range(23)), "absent"],
}
WISHES = {"note": "text:words", "grade": "numeric"}


def rich() -> Encoder:
    return Encoder.fit(read_table(RICH), overrides=WISHES)


def test_dates_texts_and_written_numbers_become_inputs() -> None:
    encoder = rich()
    kinds = [type(column).__name__ for column in encoder.columns]
    assert kinds == ["NumericColumn", "DateColumn", "TextColumn", "NumericColumn"]
    encoded = encoder.transform(read_table(RICH))
    assert encoded.numeric.shape == (24, len(encoder.feature_names))
    assert encoded.notes == ()
    price = encoded.numeric[:, encoder.feature_names.index("price")]
    np.testing.assert_allclose(price.mean(), 0.0, atol=1e-6)
    assert encoder.describe()[3].endswith("missing (4.2 %) -> mean, and flagged")
    again = Encoder.from_dict(json.loads(json.dumps(encoder.to_dict(), allow_nan=False)))
    assert again == encoder


def test_a_cell_means_the_same_alone_as_among_others() -> None:
    """Though ``2.000`` alone looks like two, a lone file with it must say two thousand."""
    bare = {**RICH, "price": ["1.234,50", "17", "3", "2.000"] * 6}
    encoder = Encoder.fit(read_table(bare), overrides=WISHES)
    assert encoder.text_columns == ("price",)
    whole = encoder.transform(bare).numeric
    for row in range(4):
        alone = {name: [cells[row]] for name, cells in bare.items()}
        np.testing.assert_array_equal(encoder.transform(alone).numeric[0], whole[row])
        frame = encoder.read(alone).frame
        np.testing.assert_array_equal(encoder.transform(frame).numeric[0], whole[row])


def test_rows_come_from_anything_that_holds_a_table(tmp_path: Path) -> None:
    encoder = rich()
    expected = encoder.transform(read_table(RICH)).numeric
    path = tmp_path / "rich.csv"
    pl.DataFrame(RICH).write_csv(path)
    for table in (path, str(path), RICH, pd.DataFrame(RICH), pl.DataFrame(RICH).lazy()):
        np.testing.assert_array_equal(encoder.transform(table).numeric, expected)


def test_notes_of_reading_arrive_with_the_rows() -> None:
    columns = pd.DataFrame([[1.5, 2.5], [3.5, 4.5]], columns=["x", "x"])
    encoder = Encoder.fit(pl.DataFrame({"x": [1.5, 2.5]}))
    notes = encoder.transform(columns).notes
    assert notes == (
        "the header has 'x' more than once: now also 'x_2'",
        "ignored columns that training did not have: 'x_2'",
    )


def test_rows_that_do_not_train_show_how_cells_are_written_and_nothing_else() -> None:
    frame = read_table({"x": [*map(str, range(1, 100)), "none yet"], "y": [1.5, 2.5] * 50})
    rows = np.arange(90)
    encoder = Encoder.fit(frame, rows=rows)
    (x, y) = encoder.columns
    assert isinstance(x, NumericColumn)
    assert (x.minimum, x.maximum, x.missing_share) == (1.0, 90.0, 0.0)
    assert x.scaling == fit_scaling(np.arange(1.0, 91.0))
    encoded = encoder.transform(frame[90:])
    assert encoded.numeric[-1, 0] == 0.0
    assert "1 missing values, though the training rows had none" in encoded.notes[0]
    assert y == Encoder.fit(frame[:90]).columns[-1]


def test_frequent_words_among_numbers_have_flags() -> None:
    cells = [*map(str, range(100)), *["off"] * 6, "tbc"]
    encoder = Encoder.fit(read_table({"x": cells}))
    assert encoder.feature_names == ("x", "x=(missing)", "x=off")
    encoded = encoder.transform(read_table({"x": ["off", "tbc", "never", "50", "?"]}))
    np.testing.assert_array_equal(encoded.numeric[:, 1], [1, 1, 1, 0, 1])
    np.testing.assert_array_equal(encoded.numeric[:, 2], [1, 0, 0, 0, 0])
    np.testing.assert_array_equal(encoder.transform({"x": [50.0]}).numeric[:, 1:], [[0, 0]])


def test_a_number_may_stand_for_no_value() -> None:
    frame = read_table({"x": [1.0, 3.0, -999.0, 0.0]})
    encoder = Encoder.fit(frame, overrides={"x": "numeric:missing=-999:missing=0"})
    np.testing.assert_array_equal(
        encoder.transform(frame).numeric, [[-1, 0], [1, 0], [0, 1], [0, 1]]
    )
    assert "-999, 0 counts as missing; missing (50 %)" in encoder.describe()[0]


def test_the_scaling_of_all_numbers_or_of_one_may_be_asked_for() -> None:
    frame = read_table({"x": [1.0, 2.0, 9.0], "z": [1.0, 2.0, 9.0]})
    encoder = Encoder.fit(frame, scaling="robust", overrides={"z": "numeric:quantile"})
    methods = [c.scaling.method for c in encoder.columns if isinstance(c, NumericColumn)]
    assert methods == ["robust", "quantile"]
    with pytest.raises(ParameterError, match="no scaling 'cube': use 'auto', 'standard'"):
        Encoder.fit(frame, scaling="cube")


def test_one_column_may_be_embedded_and_another_not() -> None:
    frame = read_table({"a": ["u", "v", "w"] * 9, "b": ["u", "v", "w"] * 9})
    encoder = Encoder.fit(frame, overrides={"a": "categorical:embedded"})
    assert [name for name, _ in encoder.embedded] == ["a"]
    encoder = Encoder.fit(frame, embed=1, overrides={"a": "categorical:onehot"})
    assert [name for name, _ in encoder.embedded] == ["b"]


def test_no_target_is_an_input() -> None:
    frame = read_table({"x": [1.5, 2.5], "a": [1, 2], "b": [3, 4]})
    encoder = Encoder.fit(frame, target=["a", "b"])
    assert encoder.feature_names == ("x",)
    assert encoder.targets == ("a", "b")
    assert encoder.transform(frame).notes == ()
    assert Encoder.from_dict(encoder.to_dict()) == encoder


def test_a_date_that_is_none_is_found_with_its_row() -> None:
    with pytest.raises(DataError, match=r"column 'day', row 1: 'soon' is not a date"):
        rich().transform({**{name: cells[:1] for name, cells in RICH.items()}, "day": ["soon"]})


columns = st.fixed_dictionaries(
    {
        "n": st.lists(st.none() | st.floats(-1e6, 1e6), min_size=9, max_size=9),
        "c": st.lists(
            st.sampled_from(["a", "b", "1", "1.50", "?", "True"]), min_size=9, max_size=9
        ),
        "b": st.lists(st.sampled_from(["yes", "no", ""]), min_size=9, max_size=9),
        "i": st.lists(st.none() | st.integers(0, 3), min_size=9, max_size=9),
        "w": st.lists(st.sampled_from(["1,5", "1.234", "2,0", "1.234,5"]), min_size=9, max_size=9),
        "d": st.lists(st.sampled_from(["2024-02-29", "1.3.24", "?"]), min_size=9, max_size=9),
        "t": st.lists(st.sampled_from(["a b c", "a b d", "1.50 x y"]), min_size=9, max_size=9),
    }
)


@settings(max_examples=15)
@given(columns, st.sampled_from([False, 1, 2]))
def test_any_table_survives_json_and_any_cut_into_batches(
    values: dict[str, list[Any]], embed: bool | int
) -> None:
    values["plain"] = [1.5, 2.5, 2.0] * 3
    frame = read_table(values)
    wishes = {"t": "text:words"} if frame["t"].n_unique() > 1 else {}
    encoder = Encoder.fit(frame, embed=embed, overrides=wishes)
    again = Encoder.from_dict(json.loads(json.dumps(encoder.to_dict(), allow_nan=False)))
    assert again == encoder
    whole = again.transform(frame)
    assert np.isfinite(whole.numeric).all()
    assert whole.numeric.shape == (9, len(encoder.feature_names))
    assert whole.codes.shape == (9, len(encoder.embedded))
    for (_, count), codes in zip(encoder.embedded, whole.codes.T, strict=True):
        assert 0 <= codes.min() <= codes.max() < count
    for row in (0, 4, 8):
        # Read anew, as from a file of one row, whose cells may well look like another type.
        alone = again.transform({k: [v[row]] for k, v in values.items()})
        np.testing.assert_array_equal(alone.numeric[0], whole.numeric[row])
        np.testing.assert_array_equal(alone.codes[0], whole.codes[row])


STORED = Encoder.fit(TABLE, target="paid").to_dict()


def changed(path: tuple[str | int, ...], value: object) -> object:
    stored: Any = copy.deepcopy(STORED)
    inner = stored
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    return stored


@pytest.mark.parametrize(
    ("stored", "message"),
    [
        (None, "encoding: expected an object, received None"),
        ({}, "encoding: field 'format' is not there"),
        (changed(("format",), 2), "format 2 is not known here .* install a newer chainrule"),
        (changed(("extra",), 2), "encoding: unknown field 'extra'"),
        (changed(("columns",), {}), "field 'columns' should be a list, but is {}"),
        (changed(("columns",), []), "there is no column"),
        (changed(("columns", 0), 7), "encoding, column 1: expected an object, received 7"),
        (changed(("columns", 0, "kind"), "drop"), "column 1: field 'kind' should be one of"),
        (changed(("columns", 0, "notation", "mark"), ";"), "notation: field 'mark' should be one"),
        (changed(("columns", 0, "words"), ["a", "a"]), "field 'words' has one text twice"),
        (changed(("columns", 0, "name"), 7), "column 1: field 'name' should be a text"),
        (changed(("columns", 0, "name"), "job"), "one name stands for two columns"),
        (changed(("columns", 0, "name"), "paid"), "one name stands for two columns"),
        (changed(("columns", 0, "minimum"), True), "field 'minimum' should be a finite number"),
        (changed(("columns", 0, "minimum"), 10**400), "should be a finite number, but is 1000"),
        (changed(("columns", 0, "missing_share"), 1.5), "should be a number from 0 to 1"),
        (changed(("columns", 0, "scaling"), None), "column 1, scaling: expected an object"),
        (changed(("columns", 0, "scaling", "mean"), "0"), "scaling: field 'mean' should be"),
        (changed(("columns", 1, "levels"), ["a"]), "1 levels and 2 shares"),
        (changed(("columns", 1, "levels"), ["a", "a"]), "field 'levels' has one text twice"),
        (changed(("columns", 1, "levels"), ["a", 1]), "field 'levels' should be texts, but is 1"),
        (changed(("columns", 1, "shares"), [0.0, 0.5]), "shares must lie between 0 and 1"),
        (changed(("columns", 1, "embedded"), 1), "'embedded' should be true or false"),
        (changed(("dropped", 0, "reason"), None), "dropped column 1: field 'reason'"),
        (changed(("targets",), 3), "field 'targets' should be a list"),
    ],
)
def test_a_damaged_encoding_is_refused_in_one_sentence(stored: object, message: str) -> None:
    with pytest.raises(ModelFileError, match=message):
        Encoder.from_dict(stored)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)
places = st.sampled_from(
    [("columns",), ("columns", 0), ("dropped", 0), ("targets",), ("format",)]
    + [("columns", i, field) for i in (0, 1) for field in STORED["columns"][i]]  # type: ignore[index]
    + [("columns", 0, "scaling", field) for field in ("method", "mean", "deviation")]
    + [("columns", 0, "notation", field) for field in ("mark", "unit", "words")]
)


@given(places, json_values)
def test_whatever_a_stranger_writes_is_refused_or_read(path: tuple[Any, ...], value: Any) -> None:
    try:
        encoder = Encoder.from_dict(changed(path, value))
    except ModelFileError:
        return
    try:
        inputs = encoder.transform(TABLE).numeric
    except DataError:
        return  # another column is asked for
    assert np.isfinite(inputs).all()


def test_adult_is_encoded_near_zero() -> None:
    sample = load_sample("adult")
    parts = split(sample.frame["income"].to_numpy(), seed=0)
    encoder = Encoder.fit(sample.frame[parts.train], target="income")
    kinds = {column.name: type(column).__name__ for column in encoder.columns}
    assert list(kinds.values()).count("NumericColumn") == 5
    assert encoder.dropped == ()
    numeric = encoder.transform(sample.frame[parts.test]).numeric
    assert numeric.shape == (6512, len(encoder.feature_names))
    assert np.isfinite(numeric).all()
    assert np.abs(numeric).max() < 6.0
    assert "capital-gain: number; one value in most rows: 32 ramps" in encoder.describe()[9]


def test_importing_the_room_imports_no_table_library() -> None:
    code = "import sys, chainrule.data; print({'polars', 'sklearn', 'pandas'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_a_table_of_nothing_but_the_target_is_refused() -> None:
    with pytest.raises(DataError, match="no column to learn from beside what is to be predicted"):
        Encoder.fit(pl.DataFrame({"y": ["a", "b"]}), target="y", rows=[0, 1])
