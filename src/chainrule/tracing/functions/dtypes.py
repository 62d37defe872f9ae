"""What dtypes hold, and where they meet."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.tracing.values import dtype_name, result_dtype


def result_type(*values: Any) -> np.dtype[Any]:
    """The dtype in which arrays and numbers meet; plain numbers adapt to arrays.

    >>> result_type(np.zeros(2, "float32"), 1.5)
    dtype('float32')
    """
    return np.dtype(result_dtype(*values))


def isdtype(dtype: Any, kind: Any) -> bool:
    """Tell whether a dtype is of a kind, such as "bool", "integral" or "real floating".

    >>> isdtype("float32", "real floating")
    True
    """
    return bool(np.isdtype(np.dtype(dtype), kind))


def finfo(dtype: Any) -> np.finfo[Any]:
    """Limits of a dtype of floats: largest, smallest, and the step at 1.

    >>> float(finfo("float64").eps) == 2.0**-52
    True
    """
    return np.finfo(dtype_name(dtype))


def iinfo(dtype: Any) -> np.iinfo[Any]:
    """Limits of a dtype of integers.

    >>> iinfo("int32").max == 2**31 - 1
    True
    """
    return np.iinfo(dtype_name(dtype))
