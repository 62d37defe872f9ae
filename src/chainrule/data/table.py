"""A table that another room holds: its type, and the few things done to it there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl
from numpy.typing import NDArray

Table = pl.DataFrame
"""A table as `chainrule.data.read_table` gives it."""


@dataclass(frozen=True)
class Reading:
    """A table, and what was done to make it one.

    Parameters
    ----------
    frame
        The clean table.
    notes
        What a user should know: names that were repaired, a guessed encoding.
    """

    frame: pl.DataFrame
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return self.frame.height

    def take(self, rows: NDArray[Any]) -> Reading:
        """Give some of the rows, by their numbers."""
        return Reading(self.frame[rows], self.notes)


def new_table(columns: Mapping[str, NDArray[Any]]) -> Table:
    """Make a table of arrays [n] by name.

    >>> import numpy as np
    >>> new_table({"x": np.array([2])}).rows(named=True)
    [{'x': 2}]
    """
    return Table([pl.Series(name, values) for name, values in columns.items()])


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
