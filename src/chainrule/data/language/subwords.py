"""Sub-words as tokens: pairs of bytes merged by frequency, through the library ``tokenizers``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from chainrule.data.stored import Fields
from chainrule.errors import DataError, MissingDependencyError, ModelFileError, ParameterError

SMALLEST = 260
"""Tokens that byte-level merging has before it merges anything: one for each byte, and a few."""


@dataclass(frozen=True)
class Subwords:
    """Frequent runs of characters are tokens; any text can be written with them.

    Byte-pair encoding on bytes (Sennrich and others, 2016; Radford and others, 2019), by
    Hugging Face's ``tokenizers``. Make one with `Subwords.fit`.

    Parameters
    ----------
    json
        The tokenizer as its library stores it: data, no code.

    >>> words = Subwords.fit("the cat and the hat " * 50, size=270)
    >>> words.decode(words.encode("the bat"))
    'the bat'
    >>> len(words.encode("the")) < 3
    True
    """

    json: str
    kind: ClassVar[str] = "subwords"

    @classmethod
    def fit(cls, text: str, size: int = 1024) -> Subwords:
        """Learn what to merge from the training part of a text.

        Parameters
        ----------
        text
            The training part, and nothing else.
        size
            Number of tokens, at least `SMALLEST`; fewer if there is nothing left to merge.

        Raises
        ------
        MissingDependencyError
            If ``tokenizers`` is not installed.
        """
        if size < SMALLEST:
            raise ParameterError(f"sub-words need at least {SMALLEST} tokens, received {size}")
        if not text.strip():
            raise DataError("the text is empty")
        library = _library()
        tokenizer = library.Tokenizer(library.models.BPE())
        tokenizer.pre_tokenizer = library.pre_tokenizers.ByteLevel(add_prefix_space=False)
        tokenizer.decoder = library.decoders.ByteLevel()
        trainer = library.trainers.BpeTrainer(
            vocab_size=size,
            show_progress=False,
            initial_alphabet=library.pre_tokenizers.ByteLevel.alphabet(),
        )
        tokenizer.train_from_iterator(text.splitlines(keepends=True), trainer)
        return cls(tokenizer.to_str())

    @cached_property
    def _tokenizer(self) -> Any:
        return _library().Tokenizer.from_str(self.json)

    @property
    def size(self) -> int:
        """Count the tokens."""
        return int(self._tokenizer.get_vocab_size())

    def encode(self, text: str) -> NDArray[np.int32]:
        """Give the numbers of the tokens, int32 [n]."""
        return np.array(self._tokenizer.encode(text).ids, np.int32)

    def decode(self, tokens: Iterable[int]) -> str:
        """Give the text of some tokens; bytes that are no character show as a question mark."""
        return str(self._tokenizer.decode([int(token) for token in tokens]))

    def describe(self) -> str:
        """Say in one line what the tokens are."""
        longest = sorted(self._tokenizer.get_vocab(), key=lambda token: (-len(token), token))[:8]
        shown = ", ".join(repr(token.replace("\u0120", " ")) for token in longest)
        return f"{self.size:,} sub-words, such as {shown}"

    def to_dict(self) -> dict[str, Any]:
        """Give everything as plain JSON values."""
        return {"kind": self.kind, "json": self.json}

    @classmethod
    def from_dict(cls, stored: object) -> Subwords:
        """Read what `to_dict` gave; raise `ModelFileError` if it is anything else."""
        fields = Fields(stored, "tokens")
        fields.choice("kind", (cls.kind,))
        subwords = cls(fields.text("json"))
        fields.end()
        try:
            size = subwords.size
        except MissingDependencyError:
            raise
        except Exception as error:  # the library raises nothing more special
            raise ModelFileError(f"tokens: they cannot be read: {error}") from error
        if size < 2:
            raise ModelFileError("tokens: there are fewer than two")
        return subwords


def _library() -> Any:
    try:
        import tokenizers
        import tokenizers.decoders
        import tokenizers.models
        import tokenizers.pre_tokenizers
        import tokenizers.trainers
    except ImportError as error:
        raise MissingDependencyError(
            "sub-words need tokenizers: pip install 'chainrule[text]'; characters need nothing"
        ) from error
    return tokenizers
