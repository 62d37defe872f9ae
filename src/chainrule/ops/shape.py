"""Operations that move entries without changing them.

Native code never runs these by themselves: `View` and `Pieces` say where in the input an entry of
the output lies, and whoever reads the output reads there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from chainrule.errors import DtypeError, ShapeError
from chainrule.ir import ArrayType, Card, Dim, Shape, Size, element_count
from chainrule.ops.rules import check_axes

Index = tuple[Any, ...]


@dataclass(frozen=True)
class View:
    """Each entry of the output is one entry of the input.

    `source(i, index, x, y, **params)` gives the index into the input of shape `x` for an `index`
    into the output of shape `y`; `i` does arithmetic on indices.
    """

    source: Callable[..., Index]


@dataclass(frozen=True)
class Piece:
    """One region of an output: where `test` holds, the entry `index` of input `operand`.

    A test of None always holds; an operand of None stands for zero.
    """

    test: Any
    operand: int | None
    index: Index


@dataclass(frozen=True)
class Pieces:
    """Each entry of the output comes from the first of several regions whose test holds.

    `source(i, index, shapes, **params)` gives the regions, for input shapes `shapes`.
    """

    source: Callable[..., list[Piece]]


def _reshape_type(x: ArrayType, *, shape: Shape) -> ArrayType:
    if element_count(x.shape) != element_count(shape):
        wanted = ArrayType(shape, x.dtype)
        raise ShapeError(
            f"cannot reshape {x} ({element_count(x.shape)} entries) "
            f"to {wanted} ({element_count(shape)} entries)"
        )
    return ArrayType(shape, x.dtype)


def _reshape_source(i: Any, index: Index, x: Shape, y: Shape, *, shape: Shape) -> Index:
    """Split both shapes into the shortest runs of equal size, and renumber within each run."""
    result: list[Any] = []
    a = b = 0
    while a < len(x) or b < len(y):
        from_a, from_b = a, b
        left: Size = 1
        right: Size = 1
        while True:
            if a < len(x) and (left == right or not _larger(left, right)):
                left, a = x[a] * left, a + 1
            elif b < len(y):
                right, b = y[b] * right, b + 1
            if left == right or (a == len(x) and b == len(y)):
                break
        flat = i.flatten(index[from_b:b], y[from_b:b])
        result += i.unflatten(flat, x[from_a:a])
    return tuple(result)


def _larger(a: Size, b: Size) -> bool:
    """Order sizes so that a symbolic one counts as larger than any number."""
    if isinstance(a, int) and isinstance(b, int):
        return a > b
    if isinstance(a, Dim) and isinstance(b, Dim):
        return a.scale > b.scale
    return isinstance(a, Dim)


reshape = Card(
    name="reshape",
    kind="shape",
    doc="The same entries, read row by row, in another shape.",
    type=_reshape_type,
    vjp=lambda o, g, y, x, *, shape: (o.reshape(g, x.shape),),
    numpy=lambda np, x, *, shape: np.reshape(x, shape),
    native=View(_reshape_source),
    onnx="Reshape",
    cost=0,
)


def _transpose_type(x: ArrayType, *, axes: tuple[int, ...]) -> ArrayType:
    if sorted(axes) != list(range(x.ndim)):
        raise ShapeError(f"axes {axes} are not an order of the {x.ndim} axes of {x}")
    return ArrayType(tuple(x.shape[a] for a in axes), x.dtype)


def inverse(axes: tuple[int, ...]) -> tuple[int, ...]:
    """Give the order of axes that undoes another one.

    >>> inverse((2, 0, 1))
    (1, 2, 0)
    """
    return tuple(sorted(range(len(axes)), key=axes.__getitem__))


transpose = Card(
    name="transpose",
    kind="shape",
    doc="The axes in another order.",
    type=_transpose_type,
    vjp=lambda o, g, y, x, *, axes: (o.permute_dims(g, inverse(axes)),),
    numpy=lambda np, x, *, axes: np.transpose(x, axes),
    native=View(lambda i, index, x, y, *, axes: tuple(index[a] for a in inverse(axes))),
    onnx="Transpose",
    cost=0,
)


def _broadcast_type(x: ArrayType, *, shape: Shape, axes: tuple[int, ...]) -> ArrayType:
    check_axes(len(shape), axes)
    kept = tuple(n for i, n in enumerate(shape) if i not in axes)
    if kept != x.shape:
        raise ShapeError(f"cannot repeat {x} along axes {axes} of the shape {shape}")
    return ArrayType(shape, x.dtype)


broadcast = Card(
    name="broadcast",
    kind="shape",
    doc="The same array repeated along new axes; `axes` are their places in the result.",
    type=_broadcast_type,
    vjp=lambda o, g, y, x, *, shape, axes: (o.sum(g, axis=axes),),
    numpy=lambda np, x, *, shape, axes: np.broadcast_to(np.expand_dims(x, axes), shape),
    native=View(
        lambda i, index, x, y, *, shape, axes: tuple(
            n for a, n in enumerate(index) if a not in axes
        )
    ),
    onnx="Expand",
    cost=0,
)


def _slice_type(
    x: ArrayType, *, start: tuple[int, ...], stop: tuple[Size, ...], step: tuple[int, ...]
) -> ArrayType:
    if not len(start) == len(stop) == len(step) == x.ndim:
        raise ShapeError(f"slice of {x} needs a start, stop and step for every axis")
    sizes: list[Size] = []
    for n, first, last, jump in zip(x.shape, start, stop, step, strict=True):
        if jump == 1:
            sizes.append(last - first)
        elif isinstance(last, int):
            sizes.append(len(range(first, last, jump)))
        else:
            raise ShapeError(f"the symbolic axis {n} of {x} can only be cut with step 1")
    return ArrayType(tuple(sizes), x.dtype)


def _slice_vjp(o: Any, g: Any, y: Any, x: Any, *, start: Any, stop: Any, step: Any) -> Any:
    reverse = tuple(a for a, jump in enumerate(step) if jump < 0)
    if reverse:
        g = o.flip(g, axis=reverse)
    low, high, gap = [], [], []
    for n, size, first, jump in zip(x.shape, y.shape, start, step, strict=True):
        lowest = first if jump > 0 else first + (size - 1) * jump
        used = 1 + (size - 1) * abs(jump) if abs(jump) != 1 else size
        low.append(lowest if size != 0 else 0)
        high.append(n - low[-1] - (used if size != 0 else 0))
        gap.append(abs(jump) - 1)
    return (o.interior_pad(g, tuple(low), tuple(high), tuple(gap)),)


slice = Card(
    name="slice",
    kind="shape",
    doc="Every `step`-th entry from `start` up to `stop`, for each axis; steps may be negative.",
    type=_slice_type,
    vjp=_slice_vjp,
    numpy=lambda np, x, *, start, stop, step: x[
        tuple(
            np.s_[first : (None if last < 0 else last) : jump]
            for first, last, jump in zip(start, stop, step, strict=True)
        )
    ],
    native=View(
        lambda i, index, x, y, *, start, stop, step: tuple(
            i.add(i.multiply(n, jump), first)
            for n, first, jump in zip(index, start, step, strict=True)
        )
    ),
    onnx="Slice",
    cost=0,
)


def _pad_type(
    x: ArrayType, *, low: tuple[Size, ...], high: tuple[Size, ...], gap: tuple[int, ...]
) -> ArrayType:
    if not len(low) == len(high) == len(gap) == x.ndim:
        raise ShapeError(f"padding of {x} needs a low, high and gap for every axis")
    shape = tuple(
        before + n + after + (0 if between == 0 else between * (n - 1 if n != 0 else 0))
        for n, before, after, between in zip(x.shape, low, high, gap, strict=True)
    )
    return ArrayType(shape, x.dtype)


def _pad(np: Any, x: Any, *, low: Any, high: Any, gap: Any) -> Any:
    shape = _pad_type(ArrayType(x.shape, x.dtype.name), low=low, high=high, gap=gap).shape
    y = np.zeros(shape, x.dtype)
    region = tuple(
        np.s_[first : first + n * (between + 1) : between + 1]
        for first, n, between in zip(low, x.shape, gap, strict=True)
    )
    y[region] = x
    return y


def _pad_vjp(o: Any, g: Any, y: Any, x: Any, *, low: Any, high: Any, gap: Any) -> Any:
    stop = tuple(
        first + (n if between == 0 else max(0, (n - 1) * (between + 1) + 1))
        for first, n, between in zip(low, x.shape, gap, strict=True)
    )
    return (o.cut(g, low, stop, tuple(between + 1 for between in gap)),)


def _pad_source(i: Any, index: Index, shapes: list[Shape], *, low: Any, high: Any, gap: Any) -> Any:
    inside, where = None, []
    for n, size, first, last, between in zip(index, shapes[0], low, high, gap, strict=True):
        if first == last == between == 0:
            where.append(n)
            continue
        offset = i.subtract(n, first)
        position = i.divide(offset, between + 1)
        tests = [i.compare(">=", offset, 0), i.compare("<", position, size)]
        if between:
            tests.append(i.compare("==", i.remainder(offset, between + 1), 0))
        for test in tests:
            inside = test if inside is None else i.both(inside, test)
        where.append(position)
    return [Piece(inside, 0, tuple(where)), Piece(None, None, ())]


pad = Card(
    name="pad",
    kind="shape",
    doc="Zeros before, after and (`gap`) between the entries of each axis.",
    type=_pad_type,
    vjp=_pad_vjp,
    numpy=_pad,
    native=Pieces(_pad_source),
    onnx="Pad",
    cost=0,
)


def _concatenate_type(*types: ArrayType, axis: int) -> ArrayType:
    first = types[0]
    check_axes(first.ndim, (axis,))
    total: Size = 0
    for t in types:
        rest = [n for a, n in enumerate(t.shape) if a != axis]
        if t.ndim != first.ndim or rest != [n for a, n in enumerate(first.shape) if a != axis]:
            raise ShapeError(f"cannot concatenate {first} and {t} along axis {axis}")
        if t.dtype != first.dtype:
            raise DtypeError(f"cannot concatenate {first} and {t}: dtypes differ")
        total = t.shape[axis] + total
    return ArrayType((*first.shape[:axis], total, *first.shape[axis + 1 :]), first.dtype)


def _concatenate_vjp(o: Any, g: Any, y: Any, *xs: Any, axis: int) -> tuple[Any, ...]:
    parts, begin = [], 0
    for x in xs:
        end = x.shape[axis] + begin
        start = tuple(begin if a == axis else 0 for a in range(x.ndim))
        stop = tuple(end if a == axis else n for a, n in enumerate(y.shape))
        parts.append(o.cut(g, start, stop, (1,) * x.ndim))
        begin = end
    return tuple(parts)


def _concatenate_source(i: Any, index: Index, shapes: list[Shape], *, axis: int) -> list[Piece]:
    pieces, begin, n = [], 0, index[axis]
    for k, shape in enumerate(shapes):
        end = i.add(shape[axis], begin)
        inner = (*index[:axis], i.subtract(n, begin), *index[axis + 1 :])
        last = k == len(shapes) - 1
        pieces.append(Piece(None if last else i.compare("<", n, end), k, inner))
        begin = end
    return pieces


concatenate = Card(
    name="concatenate",
    kind="shape",
    doc="Arrays one after the other along an axis.",
    type=_concatenate_type,
    vjp=_concatenate_vjp,
    numpy=lambda np, *xs, axis: np.concatenate(xs, axis=axis),
    native=Pieces(_concatenate_source),
    onnx="Concat",
    cost=0,
)
