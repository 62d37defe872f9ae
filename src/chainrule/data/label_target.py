"""A target of labels: classes there and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from chainrule.data.levels import level, level_codes
from chainrule.data.stored import Fields
from chainrule.data.wording import listing
from chainrule.errors import DataError, ModelFileError

Label = str | int | bool | float


@dataclass(frozen=True)
class LabelTarget:
    """One of several labels in each row.

    Parameters
    ----------
    name
        The column's name.
    classes
        The labels as they were read, sorted; at least two.
    """

    name: str
    classes: tuple[Label, ...]

    @classmethod
    def fit(cls, known: pl.Series, *, two: bool = False) -> LabelTarget:
        """Fit to the cleaned values [n] of the training rows, none missing.

        Parameters
        ----------
        known
            The values.
        two
            Whether there must be two labels.

        Raises
        ------
        DataError
            If nearly every row has a label of its own, or there are not two.
        """
        # Labels that differ only in how they are written (1 and 1.0 among text) are one.
        labels = {level(label): label for label in known.unique().sort().to_list()}
        if two and len(labels) != 2:
            raise DataError(
                f"the target {known.name!r} has {len(labels)} classes, but a binary task has two "
                f"(as has each of several targets): {listing(labels.values())}; use the task "
                "'multiclass'"
            )
        if len(labels) > max(2, len(known) // 2):
            raise DataError(
                f"the target {known.name!r} has {len(labels)} classes in {len(known)} rows, too "
                "many to learn; is it an identifier, or a number to be predicted ('regression')?"
            )
        return cls(known.name, tuple(labels.values()))

    def knows(self, column: pl.Series) -> np.ndarray:
        """Tell for each row whether training saw its label, bool [n]."""
        names = {level(label): code for code, label in enumerate(self.classes)}
        known: np.ndarray = level_codes(column, names, unknown=-1, missing=-1)[0] >= 0
        return known

    def encode(self, column: pl.Series) -> np.ndarray:
        """Turn labels into indices, int32 [n].

        Raises
        ------
        DataError
            If training did not see a label.
        """
        names = {level(label): code for code, label in enumerate(self.classes)}
        codes, _ = level_codes(column, names, unknown=-1, missing=-1)
        unseen = np.flatnonzero(codes == -1)
        if len(unseen):
            raise DataError(
                f"the target {self.name!r}, row {unseen[0] + 1}: training did not see the label "
                f"{column[int(unseen[0])]!r} ({len(unseen)} such rows); it knows "
                f"{listing(self.classes)}"
            )
        return codes

    def decode(self, indices: np.ndarray) -> np.ndarray:
        """Turn indices [n] into labels [n]."""
        kinds = {type(label) for label in self.classes}
        # NumPy's own texts lose trailing zero bytes, and would make numbers among texts text.
        dtype = None if len(kinds) == 1 and str not in kinds else object
        labels: np.ndarray = np.array(self.classes, dtype)[np.asarray(indices).astype(int)]
        return labels

    def describe(self) -> str:
        """Say in one line what is predicted."""
        return f"{self.name}: one of {listing(self.classes)}"

    def to_dict(self) -> dict[str, object]:
        """Give everything as plain JSON values."""
        return {"kind": "labels", "name": self.name, "classes": list(self.classes)}

    @classmethod
    def from_fields(cls, fields: Fields) -> LabelTarget:
        """Read what `to_dict` gave; raise `ModelFileError` if it is anything else."""
        fields.choice("kind", ("labels",))
        target = cls(fields.text("name"), _labels(fields.items("classes"), fields.place))
        fields.end()
        return target


def _labels(stored: Sequence[object], place: str) -> tuple[Label, ...]:
    labels: list[Label] = []
    for label in stored:
        if not isinstance(label, str | int | float):
            raise ModelFileError(f"{place}: a class should be a text or a number, not {label!r}")
        labels.append(label)
    if len({level(label) for label in labels}) < len(labels):
        raise ModelFileError(f"{place}: one class is there twice")
    if len(labels) < 2:
        raise ModelFileError(f"{place}: there should be two classes or more, not {len(labels)}")
    return tuple(labels)
