"""Labels that are not there or not of one kind, as arrays of objects may hold them."""

from __future__ import annotations

from numbers import Number
from typing import Any

import numpy as np
from sklearn.utils._missing import is_pandas_na, is_scalar_nan


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
