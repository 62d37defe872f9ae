"""Texts become tokens and stretches of them, and come back."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from chainrule.data.language import (
    UNKNOWN,
    Characters,
    Corpus,
    Subwords,
    Tokenizer,
    read_text,
    stretches,
    tokenizer_from_dict,
)
from chainrule.errors import DataError, ModelFileError, ParameterError

TEXT = "the cat sat on the mat; the rat sat on the cat. Ærøskøbing 🐈\n" * 20


@given(some.text())
def test_characters_come_back_and_unknown_ones_are_marked(text: str) -> None:
    letters = Characters.fit(TEXT)
    expected = "".join(c if c in TEXT else UNKNOWN for c in text)
    assert letters.decode(letters.encode(text)) == expected


@given(some.text(some.characters(codec="utf-8")))
def test_any_text_comes_back_from_subwords(text: str) -> None:
    assert WORDS.decode(WORDS.encode(text)) == text


WORDS = Subwords.fit(TEXT, 300)


def test_subwords_are_fewer_than_characters() -> None:
    assert len(WORDS.encode("the cat sat")) < len("the cat sat") / 2
    assert WORDS.size <= 300


@pytest.mark.parametrize("tokens", [Characters.fit(TEXT), WORDS], ids=["characters", "subwords"])
def test_tokens_travel_as_json(tokens: Tokenizer) -> None:
    again = tokenizer_from_dict(json.loads(json.dumps(tokens.to_dict())))
    assert again == tokens
    assert again.encode(TEXT).tolist() == tokens.encode(TEXT).tolist()
    assert again.encode("").tolist() == []
    assert tokens.describe().startswith(f"{tokens.size} ")


@pytest.mark.parametrize(
    "stored",
    [
        {"kind": "characters", "symbols": ["a", "b"]},
        {"kind": "characters", "symbols": [UNKNOWN, "ab"]},
        {"kind": "characters", "symbols": [UNKNOWN, "a", "a"]},
        {"kind": "subwords", "json": "{}"},
        {"kind": "subwords", "json": 3},
        {"kind": "words"},
    ],
)
def test_stored_tokens_are_read_strictly(stored: object) -> None:
    with pytest.raises(ModelFileError, match="tokens"):
        tokenizer_from_dict(stored)


def test_the_last_part_of_a_text_is_held_out() -> None:
    corpus = Corpus.split(TEXT, 0.1, 0.2)
    assert corpus.train + corpus.validation + corpus.test == TEXT
    assert len(corpus.test) == round(0.2 * len(TEXT))
    with pytest.raises(ParameterError, match="leave text for training"):
        Corpus.split(TEXT, 0.5, 0.5)


def test_the_target_of_a_token_is_the_next_one() -> None:
    x, y = stretches(np.arange(10, dtype=np.int32), 4, step=3)
    assert x.tolist() == [[0, 1, 2, 3], [3, 4, 5, 6]]
    assert (y == x + 1).all()
    with pytest.raises(DataError, match="10 tokens, too few for a stretch of 10"):
        stretches(np.arange(10, dtype=np.int32), 10)
    with pytest.raises(ParameterError, match="at least one token"):
        stretches(np.arange(10, dtype=np.int32), 0)


def test_text_files_are_read_whatever_their_encoding(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("é\r\nb".encode("utf-16"))
    (tmp_path / "b.txt").write_bytes(gzip.compress("ü".encode()))
    (tmp_path / "c.txt").write_bytes("ö".encode("cp1252"))
    text, notes = read_text(tmp_path)
    assert text == "é\nb\nü\nö"
    assert "Windows-1252" in notes[0]


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"holds no \.txt"):
        read_text(tmp_path)
    with pytest.raises(DataError, match="there is no file"):
        read_text(tmp_path / "a.txt")
    for name, data, message in (
        ("empty.txt", b"  \n", "is empty"),
        ("binary.txt", b"\x00\xff\x01", "no text"),
        ("sheet.txt", b"PK\x03\x04", "zip archive"),
    ):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(DataError, match=message):
            read_text(tmp_path / name)
    with pytest.raises(DataError, match="fewer than two different"):
        Characters.fit("aaa")
    with pytest.raises(DataError, match="empty"):
        Subwords.fit(" ")
    with pytest.raises(ParameterError, match="at least 260"):
        Subwords.fit("a", 100)


def test_characters_need_no_library() -> None:
    code = "import sys; sys.modules['tokenizers'] = None; from chainrule.data import language as l;"
    code += "print(l.Characters.fit('ab').size); l.Subwords.fit('ab')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "3\n"
    assert "pip install 'chainrule[text]'" in done.stderr
