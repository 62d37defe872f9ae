"""Examples that come in pieces, epoch by epoch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from chainrule.errors import DataError


@dataclass(frozen=True, eq=False)
class Pieces:
    """Examples in pieces, epoch by epoch.

    Attributes
    ----------
    source
        Something that can be iterated over again and again, such as a list or a loader, or a
        function from the number of the epoch (the first is 0) to an iterable. Each item is
        ``(X, y)`` or ``(X, y, sample_weight)``, of any number of rows.
    """

    source: Any

    def __post_init__(self) -> None:
        """Check that the source can be read more than once."""
        if isinstance(self.source, Iterator):
            raise DataError(
                "examples in pieces are read once for every epoch, but an iterator or generator "
                "ends for good: give a list, an object with __iter__, or the function that makes "
                "the generator, called with the number of the epoch"
            )
        if not (callable(self.source) or isinstance(self.source, Iterable)):
            raise DataError(
                f"without y, X has to be an iterable of pieces (X, y), received "
                f"{type(self.source).__name__}"
            )

    def epoch(self, number: int) -> Iterator[tuple[Any, Any, Any]]:
        """Go through the pieces of an epoch, each as inputs, targets, and weights or None."""
        pieces: Iterable[Any] = self.source(number) if callable(self.source) else self.source
        count = 0
        for count, piece in enumerate(pieces, start=1):
            if not isinstance(piece, (tuple, list)) or len(piece) not in (2, 3):
                raise DataError(
                    f"piece {count} is no pair (X, y), nor (X, y, sample_weight): it is a "
                    f"{type(piece).__name__}"
                )
            X, y, *weight = piece
            yield X, y, weight[0] if weight else None
        if not count:
            raise DataError(f"epoch {number + 1} has no pieces")

    def first(self) -> tuple[Any, Any, Any]:
        """Give the first piece, which shows the types of all."""
        return next(self.epoch(0))
