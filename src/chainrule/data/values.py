"""What a cell means wherever it stands: missing, a number, a truth value, or text."""

from __future__ import annotations

import re
from collections.abc import Collection

import numpy as np
import polars as pl

from chainrule.data.headers import column_names
from chainrule.errors import DataError

MISSING = (
    *("", "?", "na", "n/a", "n.a.", "<na>", "nan", "nat", "null", "(null)", "none", r"\n"),
    *("-", "--", "–", "—", ".", "0000-00-00", "0000-00-00 00:00:00", "00.00.0000"),
    *("#n/a", "#value!", "#div/0!", "#ref!", "#name?", "#num!", "#null!"),
)
"""Texts, in lower case and without surrounding white space, that stand for no value."""

CODE = r"^[+-]?0\d|^[+-]?\d{19,}$"
"""Digits that are no number: a leading zero marks a post code or a telephone number, which would
lose it, and beyond 18 digits a number would lose some."""

_DECIMAL_COMMA = r"^[+-]?\d*,?\d+$"


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
    if known.str.contains(CODE).any():
        return text
    whole = text.cast(pl.Int64, strict=False)
    return read if whole.null_count() > text.null_count() else whole


def share_matching(texts: pl.Series, pattern: str) -> float:
    """Give the share of known texts in which a pattern is found; 0 if there are none."""
    return int(texts.str.contains(pattern).sum()) / max(len(texts), 1)


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
