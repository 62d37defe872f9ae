"""Language models: train, generate, evaluate, predict, show; and their files."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chainrule import nn
from chainrule.app.model import (
    LanguageModel,
    Sampling,
    load_language_model,
    load_model,
    save_model,
)
from chainrule.app.model.writing import step_program
from chainrule.app.training.architecture.networks import language_network
from chainrule.app.training.text import TextWishes, guessed_scores, prepare_text
from chainrule.data.language import Characters, Subwords, Tokenizer
from chainrule.errors import DataError, ModelFileError, ParameterError
from tests.app.models import model as table_model
from tests.app.process import chainrule
from tests.app.test_model_file import changed, refused

TEXT = "the cat sat on the mat. the dog sat on the log. " * 40
WORDS = "embedding 16, transformer 2"


def untrained(tokens: Tokenizer, context: int = 8, words: str = WORDS) -> LanguageModel:
    network = language_network(tokens.size, context, words)
    return LanguageModel.of(
        network.initialise(1, np.zeros((1, context), np.int32)), tokens, context
    )


# ---------------------------------------------------------------------------------------------
# The command line.


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    folder = tmp_path_factory.mktemp("text")
    (folder / "book.txt").write_text(TEXT)
    done = chainrule(
        *("train", "book.txt", "--out", "run", "--epochs", 40, "--context", 16, "--patience", 0),
        *("--network", WORDS, "--learning-rate", 0.005, "--batch-size", 8, "--json"),
        folder=folder,
    )
    return folder, done.json


def test_a_text_that_repeats_itself_is_learnt(trained: tuple[Path, Any]) -> None:
    _, said = trained
    assert said["kind"] == "text"
    assert said["test"]["scores"]["nats_per_character"] < 0.25
    assert said["baseline"]["nats_per_character"] > 0.5  # pairs cannot tell cat from dog


def test_generate_continues_a_prompt_the_same_for_the_same_seed(trained: tuple[Path, Any]) -> None:
    folder, _ = trained
    arguments = ("generate", "run", "the cat sat on ", "--length", 12)
    likeliest = chainrule(*arguments, "--temperature", 0, folder=folder)
    assert likeliest.out.startswith("the cat sat on the")
    assert len(likeliest.out) == len("the cat sat on ") + 12 + 1
    first, again, other = (
        chainrule(*arguments, "--temperature", 3, "--seed", seed, "--json", folder=folder).json
        for seed in (1, 1, 2)
    )
    assert first["text"] == again["text"] != other["text"]
    alone = chainrule(*arguments, "--temperature", 0, "--quiet", folder=folder).out
    assert likeliest.out == "the cat sat on " + alone


def test_evaluate_predict_and_show_know_language_models(trained: tuple[Path, Any]) -> None:
    folder, said = trained
    scores = chainrule("evaluate", "run", "book.txt", "--json", folder=folder).json["scores"]
    assert scores["nats_per_character"] == pytest.approx(
        said["test"]["scores"]["nats_per_character"], abs=0.2
    )
    (folder / "lines.txt").write_text("the cat sa\n\nqqqqq\n")
    columns = chainrule("predict", "run", "lines.txt", "--json", folder=folder).json["columns"]
    assert columns["text"] == ["the cat sa", "qqqqq"]
    assert columns["predicted_next"][0] == "t"
    assert columns["nats_per_token"][0] < 1 < columns["nats_per_token"][1]
    alone = chainrule("predict", "run", "lines.txt", "--only", folder=folder).out
    assert alone.startswith("nats_per_token,predicted_next\n")
    complaint = chainrule("predict", "run", "lines.txt", "--proba", folder=folder).complaint
    assert "too many tokens" in complaint
    assert "TransformerEncoderBlock" in chainrule("show", "run", "--quiet", folder=folder).out


def test_models_of_other_kinds_are_told_apart(trained: tuple[Path, Any]) -> None:
    folder, _ = trained
    with pytest.raises(ModelFileError, match="is a language model, which continues texts"):
        load_model(folder / "run")
    save_model(table_model("binary"), folder / "table.chainrule")
    complaint = chainrule("generate", "table.chainrule", "once", folder=folder).complaint
    assert "is no language model: it predicts 'y'" in complaint


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("none.txt",), "there is no file 'none.txt'"),
        (("book.txt", "--target", "x"), "a text has no target"),
        (("book.txt", "--tokens", "words"), "tokens are 'characters', 'subwords'"),
        (("book.txt", "--context", 5000), "too few for a context of 5000"),
        (("book.txt", "--context", 0), "at least one token"),
        (("book.txt", "--network", "conv 3"), "'conv 3' makes no sense for text"),
        (("book.txt", "--network", "embedding 10, transformer 4"), "does not suit the data"),
        (("book.txt", "--network", "transformer 4, embedding 8"), "can only stand first"),
        (("book.txt", "--test", 0.7, "--validation", 0.5), "leave text for training"),
    ],
)
def test_a_mistake_of_the_user_is_one_sentence(
    tmp_path: Path, arguments: tuple[object, ...], message: str
) -> None:
    (tmp_path / "book.txt").write_text(TEXT)
    complaint = chainrule("train", *arguments, "--out", "run", folder=tmp_path).complaint
    assert message in complaint
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("",), "the prompt is empty"),
        (("!!!",), "training saw none of the characters"),
        (("the", "--temperature", -1), "a temperature is a number from 0 on"),
        (("the", "--top-k", 0), "top_k is a number of tokens"),
        (("the", "--top-p", 0), "top_p is a probability"),
        (("the", "--length", -1), "not negative"),
    ],
)
def test_a_mistake_in_generate_is_one_sentence(
    trained: tuple[Path, Any], arguments: tuple[object, ...], message: str
) -> None:
    assert message in chainrule("generate", "run", *arguments, folder=trained[0]).complaint


# ---------------------------------------------------------------------------------------------
# The model.


def test_losses_are_those_of_the_networks_own_scores() -> None:
    model = untrained(Characters.fit(TEXT))
    assert model.network is not None
    tokens = model.tokens.encode("the cat sat on the mat")
    losses = model.losses_of(tokens)
    assert losses.shape == (21,)
    scores = np.asarray(model.network(tokens[None, :8]), np.float64)[0]
    logs = scores - np.log(np.exp(scores).sum(axis=-1, keepdims=True))
    expected = -logs[np.arange(8), tokens[1:9]]
    assert losses[:8] == pytest.approx(expected, rel=1e-5)  # float32 scores
    # Each stretch is seen for itself: the ninth token is foretold from the eighth alone.
    alone = np.asarray(model.network(np.full((1, 8), tokens[8], np.int32)), np.float64)[0, 0]
    assert losses[8] == pytest.approx(np.log(np.exp(alone).sum()) - alone[tokens[9]], rel=1e-5)


def test_what_stands_behind_a_prompt_changes_nothing() -> None:
    model = untrained(Characters.fit(TEXT))
    sampling = Sampling(temperature=0.0)
    assert "".join(model.generate("the", 4, sampling=sampling)) == "".join(
        untrained(Characters.fit(TEXT), words=WORDS).generate("the", 4, sampling=sampling)
    )
    with pytest.raises(DataError, match="at least two tokens"):
        model.losses_of(np.array([1], np.int32))


@pytest.mark.parametrize(
    "words", [WORDS, "embedding 8, gru 8, lstm 8", "embedding 8, positions, attention 2, dense 8"]
)
def test_reading_one_token_at_a_time_gives_the_same_text(words: str) -> None:
    model = untrained(Characters.fit(TEXT), words=words)
    whole = replace(model, network=None)  # so that the whole context is read for each token
    for prompt in ("t", "the cat", "the cat sat on the mat"):
        room = max(1, 9 - len(prompt))  # as long as both see the same
        for seed in range(3):
            first = "".join(model.generate(prompt, room, seed=seed))
            assert first == "".join(whole.generate(prompt, room, seed=seed))


def test_attention_sees_the_last_tokens_when_its_places_are_full() -> None:
    model = untrained(Characters.fit(TEXT))
    whole = replace(model, network=None)
    assert [*model.generate("the", 30)] == [*whole.generate("the", 30)]


def test_each_token_is_read_once() -> None:
    model = untrained(Characters.fit(TEXT), words="embedding 8, gru 8")
    assert model.network is not None
    program = step_program(model.network, model.context)
    assert program is not None
    score = program.scorer([*model.weights.values()], 100)
    known = score([1, 2, 3])
    assert score([1, 2, 3]).tolist() == known.tolist()  # nothing is new: nothing is read
    assert score([1, 2, 3, 4]).tolist() != known.tolist()
    around = nn.Sequential(nn.Conv1D(3, padding="same"), model.network)
    assert step_program(around, model.context) is None


def test_the_unknown_character_is_never_written() -> None:
    model = untrained(Characters.fit("ab"))
    assert set("".join(model.generate("a", 200, sampling=Sampling(50.0)))) == {"a", "b"}


def test_characters_of_several_tokens_come_whole() -> None:
    model = untrained(Subwords.fit("ab " * 50, 260))
    pieces = list(model.generate("ab", 40, sampling=Sampling(5.0), seed=3))
    tokens = model.tokens
    assert "".join(pieces) == tokens.decode(tokens.encode("".join(pieces)))
    assert not any(piece.endswith("\N{REPLACEMENT CHARACTER}") for piece in pieces[:-1])


def test_a_language_model_is_stored_and_gives_the_same_text(tmp_path: Path) -> None:
    for tokens in (Characters.fit(TEXT), Subwords.fit(TEXT, 300)):
        before = untrained(tokens)
        save_model(before, tmp_path / "m.chainrule")
        after = load_language_model(tmp_path / "m.chainrule")
        assert after.context == 8
        assert [*after.generate("the", 9)] == [*before.generate("the", 9)]


def test_a_changed_file_of_a_language_model_is_refused(tmp_path: Path) -> None:
    save_model(untrained(Characters.fit(TEXT)), tmp_path / "m.chainrule")
    stored = (tmp_path / "m.chainrule").read_bytes()

    def fewer(manifest: Any) -> None:
        manifest["tokens"]["symbols"].pop()

    for change, message in (
        (fewer, "does not score tokens"),
        (lambda m: m.update(extra=1), "unknown field 'extra'"),
        (lambda m: m.pop("tokens"), "'tokens' is not there"),
        (lambda m: m.update(network=None), None),
    ):
        if message is not None:
            assert message in refused(changed(stored, change), tmp_path)


# ---------------------------------------------------------------------------------------------
# Sampling, and what needs no network.


def test_probabilities_follow_temperature_top_k_and_top_p() -> None:
    scores = np.log(np.array([0.5, 0.3, 0.15, 0.05]))
    assert Sampling().probabilities(scores) == pytest.approx([0.5, 0.3, 0.15, 0.05])
    squares = np.array([0.25, 0.09, 0.0225, 0.0025])
    assert Sampling(0.5).probabilities(scores) == pytest.approx(squares / squares.sum())
    assert Sampling(top_k=2).probabilities(scores) == pytest.approx([0.625, 0.375, 0, 0])
    assert Sampling(top_p=0.6).probabilities(scores) == pytest.approx([0.625, 0.375, 0, 0])
    assert Sampling(0.0).probabilities(scores).tolist() == [1, 0, 0, 0]
    infinite = np.array([0.0, -math.inf])
    assert Sampling(3.0).probabilities(infinite).tolist() == [1, 0]


def test_pairs_of_tokens_are_counted_by_hand(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("ababababab")
    prepared = prepare_text(str(tmp_path / "a.txt"), TextWishes("characters", 2, 0.0, 0.2))
    # Training: abababab, with tokens ?, a, b. Test: "ab". Of the four a, all are followed by b; b
    # has the share 5/11 of tokens, one more than counted.
    expected = -math.log((4 + 5 / 11) / 5)
    assert guessed_scores(prepared)["nats_per_token"] == pytest.approx(expected)


def test_every_epoch_cuts_the_text_at_other_places(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("".join(map(chr, range(65, 125))) * 3)
    prepared = prepare_text(str(tmp_path / "a.txt"), TextWishes(context=10))
    begins = {int(next(prepared.pieces(epoch))[0][0, 0]) for epoch in range(20)}
    assert len(begins) > 5
    with pytest.raises(ParameterError, match="at least one token"):
        prepare_text(str(tmp_path / "a.txt"), TextWishes(context=0))
