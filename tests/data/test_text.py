"""Texts become inputs."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from chainrule.data.overrides import Override
from chainrule.data.stored import Fields
from chainrule.data.text import TextColumn
from chainrule.data.tokens import cut, frequent_tokens, natural_unit, share_common_words
from chainrule.errors import DataError, ModelFileError

NOTES = [
    "the red car is late",
    "the blue car is early",
    "a red bus is late, very late",
    "The BLUE bus!",
    "red car, blue bus",
]


def column(values: list[str | None]) -> pl.Series:
    return pl.Series("note", values, dtype=pl.String)


def test_words_and_pairs_are_weighted_like_scikit_learns() -> None:
    text = TextColumn.fit(column(NOTES), asked=Override("text", unit="words"))
    oracle = TfidfVectorizer(
        ngram_range=(1, 2), token_pattern=r"[^\W_]+", vocabulary=list(text.tokens)
    )
    inputs, notes = text.transform(column(NOTES))
    np.testing.assert_allclose(inputs, oracle.fit_transform(NOTES).toarray(), atol=1e-6)
    assert notes == ()
    assert inputs.dtype == np.float32
    assert {"red", "the", "is late", "red car", "blue bus"} <= set(text.tokens)
    assert "very" not in text.tokens  # in one row only


def test_runs_of_characters_are_weighted_like_scikit_learns() -> None:
    words = ["Amsterdam", "Rotterdam", "Potsdam", "Rotterdam"]
    text = TextColumn.fit(column(words))
    assert text.unit == "characters"
    assert {"dam", "am ", " ro"} & set(text.tokens) == {" ro"}  # the others are in every row
    oracle = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 3), vocabulary=list(text.tokens))
    inputs, _ = text.transform(column(words))
    np.testing.assert_allclose(inputs, oracle.fit_transform(words).toarray(), atol=1e-6)


def test_rows_do_not_depend_on_each_other_and_new_words_do_not_count() -> None:
    text = TextColumn.fit(column(NOTES))
    whole, _ = text.transform(column(NOTES))
    for i, note in enumerate(NOTES):
        np.testing.assert_array_equal(text.transform(column([note]))[0][0], whole[i])
    inputs, _ = text.transform(column(["zeppelin", ""]))
    assert not inputs.any()


def test_a_missing_text_is_flagged() -> None:
    text = TextColumn.fit(column([*NOTES, None]))
    assert text.feature_names[-1] == "note=(missing)"
    inputs, _ = text.transform(column([None, NOTES[0]]))
    assert inputs[0].tolist() == [0.0] * len(text.tokens) + [1.0]
    np.testing.assert_allclose(np.linalg.norm(inputs[1]), 1.0, rtol=1e-6)


def test_the_tokens_that_split_the_rows_best_are_kept() -> None:
    asked = Override("text", unit="words", size=2)
    assert TextColumn.fit(column(NOTES), asked=asked).tokens == ("blue", "bus")
    assert frequent_tokens(column(["a b", "a c", "a b"]), "words") == {"a b": 2, "b": 2}


def test_texts_that_share_nothing_are_refused() -> None:
    with pytest.raises(DataError, match="column 'note' cannot be text: its 2 cells share no char"):
        TextColumn.fit(column(["abc", "xyz"]))
    with pytest.raises(DataError, match="column 'x' should hold text, but holds List"):
        TextColumn.fit(pl.Series("x", [["a"], ["b"]]))


def test_numbers_may_be_text() -> None:
    text = TextColumn.fit(pl.Series("x", [101, 102, 203, 101]))
    assert "101" in text.tokens


def test_prose_is_told_from_names() -> None:
    assert natural_unit(column(NOTES)) == "words"
    assert natural_unit(column(["Amsterdam", "New York"])) == "characters"
    assert share_common_words(column([f"house {i}" for i in range(50)])) == 0.0
    assert share_common_words(column([f"{'red' if i % 2 else i} {i}" for i in range(50)])) == 0.5


def test_texts_are_cut_row_by_row() -> None:
    tokens = cut(column(["No, no!", None, "é1"]), "words").sort("row", "token")
    assert tokens.rows() == [(0, "no"), (0, "no"), (0, "no no"), (2, "é1")]
    tokens = cut(column(["abab", "x"]), "characters").sort("row", "token")
    assert tokens["token"].to_list() == [" ab", "ab ", "aba", "bab", " x "]
    assert tokens["row"].to_list() == [0, 0, 0, 0, 1]


def test_texts_survive_json_and_damage_is_refused() -> None:
    text = TextColumn.fit(column([*NOTES, None]))
    stored = json.loads(json.dumps(text.to_dict(), allow_nan=False))
    assert TextColumn.from_fields(Fields(stored, "it")) == text
    for change, message in (
        ({"weights": [1.0]}, "expected one weight per token"),
        ({"unit": "letters"}, "'unit' should be one of words, characters"),
        ({"weights": [1e300] * len(text.tokens)}, "weights should lie between 0 and 46"),
        ({"tokens": [], "weights": []}, "expected one weight per token"),
    ):
        with pytest.raises(ModelFileError, match=message):
            TextColumn.from_fields(Fields({**stored, **change}, "it"))


def test_a_line_says_what_was_done() -> None:
    line = TextColumn.fit(column([*NOTES, None])).describe()
    assert line.startswith("note: text; tf-idf of 1")
    assert "runs of three characters" not in line
    assert line.endswith("pairs of words, such as 'blue', 'bus', 'car'; missing (17 %) flagged")
