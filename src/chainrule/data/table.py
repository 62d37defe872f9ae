"""A table that another room holds: its type, and the few things done to it there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl
from numpy.typing import NDArray

Table = pl.DataFrame
"""A table as `chainrule.data.read_table` gives it."""


def append_columns(table: Table, columns: Mapping[str, NDArray[Any]]) -> Table:
    """Put more columns behind those of a table; a name that is taken gets a number.

    Parameters
    ----------
    table
        Any table with n rows.
    columns
        Arrays [n] by name.

    >>> import numpy as np
    >>> append_columns(Table({"x": [1]}), {"x": np.array([2])}).rows(named=True)
    [{'x': 1, 'x_2': 2}]
    """
    for name, values in columns.items():
        free, number = name, 2
        while free in table.columns:
            free, number = f"{name}_{number}", number + 1
        table = table.with_columns(pl.Series(free, values))
    return table
