"""One column of text: weighted counts of the tokens that tell rows apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from chainrule.data.overrides import UNITS, Override
from chainrule.data.stored import Fields
from chainrule.data.tokens import (
    MOST_TOKENS,
    as_texts,
    cut,
    frequent_tokens,
    natural_unit,
)
from chainrule.data.wording import listing, percent
from chainrule.errors import DataError, ModelFileError

# 1 + ln(2^64): more rows than any table has.
_MOST_WEIGHT = 46


@dataclass(frozen=True)
class TextColumn:
    """How the texts of one column become inputs.

    A text becomes its tokens' counts, each times ``weight = 1 + ln((1 + n) / (1 + rows with it))``,
    divided by their Euclidean length: scikit-learn's TfidfTransformer. No token is hashed, so
    every input has a name.

    Parameters
    ----------
    name
        The column's name.
    unit
        ``"words"`` (and pairs of words) or ``"characters"`` (runs of three).
    tokens
        Those that have an input, sorted: in the training rows they split the rows best, being in
        neither few nor nearly all of them.
    weights
        One for each token.
    missing_share
        Share of training rows without a text. If there were any, one more input says so with 1.
    """

    name: str
    unit: str
    tokens: tuple[str, ...]
    weights: tuple[float, ...]
    missing_share: float

    @classmethod
    def fit(cls, column: pl.Series, *, asked: Override | None = None) -> TextColumn:
        """Fit to a cleaned column [n] of the training part."""
        asked = asked or Override("text")
        texts = as_texts(column)
        known = texts.drop_nulls()
        unit = asked.unit or natural_unit(known)
        found = frequent_tokens(known, unit, asked.size or MOST_TOKENS)
        if not found:
            raise DataError(
                f"column {column.name!r} cannot be text: its {len(known)} cells share no {unit}"
            )
        tokens = tuple(sorted(found))
        count = len(known)
        weights = tuple(float(1.0 + np.log((1 + count) / (1 + found[t]))) for t in tokens)
        return cls(column.name, unit, tokens, weights, texts.null_count() / len(texts))

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Name the inputs that the column gives."""
        names = tuple(f"{self.name}~{token}" for token in self.tokens)
        return names + ((f"{self.name}=(missing)",) if self.missing_share else ())

    def transform(self, column: pl.Series) -> tuple[np.ndarray, tuple[str, ...]]:
        """Give the inputs, float32 [n, len(feature_names)], and what a user should know."""
        texts = as_texts(column)
        width = len(self.tokens)
        places = pl.DataFrame({"token": self.tokens, "place": np.arange(width)})
        found = cut(texts, self.unit).join(places, on="token")
        cells = found["row"].to_numpy() * width + found["place"].to_numpy()
        counts = np.bincount(cells, minlength=len(texts) * width).reshape(len(texts), width)
        inputs = np.zeros((len(texts), len(self.feature_names)), np.float32)
        inputs[:, :width] = counts * np.array(self.weights)
        length = np.sqrt(np.einsum("ij,ij->i", inputs, inputs, dtype=np.float64))
        inputs /= np.where(length > 0.0, length, 1.0)[:, None].astype(np.float32)
        if self.missing_share:
            inputs[:, -1] = texts.is_null().to_numpy()
        return inputs, ()

    def describe(self) -> str:
        """Say in one line what is done to the column."""
        count = len(self.tokens)
        what = "words and pairs of words" if self.unit == "words" else "runs of three characters"
        text = f"{self.name}: text; tf-idf of {count} {what}, such as {listing(self._best(), 3)}"
        if self.missing_share:
            text += f"; missing ({percent(self.missing_share)}) flagged"
        return text

    def _best(self) -> list[str]:
        """Give the most frequent tokens, which have the least weight."""
        pairs = sorted(zip(self.weights, self.tokens, strict=True))
        return [token for _, token in pairs[:3]]

    def to_dict(self) -> dict[str, object]:
        """Give everything as plain JSON values."""
        return {
            "kind": "text",
            "name": self.name,
            "unit": self.unit,
            "tokens": list(self.tokens),
            "weights": list(self.weights),
            "missing_share": self.missing_share,
        }

    @classmethod
    def from_fields(cls, fields: Fields) -> TextColumn:
        """Read what `to_dict` gave; raise `ModelFileError` if it is anything else."""
        fields.choice("kind", ("text",))
        column = cls(
            fields.text("name"),
            fields.choice("unit", UNITS),
            fields.texts("tokens"),
            fields.numbers("weights"),
            fields.share("missing_share"),
        )
        fields.end()
        if not column.tokens or len(column.tokens) != len(column.weights):
            raise ModelFileError(
                f"{fields.place}: expected one weight per token, received {len(column.tokens)} "
                f"tokens and {len(column.weights)} weights"
            )
        if not all(0.0 < weight < _MOST_WEIGHT for weight in column.weights):
            raise ModelFileError(f"{fields.place}: weights should lie between 0 and {_MOST_WEIGHT}")
        return column
