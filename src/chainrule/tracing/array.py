"""The traced array: a value that is not computed but written down as a node of a program."""

from __future__ import annotations

import itertools
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.errors import DtypeError, IndexRangeError, ShapeError, TraceError
from chainrule.ir import (
    ArrayType,
    Builder,
    Card,
    Dim,
    Node,
    Shape,
    Size,
    SourceLine,
)
from chainrule.ops import CARDS
from chainrule.ops.leaf import Frozen

_PACKAGE = str(Path(__file__).parent.parent)
_LEVELS = itertools.count()
_RANK = {"bool": 0, "int32": 1, "float32": 2, "float64": 3}


_NUMPY_NAMES = {
    "absolute": "abs",
    "true_divide": "divide",
    "arcsin": "asin",
    "arccos": "acos",
    "arctan": "atan",
    "arcsinh": "asinh",
    "arccosh": "acosh",
    "arctanh": "atanh",
    "amax": "max",
    "amin": "min",
    "concatenate": "concat",
    "cumsum": "cumulative_sum",
    "rint": "round",
    "float_power": "power",
    "swapaxes": "swapaxes",
}


class Recorder:
    """One tracing in progress; of two that meet in an operation, the younger writes it down.

    Parameters
    ----------
    functions
        The functions of `chainrule.numpy`, which operators and methods of its arrays call.
    builder
        Where nodes are kept; a new one for None.

    Attributes
    ----------
    outer
        Values of an enclosing tracing that were read, by their nodes.
    """

    __slots__ = ("builder", "functions", "level", "open", "outer")

    def __init__(self, functions: Any, builder: Builder | None = None) -> None:
        self.builder = builder or Builder()
        self.functions = functions
        self.level = next(_LEVELS)
        self.open = True
        self.outer: dict[Node, Array] = {}

    def function(self, name: str) -> Any:
        """Look up the function that has the name of a NumPy function."""
        found = getattr(self.functions, _NUMPY_NAMES.get(name, name), None)
        if found is None:
            raise TraceError(
                f"numpy.{name} has no counterpart in chainrule.numpy and cannot be traced"
            )
        return found


def user_line() -> SourceLine | None:
    """Find the innermost line of code that is not chainrule's own."""
    frame = sys._getframe(1)
    while frame is not None:
        file = frame.f_code.co_filename
        if not file.startswith(_PACKAGE):
            return SourceLine(file, frame.f_lineno, frame.f_code.co_name)
        frame = frame.f_back  # type: ignore[assignment]
    return None


class Array:
    """A traced array: shape and dtype are known, the numbers are not.

    Functions under `chainrule.tracing` (and so `grad`, `jit` and training) receive these in place
    of NumPy arrays. Operators, methods and NumPy's own functions write operations down.
    """

    __slots__ = ("node", "recorder")
    __array_priority__ = 1000

    def __init__(self, node: Node, recorder: Recorder) -> None:
        self.node = node
        self.recorder = recorder

    @property
    def shape(self) -> Shape:
        """Sizes of the axes; a symbolic size is a `Dim`."""
        return self.node.type.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype, as NumPy's."""
        return np.dtype(self.node.type.dtype)

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.node.type.shape)

    @property
    def size(self) -> Size:
        """Number of entries."""
        count: Size = 1
        for n in self.shape:
            count = n * count
        return count

    def __repr__(self) -> str:
        return f"<traced {self.node.type}>"

    def __hash__(self) -> int:
        return hash(self.node)

    def __len__(self) -> int:
        if not self.shape:
            raise TraceError("len() of a traced array without axes")
        return self.shape[0].__index__()

    def __iter__(self) -> Iterator[Array]:
        return iter([self[i] for i in range(len(self))])

    # Python control flow needs numbers, which a traced array does not have.

    def _refuse(self, what: str, instead: str) -> Any:
        where = user_line()
        at = f" ({where})" if where else ""
        raise TraceError(
            f"{what} needs the numbers of {self!r}, which are not known while tracing{at}. "
            f"{instead}"
        )

    def __bool__(self) -> bool:
        return bool(
            self._refuse(
                "A test such as `if`, `while`, `and`, `or` or `in`",
                "Use chainrule.numpy.where(test, a, b) to choose between values, or "
                "logical_and/logical_or to join tests.",
            )
        )

    def __float__(self) -> float:
        return float(self._refuse("float()", "Keep the array, or use math on it by chainrule.numpy."))

    def __int__(self) -> int:
        return int(self._refuse("int()", "Use chainrule.numpy.astype(x, 'int32')."))

    def __index__(self) -> int:
        return int(
            self._refuse(
                "Using it as an index of a Python or NumPy sequence",
                "Use chainrule.numpy.take(x, positions, axis=0).",
            )
        )

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        refused: np.ndarray[Any, Any] = self._refuse(
            "Turning it into a NumPy array",
            "Use the functions of chainrule.numpy, or call the function outside of grad and jit.",
        )
        return refused

    # NumPy's own functions on traced arrays.

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        if method != "__call__" or options.get("out") is not None:
            raise TraceError(f"numpy.{ufunc.__name__}.{method} cannot be traced")
        return self.recorder.function(ufunc.__name__)(*inputs, **options)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return self.recorder.function(func.__name__)(*args, **kwargs)

    # Operators.

    def __add__(self, other: Any) -> Any:
        return elementwise("add", self, other)

    def __radd__(self, other: Any) -> Any:
        return elementwise("add", other, self)

    def __sub__(self, other: Any) -> Any:
        return elementwise("subtract", self, other)

    def __rsub__(self, other: Any) -> Any:
        return elementwise("subtract", other, self)

    def __mul__(self, other: Any) -> Any:
        return elementwise("multiply", self, other)

    def __rmul__(self, other: Any) -> Any:
        return elementwise("multiply", other, self)

    def __truediv__(self, other: Any) -> Any:
        return self.recorder.function("divide")(self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return self.recorder.function("divide")(other, self)

    def __pow__(self, other: Any) -> Any:
        return self.recorder.function("pow")(self, other)

    def __rpow__(self, other: Any) -> Any:
        return self.recorder.function("pow")(other, self)

    def __floordiv__(self, other: Any) -> Any:
        return self.recorder.function("floor_divide")(self, other)

    def __mod__(self, other: Any) -> Any:
        return self.recorder.function("remainder")(self, other)

    def __matmul__(self, other: Any) -> Any:
        return self.recorder.function("matmul")(self, other)

    def __rmatmul__(self, other: Any) -> Any:
        return self.recorder.function("matmul")(other, self)

    def __neg__(self) -> Any:
        return elementwise("negative", self)

    def __pos__(self) -> Any:
        return self

    def __abs__(self) -> Any:
        return elementwise("abs", self)

    def __eq__(self, other: object) -> Any:
        return elementwise("equal", self, other)

    def __ne__(self, other: object) -> Any:
        return elementwise("not_equal", self, other)

    def __lt__(self, other: Any) -> Any:
        return elementwise("less", self, other)

    def __le__(self, other: Any) -> Any:
        return elementwise("less_equal", self, other)

    def __gt__(self, other: Any) -> Any:
        return elementwise("greater", self, other)

    def __ge__(self, other: Any) -> Any:
        return elementwise("greater_equal", self, other)

    def __and__(self, other: Any) -> Any:
        return elementwise("logical_and", self, other)

    def __or__(self, other: Any) -> Any:
        return elementwise("logical_or", self, other)

    def __invert__(self) -> Any:
        return elementwise("logical_not", self)

    def __getitem__(self, key: Any) -> Any:
        return self.recorder.function("getitem")(self, key)

    def __setitem__(self, key: Any, value: Any) -> None:
        self._refuse("Assigning to a part of it", "Build a new array with where, concat or pad.")

    # Methods, as NumPy's.

    @property
    def T(self) -> Any:
        """The axes in reverse order."""
        return self.recorder.function("permute_dims")(self, tuple(reversed(range(self.ndim))))

    @property
    def mT(self) -> Any:
        """The last two axes swapped."""
        return self.recorder.function("matrix_transpose")(self)

    def sum(self, axis: Any = None, keepdims: bool = False) -> Any:
        """Sum over axes; see `chainrule.numpy.sum`."""
        return self.recorder.function("sum")(self, axis=axis, keepdims=keepdims)

    def mean(self, axis: Any = None, keepdims: bool = False) -> Any:
        """Mean over axes; see `chainrule.numpy.mean`."""
        return self.recorder.function("mean")(self, axis=axis, keepdims=keepdims)

    def max(self, axis: Any = None, keepdims: bool = False) -> Any:
        """Largest entry over axes; see `chainrule.numpy.max`."""
        return self.recorder.function("max")(self, axis=axis, keepdims=keepdims)

    def min(self, axis: Any = None, keepdims: bool = False) -> Any:
        """Smallest entry over axes; see `chainrule.numpy.min`."""
        return self.recorder.function("min")(self, axis=axis, keepdims=keepdims)

    def reshape(self, *shape: Any) -> Any:
        """Another shape; see `chainrule.numpy.reshape`."""
        return self.recorder.function("reshape")(self, shape[0] if len(shape) == 1 else shape)

    def transpose(self, *axes: Any) -> Any:
        """The axes in another order, reversed when none is given."""
        order = axes[0] if len(axes) == 1 and isinstance(axes[0], tuple) else axes
        return self.T if not order else self.recorder.function("permute_dims")(self, order)

    def astype(self, dtype: Any) -> Any:
        """Another dtype; see `chainrule.numpy.astype`."""
        return self.recorder.function("astype")(self, dtype)

    def item(self) -> Any:
        """Refuse: a traced array has no numbers yet."""
        return self._refuse("item()", "Return the array from the function and read it there.")



# ---------------------------------------------------------------- values and their types


def dtype_name(dtype: Any) -> str:
    """Name the dtype of ours that a NumPy dtype or a name stands for.

    >>> dtype_name(np.int64), dtype_name("f4")
    ('int32', 'float32')
    """
    kind = np.dtype(dtype)
    if kind.name in _RANK:
        return kind.name
    if kind.kind in "iu":
        return "int32"
    if kind.name == "float16":
        return "float32"
    raise DtypeError(f"dtype {kind} is not supported; use float32, float64, int32 or bool")


def as_array(value: Any, dtype: str | None = None) -> np.ndarray[Any, Any]:
    """Turn a concrete value into a NumPy array of a dtype that programs know."""
    array = np.asarray(value)
    if array.dtype == object:
        raise DtypeError(f"expected numbers, received {type(value).__name__}: {value!r:.80}")
    wanted = dtype or dtype_name(array.dtype)
    if wanted == "int32" and array.dtype.kind in "iu" and array.dtype.itemsize >= 4 and array.size:
        low, high = array.min(), array.max()
        if low < -(2**31) or high >= 2**31:
            raise IndexRangeError(f"integers from {low} to {high} do not fit into int32")
    return array.astype(wanted, copy=False)


def type_of(value: Any) -> ArrayType:
    """Give the type of a traced array or of anything that NumPy takes."""
    if isinstance(value, Array):
        return value.node.type
    array = np.asarray(value)
    return ArrayType(array.shape, dtype_name(array.dtype))


def _is_weak(value: Any) -> bool:
    """Numbers without an array adopt the dtype of the arrays that they meet."""
    return isinstance(value, (bool, int, float, np.generic, Dim))


def result_dtype(*values: Any, floating: bool = False) -> str:
    """Find the dtype in which values meet: the widest of the arrays; plain numbers adapt.

    Two rules differ from NumPy's: NumPy scalars adapt as Python numbers do, and integers that
    meet float32 become float32.
    """
    strong = [type_of(v).dtype for v in values if not _is_weak(v)]
    weak = ["float32" if isinstance(v, (float, np.floating)) else "bool"
            if isinstance(v, (bool, np.bool_)) else "int32" for v in values if _is_weak(v)]
    if not strong and "float32" in weak:
        return "float64"
    result = max(strong + weak, key=_RANK.__getitem__)
    return "float32" if floating and _RANK[result] < _RANK["float32"] else result


def broadcast_shapes(*shapes: Shape) -> Shape:
    """Find the shape in which shapes meet, as NumPy does; symbolic sizes only meet their equals.

    >>> broadcast_shapes((Dim("batch"), 1), (4,))
    (Dim(symbol='batch', scale=1, offset=0), 4)
    """
    ndim = max(map(len, shapes), default=0)
    result: list[Size] = []
    for axis in range(-ndim, 0):
        sizes = [s[axis] for s in shapes if -axis <= len(s)]
        wide = [n for n in sizes if n != 1] or [1]
        if any(n != wide[0] for n in wide):
            raise ShapeError(f"shapes do not fit together: {' and '.join(map(show, shapes))}")
        result.append(wide[0])
    return tuple(result)


def show(shape: Shape) -> str:
    """Write a shape as people do: (batch, 3)."""
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"


# ---------------------------------------------------------------- writing operations down


def apply(card: Card, *values: Any, **params: Any) -> Any:
    """Run an op: written down if a value is traced, computed by NumPy if none is."""
    recorder = _youngest(values)
    if recorder is None:
        return compute(card, *map(as_array, values), **params)
    return record(recorder, card, *(lift(v, recorder) for v in values), **params)


def compute(card: Card, *arrays: Any, **params: Any) -> Any:
    """Run an op by its NumPy rule, which is its meaning."""
    card.type(*(ArrayType(x.shape, x.dtype.name) for x in arrays), **params)
    with np.errstate(all="ignore"):
        return np.asarray(card.numpy(np, *arrays, **params))  # type: ignore[operator]


def record(recorder: Recorder, card: Card, *arrays: Array, **params: Any) -> Array:
    """Write an op down in a tracing."""
    if not recorder.open:
        raise TraceError(
            "a traced array was used after its tracing had ended: it escaped from the function, "
            "for example through a global variable or a list; return it instead"
        )
    try:
        node = recorder.builder.add(card, *(x.node for x in arrays), **params)
    except (ShapeError, DtypeError) as error:
        where = user_line()
        if where is not None:
            error.add_note(f"traced at {where}")
        raise
    if node not in recorder.builder.notes:
        recorder.builder.annotate(node, source=user_line())
    for x in arrays:
        if x.recorder is not recorder:
            recorder.outer[x.node] = x
    return Array(node, recorder)


def _youngest(values: Any) -> Recorder | None:
    recorders = [v.recorder for v in values if isinstance(v, Array)]
    return max(recorders, key=lambda r: r.level, default=None)


def lift(value: Any, recorder: Recorder, dtype: str | None = None) -> Array:
    """Make a traced array of any value: of a number, of a NumPy array, of a symbolic size."""
    if isinstance(value, Array):
        return value
    if isinstance(value, Dim):
        return record(recorder, CARDS["size"], size=value, dtype=dtype or "int32")
    array = as_array(value, dtype)
    if array.ndim == 0:
        return filled(array.item(), (), array.dtype.name, recorder)
    first = array.flat[0] if array.size else 0
    if array.size and np.all(array == first) and not np.signbit(first):
        return filled(first.item(), array.shape, array.dtype.name, recorder)
    return record(recorder, CARDS["constant"], value=Frozen(array))


def filled(value: Any, shape: Shape, dtype: str, recorder: Recorder) -> Array:
    """Make a traced array with one number in every entry."""
    if isinstance(value, float) and value == 0 and math.copysign(1, value) < 0:
        # 0.0 and -0.0 are equal as parameters of nodes, so the sign becomes an operation.
        zero = record(recorder, CARDS["full"], value=0.0, shape=shape, dtype=dtype)
        return record(recorder, CARDS["negative"], zero)
    number = {"b": bool, "i": int, "f": float}[np.dtype(dtype).kind](value)
    return record(recorder, CARDS["full"], value=number, shape=shape, dtype=dtype)


def elementwise(name: str, *values: Any, floating: bool = False) -> Any:
    """Run an elementwise op after bringing the values to one dtype and one shape."""
    card = CARDS[name]
    recorder = _youngest(values)
    dtype = result_dtype(*values, floating=floating)
    if recorder is None:
        arrays = np.broadcast_arrays(*(as_array(v, dtype) for v in values))
        return compute(card, *arrays)
    return record(recorder, card, *meet(recorder, dtype, *values))


def meet(recorder: Recorder, dtype: str, *values: Any) -> list[Array]:
    """Bring values to one dtype and one shape, as traced arrays."""
    shapes = [v.shape if isinstance(v, Array) else np.shape(v) for v in values if not _is_weak(v)]
    shape = broadcast_shapes(*shapes)
    return [expand(convert(lift(v, recorder, None if isinstance(v, Array) else dtype), dtype), shape)
            for v in values]


def convert(x: Array, dtype: str) -> Array:
    """Cast a traced array, if its dtype is another one."""
    if x.node.type.dtype == dtype:
        return x
    return record(x.recorder, CARDS["cast"], x, dtype=dtype)


def expand(x: Array, shape: Shape) -> Array:
    """Repeat a traced array up to a shape that NumPy's rules allow."""
    if x.shape == shape:
        return x
    if x.node.card.name == "full":
        return filled(x.node.options["value"], shape, x.node.type.dtype, x.recorder)
    new = len(shape) - x.ndim
    kept = [a for a in range(len(shape)) if a >= new and x.shape[a - new] == shape[a]]
    axes = tuple(a for a in range(len(shape)) if a not in kept)
    if len(kept) != x.ndim:
        squeezed = tuple(shape[a] for a in kept)
        x = record(x.recorder, CARDS["reshape"], x, shape=squeezed)
    return record(x.recorder, CARDS["broadcast"], x, shape=shape, axes=axes)


def named(x: Any, name: str) -> Any:
    """Give a traced value a name that people will read; other values pass unchanged."""
    if isinstance(x, Array):
        x.recorder.builder.annotate(x.node, name=name)
    return x
