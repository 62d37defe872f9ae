"""A text becomes a language model: read, cut, made into tokens, learnt, and scored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule import __version__, losses
from chainrule.app.model import LanguageModel
from chainrule.app.model.language import text_scores
from chainrule.app.training.architecture.networks import language_network, usual_language_network
from chainrule.app.training.fitting import Outcome
from chainrule.app.training.preparation import name_of_file
from chainrule.app.training.settings import (
    Settings,
    limits_of,
    optimiser_of,
    refuse_hidden,
    with_asked,
)
from chainrule.data.language import (
    Characters,
    Corpus,
    Subwords,
    Tokenizer,
    read_text,
    stretches,
)
from chainrule.errors import DataError, ParameterError
from chainrule.train import Trainer

SUBWORDS = 1024
"""Tokens that sub-words get where no number is asked for."""

USUAL = Settings((), "gelu", 0.0, "adamw", 2e-3, 0.1, 32, epochs=30, patience=3)
"""Settings of language models."""

_CONTEXT = 128


@dataclass(frozen=True)
class TextWishes:
    """What a user may say about a text.

    Parameters
    ----------
    tokens
        ``"characters"``, ``"subwords"`` or ``"subwords:2000"``.
    context
        Tokens that the network sees at once.
    validation, test
        Shares of the text: its end tests, the part before that validates.
    seed
        Drives everything random.
    """

    tokens: str = "characters"
    context: int = _CONTEXT
    validation: float = 0.1
    test: float = 0.2
    seed: int = 0


@dataclass(frozen=True, eq=False)
class PreparedText:
    """A text that is ready to be learnt from; tokens are those of its training part.

    Parameters
    ----------
    name
        What the text is called.
    characters
        Of each part, by its name.
    tokens
        How text becomes whole numbers.
    encoded
        The tokens of each part, int32.
    wishes
        What the user said.
    notes
        What a user should know.
    """

    name: str
    characters: Mapping[str, int]
    tokens: Tokenizer
    encoded: Mapping[str, NDArray[np.int32]]
    wishes: TextWishes
    notes: tuple[str, ...]

    @property
    def scored(self) -> str:
        """Name the part that the scores are of."""
        return next(part for part in ("test", "validation", "train") if len(self.encoded[part]) > 1)

    def pieces(self, epoch: int) -> Iterator[tuple[NDArray[np.int32], NDArray[np.int32]]]:
        """Give the stretches of an epoch; each epoch cuts the text at other places."""
        tokens, context = self.encoded["train"], self.wishes.context
        most = min(context, len(tokens) - context)
        begin = np.random.default_rng((self.wishes.seed, epoch)).integers(max(most, 1))
        yield stretches(tokens[begin:], context)


def prepare_text(source: str, wishes: TextWishes) -> PreparedText:
    """Read a text, cut it into parts, and make tokens of them.

    Parameters
    ----------
    source
        A text file, or a folder of ``.txt`` files.
    wishes
        What the user wants otherwise.

    Raises
    ------
    DataError
        If there is no text, or too little of it.
    """
    if wishes.context < 1:
        raise ParameterError(f"the context has at least one token, not {wishes.context}")
    text, notes = read_text(source)
    corpus = Corpus.split(text, wishes.validation, wishes.test, notes)
    parts = {name: getattr(corpus, name) for name in ("train", "validation", "test")}
    tokens = _tokens(corpus.train, wishes.tokens)
    encoded = {name: tokens.encode(part) for name, part in parts.items()}
    if len(encoded["train"]) <= wishes.context:
        raise DataError(
            f"{source!r} has {len(encoded['train']):,} tokens to train on, too few for a context "
            f"of {wishes.context}: give a longer text or a smaller --context"
        )
    characters = {name: len(part) for name, part in parts.items()}
    name = name_of_file(source.rstrip("/"))
    return PreparedText(name, characters, tokens, encoded, wishes, corpus.notes)


def _tokens(text: str, asked: str) -> Tokenizer:
    if asked == Characters.kind:
        return Characters.fit(text)
    kind, _, number = asked.partition(":")
    if kind != Subwords.kind or (number and not number.isdecimal()):
        raise ParameterError(
            f"tokens are 'characters', 'subwords' or 'subwords:2000', not {asked!r}"
        )
    return Subwords.fit(text, int(number or SUBWORDS))


def choose_text_settings(asked: Mapping[str, Any]) -> Settings:
    """Choose what the user did not ask for.

    Parameters
    ----------
    asked
        Settings by name; None where the choice is left to us.
    """
    refuse_hidden(asked)
    return with_asked(replace(USUAL, network=usual_language_network()), asked)


def fit_text(
    prepared: PreparedText, settings: Settings, progress: bool | str = False
) -> Outcome[LanguageModel]:
    """Train a language model on a prepared text and score it on the part held out.

    Raises
    ------
    DivergenceError
        If NaN or infinity appears; the message says where and what to try.
    """
    began = perf_counter()
    context = prepared.wishes.context
    network = language_network(
        prepared.tokens.size, context, settings.network, activation=settings.activation
    )
    trainer = Trainer(
        network,
        losses.CrossEntropy(),
        optimiser_of(settings),
        stop=limits_of(settings),
        metric=None,
        batch_size=settings.batch_size,
        seed=settings.seed,
        executor=settings.executor,
        progress=progress,
    )
    watching = prepared.encoded["validation"]
    watched = stretches(watching, context) if len(watching) > context else (None, None)
    run = trainer.fit(prepared.pieces, X_val=watched[0], y_val=watched[1])
    model = LanguageModel.of(run.network, prepared.tokens, context)
    report = {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "source": prepared.name,
        "kind": "text",
        "tokens": prepared.tokens.describe(),
        "context": context,
        "characters": dict(prepared.characters),
        "settings": settings.to_dict(),
        "training": {
            "epochs": len(run.history),
            "best_epoch": run.best_epoch,
            "stopped_because": run.stopped_because,
            "seconds": round(perf_counter() - began, 3),
        },
        "test": {"of": prepared.scored, **_scores(prepared, model)},
        "baseline": guessed_scores(prepared),
        "notes": list(prepared.notes),
    }
    return Outcome(replace(model, report=report, version=__version__), run)


def _scores(prepared: PreparedText, model: LanguageModel) -> dict[str, Any]:
    found = model.losses_of(prepared.encoded[prepared.scored])
    return {"tokens": len(found), "scores": text_scores(found, _characters(prepared))}


def _characters(prepared: PreparedText) -> float:
    """Characters of a token of the scored part, on average."""
    return prepared.characters[prepared.scored] / len(prepared.encoded[prepared.scored])


def guessed_scores(prepared: PreparedText) -> dict[str, float]:
    """Score what needs no network: how often a token follows the one before it in training.

    Counts of pairs, to which the counts of single tokens are added as one more observation, so that
    no pair is impossible (as in Witten and Bell's smoothing with one type).
    """
    train, test = prepared.encoded["train"], prepared.encoded[prepared.scored]
    size = prepared.tokens.size
    single = (np.bincount(train, minlength=size) + 1) / (len(train) + size)
    pairs: dict[int, int] = {}
    codes, counts = np.unique(train[:-1].astype(np.int64) * size + train[1:], return_counts=True)
    pairs = dict(zip(codes.tolist(), counts.tolist(), strict=True))
    before = np.bincount(train[:-1], minlength=size)
    wanted = (test[:-1].astype(np.int64) * size + test[1:]).tolist()
    seen = np.array([pairs.get(code, 0) for code in wanted])
    share = (seen + single[test[1:]]) / (before[test[:-1]] + 1)
    return text_scores(-np.log(share), _characters(prepared))
