"""Type rules that several families share."""

from __future__ import annotations

from typing import Any

from chainrule.errors import DtypeError, ShapeError
from chainrule.ir import ArrayType, is_float


def same(*types: ArrayType, **params: Any) -> ArrayType:
    """All inputs have one type, and so has the output."""
    first = types[0]
    if all(t is first for t in types):  # as it is most of the time
        return first
    if any(t.shape != first.shape for t in types):
        shapes = ", ".join(str(t) for t in types)
        raise ShapeError(f"shapes differ: {shapes}; broadcasting is an operation of its own")
    if any(t.dtype != first.dtype for t in types):
        raise DtypeError(f"dtypes differ: {', '.join(str(t) for t in types)}")
    return first


def same_number(*types: ArrayType, **params: Any) -> ArrayType:
    """As `same`, for floats and integers."""
    result = same(*types)
    if result.dtype == "bool":
        raise DtypeError(f"expected numbers, received {result}; cast to float32 first")
    return result


def same_float(*types: ArrayType, **params: Any) -> ArrayType:
    """As `same`, for floats alone."""
    result = same(*types)
    if not is_float(result.dtype):
        raise DtypeError(f"expected float32 or float64, received {result}")
    return result


def same_bool(*types: ArrayType, **params: Any) -> ArrayType:
    """As `same`, for truth values alone."""
    result = same(*types)
    if result.dtype != "bool":
        raise DtypeError(f"expected bool, received {result}")
    return result


def truth(*types: ArrayType, **params: Any) -> ArrayType:
    """Inputs of one type give truth values."""
    return ArrayType(same(*types).shape, "bool")


def check_axes(ndim: int, axes: tuple[int, ...]) -> None:
    """Raise unless `axes` are sorted, distinct and within `ndim`."""
    if list(axes) != sorted(set(axes)) or any(not 0 <= a < ndim for a in axes):
        raise ShapeError(f"axes {axes} are not sorted, distinct axes of an array with {ndim}")
