"""What each column of a table is, and why."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import ArrayLike

from chainrule.data.headers import as_names
from chainrule.data.levels import FALSE, TRUE, rare_below
from chainrule.data.notation import NumberNotation, number_notation, words_among
from chainrule.data.overrides import KINDS, Override, parse_overrides
from chainrule.data.timestamps import DateNotation, date_notation, is_order_open
from chainrule.data.tokens import frequent_tokens, natural_unit, share_common_words, word_count
from chainrule.data.values import clean, numbers, share_matching
from chainrule.data.wording import listing
from chainrule.errors import DataError

DROPPED = ("constant", "identifier", "missing", "unsupported", "drop")
"""Kinds of columns that do not become inputs."""

Notation = NumberNotation | DateNotation

# Below this, "every value differs" and "the values rise" are what chance does to any column.
_FEWEST_FOR_IDENTIFIER = 10
_FEWEST_FOR_TEXT = 20
_IDENTIFIER_NAME = re.compile(
    r"(^|[\s_.:-])(id|idx|index|key|uuid|guid|rowid|unnamed)($|[\s_.:-])", re.IGNORECASE
)
_CAMEL_IDENTIFIER = re.compile(r"[a-z](Id|ID|Idx|Key)$")
# Whole numbers under such a name that come again name things, and count nothing.
_REFERENCE_NAME = re.compile(
    r"(^|[\s_.:-])(id|key|zip|zip[\s_.-]?code|postcode|postal[\s_.-]?code)$|[a-z](Id|ID|Key)$"
)
# A single word this long with digits in it is a key; a shorter one may be a type or a place.
_LONG_KEY = 12
# A name or a title tells something if its words come again in other rows.
_FEWEST_WORDS, _SHARED_WORDS = 2, 0.5
# Texts of which fewer have any letter are telephone numbers and the like.
_LETTERS = 0.1
_SAMPLE, _SAMPLE_SHARE = 500, 0.7
_TOKEN_SAMPLE = 10_000


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
    notation
        How numbers or dates are written, where they are text.
    """

    name: str
    kind: str
    reason: str
    missing: int
    distinct: int
    minimum: float | None = None
    maximum: float | None = None
    mean: float | None = None
    notation: Notation | None = None

    @property
    def used(self) -> bool:
        """Whether the column becomes an input."""
        return self.kind in KINDS


def profile(
    frame: pl.DataFrame,
    target: str | Sequence[str] | None = None,
    overrides: Mapping[str, str] | None = None,
    *,
    rows: ArrayLike | None = None,
) -> tuple[ColumnProfile, ...]:
    """Tell what each column is, the target left out, in the table's order.

    Parameters
    ----------
    frame
        A table as `read_table` gives it.
    target
        The column or columns to predict.
    overrides
        What the user knows better: a column's name to one of `KINDS` with details (see
        `chainrule.data.overrides.parse_override`), or to ``"drop"``.
    rows
        The numbers of the rows to look at; the others only show how cells are written. None: all.

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
    targets = as_names(target)
    wanted = parse_overrides(overrides, frame.columns, targets)
    return profile_cleaned(clean(frame.drop(targets, strict=False)), wanted, rows)


def profile_cleaned(
    columns: pl.DataFrame, wanted: Mapping[str, Override], rows: ArrayLike | None = None
) -> tuple[ColumnProfile, ...]:
    """Tell what each column of a cleaned table without its target is; see `profile`."""
    profiles = []
    for column in columns:
        asked = wanted.get(column.name)
        notation = _notation(column, asked)
        shown = column if rows is None else column[np.asarray(rows)]
        profiles.append(_profile(shown, asked, notation))
    shown_columns = columns if rows is None else columns[np.asarray(rows)]
    return tuple(_keep_something(shown_columns, profiles))


def _notation(column: pl.Series, asked: Override | None) -> Notation | None:
    """Find out how the numbers or dates of a column are written; None if it has neither."""
    if column.dtype.is_nested() or column.dtype == pl.Object:
        return None
    kind = asked.kind if asked else None
    if kind == "date" and asked:
        return date_notation(column, asked.order, asked=True)
    if kind == "numeric" and asked:
        text = column.dtype == pl.String
        return number_notation(column, asked.mark, asked=True) if text else None
    if kind is not None:
        return None
    if column.dtype == pl.String:
        sample = column.drop_nulls().head(_SAMPLE)
        if share_matching(sample, r"\d") < _SAMPLE_SHARE:
            return None
        return date_notation(column) or number_notation(column)
    return date_notation(column)


def _profile(column: pl.Series, asked: Override | None, notation: Notation | None) -> ColumnProfile:
    missing, distinct = column.null_count(), 0
    if not column.dtype.is_nested() and column.dtype != pl.Object:
        distinct = column.n_unique() - (missing > 0)
    natural = notation if asked is None else _notation(column, None)
    kind, reason = _kind(column, natural, distinct)
    if asked is not None:
        kind, reason = asked.kind, f"as asked (would be {kind}: {reason})"
    plain = ColumnProfile(column.name, kind, reason, missing, distinct, notation=notation)
    if kind != "numeric":
        return plain
    values = _values(column, notation)
    if asked is not None and asked.missing:
        values = np.where(np.isin(values, asked.missing), np.nan, values)
    known = values[~np.isnan(values)]
    if not len(known):
        raise DataError(f"column {column.name!r} cannot be numeric: it has no number in any row")
    infinite = len(values) - len(known) - missing
    if isinstance(notation, NumberNotation):
        infinite -= sum(words_among(column, notation).values())
    if infinite and not (asked and asked.missing):
        plain = replace(plain, reason=f"{reason}; {infinite} infinite values count as missing")
    return replace(
        plain,
        missing=len(values) - len(known),
        minimum=float(known.min()),
        maximum=float(known.max()),
        mean=float(known.mean()),
    )


def _values(column: pl.Series, notation: Notation | None) -> np.ndarray:
    if isinstance(notation, NumberNotation):
        return notation.require(column)
    return numbers(column)


def _kind(column: pl.Series, notation: Notation | None, distinct: int) -> tuple[str, str]:
    """Decide what a cleaned column is: its kind, and why."""
    dtype = column.dtype
    if dtype.is_nested() or dtype in (pl.Object, pl.Binary):
        return "unsupported", f"holds {dtype}, which has no encoding yet"
    known = column.drop_nulls()
    rows = len(known)
    if not rows:
        return "missing", "no value in any row"
    if distinct == 1:
        if rows == len(column):
            return "constant", f"the same value in every row: {known[0]!r}"
        return "categorical", f"{known[0]!r} or missing"
    if isinstance(notation, DateNotation):
        return _kind_of_dates(known, notation)
    if dtype == pl.Boolean:
        return "boolean", "true or false"
    if dtype.is_numeric() or dtype == pl.Duration:
        return _kind_of_numbers(known, rows, distinct)
    if isinstance(notation, NumberNotation):
        return _kind_of_written_numbers(known, notation)
    return _kind_of_text(known, rows, distinct)


def _kind_of_dates(known: pl.Series, notation: DateNotation) -> tuple[str, str]:
    moments = notation.read(known)
    moments = moments[~np.isnat(moments)]
    if not len(moments):
        return "missing", "no date that can be one"
    unit = "m" if ((moments - moments.astype("datetime64[D]")) != np.timedelta64(0)).any() else "D"
    low, high = (str(end.astype(f"datetime64[{unit}]")) for end in (moments.min(), moments.max()))
    if notation.clock:
        return "date", f"times of the day from {low[-5:]} to {high[-5:]}"
    text = f"dates from {low} to {high}".replace("T", " ")
    if is_order_open(known):
        first = "day" if notation.order == "dmy" else "month"
        text += f"; read with the {first} first, though either may be meant"
    words = len(known) - len(moments)
    return "date", text + (f"; {words} cells that are no dates count as missing" if words else "")


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
    if whole and 2 < distinct <= rows / max(2, rare_below(rows)) and _names_things(known.name):
        return "categorical", f"{distinct} whole numbers that name things, as the name says"
    if known.dtype == pl.Duration:
        return "numeric", f"durations from {low:g} to {high:g} seconds"
    return "numeric", f"{'whole ' if whole else ''}numbers from {low:g} to {high:g}"


def _kind_of_written_numbers(known: pl.Series, notation: NumberNotation) -> tuple[str, str]:
    values = notation.read(known)
    values = values[~np.isnan(values)]
    if not len(values):
        return "missing", "no number in any row"
    text = f"numbers from {values.min():g} to {values.max():g}"
    if notation.describe():
        text += f", {notation.describe()}"
    words = words_among(known, notation)
    if words:
        text += f"; {sum(words.values())} cells of text count as missing: {listing(words, shown=3)}"
    return "numeric", text


def _kind_of_text(known: pl.Series, rows: int, distinct: int) -> tuple[str, str]:
    lower = set(known.unique().str.to_lowercase().to_list()) if distinct <= 4 else set()
    if len(lower) == 2 and any(lower == {yes, no} for yes, no in zip(TRUE, FALSE, strict=True)):
        return "boolean", " or ".join(sorted(lower))
    if distinct == rows >= _FEWEST_FOR_IDENTIFIER:
        if word_count(known) < _FEWEST_WORDS or share_common_words(known) < _SHARED_WORDS:
            return "identifier", "every value is different, like a name or a key"
        return "text", f"{rows} texts, all different, that share words"
    enough = rare_below(rows)
    if rows >= _FEWEST_FOR_TEXT and distinct > rows // 2:
        said = f"{distinct} different texts in {rows} rows: too many to be categories"
    elif enough > 1 and _most_common(known) < enough:
        said = f"{distinct} different texts, none of them in {enough} rows or more"
    else:
        return "categorical", f"text with {distinct} levels"
    return _kind_of_many_texts(known, said)


def _kind_of_many_texts(known: pl.Series, said: str) -> tuple[str, str]:
    """Tell texts whose parts come again from keys, in which nothing does."""
    sample = known.head(_TOKEN_SAMPLE)
    if share_matching(sample, r"\p{L}") < _LETTERS:
        return "identifier", f"{said}, and they are digits and signs only"
    if word_count(sample) < _FEWEST_WORDS and share_matching(sample, r"\d") > 0.5:
        long = sample.str.len_chars() >= _LONG_KEY
        if _named_like_identifier(known.name) or 2 * int(long.sum()) > len(sample):
            return "identifier", f"{said}, and they look like keys"
    if not frequent_tokens(sample, natural_unit(sample)):
        return "identifier", f"{said}, and they share nothing"
    return "text", said


def _most_common(column: pl.Series) -> int:
    counts: list[int] = column.value_counts(name="rows")["rows"].to_list()
    return max(counts)


def _named_like_identifier(name: str) -> bool:
    return bool(_IDENTIFIER_NAME.search(name) or _CAMEL_IDENTIFIER.search(name))


def _names_things(name: str) -> bool:
    return bool(_REFERENCE_NAME.search(name) or _REFERENCE_NAME.search(name.lower()))


def _keep_something(columns: pl.DataFrame, profiles: list[ColumnProfile]) -> list[ColumnProfile]:
    """Use a rising whole number after all if there is nothing else to learn from."""
    if any(column.used for column in profiles):
        return profiles
    for place, column in enumerate(profiles):
        if column.kind == "identifier" and columns[column.name].dtype.is_integer():
            kept = _profile(columns[column.name], Override("numeric"), None)
            reason = f"{column.reason}, but it is the only input"
            profiles[place] = replace(kept, reason=reason)
    return profiles
