"""A target of label sets: any number of labels in each row, as in ``news|sport``."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from chainrule.data.levels import level
from chainrule.data.stored import Fields
from chainrule.data.wording import listing
from chainrule.errors import DataError, ModelFileError

SEPARATORS = ("|", ";", ",", " ")
"""What stands between labels, the most telling first."""

_FEW_LABELS = 20


@dataclass(frozen=True)
class LabelSetTarget:
    """Any number of labels in each row, in one column.

    Parameters
    ----------
    name
        The column's name.
    labels
        All labels, sorted.
    separator
        What stands between the labels of a cell, one of `SEPARATORS`. Cells may be lists, too.
    """

    name: str
    labels: tuple[str, ...]
    separator: str = "|"

    @classmethod
    def fit(cls, known: pl.Series) -> LabelSetTarget:
        """Fit to the cleaned values [n] of the training rows, none missing.

        Raises
        ------
        DataError
            If there is only one label, or as many as rows.

        >>> LabelSetTarget.fit(pl.Series("tags", ["news|sport", "news", "art|news"])).labels
        ('art', 'news', 'sport')
        """
        separator = "|" if known.dtype.is_nested() else _separator(known)
        labels = sorted(set(_split(known, separator)["label"].drop_nulls().to_list()))
        if not 1 < len(labels) <= max(_FEW_LABELS, len(known)):
            raise DataError(
                f"the target {known.name!r} has {len(labels)} labels in {len(known)} rows; there "
                f"should be several, separated by one of {listing(SEPARATORS)} or in a list"
            )
        return cls(known.name, tuple(labels), separator)

    def knows(self, column: pl.Series) -> np.ndarray:
        """Tell for each row whether training saw all of its labels, bool [n]."""
        pairs = _split(column, self.separator)
        strange = pairs.filter(~pl.col("label").is_in(self.labels))["row"].to_numpy()
        known = np.ones(len(column), bool)
        known[strange] = False
        return known

    def encode(self, column: pl.Series) -> np.ndarray:
        """Turn cells into float32 [n, labels]: 1 where a row has the label, else 0.

        Raises
        ------
        DataError
            If training did not see a label.
        """
        places = {label: place for place, label in enumerate(self.labels)}
        pairs = _split(column, self.separator).drop_nulls()
        marks = np.zeros((len(column), len(self.labels)), np.float32)
        for row, label in pairs.iter_rows():
            if label not in places:
                raise DataError(
                    f"the target {self.name!r}, row {row + 1}: training did not see the label "
                    f"{label!r}; it knows {listing(self.labels)}"
                )
            marks[row, places[label]] = 1.0
        return marks

    def decode(self, marks: np.ndarray) -> np.ndarray:
        """Turn marks [n, labels], each 0 or 1, into texts [n]."""
        texts = [
            self.separator.join(label for label, mark in zip(self.labels, row, strict=True) if mark)
            for row in np.asarray(marks).astype(bool)
        ]
        return np.array(texts, object)

    def describe(self) -> str:
        """Say in one line what is predicted."""
        return f"{self.name}: any of {listing(self.labels)}, separated by {self.separator!r}"

    def to_dict(self) -> dict[str, object]:
        """Give everything as plain JSON values."""
        labels = list(self.labels)
        return {
            "kind": "label sets",
            "name": self.name,
            "labels": labels,
            "separator": self.separator,
        }

    @classmethod
    def from_fields(cls, fields: Fields) -> LabelSetTarget:
        """Read what `to_dict` gave; raise `ModelFileError` if it is anything else."""
        fields.choice("kind", ("label sets",))
        target = cls(
            fields.text("name"), fields.texts("labels"), fields.choice("separator", SEPARATORS)
        )
        fields.end()
        if len(target.labels) < 2:
            raise ModelFileError(f"{fields.place}: there should be two labels or more")
        return target


def _separator(known: pl.Series) -> str:
    """Choose the separator that is in most cells, the more telling one of several."""
    counts = {
        mark: int(known.cast(pl.String).str.contains(mark, literal=True).sum())
        for mark in SEPARATORS
    }
    telling = [mark for mark in SEPARATORS[:-1] if counts[mark]]
    return max(telling, key=lambda mark: counts[mark]) if telling else " "


def _split(column: pl.Series, separator: str) -> pl.DataFrame:
    """Give the labels of each row, a line for each: ``row`` (from 0) and ``label``."""
    if not column.dtype.is_nested():
        column = column.cast(pl.String).str.split(separator)
    rows = pl.int_range(len(column), dtype=pl.Int64, eager=True)
    pairs = pl.DataFrame({"row": rows, "label": column}).explode("label")
    names = [None if label is None else level(label) for label in pairs["label"].to_list()]
    labels = pl.Series("label", names, dtype=pl.String).str.strip_chars()
    return pairs.with_columns(labels).filter(pl.col("label") != "")
