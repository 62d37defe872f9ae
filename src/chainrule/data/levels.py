"""Levels: which cells say the same, how often each occurs, and the code that stands for it.

Files and libraries write the same value in many ways (``7``, ``"7"``, ``7.0``, ``"+7"``). Here,
and only here, is decided which of them are the same.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

import numpy as np
import polars as pl

from chainrule.data.values import CODE
from chainrule.errors import DataError

TRUE = ("true", "t", "yes", "y", "on", "1")
FALSE = ("false", "f", "no", "n", "off", "0")

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def rare_below(rows: int) -> int:
    """Give the number of rows that a level needs to be learnt on its own.

    One row in a hundred, but ten rows are always enough, and below 200 rows each level counts.
    """
    return min(10, rows // 100)


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
        if not _NUMBER.fullmatch(value) or re.match(CODE, value):
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
