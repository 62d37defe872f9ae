"""Einstein's summation, as transposes, sums and matrix products."""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.errors import ParameterError, ShapeError
from chainrule.ir import Dim, Size, element_count
from chainrule.tracing.functions import elementwise as e
from chainrule.tracing.functions import linear, reductions, shaping
from chainrule.tracing.record import elementwise, quiet
from chainrule.tracing.values import concrete, show

GUESS = 64
"""What a symbolic size counts as when the order of the products is chosen."""


@dataclass(frozen=True)
class _Operand:
    """An array, and a letter for each of its axes."""

    array: Any
    letters: str


@quiet
def einsum(subscripts: str, *operands: Any) -> Any:
    """Sums of products along named axes, such as ``"ik,kj->ij"`` for a matrix product.

    Each array's axes are named by letters. Axes of one name run together; those that the result,
    behind the arrow, does not name are summed over. Without an arrow it has all letters that occur
    once, in alphabetical order. A letter that stands twice in one array takes its diagonal, and
    `...` stands for any further axes, which are broadcast. Integers become floats. Three arrays or
    more are multiplied pair by pair, in the order that `numpy.einsum_path` finds.

    >>> einsum("ij,j->i", [[1.0, 2.0], [3.0, 4.0]], [1.0, 10.0]).tolist()
    [21.0, 43.0]
    >>> float(einsum("ii", [[1.0, 2.0], [3.0, 4.0]]))
    5.0
    """
    arrays = [e.floats(concrete(x)) for x in operands]
    terms, output = _parsed(subscripts, arrays)
    sizes = _sizes(subscripts, terms, arrays)
    working = [
        _diagonal(_Operand(_stretched(array, letters, sizes), letters))
        for array, letters in zip(arrays, terms, strict=True)
    ]
    for places in _order(terms, output, sizes):
        pair = [working.pop(i) for i in sorted(places, reverse=True)][::-1]
        needed = {*output, *(letter for x in working for letter in x.letters)}
        first, second = (_summed(x, needed, pair) for x in pair)
        working.append(_product(first, second, needed))
    (result,) = working
    result = _summed(result, {*output}, [result])
    return _arranged(result, output)


def _parsed(subscripts: str, arrays: Sequence[Any]) -> tuple[list[str], str]:
    """Letters of each array and of the result, with letters of our own for what `...` stands for.

    The axes of an ellipsis are numbered from the last one, as broadcasting counts them.
    """
    text = subscripts.replace(" ", "")
    left, arrow, right = text.partition("->")
    terms = left.split(",")
    if len(terms) != len(arrays):
        raise ParameterError(f"einsum of {subscripts!r} takes {len(terms)} arrays: {len(arrays)}")
    strange = set(text.replace("->", "").replace("...", "")) - {*string.ascii_letters, ","}
    if strange or text.count("->") > 1:
        raise ParameterError(
            f"einsum names axes by letters, as in 'ij,jk->ik'; received {subscripts!r}"
        )
    free = [letter for letter in string.ascii_letters if letter not in text]
    hidden = 0
    found = []
    for term, array in zip(terms, arrays, strict=True):
        named = term.replace("...", "")
        more = array.ndim - len(named) if "..." in term else 0
        if more < 0 or len(named) + more != array.ndim:
            raise ShapeError(
                f"{term!r} of {subscripts!r} does not name the axes {show(array.shape)}"
            )
        hidden = max(hidden, more)
        found.append(term.replace("...", "".join(free[:more][::-1])))
    ellipsis = "".join(free[:hidden][::-1])
    if arrow:
        output = right.replace("...", ellipsis)
    else:
        once = sorted(x for x in set(left) - {".", ","} if left.count(x) == 1)
        output = ellipsis + "".join(once)
    known = set("".join(found))
    if len(set(output)) != len(output) or not set(output) <= known:
        raise ParameterError(
            f"the result {output!r} of {subscripts!r} has to name axes of the arrays, each once"
        )
    return found, output


def _sizes(subscripts: str, terms: Sequence[str], arrays: Sequence[Any]) -> dict[str, Size]:
    """The size of each letter; an axis of size 1 is broadcast."""
    sizes: dict[str, Size] = {}
    for term, array in zip(terms, arrays, strict=True):
        for letter, size in zip(term, array.shape, strict=True):
            before = sizes.setdefault(letter, size)
            if before == 1:
                sizes[letter] = size
            elif size not in (1, before):
                raise ShapeError(f"{letter!r} of {subscripts!r} counts both {before} and {size}")
    return sizes


def _stretched(array: Any, letters: str, sizes: Mapping[str, Size]) -> Any:
    return shaping.broadcast_to(array, tuple(sizes[letter] for letter in letters))


def _diagonal(x: _Operand) -> _Operand:
    """Take the diagonal of axes that have one letter."""
    for letter in dict.fromkeys(x.letters):
        while x.letters.count(letter) > 1:
            first = x.letters.index(letter)
            second = x.letters.index(letter, first + 1)
            ndim, n = x.array.ndim, x.array.shape[first]
            shape = [n if a in (first, second) else 1 for a in range(ndim)]
            mask = np.eye(n, dtype=bool).reshape(shape)
            kept = reductions.sum(e.where(mask, x.array, 0), axis=second)
            x = _Operand(kept, x.letters[:second] + x.letters[second + 1 :])
    return x


def _order(terms: Sequence[str], output: str, sizes: Mapping[str, Size]) -> list[tuple[int, ...]]:
    """Which arrays are multiplied in which step; what a step gives stands last."""
    count = len(terms)
    if count < 3:
        return [tuple(range(count))] if count == 2 else []
    number = {k: GUESS if isinstance(n, Dim) else n for k, n in sizes.items()}
    stand_ins = [np.broadcast_to(0.0, [number[k] for k in dict.fromkeys(t)]) for t in terms]
    text = ",".join("".join(dict.fromkeys(t)) for t in terms) + "->" + output
    path, _ = np.einsum_path(text, *stand_ins, optimize="greedy")
    steps: list[tuple[int, ...]] = []
    for places in path[1:]:
        steps += [tuple(places)] if len(places) == 2 else _one_by_one(len(places))
    return steps


def _one_by_one(count: int) -> list[tuple[int, ...]]:
    """Multiply the first with the last, the product with the next, and so on."""
    return [(0, n - 1) for n in range(count, 1, -1)]


def _summed(x: _Operand, needed: set[str], others: Sequence[_Operand]) -> _Operand:
    """Sum over the axes that nothing else needs."""
    elsewhere = needed.union(*(y.letters for y in others if y is not x))
    gone = tuple(i for i, letter in enumerate(x.letters) if letter not in elsewhere)
    if not gone:
        return x
    kept = "".join(letter for letter in x.letters if letter in elsewhere)
    return _Operand(reductions.sum(x.array, axis=gone), kept)


def _arranged(x: _Operand, letters: Sequence[str]) -> Any:
    """The array with its axes in an order of letters."""
    return shaping.permute_dims(x.array, [x.letters.index(letter) for letter in letters])


def _product(a: _Operand, b: _Operand, needed: set[str]) -> _Operand:
    """Multiply two arrays, and sum over what both name and nothing needs."""
    both = [letter for letter in a.letters if letter in b.letters]
    stack = [letter for letter in both if letter in needed]
    inner = [letter for letter in both if letter not in needed]
    rows = [letter for letter in a.letters if letter not in both]
    columns = [letter for letter in b.letters if letter not in both]
    first, second = _arranged(a, stack + rows + inner), _arranged(b, stack + inner + columns)
    outer = first.shape[: len(stack)]
    m = first.shape[len(stack) : len(stack) + len(rows)]
    k = first.shape[len(stack) + len(rows) :]
    n = second.shape[len(stack) + len(inner) :]
    letters = "".join(stack + rows + columns)
    if not inner:  # nothing to sum: a product of entries, which joins the loops around it
        first = shaping.reshape(first, (*outer, *m, *(1,) * len(n)))
        second = shaping.reshape(second, (*outer, *(1,) * len(m), *n))
        return _Operand(elementwise("multiply", first, second), letters)
    stacked = (element_count(outer),) if stack else ()
    first = shaping.reshape(first, (*stacked, element_count(m), element_count(k)))
    second = shaping.reshape(second, (*stacked, element_count(k), element_count(n)))
    return _Operand(shaping.reshape(linear.matmul(first, second), (*outer, *m, *n)), letters)
