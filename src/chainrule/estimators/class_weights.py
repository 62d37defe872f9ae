"""What rows count, where classes have weights."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils import compute_sample_weight


def weighted(class_weight: Any, labels: Any, sample_weight: Any) -> Any:
    """Give what each row counts (n,), or None if all count one.

    Parameters
    ----------
    class_weight
        As `sklearn.utils.class_weight.compute_sample_weight` takes it, or None.
    labels
        Of the rows: (n,), or (n, outputs) for several labels each.
    sample_weight
        What each row counts beside its class (n,), or None.

    Raises
    ------
    ValueError
        If a class has a negative weight: what is wanted small would be made large.

    >>> weighted({0: 1.0, 1: 3.0}, np.array([0, 1]), None).tolist()
    [1.0, 3.0]
    """
    if class_weight is None:
        return sample_weight
    weight = compute_sample_weight(class_weight, labels)
    if np.min(weight, initial=0.0) < 0:
        raise ValueError(f"class_weight must not be negative, got {class_weight!r}")
    return weight if sample_weight is None else weight * sample_weight
