"""What a cell means: missing, a number, a truth value, or the name of a level.

Files and libraries write the same value in many ways (``7``, ``"7"``, ``7.0``, ``" 7 "``). Here,
and only here, is decided which of them are the same.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping

import numpy as np
import polars as pl

from chainrule.data.headers import column_names
from chainrule.errors import DataError

MISSING = (
    *("", "?", "na", "n/a", "n.a.", "<na>", "nan", "nat", "null", "(null)", "none", r"\n"),
    *("-", "--", "–", "—", "."),
    *("#n/a", "#value!", "#div/0!", "#ref!", "#name?", "#num!", "#null!"),
)
"""Texts, in lower case and without surrounding white space, that stand for no value."""

TRUE = ("true", "t", "yes", "y", "on", "1")
FALSE = ("false", "f", "no", "n", "off", "0")

# A leading zero marks a code (a post code, a phone number): as a number it would lose it.
_CODE = r"^[+-]?0\d"
_TOO_LONG = r"^[+-]?\d{19,}$"
_DECIMAL_COMMA = r"^[+-]?\d*,?\d+$"
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def clean(
    frame: pl.DataFrame, *, decimal_comma: bool = False, as_text: Collection[str] = ()
) -> pl.DataFrame:
    """Give every column its natural type, with null for every missing cell.

    Text is stripped of surrounding white space; the markers of `MISSING` become null; text that
    is all numbers becomes int64 or float64, and text that is all ``true`` and ``false`` becomes
    boolean. NaN becomes null; infinity stays. Names are made usable (see `column_names`).
    Cleaning twice is the same as cleaning once.

    Parameters
    ----------
    frame
        Raw cells.
    decimal_comma
        Whether ``1,5`` is a number.
    as_text
        Columns whose text stays text, whatever it looks like.
    """
    names = column_names(frame.columns)
    text = pl.col(pl.String, pl.Categorical, pl.Enum).cast(pl.String).str.strip_chars()
    bare = frame.with_columns(
        pl.when(~text.str.to_lowercase().is_in(MISSING)).then(text).name.keep(),
        pl.selectors.decimal().cast(pl.Float64),
        pl.selectors.float().fill_nan(None),
    )
    columns = []
    for name, column in zip(names, bare.get_columns(), strict=True):
        kept = column.dtype != pl.String or name in as_text
        columns.append((column if kept else _typed(column, decimal_comma)).alias(name))
    return pl.DataFrame(columns)


def _typed(text: pl.Series, decimal_comma: bool) -> pl.Series:
    known = text.drop_nulls()
    # Most columns of text are known by their first value, and need not be parsed whole.
    first = known[0] if len(known) else ""
    if first.lower() in ("true", "false"):
        lower = known.str.to_lowercase()
        return text.str.to_lowercase() == "true" if lower.is_in(["true", "false"]).all() else text
    if not re.match(r"[+-]?[\d.,i]", first, re.IGNORECASE):
        return text
    if decimal_comma and known.str.contains(_DECIMAL_COMMA).all():
        known, text = known.str.replace(",", "."), text.str.replace(",", ".")
    read = text.cast(pl.Float64, strict=False)
    if read.null_count() > text.null_count():
        return text
    if known.str.contains(_CODE).any() or known.str.contains(_TOO_LONG).any():
        return text
    whole = text.cast(pl.Int64, strict=False)
    return read if whole.null_count() > text.null_count() else whole


def numbers(column: pl.Series) -> np.ndarray:
    """Read a cleaned column as numbers: float64 [n], NaN where missing or infinite.

    Durations are counted in seconds.

    Raises
    ------
    DataError
        If a cell is not a number; the message names the column, the row (from 1, the header not
        counted) and the value.
    """
    if column.dtype == pl.Duration:
        read = column.dt.total_microseconds() / 1e6
    elif column.dtype.is_numeric() or column.dtype in (pl.Boolean, pl.String, pl.Null):
        read = column.cast(pl.Float64, strict=False)
    else:
        raise DataError(f"column {column.name!r} should hold numbers, but holds {column.dtype}")
    if read.null_count() > column.null_count():
        wrong = (read.is_null() & column.is_not_null()).arg_true()
        raise DataError(
            f"column {column.name!r}, row {wrong[0] + 1}: {column[wrong[0]]!r} is not a number"
            + (f" ({len(wrong)} such rows)" if len(wrong) > 1 else "")
            + "; correct it, or leave the cell empty if the value is unknown"
        )
    values = read.to_numpy().astype(np.float64)
    return np.where(np.isfinite(values), values, np.nan)


def level_codes(
    column: pl.Series, codes: Mapping[str, int], *, unknown: int, missing: int, truth: bool = False
) -> tuple[np.ndarray, list[object]]:
    """Give the code of the level of each cell of a cleaned column.

    Parameters
    ----------
    column
        The cells [n].
    codes
        The code of each level that is known, by the name that `level` gives it.
    unknown, missing
        The codes of any other level, and of a missing cell.
    truth
        Whether ``yes``, ``N``, ``1`` and the like mean ``true`` and ``false``.

    Returns
    -------
    tuple
        The codes, int32 [n], and the different values that are not known, sorted.
    """
    _require_levels(column)
    values = column.drop_nulls().unique()
    names = [truth_level(value) if truth else level(value) for value in values.to_list()]
    found = [codes.get(name, unknown) for name in names]
    coded = column.replace_strict(values, found, default=missing, return_dtype=pl.Int32)
    new = values.filter(pl.Series([name not in codes for name in names], dtype=pl.Boolean))
    return coded.to_numpy().copy(), new.sort().to_list()


def level_counts(column: pl.Series, *, truth: bool = False) -> dict[str, int]:
    """Count the rows of each level of a cleaned column; `truth` as for `level_codes`."""
    _require_levels(column)
    counts: Counter[str] = Counter()
    for value, count in column.drop_nulls().value_counts().iter_rows():
        counts[truth_level(value) if truth else level(value)] += count
    return dict(counts)


def _require_levels(column: pl.Series) -> None:
    if column.dtype.is_nested() or column.dtype in (pl.Binary, pl.Object):
        raise DataError(f"column {column.name!r} holds {column.dtype}, which has no levels")


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


def truth_level(value: object) -> str:
    """Name the level of a truth value, however it is put.

    >>> truth_level("yes"), truth_level("N"), truth_level(1), truth_level("maybe")
    ('true', 'false', 'true', 'maybe')
    """
    name = level(value)
    return "true" if name.lower() in TRUE else "false" if name.lower() in FALSE else name
