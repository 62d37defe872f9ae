"""One column of levels: one input per level, or a code for an embedding."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from chainrule.data.levels import level_codes, level_counts, rare_below
from chainrule.data.stored import Fields
from chainrule.data.wording import listing, percent
from chainrule.errors import DataError, ModelFileError

UNSEEN, MISSING = 0, 1
"""Codes of a level that training did not see, and of a missing cell; levels count from 2."""

MOST_LEVELS = 256
"""Levels beyond these, the most frequent, share the place of the unseen."""


@dataclass(frozen=True)
class CategoryColumn:
    """How the levels of one column become inputs.

    Parameters
    ----------
    name
        The column's name.
    kind
        ``"categorical"`` or ``"boolean"``; a boolean also reads ``yes``, ``N``, ``1`` and the like.
    levels
        The levels that have a place of their own, sorted.
    shares
        Share of the training rows of each level.
    rare_share
        Share of the training rows whose level is too rare for a place of its own. They stand
        in for all that is unseen.
    missing_share
        Share of the training rows without a value.
    embedded
        Whether the column gives codes for an embedding instead of inputs.
    """

    name: str
    kind: str
    levels: tuple[str, ...]
    shares: tuple[float, ...]
    rare_share: float
    missing_share: float
    embedded: bool = False

    @classmethod
    def fit(cls, column: pl.Series, *, kind: str, embed_above: int | None) -> CategoryColumn:
        """Fit to a cleaned column [n] of the training part.

        Parameters
        ----------
        column
            The cells.
        kind
            ``"categorical"`` or ``"boolean"``.
        embed_above
            With more levels than this the column is embedded; None: never.
        """
        counts = level_counts(column, truth=kind == "boolean")
        if not counts:
            raise DataError(f"column {column.name!r} has no value in any training row")
        if kind == "boolean" and not counts.keys() <= {"true", "false"}:
            raise DataError(
                f"column {column.name!r} cannot be boolean: it holds {listing(sorted(counts))}"
            )
        rows = len(column)
        embedded = embed_above is not None and len(counts) > embed_above
        enough = rare_below(rows) if kind == "categorical" else 0
        frequent = [name for name, count in counts.items() if count >= enough] or list(counts)
        if not embedded:
            frequent = sorted(frequent, key=lambda name: (-counts[name], name))[:MOST_LEVELS]
        kept = sorted(frequent)
        rare = sum(counts.values()) - sum(counts[name] for name in kept)
        return cls(
            column.name,
            kind,
            tuple(kept),
            tuple(counts[name] / rows for name in kept),
            rare / rows,
            column.null_count() / rows,
            embedded,
        )

    @property
    def cardinality(self) -> int:
        """Number of different codes: the levels, the unseen and the missing."""
        return len(self.levels) + 2

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Name the inputs that the column gives; none if it is embedded."""
        names = [*self.levels]
        names += ["(unseen)"] if self.rare_share else []
        names += ["(missing)"] if self.missing_share else []
        if self.embedded:
            return ()
        # The second of two says all there is to say.
        return tuple(f"{self.name}={name}" for name in (names[1:] if len(names) == 2 else names))

    @property
    def rows(self) -> np.ndarray:
        """Give the inputs that each code stands for, float32 [cardinality, len(feature_names)].

        Training must have seen every input at work, or its weights would be noise. So the unseen
        share the place of rare levels; where no level was rare, an unseen cell counts as the
        average training row, and likewise a missing one where none was missing.
        """
        shares = [*self.shares]
        places = {code + 2: code for code in range(len(self.levels))}
        for code, share in ((UNSEEN, self.rare_share), (MISSING, self.missing_share)):
            if share:
                places[code] = len(shares)
                shares.append(share)
        average = np.array(shares) / sum(shares)
        rows = np.tile(average, (self.cardinality, 1))
        rows[list(places)] = np.eye(len(shares))[list(places.values())]
        return (rows[:, 1:] if len(shares) == 2 else rows).astype(np.float32)

    def codes(self, column: pl.Series) -> tuple[np.ndarray, tuple[str, ...]]:
        """Give the code of each cell, int32 [n], and what a user should know."""
        places = {name: code for code, name in enumerate(self.levels, start=2)}
        codes, unseen = level_codes(
            column, places, unknown=UNSEEN, missing=MISSING, truth=self.kind == "boolean"
        )
        count = int((codes == UNSEEN).sum())
        # Rare levels count as unseen; only more of them than in training are news.
        if count <= 2.0 * self.rare_share * len(column):
            return codes, ()
        rows = "1 row has a level" if count == 1 else f"{count} rows have levels"
        saw = "hardly or never" if self.rare_share else "never"
        note = f"column {self.name!r}: {rows} that training {saw} saw: {listing(unseen, shown=3)}"
        return codes, (note,)

    def transform(self, column: pl.Series) -> tuple[np.ndarray, tuple[str, ...]]:
        """Give the inputs, float32 [n, len(feature_names)], and what a user should know."""
        codes, notes = self.codes(column)
        return self.rows[codes], notes

    def describe(self) -> str:
        """Say in one line what is done to the column."""
        count = len(self.levels)
        text = f"{self.name}: {self.kind} with {count} level{'s' if count > 1 else ''}"
        if self.embedded:
            return f"{text}; embedded, with codes for unseen and missing"
        width = len(self.feature_names)
        text += f"; one-hot, {width} input{'s' if width > 1 else ''}"
        if self.rare_share:
            text += f"; rare levels ({percent(self.rare_share)}) count as unseen"
        if self.missing_share:
            text += f"; missing ({percent(self.missing_share)}) has its own"
        return text

    def to_dict(self) -> dict[str, object]:
        """Give everything as plain JSON values."""
        return {
            "kind": self.kind,
            "name": self.name,
            "levels": list(self.levels),
            "shares": list(self.shares),
            "rare_share": self.rare_share,
            "missing_share": self.missing_share,
            "embedded": self.embedded,
        }

    @classmethod
    def from_fields(cls, fields: Fields) -> CategoryColumn:
        """Read what `to_dict` gave; raise `ModelFileError` if it is anything else."""
        column = cls(
            fields.text("name"),
            fields.choice("kind", ("categorical", "boolean")),
            fields.texts("levels"),
            fields.numbers("shares"),
            fields.share("rare_share"),
            fields.share("missing_share"),
            fields.flag("embedded"),
        )
        fields.end()
        if not column.levels or len(column.levels) != len(column.shares):
            raise ModelFileError(
                f"{fields.place}: expected one share per level, received "
                f"{len(column.levels)} levels and {len(column.shares)} shares"
            )
        if min(column.shares) <= 0.0 or max(column.shares) > 1.0:
            raise ModelFileError(f"{fields.place}: shares must lie between 0 and 1")
        return column
