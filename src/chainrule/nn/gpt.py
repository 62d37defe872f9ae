"""A language model: a causal transformer that gives the next symbol at every place."""

from __future__ import annotations

from typing import Any

from chainrule import random
from chainrule.errors import ParameterError
from chainrule.nn.dense import Dense
from chainrule.nn.dropout import Dropout
from chainrule.nn.embedding import Embedding
from chainrule.nn.initialisers import Normal
from chainrule.nn.module import Module
from chainrule.nn.positions import LearntPositions
from chainrule.nn.transformer import TransformerEncoder
from chainrule.tracing import static


class GPT(Module):
    """Embed symbols, run a causal transformer, and score every symbol as the next one.

    Radford and others, "Language models are unsupervised multitask learners", 2019 (GPT-2); with
    ``position="rotary"``, ``norm="rms"``, ``activation="swiglu"`` and ``use_bias=False`` the form
    of LLaMA (Touvron and others, 2023).

    Parameters
    ----------
    vocabulary
        Number of symbols.
    context
        The longest sequence.
    width
        Features of a symbol.
    depth, heads, hidden, settings
        Of the transformer; see `TransformerEncoder`.
    position
        "learnt" vectors for each place, or as in `MultiHeadAttention`.
    dropout
        Rate everywhere, behind the embedding too.
    tied
        Whether the output layer uses the vectors of the embedding (and has no bias).

    A call takes int32 (batch, places) and returns logits (batch, places, vocabulary): at each place
    those of the symbol that follows it. Train it with `losses.CrossEntropy` on the same sequences
    one place later; ``chainrule generate`` writes texts with it.

    >>> import numpy as np
    >>> from chainrule import nn
    >>> text = np.zeros((2, 7), np.int32)
    >>> model = nn.GPT(65, context=8, width=16, depth=2, heads=4).initialise(0, text)
    >>> model(text).shape
    (2, 7, 65)
    """

    embedding: Embedding
    positions: LearntPositions | None
    drop: Dropout
    body: TransformerEncoder
    head: Dense | None
    context: int = static()

    def __init__(
        self,
        vocabulary: int,
        context: int,
        width: int = 128,
        depth: int = 4,
        heads: int = 4,
        hidden: int | None = None,
        *,
        position: str = "learnt",
        dropout: float = 0.0,
        tied: bool = True,
        **settings: Any,
    ) -> None:
        if min(vocabulary, context, width) < 1:
            raise ParameterError(
                "a GPT needs a vocabulary, a context and a width of at least 1, received "
                f"{vocabulary}, {context} and {width}"
            )
        put = object.__setattr__
        learnt = position == "learnt"
        body = TransformerEncoder(
            depth,
            heads,
            hidden,
            causal=True,
            dropout=dropout,
            position="none" if learnt else position,
            **settings,
        )
        put(self, "embedding", Embedding(vocabulary, width, Normal(0.02)))
        put(self, "positions", LearntPositions(context) if learnt else None)
        put(self, "drop", Dropout(dropout))
        put(self, "body", body)
        put(self, "head", None if tied else Dense(vocabulary))
        put(self, "context", context)

    def __call__(self, symbols: Any, *, key: Any = None) -> Any:
        """Score the next symbol at every place."""
        first, second = (None, None) if key is None else random.split(key)
        x = self.embedding(symbols)
        if self.positions is not None:
            x = self.positions(x)
        x = self.body(self.drop(x, key=first), key=second)
        return self.embedding.scores(x) if self.head is None else self.head(x)
