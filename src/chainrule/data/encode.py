"""All columns of a table: fitted once, on the training part, and applied to any rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from chainrule.data.category import CategoryColumn
from chainrule.data.columns import profile
from chainrule.data.numeric import NumericColumn
from chainrule.data.stored import Fields
from chainrule.data.values import clean
from chainrule.data.wording import listing, suggest
from chainrule.errors import DataError, ModelFileError, ParameterError

FORMAT = 1
"""Version of what `Encoder.to_dict` gives."""

EMBED_ABOVE = 32
"""Levels above which ``embed=True`` embeds a column."""


@dataclass(frozen=True)
class Encoded:
    """The rows of a table as a network reads them.

    Parameters
    ----------
    numeric
        float32 [n, d]: scaled numbers, flags and one-hot levels.
    codes
        int32 [n, c]: a code per embedded column.
    notes
        What a user should know: columns ignored, levels unseen.
    """

    numeric: np.ndarray
    codes: np.ndarray
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.numeric)


@dataclass(frozen=True)
class Encoder:
    """How the columns of a table become the inputs of a network.

    Make one with `Encoder.fit`.

    Parameters
    ----------
    columns
        The columns that are used, in the table's order.
    dropped
        The columns that are not, each with the reason.
    target
        The name of the column to predict, which is never an input.
    """

    columns: tuple[NumericColumn | CategoryColumn, ...]
    dropped: tuple[tuple[str, str], ...] = ()
    target: str | None = None

    @classmethod
    def fit(
        cls,
        frame: pl.DataFrame,
        *,
        target: str | None = None,
        overrides: Mapping[str, str] | None = None,
        embed: bool | int = False,
    ) -> Encoder:
        """Fit to the rows of the training part, and to no others.

        Parameters
        ----------
        frame
            A table as `read_table` gives it.
        target
            The column to predict.
        overrides
            Kinds that the user knows better, as for `profile`.
        embed
            Embed a column that has more levels than this; True: more than `EMBED_ABOVE`.

        Raises
        ------
        DataError
            If no column is left to learn from, or an override does not fit.

        >>> Encoder.fit(pl.DataFrame({"age": [20, 40], "member": [True, False]})).feature_names
        ('age', 'member=true')
        """
        if embed is not True and embed is not False and embed < 1:
            raise ParameterError(f"embed should be True, False or at least 1, but is {embed}")
        above = EMBED_ABOVE if embed is True else embed or None
        kinds = profile(frame, target, overrides)
        cleaned = clean(frame)
        columns: list[NumericColumn | CategoryColumn] = []
        for column in kinds:
            if column.kind == "numeric":
                columns.append(NumericColumn.fit(cleaned[column.name]))
            elif column.used:
                cells = cleaned[column.name]
                columns.append(CategoryColumn.fit(cells, kind=column.kind, embed_above=above))
        dropped = tuple((c.name, f"{c.kind}: {c.reason}") for c in kinds if not c.used)
        if not columns:
            because = "".join(f"; {name!r} is {reason}" for name, reason in dropped)
            raise DataError(f"the table has no column to learn from{because}")
        return cls(tuple(columns), dropped, target)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Name the columns of `Encoded.numeric`, in order."""
        return tuple(name for column in self.columns for name in column.feature_names)

    @property
    def embedded(self) -> tuple[tuple[str, int], ...]:
        """Name the columns of `Encoded.codes`, each with its number of different codes."""
        return tuple((column.name, column.cardinality) for column in self._coded())

    def transform(self, frame: pl.DataFrame) -> Encoded:
        """Encode rows, whatever the order of their columns.

        Parameters
        ----------
        frame
            A table as `read_table` gives it; the target may be absent, more columns may be there.

        Raises
        ------
        DataError
            If a column is absent, or a numeric one holds text (with its row and value).
        """
        self._require(frame.columns)
        cleaned = clean(frame.select(column.name for column in self.columns))
        notes = self._ignored(frame.columns)
        blocks, codes = [], []
        for column in self.columns:
            cells = cleaned[column.name]
            if isinstance(column, NumericColumn):
                block, told = column.transform(cells)
                blocks.append(block)
            else:
                code, told = column.codes(cells)
                if column.embedded:
                    codes.append(code)
                else:
                    blocks.append(column.rows[code])
            notes += told
        rows = frame.height
        return Encoded(
            np.concatenate([np.empty((rows, 0), np.float32), *blocks], axis=1),
            np.stack(codes, axis=1) if codes else np.empty((rows, 0), np.int32),
            notes,
        )

    def describe(self) -> tuple[str, ...]:
        """Say what is done to each column, a line each, the dropped ones last."""
        used = tuple(column.describe() for column in self.columns)
        return used + tuple(f"{name}: dropped; {reason}" for name, reason in self.dropped)

    def to_dict(self) -> dict[str, object]:
        """Give everything as plain JSON values."""
        return {
            "format": FORMAT,
            "columns": [column.to_dict() for column in self.columns],
            "dropped": [{"name": name, "reason": reason} for name, reason in self.dropped],
            "target": self.target,
        }

    @classmethod
    def from_dict(cls, stored: object) -> Encoder:
        """Read what `to_dict` gave.

        Raises
        ------
        ModelFileError
            If a field is not there, of the wrong type, out of range, or unknown.
        """
        fields = Fields(stored, "encoding")
        version = fields.whole("format")
        if version != FORMAT:
            raise ModelFileError(
                f"encoding: format {version} is not known here (this version knows {FORMAT}); "
                "install a newer chainrule"
            )
        columns = tuple(
            _column(Fields(item, f"encoding, column {i}"))
            for i, item in enumerate(fields.items("columns"), start=1)
        )
        dropped = tuple(
            _dropped(Fields(item, f"encoding, dropped column {i}"))
            for i, item in enumerate(fields.items("dropped"), start=1)
        )
        target = fields.optional_text("target")
        fields.end()
        if not columns:
            raise ModelFileError("encoding: there is no column")
        names = [column.name for column in columns] + [name for name, _ in dropped]
        if len({*names, target}) < len(names) + 1:
            raise ModelFileError("encoding: one name stands for two columns")
        return cls(columns, dropped, target)

    def _coded(self) -> tuple[CategoryColumn, ...]:
        return tuple(c for c in self.columns if isinstance(c, CategoryColumn) and c.embedded)

    def _require(self, present: list[str]) -> None:
        absent = [column.name for column in self.columns if column.name not in present]
        if absent:
            raise DataError(
                f"the table lacks {'a column' if len(absent) == 1 else f'{len(absent)} columns'} "
                f"that the model needs: {listing(absent)}; "
                f"for {absent[0]!r}, {suggest(absent[0], present)}"
            )

    def _ignored(self, present: list[str]) -> tuple[str, ...]:
        known = {column.name for column in self.columns} | {name for name, _ in self.dropped}
        extra = [name for name in present if name not in known and name != self.target]
        return (f"ignored columns that training did not have: {listing(extra)}",) if extra else ()


def _column(fields: Fields) -> NumericColumn | CategoryColumn:
    if fields.choice("kind", ("numeric", "categorical", "boolean")) == "numeric":
        return NumericColumn.from_fields(fields)
    return CategoryColumn.from_fields(fields)


def _dropped(fields: Fields) -> tuple[str, str]:
    named = fields.text("name"), fields.text("reason")
    fields.end()
    return named
