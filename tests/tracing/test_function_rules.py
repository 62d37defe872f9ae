"""What all functions of `chainrule.numpy` have in common: dtypes, symbolic sizes, errors."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.special as special

import chainrule.numpy as cnp
from chainrule.backprop import check_gradients, grad
from chainrule.errors import DtypeError, IndexRangeError, ShapeError, TraceError
from chainrule.execute import numpy as executor
from chainrule.ir import ArrayType, Dim, check
from chainrule.tracing import capture

Function = Callable[..., Any]
RANDOM = np.random.default_rng(0)
WHOLE = np.arange(-6, 6, dtype=np.int32).reshape(3, 4)

# ---------------------------------------------------------------------------------------------
# Dtypes.


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (np.ones(2, "float32"), 2.0, "float32"),
        (np.ones(2, "float32"), np.float64(2.0), "float32"),
        (np.ones(2, "float32"), np.ones(2), "float64"),
        (np.ones(2, np.int32), 2, "int32"),
        (np.ones(2, np.int32), 2.5, "float32"),
        (np.ones(2, np.int32), np.ones(2, "float32"), "float32"),
        (np.ones(2, np.int64), True, "int32"),
        (np.ones(2, bool), 1, "int32"),
        (1, 2, "int32"),
        (1, 2.0, "float64"),
    ],
)
def test_two_values_meet_in_a_dtype(a: Any, b: Any, expected: str) -> None:
    assert cnp.add(a, b).dtype == expected
    assert cnp.add(b, a).dtype == expected
    traced = capture(cnp.add, (a, b)).graph.outputs[0].type.dtype
    # An argument that is a plain number becomes an array, so only arrays are alike here.
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        assert traced == expected
    assert capture(lambda x: cnp.add(x, b), (np.asarray(a),)).graph.outputs[0].type.dtype == (
        cnp.add(np.asarray(a), b).dtype
    )


def test_functions_of_integers_that_need_floats_give_float32() -> None:
    for function in (cnp.exp, cnp.sqrt, cnp.sigmoid, cnp.softmax, cnp.mean, cnp.var, cnp.gelu):
        assert function(WHOLE).dtype == np.float32
        assert capture(function, (WHOLE,)).graph.outputs[0].type.dtype == "float32"


def test_what_is_made_of_plain_numbers_stays_plain() -> None:
    scale = cnp.sqrt(2.0)
    assert scale == math.sqrt(2)
    assert cnp.multiply(scale, np.ones(2, "float32")).dtype == np.float32
    assert capture(lambda x: x * cnp.sqrt(2.0), (np.ones(2, "float32"),)).graph.outputs[
        0
    ].type == ArrayType((2,), "float32")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_choice_between_plain_floats_has_the_width_of_the_arguments(dtype: str) -> None:
    graph = capture(lambda x: cnp.where(x > 0, 0.1, -0.1), (np.ones(2, dtype),)).graph
    assert graph.outputs[0].type.dtype == dtype


def test_numbers_made_of_nothing_are_float32() -> None:
    made = (
        cnp.zeros(2),
        cnp.ones(2),
        cnp.full(2, 3),
        cnp.eye(2),
        cnp.linspace(0, 1),
        cnp.arange(2.0),
    )
    assert {x.dtype.name for x in made} == {"float32"}
    assert cnp.arange(2).dtype == np.int32
    assert cnp.zeros(2, dtype=cnp.bool).dtype == np.bool_


# ---------------------------------------------------------------------------------------------
# Gradients at special places.


@pytest.mark.parametrize("zeros", [0, 1, 2])
def test_a_product_with_zeros_has_exact_derivatives(zeros: int) -> None:
    x = np.array([2.0, 3.0, 5.0, 7.0])
    x[:zeros] = 0
    expected = [math.prod(np.delete(x, i)) for i in range(4)]
    assert grad(cnp.prod)(x).tolist() == expected
    assert check_gradients(cnp.prod, x)


def test_logaddexp_is_smooth_where_its_inputs_tie() -> None:
    f = lambda a, b: cnp.logaddexp(a, b)  # noqa: E731
    assert float(grad(f)(1.0, 1.0)) == 0.5
    assert float(grad(grad(f))(1.0, 1.0)) == 0.25
    assert check_gradients(f, np.array([1.0, -3.0, 2.0]), np.array([1.0, 1.0, 1.5]))


def test_softmax_of_very_negative_numbers_ignores_them() -> None:
    x = np.array([0.0, -np.inf, 0.0])
    assert cnp.softmax(x).tolist() == [0.5, 0.0, 0.5]
    assert grad(cnp.logsumexp)(x).tolist() == [0.5, 0.0, 0.5]


def test_clip_halves_the_gradient_at_its_bounds() -> None:
    gradient = grad(lambda x: cnp.sum(cnp.clip(x, -1, 1)))(np.array([-2.0, -1.0, 0.0, 1.0, 2.0]))
    assert gradient.tolist() == [0.0, 0.5, 1.0, 0.5, 0.0]


# ---------------------------------------------------------------------------------------------
# A symbolic batch.

BATCH = ArrayType((Dim("batch"), 4))
SYMBOLIC: list[tuple[Function, Function]] = [
    (lambda x: cnp.mean(x), np.mean),
    (lambda x: cnp.mean(x, axis=0), lambda x: np.mean(x, axis=0)),
    (lambda x: cnp.var(x, 0, 1), lambda x: np.var(x, 0, ddof=1)),
    (lambda x: cnp.sum(x) / x.shape[0], lambda x: np.sum(x) / x.shape[0]),
    (lambda x: x.shape[0] * x, lambda x: x.shape[0] * x),
    (lambda x: cnp.reshape(x, (-1, 2)), lambda x: x.reshape(-1, 2)),
    (lambda x: cnp.reshape(x, (x.shape[0], 2, -1)), lambda x: x.reshape(-1, 2, 2)),
    (lambda x: cnp.reshape(x, (x.shape[0] * 2, -1)), lambda x: x.reshape(-1, 2)),
    (lambda x: cnp.concat([x, x[1:], x], axis=0), lambda x: np.concat([x, x[1:], x])),
    (lambda x: x[1:] - x[:-1], lambda x: np.diff(x, axis=0)),
    (lambda x: x[: x.shape[0]] + x[-1], lambda x: x + x[-1]),
    (lambda x: cnp.diff(x, axis=0), lambda x: np.diff(x, axis=0)),
    (lambda x: cnp.repeat(x, 2, 0), lambda x: np.repeat(x, 2, 0)),
    (lambda x: cnp.tile(x, (2, 1)), lambda x: np.tile(x, (2, 1))),
    (lambda x: cnp.pad(x, ((1, 2), (0, 0))), lambda x: np.pad(x, ((1, 2), (0, 0)))),
    (lambda x: x @ x.T, lambda x: x @ x.T),
    (lambda x: cnp.softmax(x, axis=0), lambda x: special.softmax(x, 0)),
    (lambda x: cnp.broadcast_to(x[0], x.shape), lambda x: x[:1] + 0 * x),
    (lambda x: cnp.zeros_like(x), np.zeros_like),
    (lambda x: cnp.take(x, [0, 0]), lambda x: x[[0, 0]]),
    (lambda x: cnp.prod(x[:, :0], axis=1), lambda x: np.ones(len(x))),
    (lambda x: x.size - cnp.sum(x), lambda x: x.size - np.sum(x)),
]


@pytest.mark.parametrize(("function", "expected"), SYMBOLIC)
def test_one_program_serves_every_batch_size(function: Function, expected: Function) -> None:
    graph = check(capture(function, (BATCH,)).graph)
    for rows in (2, 3, 5):
        x = RANDOM.uniform(-1, 1, (rows, 4)).astype("float32")
        with np.errstate(all="ignore"):
            wanted = expected(x)
        (actual,) = executor.run(graph, [x])
        np.testing.assert_allclose(actual, wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("function", "kind", "message"),
    [
        (lambda x: cnp.zeros(x.shape), TraceError, r"symbolic shape \('batch', '4'\) must be made"),
        (lambda x: cnp.prod(x, axis=0), ShapeError, "over the symbolic batch axis"),
        (lambda x: x[::2], TraceError, r"can be cut with \[a:\] or \[a:-b\]"),
        (lambda x: x[:3], TraceError, r"can be cut with \[a:\] or \[a:-b\]"),
        (lambda x: x.reshape(-1, 3), ShapeError, "cannot be divided by 3"),
        (lambda x: x.reshape(x.shape[0] * 3, -1), ShapeError, "cannot tell the missing size"),
        (lambda x: x + cnp.ones((5, 4)), ShapeError, r"do not fit together: \(batch, 4\) and"),
        (lambda x: list(x), TraceError, "the size batch is not known while tracing"),
        (lambda x: cnp.split(x, 2), ShapeError, "an axis of batch cannot be split into 2"),
        (lambda x: cnp.arange(x.shape[0]), TraceError, "the size batch is not known"),
        (lambda x: cnp.tril(x), TraceError, "the size batch is not known"),
        (lambda x: cnp.one_hot(np.zeros(2, np.int32), x.shape[0]), TraceError, "batch classes"),
        (lambda x: cnp.broadcast_to(np.ones(4), x.shape), TraceError, "the size batch is not"),
    ],
)
def test_what_a_symbolic_batch_cannot_do_is_said(
    function: Function, kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message):
        capture(function, (BATCH,))


# ---------------------------------------------------------------------------------------------
# Errors: alike for arrays that are traced and for those that are not.


@pytest.mark.parametrize("trace", [False, True], ids=["at once", "traced"])
@pytest.mark.parametrize(
    ("function", "kind", "message"),
    [
        (lambda x: cnp.add(x, np.ones(3)), ShapeError, r"do not fit together: \(3, 4\) and \(3,\)"),
        (lambda x: cnp.where(x > 0, x, np.ones((2, 4))), ShapeError, "do not fit together"),
        (lambda x: cnp.broadcast_to(x, (4,)), ShapeError, r"cannot repeat \(3, 4\) up to \(4,\)"),
        (lambda x: cnp.broadcast_to(x, (5, 4)), ShapeError, "do not fit together"),
        (lambda x: cnp.sum(x, axis=2), ShapeError, "axis 2 is not one of the 2 axes"),
        (lambda x: cnp.sum(x, axis=(0, -2)), ShapeError, "an axis is given twice"),
        (lambda x: cnp.argmax(x, axis=-3), ShapeError, "axis -3 is not one of the 2 axes"),
        (lambda x: cnp.cumulative_sum(x, axis=5), ShapeError, "axis 5 is not one of the 2 axes"),
        (lambda x: cnp.cumulative_sum(x), ShapeError, "needs an axis for an array with 2 axes"),
        (lambda x: cnp.max(x[:0]), ShapeError, "it is empty"),
        (lambda x: cnp.reshape(x, (5, -1)), ShapeError, "12 entries in rows of 5"),
        (lambda x: cnp.reshape(x, (-1, -1)), ShapeError, r"only one size can be -1"),
        (lambda x: cnp.reshape(x, (5,)), ShapeError, r"\(12 entries\) to .*\(5 entries\)"),
        (lambda x: cnp.permute_dims(x, (0, 0)), ShapeError, "are not an order of the 2 axes"),
        (lambda x: cnp.squeeze(x, 0), ShapeError, "not all are 1"),
        (lambda x: cnp.concat([x, x[:, :2]]), ShapeError, "cannot concatenate"),
        (lambda x: cnp.concat([]), ShapeError, "there is no array to join"),
        (lambda x: cnp.split(x, 5), ShapeError, "an axis of 3 cannot be split into 5"),
        (lambda x: cnp.split(x, 0), ShapeError, "an axis of 3 cannot be split into 0"),
        (lambda x: cnp.pad(x, -1), ShapeError, "a pair >= 0 for each of 2 axes, not -1"),
        (lambda x: cnp.pad(x, (1, 2, 3)), ShapeError, "do not fit together"),
        (lambda x: cnp.pad(x, 0.5), DtypeError, "expected integers, received float64"),
        (lambda x: cnp.matmul(x, x), ShapeError, "the first has 4 columns, the second 3 rows"),
        (lambda x: cnp.matmul(x, 2.0), ShapeError, "matmul expects axes"),
        (lambda x: cnp.outer(x, x), ShapeError, "outer expects two vectors"),
        (lambda x: cnp.tensordot(x, x, 1), ShapeError, "cannot contract 1 axes"),
        (lambda x: cnp.take(x, [3]), IndexRangeError, "positions 3 to 3 for an axis of 3 entries"),
        (lambda x: cnp.take(x, [-4, 0]), IndexRangeError, "positions -4 to 0"),
        (lambda x: cnp.take(x, [0.5]), DtypeError, "positions must be integers, received float64"),
        (lambda x: cnp.take(x, [True]), DtypeError, "positions must be integers, received bool"),
        (lambda x: cnp.add(x, "a"), DtypeError, "expected numbers, received str: 'a'"),
        (lambda x: cnp.astype(x, "complex64"), DtypeError, "dtype complex64 is not supported"),
        (lambda x: cnp.multiply(x, None), DtypeError, "expected numbers, received NoneType: None"),
        (lambda x: cnp.multiply(x, 2**31), IndexRangeError, "do not fit into int32"),
    ],
)
def test_errors_say_what_was_received(
    function: Function, kind: type[Exception], message: str, trace: bool
) -> None:
    x = np.ones((3, 4))
    if "fit into int32" in message:
        x = x.astype(np.int32)
    with pytest.raises(kind, match=message):
        capture(function, (x,)) if trace else function(x)
