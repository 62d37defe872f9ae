"""The reverse sweep through loops: against the same loop in Python, and against differences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import chainrule as cr
import chainrule.numpy as cnp
from chainrule import losses, nn, optim, stop
from chainrule.ir import is_loop

RANDOM = np.random.default_rng(0)
STEPS, ROWS, FEATURES, UNITS = 5, 3, 4, 6


def _draw(*shape: int) -> Any:
    return RANDOM.standard_normal(shape) * 0.5


def python_scan(
    step: Any, carry: Any, xs: Any = None, *, length: int | None = None, reverse: bool = False
) -> Any:
    """The meaning of `scan`, for one array of slices and one of results."""
    count = length if length is not None else xs.shape[0]
    ys: list[Any] = []
    for i in reversed(range(count)) if reverse else range(count):
        carry, y = step(carry, None if xs is None else xs[i])
        ys.append(y)
    return carry, cnp.stack(ys[::-1] if reverse else ys)


Case = tuple[Callable[..., Any], tuple[Any, ...]]


def _recurrent(scan: Any, reverse: bool, steps: int = STEPS) -> Case:
    def loss(weight: Any, inner: Any, bias: Any, scale: Any, h: Any, xs: Any) -> Any:
        def step(h: Any, x: Any) -> Any:
            h = cnp.tanh(x @ weight + h @ inner + bias) * cnp.exp(scale)
            return h, h * scale

        h, ys = scan(step, h, xs, reverse=reverse)
        return cnp.sum(h**2) + cnp.sum(ys**3)

    arguments = (_draw(FEATURES, UNITS), _draw(UNITS, UNITS), _draw(UNITS), _draw(UNITS))
    return loss, (*arguments, _draw(ROWS, UNITS), _draw(steps, ROWS, FEATURES))


def _two_carries(scan: Any) -> Case:
    def loss(w: Any, a: Any, b: Any, xs: Any) -> Any:
        def step(carry: Any, x: Any) -> Any:
            a, b, count = carry
            a, b = cnp.sin(b * w + x), a * b + w
            return (a, b, count + 1), a - b * x

        (a, b, count), ys = scan(step, (a, b, 0), xs)
        return cnp.sum(a * b) * count + cnp.sum(ys**2)

    return loss, (_draw(2), _draw(2), _draw(2), _draw(4, 2))


def _chosen(scan: Any) -> Case:
    """A step that looks up, compares, and stops early."""

    def loss(table: Any, xs: Any) -> Any:
        def step(carry: Any, x: Any) -> Any:
            total, place = carry
            value = cnp.take(table, place) * x
            going = total < 1
            total = cnp.where(going, total + value, total)
            return (total, (place + 1) % 3), value

        (total, _), ys = scan(step, (0.0, 0), xs)
        return total + cnp.sum(ys**2)

    return loss, (np.array([0.3, 0.8, 0.5]), np.array([1.0, 0.7, 0.2, 2.0]))


def _shared_weight(scan: Any) -> Case:
    """A weight that is used as it is, transposed, and outside of products."""

    def loss(w: Any, h: Any) -> Any:
        def step(h: Any, _: Any) -> Any:
            h = cnp.tanh(h @ w) @ w.T + h * w[0]
            return h, cnp.sum(h)

        h, ys = scan(step, h, length=3)
        return cnp.sum(h**2) + cnp.sum(ys)

    return loss, (_draw(UNITS, UNITS), _draw(ROWS, UNITS))


def _nested(scan: Any) -> Case:
    def loss(w: Any, h: Any, xs: Any) -> Any:
        def outer(h: Any, row: Any) -> Any:
            h, ys = scan(lambda h, x: (cnp.tanh(h @ w + x), h * x), h, row)
            return h, cnp.sum(ys)

        h, ys = scan(outer, h, xs)
        return cnp.sum(h) + cnp.sum(ys**2)

    return loss, (_draw(2, 2), _draw(3, 2), _draw(3, 4))


CASES: dict[str, Callable[[Any], Case]] = {
    "recurrent": lambda scan: _recurrent(scan, False),
    "recurrent, backwards": lambda scan: _recurrent(scan, True),
    "one step": lambda scan: _recurrent(scan, False, 1),
    "two carries and a count": _two_carries,
    "look-up and choice": _chosen,
    "a weight in several roles": _shared_weight,
    "nested": _nested,
}
EVERY = pytest.mark.parametrize("name", CASES)


def _case(name: str, scan: Any) -> Case:
    """A case, on the same numbers each time."""
    RANDOM.bit_generator.state = np.random.default_rng(0).bit_generator.state
    return CASES[name](scan)


def _gradients(name: str, scan: Any) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    loss, arguments = _case(name, scan)
    return cr.value_and_grad(loss, tuple(range(len(arguments)))), arguments


def _same(actual: Any, expected: Any) -> None:
    value, gradients = actual
    np.testing.assert_allclose(value, expected[0], rtol=1e-12)
    for a, b in zip(gradients, expected[1], strict=True):
        # A sum over some tens of products, each rounded: about 1e-14 of the largest entry.
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-13 * max(1.0, np.abs(b).max()))


@EVERY
@pytest.mark.parametrize("executor", ["none", "numpy", "native"])
def test_gradients_are_those_of_the_same_loop_in_python(name: str, executor: str) -> None:
    function, arguments = _gradients(name, cr.scan)
    if executor != "none":
        function = cr.jit(function, executor=executor)
    _same(function(*arguments), _gradients(name, python_scan)[0](*arguments))


@EVERY
def test_first_and_second_derivatives_agree_with_differences(name: str) -> None:
    loss, arguments = _case(name, cr.scan)
    assert cr.check_gradients(loss, *arguments, directions=2)


@EVERY
def test_second_derivatives_run_on_every_executor(name: str) -> None:
    loss, arguments = _case(name, cr.scan)

    def slope(*arguments: Any) -> Any:
        return cnp.sum(cr.grad(loss)(*arguments) ** 2)

    expected = cr.value_and_grad(slope)(*arguments)
    for executor in ("numpy", "native"):
        value, gradient = cr.jit(cr.value_and_grad(slope), executor=executor)(*arguments)
        np.testing.assert_allclose(value, expected[0], rtol=1e-11)
        largest = np.abs(expected[1]).max()
        np.testing.assert_allclose(gradient, expected[1], rtol=0, atol=1e-11 * max(1.0, largest))


def test_a_loop_of_no_steps_passes_the_gradient_on() -> None:
    def loss(w: Any, h: Any, xs: Any) -> Any:
        return cnp.sum(cr.scan(lambda h, x: (cnp.tanh(h @ w + x), h), h, xs)[0] ** 2)

    h = np.array([[1.0, 2.0]])
    for run in (lambda f: f, cr.jit):
        gradients = run(cr.grad(loss, (0, 1, 2)))(np.eye(2), h, np.zeros((0, 1, 2)))
        np.testing.assert_array_equal(gradients[0], np.zeros((2, 2)))
        np.testing.assert_array_equal(gradients[1], 2 * h)
        assert gradients[2].shape == (0, 1, 2)


def _program(loss: Any, *arguments: Any) -> Any:
    return cr.trace(loss, *arguments).differentiate(tuple(range(len(arguments)))).graph


def test_the_loop_runs_once_forwards_and_once_backwards() -> None:
    loss, arguments = _recurrent(cr.scan, False)
    graph = _program(loss, *arguments)
    loops = {(x.inputs, x.options["body"]) for x in graph.nodes if is_loop(x)}
    assert len(loops) == 2


def test_weight_gradients_are_one_product_behind_the_loop() -> None:
    loss, arguments = _recurrent(cr.scan, False)
    graph = _program(loss, *arguments)
    weight, inner, bias = graph.outputs[1:4]
    assert weight.card.name == inner.card.name == "matmul"
    assert weight.inputs[1].type.shape == (STEPS * ROWS, UNITS)
    assert weight.inputs[1] is inner.inputs[1]
    assert bias.card.name == "sum"
    backward = next(x for x in graph.nodes if is_loop(x) and x.options["reverse"]).options["body"]
    # the gradient of the carry and that of the scale are added up in the loop, nothing else
    assert backward.carries == 3
    products = [x for x in backward.whole.nodes if x.card.name == "matmul"]
    assert all(x.type.shape[0] == ROWS for x in products)


def test_only_what_the_backward_pass_reads_is_stacked() -> None:
    def loss(w: Any, h: Any) -> Any:
        return cnp.sum(cr.scan(lambda h, _: (cnp.tanh(cnp.exp(h) * w + 1), None), h, length=4)[0])

    graph = _program(loss, np.ones(2), np.zeros(2))
    kept = [x.options for x in graph.nodes if is_loop(x) and x.options["stacked"]]
    names = {o["body"].values[o["index"]].card.name for o in kept if not o["reverse"]}
    assert names == {"tanh", "exp"}


def test_custom_gradients_work_inside_of_a_loop() -> None:
    @cr.custom_vjp
    def double_back(x: Any) -> Any:
        return x, lambda g: (2 * g,)

    def loss(x: Any) -> Any:
        return cr.scan(lambda c, _: (double_back(c), None), x, length=3)[0]

    assert float(cr.grad(loss)(1.0)) == 8
    assert float(cr.jit(cr.grad(loss))(1.0)) == 8


def test_forward_mode_goes_through_a_loop() -> None:
    loss, arguments = _recurrent(cr.scan, False)
    tangents = tuple(_draw(*x.shape) for x in arguments)
    _, slope = cr.jvp(loss, arguments, tangents)
    gradients = cr.grad(loss, tuple(range(len(arguments))))(*arguments)
    expected = sum(np.sum(g * t) for g, t in zip(gradients, tangents, strict=True))
    np.testing.assert_allclose(slope, expected, rtol=1e-12)


class Recurrent(nn.Module):
    """The simplest recurrent network: the last state of h = tanh(x W + h U), through a layer."""

    weight: Any
    inner: Any
    out: Any

    def __call__(self, x: Any, *, key: Any = None) -> Any:
        begin = cnp.zeros_like(x[:, 0] @ self.weight)
        last, _ = cr.scan(
            lambda h, row: (cnp.tanh(row @ self.weight + h @ self.inner), None),
            begin,
            cnp.swapaxes(x, 0, 1),
        )
        return last @ self.out


@pytest.mark.parametrize("executor", ["numpy", "native"])
def test_a_loop_trains_with_a_smaller_last_batch(executor: str) -> None:
    random = np.random.default_rng(3)
    x = random.standard_normal((70, 6, 2)).astype(np.float32)
    y = np.sum(x[:, :, 0], axis=1, keepdims=True)
    draw = lambda *shape: (random.standard_normal(shape) * 0.3).astype(np.float32)  # noqa: E731
    network = Recurrent(draw(2, 8), draw(8, 8), draw(8, 1))
    trainer = cr.Trainer(
        network, losses.SquaredError(), optim.Adam(0.01), stop=stop.Epochs(30), executor=executor
    )
    run = trainer.fit(x, y)
    assert run.history["train_loss"][-1] < 0.2 * run.history["train_loss"][0]
