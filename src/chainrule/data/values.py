"""What a cell means: missing, a number, a truth value, or the name of a level.

Files and libraries write the same value in many ways (``7``, ``"7"``, ``7.0``, ``" 7 "``). Here,
and only here, is decided which of them are the same.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

import numpy as np
import polars as pl

from chainrule.data.wording import listing
from chainrule.errors import DataError

MISSING = ("", "?", "na", "n/a", "#n/a", "<na>", "nan", "nat", "null", "none", "-")
"""Texts, in lower case and without surrounding white space, that stand for no value."""

TRUE = ("true", "t", "yes", "y", "1")
FALSE = ("false", "f", "no", "n", "0")

# A leading zero marks a code (a post code, a phone number): as a number it would lose it.
_CODE = r"^[+-]?0\d"
_TOO_LONG = r"^[+-]?\d{19,}$"
_DECIMAL_COMMA = r"^[+-]?\d*,?\d+$"
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def clean(frame: pl.DataFrame, *, decimal_comma: bool = False) -> pl.DataFrame:
    """Give every column its natural type, with null for every missing cell.

    Text is stripped of surrounding white space; the markers of `MISSING` become null; text that
    is all numbers becomes int64 or float64, and text that is all ``true`` and ``false`` becomes
    boolean. NaN becomes null; infinity stays. Column names are stripped, and a blank one becomes
    ``column_3``. Cleaning twice is the same as cleaning once.

    Raises
    ------
    DataError
        If two columns have the same name.
    """
    names = column_names(frame.columns)
    columns = [_clean(column, decimal_comma) for column in frame.get_columns()]
    return pl.DataFrame([c.alias(name) for c, name in zip(columns, names, strict=True)])


def column_names(header: Iterable[object]) -> list[str]:
    """Strip the names of columns, fill in the blank ones, and insist that they differ.

    >>> column_names([" age", "", 7])
    ['age', 'column_2', '7']
    """
    names = [str(name).strip() or f"column_{i}" for i, name in enumerate(header, start=1)]
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if twice:
        raise DataError(
            f"more than one column is called {listing(twice)}: give every column its own name "
            "(or add a header line, if the first line is already data)"
        )
    return names


def _clean(column: pl.Series, decimal_comma: bool) -> pl.Series:
    if column.dtype in (pl.Categorical, pl.Enum):
        column = column.cast(pl.String)
    if column.dtype.is_decimal():
        column = column.cast(pl.Float64)
    if column.dtype.is_float():
        return column.fill_nan(None)
    if column.dtype != pl.String:
        return column
    text = column.str.strip_chars()
    missing = text.str.to_lowercase().is_in(MISSING)
    text = text.to_frame("text").select(pl.when(~missing).then("text")).to_series()
    return _typed(text, decimal_comma)


def _typed(text: pl.Series, decimal_comma: bool) -> pl.Series:
    known = text.drop_nulls()
    if known.is_empty():
        return text
    if known.str.to_lowercase().is_in(["true", "false"]).all():
        return text.str.to_lowercase() == "true"
    if decimal_comma and known.str.contains(_DECIMAL_COMMA).all():
        known, text = known.str.replace(",", "."), text.str.replace(",", ".")
    # Most text columns are known to be text by their first value: do not parse them whole.
    if known[:1].cast(pl.Float64, strict=False).null_count():
        return text
    numbers = text.cast(pl.Float64, strict=False)
    if numbers.null_count() > text.null_count():
        return text
    if known.str.contains(_CODE).any() or known.str.contains(_TOO_LONG).any():
        return text
    whole = text.cast(pl.Int64, strict=False)
    return numbers if whole.null_count() > text.null_count() else whole


def numbers(column: pl.Series) -> np.ndarray:
    """Read a cleaned column as numbers: float64 [n], NaN where missing or infinite.

    Raises
    ------
    DataError
        If a cell is not a number; the message names the column, the row (from 1, the header not
        counted) and the value.
    """
    if column.dtype.is_numeric() or column.dtype in (pl.Boolean, pl.String, pl.Null):
        read = column.cast(pl.Float64, strict=False)
    else:
        raise DataError(f"column {column.name!r} should hold numbers, but holds {column.dtype}")
    wrong = (read.is_null() & column.is_not_null()).arg_true()
    if len(wrong):
        row = wrong[0]
        raise DataError(
            f"column {column.name!r}, row {row + 1}: {column[row]!r} is not a number"
            + (f" ({len(wrong)} such rows)" if len(wrong) > 1 else "")
            + "; correct it, or leave the cell empty if the value is unknown"
        )
    values = read.fill_null(np.nan).to_numpy().astype(np.float64)
    return np.where(np.isfinite(values), values, np.nan)


def levels(column: pl.Series) -> pl.Series:
    """Name the level of each cell of a cleaned column: text [n], null where missing.

    The same value gets the same name however it was written: see `level`.
    """
    if column.dtype.is_nested() or column.dtype in (pl.Binary, pl.Object):
        raise DataError(f"column {column.name!r} holds {column.dtype}, which has no levels")
    if column.dtype.is_integer():
        return column.cast(pl.String)
    values = column.drop_nulls().unique()
    names = [level(value) for value in values.to_list()]
    return column.replace_strict(values, names, default=None, return_dtype=pl.String)


def level(value: object) -> str:
    """Name the level that one cell stands for.

    >>> level(7), level(7.0), level("7.00"), level("+7"), level("007")
    ('7', '7', '7', '7', '007')
    >>> level(True), level("TRUE"), level("Private")
    ('true', 'true', 'Private')
    """
    if isinstance(value, str):
        if value.lower() in ("true", "false"):
            return value.lower()
        if not _NUMBER.fullmatch(value) or re.match(_CODE, value) or re.match(_TOO_LONG, value):
            return value
        value = float(value) if not re.fullmatch(r"[+-]?\d+", value) else int(value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def truth(column: pl.Series) -> pl.Series:
    """Name the level of each cell of a column of truth values: ``true``, ``false`` or its own.

    >>> truth(pl.Series(["yes", "N", None])).to_list()
    ['true', 'false', None]
    """
    named = levels(column)
    lower = named.str.to_lowercase()
    return (
        pl.DataFrame({"named": named, "lower": lower})
        .select(
            pl.when(pl.col("lower").is_in(TRUE))
            .then(pl.lit("true"))
            .when(pl.col("lower").is_in(FALSE))
            .then(pl.lit("false"))
            .otherwise("named")
        )
        .to_series()
        .alias(column.name)
    )
