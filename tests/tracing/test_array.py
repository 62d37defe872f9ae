"""A traced array behaves like a NumPy array, as far as an array without numbers can."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import chainrule.numpy as cnp
from chainrule.errors import IndexRangeError, ShapeError, TraceError
from chainrule.execute import numpy as executor
from chainrule.ir import ArrayType, Dim
from chainrule.tracing import Array, capture

X = np.array([[1.0, -2.0, 3.0], [-0.5, 0.25, 2.0]])
Y = np.array([[2.0, 0.5, -3.0], [-0.5, 4.0, 1.0]])
FLAGS = np.array([True, False, True])


def run(function: Callable[..., Any], *args: Any) -> Any:
    """Trace, then run on the NumPy executor."""
    graph = capture(function, args).graph
    results = executor.run(graph, args)
    return results[0] if len(results) == 1 else results


ARITHMETIC = [
    operator.add,
    operator.sub,
    operator.mul,
    operator.truediv,
    operator.floordiv,
    operator.mod,
]
COMPARISONS = [operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge]


@pytest.mark.parametrize("op", [*ARITHMETIC, *COMPARISONS], ids=lambda op: op.__name__)
def test_an_operator_works_with_arrays_and_numbers_on_either_side(op: Any) -> None:
    np.testing.assert_allclose(run(op, X, Y), op(X, Y), rtol=1e-14)
    np.testing.assert_allclose(run(lambda x: op(x, Y), X), op(X, Y), rtol=1e-14)
    np.testing.assert_allclose(run(lambda y: op(X, y), Y), op(X, Y), rtol=1e-14)
    np.testing.assert_allclose(run(lambda x: op(x, 0.5), X), op(X, 0.5), rtol=1e-14)
    np.testing.assert_allclose(run(lambda y: op(0.5, y), Y), op(0.5, Y), rtol=1e-14)
    np.testing.assert_allclose(run(lambda y: op(X[0], y), Y), op(X[0], Y), rtol=1e-14)


@pytest.mark.parametrize("op", [operator.and_, operator.or_, operator.xor])
def test_truth_values_have_their_operators(op: Any) -> None:
    other = ~FLAGS[::-1]
    np.testing.assert_array_equal(run(op, FLAGS, other), op(FLAGS, other))
    np.testing.assert_array_equal(run(lambda a: op(a, True), FLAGS), op(FLAGS, True))
    np.testing.assert_array_equal(run(lambda a: op(other, a), FLAGS), op(other, FLAGS))


@pytest.mark.parametrize("op", [operator.neg, operator.pos, operator.abs])
def test_a_sign_operator(op: Any) -> None:
    np.testing.assert_array_equal(run(op, X), op(X))


def test_not_is_the_tilde() -> None:
    np.testing.assert_array_equal(run(lambda a: ~a, FLAGS), ~FLAGS)


def test_powers_and_matrix_products() -> None:
    np.testing.assert_allclose(run(lambda x: x**3, X), X**3, rtol=1e-14)
    np.testing.assert_allclose(run(lambda x: 2.0**x, X), 2.0**X, rtol=1e-14)
    np.testing.assert_allclose(run(lambda x: x @ Y.T, X), X @ Y.T, rtol=1e-14)
    np.testing.assert_allclose(run(lambda x: Y.T @ x, X), Y.T @ X, rtol=1e-14)


METHODS: dict[str, Callable[[Any], Any]] = {
    "T": lambda x: x.T,
    "mT": lambda x: x.mT,
    "all": lambda x: (x > 0).all(0),
    "any": lambda x: (x > 2).any(axis=1),
    "argmax": lambda x: x.argmax(1),
    "argmin": lambda x: x.argmin(),
    "astype": lambda x: x.astype("float32"),
    "clip": lambda x: x.clip(-1, 1),
    "cumsum": lambda x: x.cumsum(1),
    "flatten": lambda x: x.flatten(),
    "max": lambda x: x.max(axis=0, keepdims=True),
    "mean": lambda x: x.mean(-1),
    "min": lambda x: x.min(),
    "ndim": lambda x: x.sum() * x.ndim,
    "prod": lambda x: x.prod(0),
    "ravel": lambda x: x.ravel(),
    "reshape": lambda x: x.reshape(3, -1),
    "reshape to a tuple": lambda x: x.reshape((1, 6)),
    "shape": lambda x: x.sum() / x.shape[0],
    "size": lambda x: x.sum() / x.size,
    "squeeze": lambda x: x[:1].squeeze(0),
    "std": lambda x: x.std(0, ddof=1),
    "sum": lambda x: x.sum(0),
    "swapaxes": lambda x: x.swapaxes(0, 1),
    "transpose": lambda x: x.transpose(),
    "transpose to axes": lambda x: x.transpose(1, 0),
    "transpose to a tuple": lambda x: x.transpose((1, 0)),
    "var": lambda x: x.var(axis=1),
}


@pytest.mark.parametrize("use", METHODS.values(), ids=METHODS)
def test_a_method_gives_what_numpy_gives(use: Callable[[Any], Any]) -> None:
    expected = use(X)
    actual = run(use, X)
    assert actual.shape == expected.shape
    np.testing.assert_allclose(actual, expected, rtol=1e-14)


def test_every_method_is_tried() -> None:
    public = {name for name in vars(Array) if not name.startswith("_")}
    tried = {name.split()[0] for name in METHODS}
    assert public - tried == {"dtype", "item", "node", "recorder"}


def test_rows_can_be_unpacked_and_counted() -> None:
    def swap(x: Any) -> Any:
        first, second = x
        return cnp.stack([second, first]) * len(x)

    np.testing.assert_array_equal(run(swap, X), 2 * X[::-1])


def test_an_array_shows_its_type_and_not_its_numbers() -> None:
    seen = []
    capture(lambda x: seen.append((repr(x), x.dtype, x.shape, x.ndim)) or x, (X,))
    assert seen == [("<traced f64[2, 3]>", np.dtype("float64"), (2, 3), 2)]


# ---------------------------------------------------------------------------------------------
# What needs numbers is refused, with the line and the alternative.


def if_positive(x: Any) -> Any:
    if x > 0:  # the line
        return x
    return -x


def while_large(x: Any) -> Any:
    while x > 1:  # the line
        x = x / 2
    return x


def both(x: Any) -> Any:
    return x > 0 and x < 1  # the line


def among(x: Any) -> Any:
    return x in [1.0, 2.0]  # the line


REFUSED = [
    (if_positive, "A test such as `if`", r"chainrule.numpy.where\(test, a, b\)"),
    (while_large, "A test such as `if`, `while`", "chainrule.numpy.where"),
    (both, "A test such as", "logical_and/logical_or to join tests"),
    (among, "A test such as", "chainrule.numpy.where"),
]


@pytest.mark.parametrize(("function", "what", "instead"), REFUSED)
def test_control_flow_shows_the_line_and_the_alternative(
    function: Callable[..., Any], what: str, instead: str
) -> None:
    with pytest.raises(TraceError, match=what) as caught:
        capture(function, (2.0,))
    message = str(caught.value)
    line = function.__code__.co_firstlineno + 1
    assert f"({__file__}:{line} in {function.__name__})" in message
    assert "needs the numbers of <traced bool[]>, which are not known while tracing" in message
    assert re.search(instead, message)


@pytest.mark.parametrize(
    ("use", "what", "instead"),
    [
        (float, r"float\(\)", "chainrule.numpy in place of math"),
        (int, r"int\(\)", r"chainrule.numpy.astype\(x, 'int32'\)"),
        (lambda x: [1, 2][x], "index of a Python or NumPy sequence", "chainrule.numpy.take"),
        (np.asarray, "Turning it into a NumPy array", "Use the functions of chainrule.numpy"),
        (lambda x: x.item(), r"item\(\)", "Return the array from the function"),
        (lambda x: x.__setitem__(0, 1.0), "Assigning to a part of it", "where, concat or pad"),
    ],
)
def test_numbers_cannot_be_read(use: Callable[[Any], Any], what: str, instead: str) -> None:
    with pytest.raises(TraceError, match=f"{what} needs the numbers of .*{instead}"):
        capture(use, (2.0,))


def test_an_array_without_axes_has_no_length() -> None:
    with pytest.raises(TraceError, match=r"len\(\) of a traced array without axes"):
        capture(len, (2.0,))


def test_adding_in_place_to_a_numpy_array_is_refused() -> None:
    def add(x: Any) -> Any:
        total = np.zeros((2, 3))
        total += x
        return total

    with pytest.raises(TraceError, match=r"numpy.add cannot write .* `array = array \+ traced`"):
        capture(add, (X,))


# ---------------------------------------------------------------------------------------------
# Indexing.

INDEXED: list[Any] = [
    0,
    -1,
    np.int64(1),
    slice(None),
    slice(1, None),
    slice(None, None, -1),
    slice(-1, None, -2),
    slice(5, 1),
    Ellipsis,
    None,
    (slice(None), 1),
    (Ellipsis, 0),
    (0, Ellipsis, 1),
    (None, Ellipsis, None),
    (1, slice(2, 0, -1)),
    (slice(0, 0), slice(None)),
    (Ellipsis, slice(None, 2)),
    [0, 1, 1],
    np.array([1, -1]),
    np.array([[0], [1]]),
    (slice(None), [2, 0]),
    (Ellipsis, np.array(1)),
    (),
]


@pytest.mark.parametrize("key", INDEXED, ids=str)
def test_indexing_gives_what_numpy_gives(key: Any) -> None:
    np.testing.assert_array_equal(run(lambda x: x[key], X), X[key])


def test_an_index_may_be_traced() -> None:
    i = np.array([1, 0], np.int32)
    np.testing.assert_array_equal(run(lambda x, i: x[i], X, i), X[i])
    np.testing.assert_array_equal(run(lambda x, i: x[:, i[0]], X, i), X[:, 1])


@pytest.mark.parametrize(
    ("key", "kind", "message"),
    [
        (2, IndexRangeError, "index 2 is out of range for an axis of 2 entries"),
        ((0, -4), IndexRangeError, "index -4 is out of range for an axis of 3 entries"),
        ((0, 0, 0), IndexRangeError, "3 indices for an array with 2 axes"),
        ([2], IndexRangeError, "positions 2 to 2 for an axis of 2 entries"),
        (([0], [1]), TraceError, "one array of positions beside full slices"),
        (([0], 1), TraceError, "use take, take_along_axis, expand_dims or where"),
        (([0], None), TraceError, "expand_dims"),
        (X > 0, TraceError, r"use where\(mask, x, 0\)"),
        (1.0, TraceError, "indexing a traced array with float is not supported"),
        (True, TraceError, "indexing a traced array with bool is not supported"),
        ("a", TraceError, "indexing a traced array with str is not supported"),
        ((Ellipsis, Ellipsis), TraceError, "an index can hold `...` only once"),
    ],
    ids=str,
)
def test_an_index_that_is_not_supported_says_what_is(
    key: Any, kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message):
        capture(lambda x: x[key], (X,))


def test_a_traced_bound_of_a_slice_is_refused() -> None:
    with pytest.raises(TraceError, match=r"as an index .* Use chainrule.numpy.take"):
        capture(lambda x, i: x[i:], (X, np.int32(1)))


# ---------------------------------------------------------------------------------------------
# An array belongs to its tracing.


def test_an_array_that_escaped_is_refused_when_it_is_used() -> None:
    escaped: list[Any] = []
    capture(lambda x: escaped.append(x) or x * 2, (X,))
    for use in (lambda: escaped[0] + 1, lambda: cnp.tanh(escaped[0])):
        with pytest.raises(TraceError, match="after its tracing had ended: it escaped from the"):
            use()


def test_an_array_that_escaped_is_refused_in_another_tracing() -> None:
    escaped: list[Any] = []
    capture(lambda x: escaped.append(x) or x * 2, (X,))
    with pytest.raises(TraceError, match="return it instead"):
        capture(lambda x: x + escaped[0], (X,))


def test_a_symbolic_size_is_a_number_in_arithmetic_with_arrays() -> None:
    batch = ArrayType((Dim("batch"), 2), "float64")
    graph = capture(lambda x: (x.sum() / x.shape[0], 2 * x.shape[0] + x[0]), (batch,)).graph
    mean, first = executor.run(graph, [np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])])
    assert mean == 7.0
    assert first.tolist() == [7.0, 8.0]


def test_shapes_that_do_not_fit_are_named() -> None:
    with pytest.raises(ShapeError, match=r"do not fit together: \(2, 3\) and \(2,\)"):
        capture(lambda x: x + np.ones(2), (X,))
