"""Characters as tokens: no library, no merging, every text there and back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from chainrule.data.stored import Fields
from chainrule.errors import DataError, ModelFileError

UNKNOWN = "\N{REPLACEMENT CHARACTER}"
"""What stands for a character that training did not see; it has the number 0."""


@dataclass(frozen=True)
class Characters:
    """Every character of the training text is a token.

    Make one with `Characters.fit`.

    Parameters
    ----------
    symbols
        The characters in the order of their numbers; the first is `UNKNOWN`.

    >>> letters = Characters.fit("banana")
    >>> letters.encode("nab!").tolist()
    [3, 1, 2, 0]
    >>> letters.decode([2, 1, 3])
    'ban'
    """

    symbols: tuple[str, ...]
    kind: ClassVar[str] = "characters"

    @classmethod
    def fit(cls, text: str) -> Characters:
        """Fit to the training part of a text.

        Raises
        ------
        DataError
            If it has fewer than two different characters.
        """
        found = sorted({*text} - {UNKNOWN})
        if len(found) < 2:
            raise DataError("the text has fewer than two different characters to learn from")
        return cls((UNKNOWN, *found))

    @property
    def size(self) -> int:
        """Count the tokens."""
        return len(self.symbols)

    @cached_property
    def _numbers(self) -> NDArray[np.int32]:
        """Number of each code point up to the highest that is known."""
        points = np.array([ord(symbol) for symbol in self.symbols])
        table = np.zeros(points.max() + 1, np.int32)
        table[points] = np.arange(len(points))
        return table

    def encode(self, text: str) -> NDArray[np.int32]:
        """Give the number of each character, int32 [n]; 0 for those that are not known."""
        points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
        known = points < len(self._numbers)
        codes: NDArray[np.int32] = np.where(known, self._numbers[np.where(known, points, 0)], 0)
        return codes.astype(np.int32)

    def decode(self, tokens: Iterable[int]) -> str:
        """Give the text of some tokens."""
        return "".join(self.symbols[int(token)] for token in tokens)

    def describe(self) -> str:
        """Say in one line what the tokens are."""
        shown = "".join(self.symbols[1:61])
        return f"{self.size:,} characters: {shown!r}" + ("..." if self.size > 61 else "")

    def to_dict(self) -> dict[str, Any]:
        """Give everything as plain JSON values."""
        return {"kind": self.kind, "symbols": list(self.symbols)}

    @classmethod
    def from_dict(cls, stored: object) -> Characters:
        """Read what `to_dict` gave; raise `ModelFileError` if it is anything else."""
        fields = Fields(stored, "tokens")
        fields.choice("kind", (cls.kind,))
        symbols = fields.texts("symbols")
        fields.end()
        if symbols[:1] != (UNKNOWN,) or len(symbols) < 2 or any(len(s) != 1 for s in symbols):
            raise ModelFileError("tokens: expected single characters, the unknown one first")
        return cls(symbols)
