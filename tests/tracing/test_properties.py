"""Random programs mean the same however they are run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule.numpy as cnp
from chainrule.backprop import check_gradients, differentiate, grad, jvp, vjp
from chainrule.execute import numpy as executor
from chainrule.ir import ArrayType, Dim, check, text
from chainrule.tracing import capture, replay

Function = Callable[..., Any]
WIDTH = 3
MATRIX = np.random.default_rng(0).standard_normal((WIDTH, WIDTH))

# Steps from arrays of (rows, 3) to arrays of (rows, 3) that never mix rows. Smooth ones first.
SMOOTH_UNARY: dict[str, Function] = {
    "sin": cnp.sin,
    "tanh": cnp.tanh,
    "sigmoid": cnp.sigmoid,
    "softplus": cnp.softplus,
    "softmax": cnp.softmax,
    "log_softmax": cnp.log_softmax,
    "centre": lambda x: x - cnp.mean(x, axis=-1, keepdims=True),
    "scale": lambda x: x / (1 + cnp.sum(x * x, axis=1, keepdims=True)),
    "mix": lambda x: x @ MATRIX,
    "running": lambda x: cnp.cumulative_sum(x, axis=1),
    "reverse": lambda x: x[:, ::-1],
    "shift": lambda x: cnp.pad(x[:, 1:], ((0, 0), (0, 1))),
    "rotate": lambda x: cnp.concat([x[:, 1:], x[:, :1]], axis=1),
    "gather": lambda x: cnp.take(x, [2, 0, 0], axis=1),
    "reshape": lambda x: cnp.reshape(cnp.reshape(x, (-1, 1, WIDTH)) * 2, x.shape),
    "negate": lambda x: -x,
    "square": lambda x: cnp.tanh(x) ** 2,
    "half": lambda x: 0.5 * x + 1,
}
ROUGH_UNARY: dict[str, Function] = {
    "relu": cnp.relu,
    "abs": cnp.abs,
    "positive": lambda x: cnp.where(x > 0, x, cnp.expm1(x)),
    "largest": lambda x: cnp.max(x, axis=1, keepdims=True) + 0 * x,
    "place": lambda x: cnp.one_hot(cnp.argmax(x, axis=1), WIDTH, "float64"),
    "round": cnp.round,
    "clip": lambda x: cnp.clip(x, -1, 1),
}
BINARY: dict[str, Function] = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "divide": lambda a, b: a / (2 + cnp.sin(b)),
    "power": lambda a, b: cnp.power(1 + a * a, cnp.tanh(b)),
    "logaddexp": lambda a, b: cnp.logaddexp(a, b),
}


class Expression:
    """A function of arrays that shows how it is built."""

    def __init__(self, shown: str, function: Function) -> None:
        self.shown = shown
        self.function = function

    def __call__(self, *x: Any) -> Any:
        return self.function(*x)

    def __repr__(self) -> str:
        return self.shown


def _unary(table: dict[str, Function], inner: st.SearchStrategy[Expression]) -> Any:
    return st.builds(
        lambda name, e: Expression(f"{name}({e})", lambda *x: table[name](e(*x))),
        st.sampled_from(sorted(table)),
        inner,
    )


def _binary(inner: st.SearchStrategy[Expression]) -> Any:
    return st.builds(
        lambda name, a, b: Expression(f"{name}({a}, {b})", lambda *x: BINARY[name](a(*x), b(*x))),
        st.sampled_from(sorted(BINARY)),
        inner,
        inner,
    )


def expressions(table: dict[str, Function]) -> st.SearchStrategy[Expression]:
    leaves = st.sampled_from(
        [Expression("x", lambda x, y: x), Expression("y", lambda x, y: y)]
    ) | st.floats(-2, 2).map(lambda c: Expression(f"{c}", lambda x, y: x * 0 + c))
    return st.recursive(leaves, lambda e: _unary(table, e) | _binary(e), max_leaves=6)


any_expression = expressions({**SMOOTH_UNARY, **ROUGH_UNARY})
smooth_expression = expressions(SMOOTH_UNARY)
rows = st.integers(1, 4)
seeds = st.integers(0, 2**32 - 1)


def inputs(rows: int, seed: int) -> tuple[Any, Any]:
    random = np.random.default_rng(seed)
    return random.uniform(-2, 2, (rows, WIDTH)), random.uniform(-2, 2, (rows, WIDTH))


@given(any_expression, rows, seeds)
def test_a_program_means_the_same_at_once_replayed_and_executed(
    f: Expression, rows: int, seed: int
) -> None:
    x, y = inputs(rows, seed)
    expected = f(x, y)
    graph = check(capture(f, (x, y)).graph)
    (replayed,) = replay(graph, [x, y])
    (executed,) = executor.run(graph, [x, y])
    inlined = capture(lambda x, y: replay(graph, [x, y])[0], (x, y)).graph
    assert inlined.fingerprint == graph.fingerprint
    np.testing.assert_array_equal(replayed, executed)
    np.testing.assert_allclose(executed, expected, rtol=1e-13, atol=1e-13)
    assert executed.dtype == np.float64


@given(any_expression, rows, seeds)
def test_a_batch_gives_what_its_rows_give(f: Expression, rows: int, seed: int) -> None:
    spec = ArrayType((Dim("batch"), WIDTH), "float64")
    graph = check(capture(f, (spec, spec)).graph)
    x, y = inputs(rows, seed)
    (whole,) = executor.run(graph, [x, y])
    parts = [executor.run(graph, [x[i : i + 1], y[i : i + 1]])[0] for i in range(rows)]
    np.testing.assert_allclose(whole, np.concatenate(parts), rtol=1e-12, atol=1e-12)


@given(any_expression)
def test_a_program_is_written_the_same_way_every_time(f: Expression) -> None:
    spec = ArrayType((Dim("batch"), WIDTH), "float32")

    def loss(x: Any, y: Any) -> Any:
        return cnp.sum(f(x, y))

    first, second = (capture(loss, (spec, spec)).graph for _ in range(2))
    assert text(first) == text(second)
    assert first.fingerprint == second.fingerprint
    backward = [check(differentiate(g, [0, 1])) for g in (first, second)]
    assert text(backward[0]) == text(backward[1])
    assert backward[0].fingerprint == backward[1].fingerprint
    keys = [(n.card, n.inputs, n.params) for n in backward[0].nodes[2:]]
    assert len(set(keys)) == len(keys)


@settings(max_examples=30)
@given(smooth_expression, rows, seeds)
def test_derivatives_of_a_smooth_program_are_right(f: Expression, rows: int, seed: int) -> None:
    x, y = inputs(rows, seed)
    verdict = check_gradients(f, x, y, directions=1, tolerance=1e-5)
    assert verdict, f"{f}\n{verdict}"


@settings(max_examples=30)
@given(any_expression, rows, seeds)
def test_forward_and_backward_mode_of_a_program_are_transposes(
    f: Expression, rows: int, seed: int
) -> None:
    x, y = inputs(rows, seed)
    u, w = inputs(rows, seed + 1)
    _, slope = jvp(f, (x, y), (u, w))
    v = inputs(rows, seed + 2)[0]
    gx, gy = vjp(f, x, y)[1](v)
    forward, backward = float(np.sum(v * slope)), float(np.sum(gx * u) + np.sum(gy * w))
    size = 1 + float(np.sum(np.abs(v * slope)))
    assert abs(forward - backward) <= 1e-11 * size


# ---------------------------------------------------------------------------------------------
# Chains of slices, reshapes and other moves, whose gradients are moves back.


@st.composite
def moves(draw: Any) -> list[tuple[str, Any]]:
    """Moves of an array of (4, 6), each with what it needs; shapes are followed along."""
    shape: tuple[int, ...] = (4, 6)
    found: list[tuple[str, Any]] = []
    for _ in range(draw(st.integers(1, 5))):
        kind = draw(st.sampled_from(["slice", "reshape", "transpose", "pad", "flip", "join"]))
        argument: Any
        if kind == "slice":
            argument = tuple(draw(st.slices(n)) for n in shape)
        elif kind == "reshape":
            total = int(np.prod(shape))
            sizes = [d for d in range(1, total + 1) if total % d == 0] or [0]
            first = draw(st.sampled_from(sizes))
            argument = (first, total // first if first else 1)
        elif kind == "transpose":
            argument = tuple(draw(st.permutations(range(len(shape)))))
        elif kind == "pad":
            argument = tuple((draw(st.integers(0, 2)), draw(st.integers(0, 2))) for _ in shape)
        else:
            argument = draw(st.integers(0, len(shape) - 1))
        found.append((kind, argument))
        shape = _move(np.zeros(shape), kind, argument).shape
    return found


def _move(x: Any, kind: str, argument: Any) -> Any:
    if kind == "slice":
        return x[argument]
    if kind == "join":
        return cnp.concat([x, x * 2], axis=argument)
    name = {"transpose": "permute_dims"}.get(kind, kind)
    return getattr(cnp, name)(x, argument)


@given(moves(), seeds)
def test_moves_and_their_gradients_agree_with_numpy(steps: list[Any], seed: int) -> None:
    def f(x: Any) -> Any:
        for kind, argument in steps:
            x = _move(x, kind, argument)
        return x

    x = np.random.default_rng(seed).uniform(-1, 1, (4, 6))
    expected = f(x)
    graph = check(capture(f, (x,)).graph)
    np.testing.assert_array_equal(executor.run(graph, [x])[0], expected)
    # The function is linear, so its gradient at any place is the sum of what comes out of ones.
    v = np.random.default_rng(seed + 1).uniform(-1, 1, expected.shape)
    (gradient,) = vjp(f, x)[1](v)
    u = np.random.default_rng(seed + 2).uniform(-1, 1, x.shape)
    np.testing.assert_allclose(np.sum(gradient * u), np.sum(v * f(u)), rtol=1e-12, atol=1e-12)


@given(st.lists(st.integers(-4, 3), min_size=0, max_size=6), seeds)
def test_looking_up_and_adding_back_are_transposes(positions: list[int], seed: int) -> None:
    x = np.random.default_rng(seed).uniform(-1, 1, (4, 2))
    where = np.array(positions, np.int32) % 4
    gradient = grad(lambda x: cnp.sum(cnp.take(x, positions) ** 2))(x)
    expected = np.zeros_like(x)
    np.add.at(expected, where, 2 * x[where])
    np.testing.assert_allclose(gradient, expected, rtol=1e-14)
