"""Targets that are not there or not of one kind, as arrays of objects may hold them."""

from __future__ import annotations

from numbers import Number
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.utils._missing import is_pandas_na, is_scalar_nan


def refuse_name(y: Any) -> None:
    """Refuse the name of a column in place of what it holds."""
    if isinstance(y, str):
        raise ValueError(f"y is the text {y!r}: give what is to be predicted, as frame[{y!r}]")


def require_labels(y: Any) -> None:
    """Refuse labels among which one is None, NaN or pandas' NA, and texts beside numbers.

    Parameters
    ----------
    y
        What `fit` received.

    Raises
    ------
    ValueError
        The message names the first row.

    >>> require_labels(["a", None])
    Traceback (most recent call last):
        ...
    ValueError: Input y contains NaN: 1 of 2 rows has no label, the first is row 1 (from 0); ...
    """
    refuse_name(y)
    labels = y if hasattr(y, "dtype") else np.asarray(y, object)
    if getattr(labels, "ndim", 1) != 1 or getattr(labels.dtype, "kind", "O") in "biufUS":
        return  # scikit-learn finds NaN among numbers
    labels = list(labels)
    gone = [x is None or is_scalar_nan(x) or is_pandas_na(x) for x in labels]
    if any(gone):
        raise ValueError(
            f"Input y contains NaN: {sum(gone)} of {len(gone)} rows "
            f"{'has' if sum(gone) == 1 else 'have'} no label, the first is row "
            f"{gone.index(True)} (from 0); leave them out"
        )
    texts = [isinstance(x, str) for x in labels]
    numbers = [isinstance(x, Number) for x in labels]
    if any(texts) and any(numbers):
        one, other = texts.index(True), numbers.index(True)
        raise ValueError(
            f"y mixes text and numbers: {labels[one]!r} in row {one}, {labels[other]!r} in row "
            f"{other} (from 0); make all of them text, as numpy.array(list(map(str, y))) does"
        )


def require_numbers(y: Any) -> None:
    """Refuse numbers to predict among which one is missing, infinite, a text or a date.

    Parameters
    ----------
    y
        What `fit` received, (n,) or (n, outputs).

    Raises
    ------
    ValueError
        The message names the first row.

    >>> require_numbers([1.5, "two"])
    Traceback (most recent call last):
        ...
    ValueError: y holds 'two' in row 1 (from 0), which is no number: ...
    """
    refuse_name(y)
    numbers = np.asarray(y)
    if numbers.ndim == 0 or numbers.size == 0 or issparse(y):
        return  # scikit-learn refuses them
    if numbers.dtype.kind in "mM":
        raise ValueError(
            "y holds dates or spans of time and no numbers: count them, as "
            "(y - y.min()) / numpy.timedelta64(1, 'D') does in days"
        )
    if numbers.dtype.kind in "OUS":
        numbers = _as_floats(np.asarray(y, object))
    columns = numbers.reshape(len(numbers), -1)
    if columns.dtype.kind != "f" or np.isfinite(columns).all():
        return
    row, column = np.argwhere(~np.isfinite(columns))[0]
    gone = int((~np.isfinite(columns)).any(axis=1).sum())
    unknown = np.isnan(columns[row, column])
    what, have = "NaN" if unknown else "infinity", "has" if gone == 1 else "have"
    raise ValueError(
        f"Input y contains {what}: {gone} of {len(columns)} rows {have} no finite number, the "
        f"first is row {row} (from 0); leave them out"
    )


def _as_floats(y: Any) -> Any:
    """Turn an array of objects into floats of the same shape, gaps into NaN."""
    numbers = np.empty(y.shape, np.float64)
    for place in np.ndindex(y.shape):
        value = y[place]
        try:
            numbers[place] = np.nan if value is None or is_pandas_na(value) else float(value)
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"y holds {value!r} in row {place[0]} (from 0), which is no number: a regressor "
                "predicts numbers, a classifier (MLPClassifier, NetworkClassifier) labels"
            ) from error
    return numbers
