"""A table that another room holds: its type, and the few things done to it there."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl
from numpy.typing import ArrayLike

Table = pl.DataFrame
"""A table as `chainrule.data.read_table` gives it."""


def append_columns(table: Table, columns: Mapping[str, ArrayLike]) -> Table:
    """Put more columns behind those of a table; a name that is taken gets a number.

    Parameters
    ----------
    table
        Any table with n rows.
    columns
        Arrays or lists [n] by name.

    >>> append_columns(Table({"x": [1]}), {"x": [2], "y": ["a"]}).rows(named=True)
    [{'x': 1, 'x_2': 2, 'y': 'a'}]
    """
    for name, values in columns.items():
        free, number = name, 2
        while free in table.columns:
            free, number = f"{name}_{number}", number + 1
        table = table.with_columns(pl.Series(free, values))
    return table
