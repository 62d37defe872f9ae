"""What tokens have to offer, whatever they are."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from chainrule.data.language.characters import Characters
from chainrule.data.language.subwords import Subwords
from chainrule.data.stored import Fields


class Tokenizer(Protocol):
    """A text as whole numbers, and back."""

    kind: ClassVar[str]

    @property
    def size(self) -> int:
        """Count the tokens."""

    def encode(self, text: str) -> NDArray[np.int32]:
        """Give the numbers of the tokens, int32 [n]."""

    def decode(self, tokens: Iterable[int]) -> str:
        """Give the text of some tokens."""

    def describe(self) -> str:
        """Say in one line what the tokens are."""

    def to_dict(self) -> dict[str, Any]:
        """Give everything as plain JSON values."""


def tokenizer_from_dict(stored: object) -> Tokenizer:
    """Read what `Tokenizer.to_dict` gave; raise `ModelFileError` if it is anything else."""
    kind = Fields(stored, "tokens").choice("kind", (Characters.kind, Subwords.kind))
    if kind == Subwords.kind:
        return Subwords.from_dict(stored)
    return Characters.from_dict(stored)
