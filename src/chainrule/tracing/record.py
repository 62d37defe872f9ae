"""Writing operations down, or computing them at once where nothing is traced."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import numpy as np

from chainrule.errors import DtypeError, ShapeError, TraceError
from chainrule.ir import ArrayType, Builder, Card, Dim, Node, Note, Shape, bind
from chainrule.ops import CARDS
from chainrule.ops.leaf import Frozen
from chainrule.tracing.array import Array, Recorder, user_line
from chainrule.tracing.values import (
    as_array,
    broadcast_shapes,
    is_weak,
    result_dtype,
    shape_of,
    youngest,
)

P = ParamSpec("P")
T = TypeVar("T")


def apply(card: Card, *values: Any, **params: Any) -> Any:
    """Run an op: written down if a value is traced, computed by NumPy if none is."""
    recorder = youngest(values)
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
    node = _add(recorder.builder, card, _nodes(recorder, arrays), params)
    if node not in recorder.builder.notes:
        recorder.builder.notes[node] = Note(user_line())
    return Array(node, recorder)


def record_again(
    recorder: Recorder,
    node: Node,
    note: Note | None,
    arrays: Sequence[Array],
    sizes: Mapping[str, Any],
) -> Array:
    """Write a node of another graph down, with what is known about it.

    Parameters
    ----------
    arrays
        What takes the place of its inputs, of the same types but for `sizes`.
    sizes
        Values of symbolic sizes that are replaced.
    """
    builder, inputs = recorder.builder, _nodes(recorder, arrays)
    if sizes:
        again = _add(builder, node.card, inputs, {k: bind(v, sizes) for k, v in node.params})
    else:
        again = builder.repeat(node, inputs)
    if note is not None:
        builder.annotate(again, source=note.source, name=note.name, tapped=note.tapped)
    elif again not in builder.notes:
        builder.notes[again] = Note(user_line())
    return Array(again, recorder)


def _nodes(recorder: Recorder, arrays: Sequence[Array]) -> tuple[Node, ...]:
    """Give the nodes behind arrays, and note those that belong to enclosing tracings."""
    is_open = recorder.open
    for x in arrays:
        if x.recorder is not recorder:
            is_open &= x.recorder.open
            recorder.outer[x.node] = x
    if not is_open:
        raise TraceError(
            "a traced array was used after its tracing had ended: it escaped from the function, "
            "for example through a global variable or a list; return it instead"
        )
    return tuple([x.node for x in arrays])


def _add(builder: Builder, card: Card, inputs: Sequence[Node], params: Mapping[str, Any]) -> Node:
    try:
        return builder.add(card, *inputs, **params)
    except (ShapeError, DtypeError) as error:
        where = user_line()
        if where is not None:
            error.add_note(f"traced at {where}")
        raise


def lift(value: Any, recorder: Recorder, dtype: str | None = None, shape: Shape = ()) -> Array:
    """Make a traced array of any value: of a number, of a NumPy array, of a symbolic size.

    A number is repeated up to `shape`; what has axes keeps them.
    """
    if isinstance(value, Array):
        return value
    if isinstance(value, Dim):
        return record(recorder, CARDS["size"], size=value, dtype=dtype or "int32")
    array = as_array(value, dtype)
    if array.ndim == 0:
        return filled(array.item(), shape, array.dtype.name, recorder)
    first = array.flat[0] if array.size else array.dtype.type(0)
    if array.tobytes() == first.tobytes() * array.size:  # 0.0 and -0.0 are equal, their bits not
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
    dtype = result_dtype(*values, floating=floating)
    return together(CARDS[name], values, [dtype] * len(values))


def together(card: Card, values: Sequence[Any], dtypes: Sequence[str]) -> Any:
    """Run an elementwise op after bringing each value to its dtype and all to one shape.

    Of plain numbers the result is a NumPy scalar, which adapts to arrays as they do.
    """
    shape = broadcast_shapes(*map(shape_of, values))
    recorder = youngest(values)
    if recorder is not None:
        arrays = [
            expand(convert(lift(v, recorder, dtype, shape), dtype), shape)
            for v, dtype in zip(values, dtypes, strict=True)
        ]
        return record(recorder, card, *arrays)
    sizes = tuple(int(n) for n in shape)
    concrete = (np.broadcast_to(as_array(v, d), sizes) for v, d in zip(values, dtypes, strict=True))
    result = compute(card, *concrete)
    return result[()] if all(map(is_weak, values)) else result


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


def quiet(function: Callable[P, T]) -> Callable[P, T]:
    """Let a composed function compute without NumPy's warnings, as primitives do."""

    @wraps(function)
    def wrapped(*args: P.args, **options: P.kwargs) -> T:
        with np.errstate(all="ignore"):
            return function(*args, **options)

    return wrapped


def named(x: Any, name: str) -> Any:
    """Give a traced value a name that people will read; other values pass unchanged."""
    if isinstance(x, Array):
        x.recorder.builder.annotate(x.node, name=name)
    return x
