"""The traced array: a value that is not computed but written down as a node of a program."""

from __future__ import annotations

import inspect
import itertools
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.errors import TraceError
from chainrule.ir import Builder, Node, Shape, Size, SourceLine, element_count

_PACKAGE = str(Path(__file__).parent.parent) + os.sep
_LEVELS = itertools.count()

# NumPy's functions that have another name in chainrule.numpy.
_OUR_NAMES = {
    "absolute": "abs",
    "amax": "max",
    "amin": "min",
    "arccos": "acos",
    "arccosh": "acosh",
    "arcsin": "asin",
    "arcsinh": "asinh",
    "arctan": "atan",
    "arctan2": "atan2",
    "arctanh": "atanh",
    "around": "round",
    "bitwise_and": "logical_and",
    "bitwise_or": "logical_or",
    "bitwise_xor": "logical_xor",
    "concatenate": "concat",
    "cumsum": "cumulative_sum",
    "fabs": "abs",
    "invert": "logical_not",
    "rint": "round",
}
_FACTS = ("ndim", "shape", "size")


class Recorder:
    """One tracing in progress; of two that meet in an operation, the younger writes it down.

    Parameters
    ----------
    functions
        The functions of `chainrule.numpy`, which operators and methods of its arrays call.
    builder
        Where nodes are kept; a new one for None.
    width
        The dtype of plain floats that meet no array of floats.

    Attributes
    ----------
    level
        Its age: a tracing within another one has a higher level.
    open
        False when the tracing has ended; its arrays cannot be used any more.
    outer
        Values of an enclosing tracing that were read, by their nodes.
    """

    __slots__ = ("builder", "functions", "level", "open", "outer", "width")

    def __init__(
        self, functions: Any, builder: Builder | None = None, width: str = "float64"
    ) -> None:
        self.builder = builder or Builder()
        self.functions = functions
        self.width = width
        self.level = next(_LEVELS)
        self.open = True
        self.outer: dict[Node, Array] = {}

    def call(self, name: str, args: Sequence[Any], options: Mapping[str, Any]) -> Any:
        """Call the function that stands for one of NumPy's."""
        function = getattr(self.functions, _OUR_NAMES.get(name, name), None)
        if not callable(function):
            raise TraceError(
                f"numpy.{name} has no counterpart in chainrule.numpy and cannot be traced"
            )
        try:
            inspect.signature(function).bind(*args, **options)
        except TypeError as error:
            ours = f"chainrule.numpy.{function.__name__}{inspect.signature(function)}"
            raise TraceError(f"numpy.{name} is traced as {ours}: {error}") from None
        return function(*args, **options)


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

    A function that is traced (by `grad`, `jit` or training) receives these in place of NumPy
    arrays. Operators, methods and NumPy's own functions write operations down.
    """

    __slots__ = ("node", "recorder")

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
        return element_count(self.shape)

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
        return float(self._refuse("float()", "Compute with chainrule.numpy in place of math."))

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
        if method != "__call__":
            raise TraceError(f"numpy.{ufunc.__name__}.{method} cannot be traced")
        if "out" in options:
            raise TraceError(
                f"numpy.{ufunc.__name__} cannot write a traced array into a NumPy array, as "
                "`array += traced` asks for; write `array = array + traced`"
            )
        return self.recorder.call(ufunc.__name__, inputs, options)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if func.__name__ in _FACTS and len(args) == 1 and args[0] is self:
            return getattr(self, func.__name__)
        return self.recorder.call(func.__name__, args, kwargs)

    # Operators.

    def _call(self, name: str, *args: Any, **options: Any) -> Any:
        return getattr(self.recorder.functions, name)(*args, **options)

    def __add__(self, other: Any) -> Any:
        return self._call("add", self, other)

    def __radd__(self, other: Any) -> Any:
        return self._call("add", other, self)

    def __sub__(self, other: Any) -> Any:
        return self._call("subtract", self, other)

    def __rsub__(self, other: Any) -> Any:
        return self._call("subtract", other, self)

    def __mul__(self, other: Any) -> Any:
        return self._call("multiply", self, other)

    def __rmul__(self, other: Any) -> Any:
        return self._call("multiply", other, self)

    def __truediv__(self, other: Any) -> Any:
        return self._call("divide", self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return self._call("divide", other, self)

    def __pow__(self, other: Any) -> Any:
        return self._call("power", self, other)

    def __rpow__(self, other: Any) -> Any:
        return self._call("power", other, self)

    def __floordiv__(self, other: Any) -> Any:
        return self._call("floor_divide", self, other)

    def __rfloordiv__(self, other: Any) -> Any:
        return self._call("floor_divide", other, self)

    def __mod__(self, other: Any) -> Any:
        return self._call("remainder", self, other)

    def __rmod__(self, other: Any) -> Any:
        return self._call("remainder", other, self)

    def __matmul__(self, other: Any) -> Any:
        return self._call("matmul", self, other)

    def __rmatmul__(self, other: Any) -> Any:
        return self._call("matmul", other, self)

    def __and__(self, other: Any) -> Any:
        return self._call("logical_and", self, other)

    def __rand__(self, other: Any) -> Any:
        return self._call("logical_and", other, self)

    def __or__(self, other: Any) -> Any:
        return self._call("logical_or", self, other)

    def __ror__(self, other: Any) -> Any:
        return self._call("logical_or", other, self)

    def __xor__(self, other: Any) -> Any:
        return self._call("logical_xor", self, other)

    def __rxor__(self, other: Any) -> Any:
        return self._call("logical_xor", other, self)

    def __neg__(self) -> Any:
        return self._call("negative", self)

    def __pos__(self) -> Any:
        return self

    def __abs__(self) -> Any:
        return self._call("abs", self)

    def __invert__(self) -> Any:
        return self._call("logical_not", self)

    def __eq__(self, other: object) -> Any:
        return self._call("equal", self, other)

    def __ne__(self, other: object) -> Any:
        return self._call("not_equal", self, other)

    def __lt__(self, other: Any) -> Any:
        return self._call("less", self, other)

    def __le__(self, other: Any) -> Any:
        return self._call("less_equal", self, other)

    def __gt__(self, other: Any) -> Any:
        return self._call("greater", self, other)

    def __ge__(self, other: Any) -> Any:
        return self._call("greater_equal", self, other)

    def __getitem__(self, key: Any) -> Any:
        return self._call("getitem", self, key)

    def __setitem__(self, key: Any, value: Any) -> None:
        self._refuse("Assigning to a part of it", "Build a new array with where, concat or pad.")

    # Methods, as NumPy's.

    @property
    def T(self) -> Any:
        """The axes in reverse order."""
        return self._call("transpose", self)

    @property
    def mT(self) -> Any:
        """The last two axes swapped."""
        return self._call("matrix_transpose", self)

    def astype(self, dtype: Any) -> Any:
        """Another dtype; see `chainrule.numpy.astype`."""
        return self._call("astype", self, dtype)

    def item(self) -> Any:
        """Refuse: a traced array has no numbers yet."""
        return self._refuse("item()", "Return the array from the function and read it there.")

    def reshape(self, *shape: Any) -> Any:
        """Another shape; see `chainrule.numpy.reshape`."""
        return self._call("reshape", self, shape[0] if len(shape) == 1 else shape)

    def transpose(self, *axes: Any) -> Any:
        """The axes in another order, reversed when none is given."""
        order = axes[0] if len(axes) == 1 and isinstance(axes[0], (tuple, list)) else axes
        return self._call("transpose", self, order or None)

    def flatten(self) -> Any:
        """All entries along one axis."""
        return self._call("reshape", self, -1)

    def ravel(self) -> Any:
        """All entries along one axis."""
        return self._call("reshape", self, -1)

    def squeeze(self, axis: Any = None) -> Any:
        """The array without axes of size 1; see `chainrule.numpy.squeeze`."""
        return self._call("squeeze", self, axis)

    def swapaxes(self, axis1: int, axis2: int) -> Any:
        """Two axes exchanged."""
        return self._call("swapaxes", self, axis1, axis2)

    def clip(self, min: Any = None, max: Any = None) -> Any:
        """Entries between two bounds; see `chainrule.numpy.clip`."""
        return self._call("clip", self, min, max)

    def cumsum(self, axis: int | None = None) -> Any:
        """Running sum along an axis; see `chainrule.numpy.cumulative_sum`."""
        return self._call("cumulative_sum", self, axis)

    def sum(self, axis: Any = None, keepdims: bool = False) -> Any:
        """Sum over axes; see `chainrule.numpy.sum`."""
        return self._call("sum", self, axis=axis, keepdims=keepdims)

    def mean(self, axis: Any = None, keepdims: bool = False) -> Any:
        """Mean over axes; see `chainrule.numpy.mean`."""
        return self._call("mean", self, axis=axis, keepdims=keepdims)

    def prod(self, axis: Any = None, keepdims: bool = False) -> Any:
        """Product over axes; see `chainrule.numpy.prod`."""
        return self._call("prod", self, axis=axis, keepdims=keepdims)

    def max(self, axis: Any = None, keepdims: bool = False) -> Any:
        """Largest entry over axes; see `chainrule.numpy.max`."""
        return self._call("max", self, axis=axis, keepdims=keepdims)

    def min(self, axis: Any = None, keepdims: bool = False) -> Any:
        """Smallest entry over axes; see `chainrule.numpy.min`."""
        return self._call("min", self, axis=axis, keepdims=keepdims)

    def argmax(self, axis: Any = None, keepdims: bool = False) -> Any:
        """Position of the largest entry; see `chainrule.numpy.argmax`."""
        return self._call("argmax", self, axis=axis, keepdims=keepdims)

    def argmin(self, axis: Any = None, keepdims: bool = False) -> Any:
        """Position of the smallest entry; see `chainrule.numpy.argmin`."""
        return self._call("argmin", self, axis=axis, keepdims=keepdims)

    def all(self, axis: Any = None, keepdims: bool = False) -> Any:
        """Whether all entries over axes are true; see `chainrule.numpy.all`."""
        return self._call("all", self, axis=axis, keepdims=keepdims)

    def any(self, axis: Any = None, keepdims: bool = False) -> Any:
        """Whether an entry over axes is true; see `chainrule.numpy.any`."""
        return self._call("any", self, axis=axis, keepdims=keepdims)

    def var(self, axis: Any = None, ddof: float = 0, keepdims: bool = False) -> Any:
        """Variance over axes; see `chainrule.numpy.var`, whose correction is `ddof`."""
        return self._call("var", self, axis=axis, correction=ddof, keepdims=keepdims)

    def std(self, axis: Any = None, ddof: float = 0, keepdims: bool = False) -> Any:
        """Standard deviation over axes; see `chainrule.numpy.std`, whose correction is `ddof`."""
        return self._call("std", self, axis=axis, correction=ddof, keepdims=keepdims)
