"""All columns of a table: fitted once, on the training part, and applied to any rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import ArrayLike

from chainrule.data.category import CategoryColumn
from chainrule.data.columns import ColumnProfile, profile_cleaned
from chainrule.data.date import DateColumn
from chainrule.data.headers import as_names
from chainrule.data.notation import NumberNotation
from chainrule.data.numeric import NumericColumn
from chainrule.data.overrides import Override, parse_overrides
from chainrule.data.read import read_with_notes
from chainrule.data.scaling import METHODS
from chainrule.data.stored import Fields
from chainrule.data.table import Reading
from chainrule.data.text import TextColumn
from chainrule.data.timestamps import DateNotation
from chainrule.data.values import clean
from chainrule.data.wording import listing, suggest
from chainrule.errors import DataError, ModelFileError, ParameterError

Column = NumericColumn | CategoryColumn | DateColumn | TextColumn

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
        float32 [n, d]: scaled numbers, flags, one-hot levels, parts of dates, weighted words.
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
    targets
        The names of the columns to predict, which are never inputs.
    """

    columns: tuple[Column, ...]
    dropped: tuple[tuple[str, str], ...] = ()
    targets: tuple[str, ...] = ()

    @classmethod
    def fit(
        cls,
        frame: pl.DataFrame,
        *,
        target: str | Sequence[str] | None = None,
        rows: ArrayLike | None = None,
        overrides: Mapping[str, str] | None = None,
        embed: bool | int = False,
        scaling: str = "auto",
    ) -> Encoder:
        """Fit to the rows of the training part, and to no others.

        Parameters
        ----------
        frame
            A table as `read_table` gives it.
        target
            The column or columns to predict.
        rows
            The numbers of the training rows. All others only show how cells are written (decimal
            commas, words among numbers), so that they can be read; nothing else is learnt from
            them. None: every row trains.
        overrides
            What the user knows better, as for `profile`.
        embed
            Embed a column that has more levels than this; True: more than `EMBED_ABOVE`.
        scaling
            How to scale numbers: ``"standard"``, ``"robust"``, ``"quantile"``, ``"asinh"``,
            ``"ramps"``, or ``"auto"``, which chooses among the others column by column.

        Raises
        ------
        DataError
            If no column is left to learn from, or an override does not fit.

        >>> Encoder.fit(pl.DataFrame({"age": [20, 40], "member": [True, False]})).feature_names
        ('age', 'member=true')
        """
        if embed is not True and embed is not False and embed < 1:
            raise ParameterError(f"embed should be True, False or at least 1, but is {embed}")
        if scaling not in ("auto", *METHODS):
            raise ParameterError(
                f"there is no scaling {scaling!r}: use {listing(('auto', *METHODS))}"
            )
        above = EMBED_ABOVE if embed is True else embed or None
        targets = as_names(target)
        wanted = parse_overrides(overrides, frame.columns, targets)
        cleaned = clean(frame.drop(targets, strict=False))
        if not cleaned.width:
            raise DataError("the table has no column to learn from beside what is to be predicted")
        kinds = profile_cleaned(cleaned, wanted, rows)
        learnt = cleaned if rows is None else cleaned[np.asarray(rows)]
        columns = tuple(
            _fit_column(learnt[kind.name], kind, wanted.get(kind.name), above, scaling)
            for kind in kinds
            if kind.used
        )
        dropped = tuple((c.name, f"{c.kind}: {c.reason}") for c in kinds if not c.used)
        if not columns:
            because = "".join(f"; {name!r} is {reason}" for name, reason in dropped)
            raise DataError(f"the table has no column to learn from{because}")
        return cls(columns, dropped, targets)

    @property
    def target(self) -> str | None:
        """Name the first column to predict, if there is any."""
        return self.targets[0] if self.targets else None

    @property
    def text_columns(self) -> tuple[str, ...]:
        """Name the columns whose cells must be read as text, as `read_table` does ``as_text``.

        In them ``1.234`` may be a thousand, which a cell alone does not show.
        """
        return tuple(
            column.name
            for column in self.columns
            if isinstance(column, NumericColumn) and not column.notation.plain
        )

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Name the columns of `Encoded.numeric`, in order."""
        return tuple(name for column in self.columns for name in column.feature_names)

    @property
    def embedded(self) -> tuple[tuple[str, int], ...]:
        """Name the columns of `Encoded.codes`, each with its number of different codes."""
        return tuple((column.name, column.cardinality) for column in self._coded())

    def read(self, source: object, *, format: str | None = None) -> Reading:
        """Read new rows as the training rows were read; see `read_with_notes`."""
        return read_with_notes(source, format=format, as_text=self.text_columns)

    def transform(self, table: object) -> Encoded:
        """Encode rows, whatever the order of their columns.

        Parameters
        ----------
        table
            Anything that `read_table` takes. The target may be absent, more columns may be there.
            Read a file here or by `read`, and not by `read_table`: it does not know how numbers
            were written in the training table.

        Raises
        ------
        DataError
            If a column is absent, or holds text where there were numbers or dates only (with its
            row and value).
        """
        notes: tuple[str, ...] = ()
        if isinstance(table, pl.DataFrame):
            frame = table
        else:
            reading = self.read(table)
            frame, notes = reading.frame, reading.notes
        self._require(frame.columns)
        names = [column.name for column in self.columns]
        cleaned = clean(frame.select(names), as_text=self.text_columns)
        notes += self._ignored(frame.columns)
        inputs = np.empty((frame.height, len(self.feature_names)), np.float32)
        start, codes = 0, []
        for column in self.columns:
            if isinstance(column, CategoryColumn) and column.embedded:
                code, told = column.codes(cleaned[column.name])
                codes.append(code)
            else:
                block, told = column.transform(cleaned[column.name])
                inputs[:, start : start + block.shape[1]] = block
                start += block.shape[1]
            notes += told
        no_codes = np.empty((frame.height, 0), np.int32)
        return Encoded(inputs, np.stack(codes, axis=1) if codes else no_codes, notes)

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
            "targets": list(self.targets),
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
        targets = fields.texts("targets")
        fields.end()
        if not columns:
            raise ModelFileError("encoding: there is no column")
        names = [column.name for column in columns] + [name for name, _ in dropped]
        if len({*names, *targets}) < len(names) + len(targets):
            raise ModelFileError("encoding: one name stands for two columns")
        return cls(columns, dropped, targets)

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
        known |= {*self.targets}
        extra = [name for name in present if name not in known]
        return (f"ignored columns that training did not have: {listing(extra)}",) if extra else ()


def _fit_column(
    cells: pl.Series,
    kind: ColumnProfile,
    asked: Override | None,
    embed_above: int | None,
    scaling: str,
) -> Column:
    if kind.kind == "numeric":
        numbers = kind.notation if isinstance(kind.notation, NumberNotation) else None
        return NumericColumn.fit(cells, notation=numbers, asked=asked, scaling=scaling)
    if kind.kind == "date":
        dates = kind.notation if isinstance(kind.notation, DateNotation) else None
        return DateColumn.fit(cells, notation=dates, asked=asked)
    if kind.kind == "text":
        return TextColumn.fit(cells, asked=asked)
    if asked and asked.embedded is not None:
        embed_above = 0 if asked.embedded else None
    return CategoryColumn.fit(cells, kind=kind.kind, embed_above=embed_above)


_READERS: Mapping[str, Callable[[Fields], Column]] = {
    "numeric": NumericColumn.from_fields,
    "categorical": CategoryColumn.from_fields,
    "boolean": CategoryColumn.from_fields,
    "date": DateColumn.from_fields,
    "text": TextColumn.from_fields,
}


def _column(fields: Fields) -> Column:
    return _READERS[fields.choice("kind", tuple(_READERS))](fields)


def _dropped(fields: Fields) -> tuple[str, str]:
    named = fields.text("name"), fields.text("reason")
    fields.end()
    return named
