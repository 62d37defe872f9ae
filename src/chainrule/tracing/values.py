"""What a value is before it becomes part of a program: its dtype, its shape, its axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.errors import DtypeError, IndexRangeError, ShapeError
from chainrule.ir import ArrayType, Dim, Shape, Size
from chainrule.tracing.array import Array, Recorder

_RANK = {"bool": 0, "int32": 1, "float32": 2, "float64": 3}
_NUMBERS = (bool, int, float, np.generic, Dim)
_NAMES = {np.dtype(name): name for name in _RANK}  # asking a dtype for its name is slow


def dtype_name(dtype: Any) -> str:
    """Name the dtype of ours that a NumPy dtype or a name stands for.

    >>> dtype_name(np.int64), dtype_name("f4")
    ('int32', 'float32')
    """
    kind = np.dtype(dtype)
    name = _NAMES.get(kind)
    if name is not None:
        return name
    if kind.kind in "iu":
        return "int32"
    if kind.name == "float16":
        return "float32"
    raise DtypeError(f"dtype {kind} is not supported; use float32, float64, int32 or bool")


def as_array(value: Any, dtype: str | None = None) -> np.ndarray[Any, Any]:
    """Turn a concrete value into a NumPy array of a dtype that programs know.

    Floats are never cut to integers on the way: that is what `astype` is for.
    """
    array = _numbers(value)
    wanted = dtype or dtype_name(array.dtype)
    if wanted == "int32" and array.size:
        if array.dtype.kind == "f":
            raise DtypeError(
                f"expected integers, received {array.dtype.name} of shape {show(array.shape)}; "
                "round or cast it first"
            )
        low, high = array.min(), array.max()
        if array.dtype.itemsize >= 4 and (low < -(2**31) or high >= 2**31):
            raise IndexRangeError(f"integers from {low} to {high} do not fit into int32")
    return array.astype(wanted, copy=False)


def concrete(value: Any) -> Any:
    """Return a traced array as it is, and anything else as a NumPy array."""
    return value if isinstance(value, Array) else as_array(value)


def type_of(value: Any) -> ArrayType:
    """Give the type of a traced array or of anything that NumPy takes."""
    if isinstance(value, Array):
        return value.node.type
    array = _numbers(value)
    return ArrayType(array.shape, dtype_name(array.dtype))


def _numbers(value: Any) -> np.ndarray[Any, Any]:
    array = np.asarray(value)
    if array.dtype.kind not in "biufc":
        raise DtypeError(f"expected numbers, received {type(value).__name__}: {value!r:.80}")
    return array


def shape_of(value: Any) -> Shape:
    """Give the shape of a traced array, a NumPy array or a number."""
    return value.shape if isinstance(value, Array) else () if is_weak(value) else np.shape(value)


def is_weak(value: Any) -> bool:
    """Tell whether a value is a number without an array: it adopts the dtype that it meets."""
    return not isinstance(value, Array) and isinstance(value, _NUMBERS)


def result_dtype(*values: Any, floating: bool = False, plain: str = "float64") -> str:
    """Find the dtype in which values meet: the widest of the arrays; plain numbers adapt.

    Two rules differ from NumPy's: NumPy scalars adapt as Python numbers do, and integers that
    meet float32 become float32. With `floating` the result is a float in any case; `plain` is
    what floats are when no array is among the values.
    """
    strong, weak = [], []
    for v in values:
        if is_weak(v):
            weak.append(_weak_dtype(v))
        else:
            strong.append(type_of(v).dtype)
    if not strong and "float32" in weak:
        return plain
    result = max(strong + weak, key=_RANK.__getitem__)
    return "float32" if floating and _RANK[result] < _RANK["float32"] else result


def _weak_dtype(value: Any) -> str:
    """The least dtype that holds a plain number."""
    if isinstance(value, (float, np.floating)):
        return "float32"
    return "bool" if isinstance(value, (bool, np.bool_)) else "int32"


def youngest(values: Sequence[Any]) -> Recorder | None:
    """Find the tracing that writes an operation on these values down; None if none is traced."""
    found = None
    for v in values:
        if isinstance(v, Array) and (found is None or v.recorder.level > found.level):
            found = v.recorder
    return found


def broadcast_shapes(*shapes: Shape) -> Shape:
    """Find the shape in which shapes meet, as NumPy does; symbolic sizes only meet their equals.

    >>> broadcast_shapes((Dim("batch"), 1), (4,))
    (Dim(symbol='batch', scale=1, offset=0), 4)
    """
    different = [s for s in shapes if s != shapes[0]]
    if not different:  # as it is most of the time
        return shapes[0] if shapes else ()
    ndim = max(map(len, shapes), default=0)
    result: list[Size] = []
    for axis in range(-ndim, 0):
        sizes = [s[axis] for s in shapes if -axis <= len(s)]
        wide = [n for n in sizes if n != 1] or [1]
        if any(n != wide[0] for n in wide):
            raise ShapeError(f"shapes do not fit together: {' and '.join(map(show, shapes))}")
        result.append(wide[0])
    return tuple(result)


def axis_of(axis: int, ndim: int) -> int:
    """Count an axis from the front, and raise `ShapeError` if there is none.

    >>> axis_of(-1, 3)
    2
    """
    if not -ndim <= axis < ndim:
        raise ShapeError(f"axis {axis} is not one of the {ndim} axes of the array")
    return axis % ndim


def show(shape: Shape) -> str:
    """Write a shape as people do: (batch, 3)."""
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"
