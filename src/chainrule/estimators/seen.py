"""What a fit saw of its rows: names, ranges and shares, which a model file tells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np


@dataclass(frozen=True, eq=False)
class Seen:
    """Names, ranges and shares of the rows that a first fit received.

    Parameters
    ----------
    columns
        Names of the columns of X; none if it had no names.
    low, high
        Least and largest number of each column, [features]; empty unless X is a table of numbers.
    targets
        Names of the columns of y; none if it had no names.
    shares
        Share of the rows of each class, or with each label; empty for numbers.
    mean, deviation
        Of each number to predict, [outputs]; empty for classes.
    """

    columns: tuple[str, ...] = ()
    low: Any = ()
    high: Any = ()
    targets: tuple[str, ...] = ()
    shares: tuple[float, ...] = ()
    mean: tuple[float, ...] = ()
    deviation: tuple[float, ...] = ()

    @classmethod
    def of(cls, X: Any, y: Any, *, checked: Any, codes: Any, classes: int) -> Self:
        """Look at the rows of a fit.

        Parameters
        ----------
        X, y
            As the fit received them, perhaps with names.
        checked
            X as an array or sparse matrix of numbers; None if it is a raw table.
        codes
            Positions of classes (n,), truth values (n, 1) or (n, labels); or numbers (n,) or
            (n, outputs).
        classes
            How many classes or labels there are; 0 for numbers.

        >>> y = np.array([0, 1, 1, 1])
        >>> Seen.of(None, y, checked=np.arange(4.0)[:, None], codes=y, classes=2).shares
        (0.25, 0.75)
        """
        low: Any = ()
        high: Any = ()
        if checked is not None and checked.ndim == 2:
            low, high = (_dense(getattr(checked, end)(axis=0)) for end in ("min", "max"))
        shares = mean = deviation = ()
        if classes:
            shares = tuple(_shares(codes, classes).tolist())
        else:
            columns = np.reshape(codes, (len(codes), -1)).astype(np.float64)
            mean, deviation = (tuple(f(columns, axis=0).tolist()) for f in (np.mean, np.std))
        return cls(_names(X), low, high, _names(y), shares, mean, deviation)


def _shares(codes: Any, classes: int) -> Any:
    """Give the share of each class; one that no row has counts as if half a row had it."""
    if codes.ndim == 2 and codes.shape[1] == 1:
        codes = codes[:, 0].astype(np.int64)
    if codes.ndim == 2:
        return np.maximum(codes.mean(axis=0, dtype=np.float64), 0.5 / len(codes))
    counts = np.maximum(np.bincount(codes, minlength=classes), 0.5)
    return counts / counts.sum()


def _dense(row: Any) -> Any:
    """Give a row [features] of an array, or of what a sparse matrix gives."""
    return np.asarray(row.toarray() if hasattr(row, "toarray") else row).ravel()


def _names(table: Any) -> tuple[str, ...]:
    """Name the columns of a frame or series; nothing for anything else."""
    if isinstance(table, np.ndarray):
        return table.dtype.names or ()
    names = getattr(table, "column_names", None)  # Arrow, whose `columns` holds the columns
    if names is None:
        names = getattr(table, "columns", None)
    if names is None and isinstance(getattr(table, "name", None), str):
        names = [table.name] if table.name else None
    return tuple(map(str, names)) if names is not None else ()
