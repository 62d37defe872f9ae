"""What each column of a table is, and why."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from chainrule.data.values import FALSE, TRUE, clean, numbers
from chainrule.data.wording import listing, suggest
from chainrule.errors import DataError, ParameterError

KINDS = ("numeric", "categorical", "boolean")
"""Kinds of columns that become inputs of a network."""

DROPPED = ("constant", "identifier", "missing", "text", "datetime", "unsupported", "drop")
"""Kinds of columns that do not, or not yet."""

# Below this, "every value differs" and "the values rise" are what chance does to any column.
_FEWEST_FOR_IDENTIFIER = 10
_FEWEST_FOR_TEXT = 20
_IDENTIFIER_NAME = re.compile(
    r"(^|[\s_.:-])(id|idx|index|key|uuid|guid|rowid|unnamed)($|[\s_.:-])", re.IGNORECASE
)
_CAMEL_IDENTIFIER = re.compile(r"[a-z](Id|ID|Idx|Key)$")
_DATE = r"^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}.*)?$"


@dataclass(frozen=True)
class ColumnProfile:
    """What one column holds, and what will become of it.

    Parameters
    ----------
    name
        The column's name.
    kind
        One of `KINDS`, or of `DROPPED` if the column is left out.
    reason
        Why, in words.
    missing, distinct
        Counts of cells without a value (or with an infinite one), and of different values.
    minimum, maximum, mean
        Of numeric columns; else None.
    """

    name: str
    kind: str
    reason: str
    missing: int
    distinct: int
    minimum: float | None = None
    maximum: float | None = None
    mean: float | None = None

    @property
    def used(self) -> bool:
        """Whether the column becomes an input."""
        return self.kind in KINDS


def profile(
    frame: pl.DataFrame,
    target: str | None = None,
    overrides: Mapping[str, str] | None = None,
) -> tuple[ColumnProfile, ...]:
    """Tell what each column is, the target left out, in the table's order.

    Parameters
    ----------
    frame
        A table as `read_table` gives it.
    target
        The column to predict.
    overrides
        Kinds that the user knows better: a column's name to one of `KINDS`, or to ``"drop"``.

    Raises
    ------
    DataError
        If an override names a column that is not there or is the target.
    ParameterError
        If an override asks for an unknown kind.

    >>> table = pl.DataFrame({"age": [41, 17, 41], "country": ["NL", "NL", "NL"]})
    >>> [(column.name, column.kind) for column in profile(table)]
    [('age', 'numeric'), ('country', 'constant')]
    """
    wanted = dict(overrides or {})
    _check_overrides(wanted, frame.columns, target)
    columns = clean(frame.drop(target) if target in frame.columns else frame)
    profiles = [_profile(column, wanted.get(column.name)) for column in columns]
    return tuple(_keep_something(columns, profiles))


def rare_below(rows: int) -> int:
    """Give the number of rows that a level needs to be learnt on its own.

    One row in a hundred, but ten rows are always enough, and below 200 rows each level counts.
    """
    return min(10, rows // 100)


def _check_overrides(wanted: Mapping[str, str], names: list[str], target: str | None) -> None:
    for name, kind in wanted.items():
        if name == target:
            raise DataError(f"column {name!r} is the target: its kind is given by the task")
        if name not in names:
            raise DataError(f"the table has no column {name!r}: {suggest(name, names)}")
        if kind not in (*KINDS, "drop"):
            raise ParameterError(
                f"column {name!r} cannot be made {kind!r}: use {listing((*KINDS, 'drop'))}"
            )


def _profile(column: pl.Series, wanted: str | None) -> ColumnProfile:
    kind, reason = _kind(column)
    if wanted is not None:
        kind, reason = wanted, f"as asked (would be {kind}: {reason})"
    missing, distinct = column.null_count(), 0
    if not column.dtype.is_nested() and column.dtype != pl.Object:
        distinct = column.drop_nulls().n_unique()
    plain = ColumnProfile(column.name, kind, reason, missing, distinct)
    if kind != "numeric":
        return plain
    values = numbers(column)
    known = values[np.isfinite(values)]
    if not len(known):
        raise DataError(f"column {column.name!r} cannot be numeric: it has no number in any row")
    infinite = len(values) - len(known) - missing
    if infinite:
        plain = replace(plain, reason=f"{reason}; {infinite} infinite values count as missing")
    return replace(
        plain,
        missing=missing + infinite,
        minimum=float(known.min()),
        maximum=float(known.max()),
        mean=float(known.mean()),
    )


def _kind(column: pl.Series) -> tuple[str, str]:
    """Decide what a cleaned column is: its kind, and why."""
    dtype = column.dtype
    if dtype.is_nested() or dtype in (pl.Object, pl.Binary, pl.Time, pl.Duration):
        return "unsupported", f"holds {dtype}, which has no encoding yet"
    known = column.drop_nulls()
    rows, distinct = len(known), known.n_unique()
    if not rows:
        return "missing", "no value in any row"
    if distinct == 1:
        if rows == len(column):
            return "constant", f"the same value in every row: {known[0]!r}"
        return "categorical", f"{known[0]!r} or missing"
    if dtype.is_temporal():
        return "datetime", "dates and times have no encoding yet"
    if dtype == pl.Boolean:
        return "boolean", "true or false"
    if dtype.is_numeric():
        return _kind_of_numbers(known, rows, distinct)
    return _kind_of_text(known, rows, distinct)


def _kind_of_numbers(known: pl.Series, rows: int, distinct: int) -> tuple[str, str]:
    values = numbers(known)
    values = values[np.isfinite(values)]
    if not len(values):
        return "missing", "every value is infinite"
    low, high = values.min(), values.max()
    whole = known.dtype.is_integer()
    if whole and distinct == 2 and (low, high) == (0.0, 1.0):
        return "boolean", "0 or 1"
    if whole and distinct == rows >= _FEWEST_FOR_IDENTIFIER:
        if _named_like_identifier(known.name):
            return "identifier", "every value is different, and the name says that it is a key"
        if high - low < 2 * rows and known.is_sorted():
            return "identifier", f"counts up from {low:.0f} to {high:.0f} like a row number"
    return "numeric", f"{'whole ' if whole else ''}numbers from {low:g} to {high:g}"


def _kind_of_text(known: pl.Series, rows: int, distinct: int) -> tuple[str, str]:
    lower = set(known.unique().str.to_lowercase().to_list()) if distinct <= 4 else set()
    if len(lower) == 2 and any(lower == {yes, no} for yes, no in zip(TRUE, FALSE, strict=True)):
        return "boolean", " or ".join(sorted(lower))
    if distinct == rows >= _FEWEST_FOR_IDENTIFIER:
        return "identifier", "every value is different, like a name or a key"
    if known.str.contains(_DATE).all():
        return "datetime", "dates and times have no encoding yet"
    if rows >= _FEWEST_FOR_TEXT and distinct > rows // 2:
        return "text", f"{distinct} different texts in {rows} rows: too many to be categories"
    enough = rare_below(rows)
    if enough > 1 and _most_common(known) < enough:
        return "text", f"{distinct} different texts, none of them in {enough} rows or more"
    return "categorical", f"text with {distinct} levels"


def _most_common(column: pl.Series) -> int:
    counts: list[int] = column.value_counts(name="rows")["rows"].to_list()
    return max(counts)


def _named_like_identifier(name: str) -> bool:
    return bool(_IDENTIFIER_NAME.search(name) or _CAMEL_IDENTIFIER.search(name))


def _keep_something(columns: pl.DataFrame, profiles: list[ColumnProfile]) -> list[ColumnProfile]:
    """Use a rising whole number after all if there is nothing else to learn from."""
    if any(column.used for column in profiles):
        return profiles
    for place, column in enumerate(profiles):
        if column.kind == "identifier" and columns[column.name].dtype.is_integer():
            kept = _profile(columns[column.name], "numeric")
            reason = f"{column.reason}, but it is the only input"
            profiles[place] = replace(kept, reason=reason)
    return profiles
