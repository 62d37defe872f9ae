"""Values computed again for the backward pass: the same numbers in less memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import chainrule as cr
import chainrule.numpy as cnp
from chainrule import losses, nn, optim, stop
from chainrule.backprop import check_gradients, checkpoint, grad, value_and_grad
from chainrule.errors import GradientError
from chainrule.execute import trace
from chainrule.ir import ArrayType, Dim
from chainrule.tracing import flatten

RANDOM = np.random.default_rng(6)
DEPTH, ROWS, NARROW, WIDE = 6, 512, 32, 256
WEIGHTS = [
    (
        RANDOM.normal(size=(NARROW, WIDE)).astype("f4") / 4,
        RANDOM.normal(size=(WIDE, NARROW)).astype("f4") / 12,
    )
    for _ in range(DEPTH)
]
X = RANDOM.normal(size=(ROWS, NARROW)).astype("f4")


def block(weights: Any, x: Any) -> Any:
    return x + cnp.tanh(2.0 * cnp.tanh(x @ weights[0])) @ weights[1]


def loss(block: Callable[..., Any]) -> Callable[..., Any]:
    def total(weights: Any, x: Any) -> Any:
        for each in weights:
            x = block(each, x)
        return cnp.sum(x * x)

    return total


def planned(block: Callable[..., Any]) -> Any:
    types = (WEIGHTS, ArrayType((Dim("batch"), NARROW), "float32"))
    return trace(value_and_grad(loss(block)), *types).plan({"batch": ROWS})


def test_the_plan_holds_one_block_where_it_held_all() -> None:
    kept, again = planned(block), planned(checkpoint(block))
    assert kept.memory() > 2 * DEPTH * ROWS * WIDE * 4  # two wide values of each block
    assert again.memory() < kept.memory() / 5
    assert again.cost() < 1.4 * kept.cost()


def test_gradients_are_the_same_bit_by_bit() -> None:
    value, gradients = planned(block).compile("numpy")(WEIGHTS, X)
    again, others = planned(checkpoint(block)).compile("numpy")(WEIGHTS, X)
    assert float(again) == float(value)
    for a, b in zip(flatten(gradients)[0], flatten(others)[0], strict=True):
        np.testing.assert_array_equal(a, b)


def test_native_gradients_are_the_same_to_rounding() -> None:
    # Native code joins other operations to loops, and so rounds in other places.
    value, gradients = planned(block).compile("native")(WEIGHTS, X)
    again, others = planned(checkpoint(block)).compile("native")(WEIGHTS, X)
    assert float(again) == pytest.approx(float(value), rel=1e-6)
    for a, b in zip(flatten(gradients)[0], flatten(others)[0], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5 * np.abs(a).max())


def test_it_can_be_differentiated_twice() -> None:
    f = checkpoint(lambda w, x: cnp.tanh(x @ w))
    w, x = RANDOM.normal(size=(3, 2)), RANDOM.normal(size=(4, 3))
    verdict = check_gradients(lambda w, x: cnp.sum(f(w, x) ** 2), w, x)
    assert verdict, str(verdict)


def test_numbers_without_rows_and_other_kinds_of_arguments_pass() -> None:
    f = checkpoint(lambda x, n, scale: cnp.where(n > 0, scale * cnp.sin(x), x))
    args = (0.5, np.int32(1), 2.0)
    assert float(f(*args)) == pytest.approx(2.0 * np.sin(0.5))
    slope = grad(lambda x: f(x, *args[1:]))(args[0])
    assert float(slope) == pytest.approx(2.0 * np.cos(0.5))


@pytest.mark.parametrize("executor", ["numpy", "native"])
@pytest.mark.parametrize("looped", [False, True])
def test_what_a_function_reads_around_it_gets_its_gradient(looped: bool, executor: str) -> None:
    xs, h = RANDOM.normal(size=(3, 2, 4)), RANDOM.normal(size=(2, 4))

    def energy(w: Any, wrap: Any) -> Any:
        twice = 2.0 * w
        step = wrap(lambda h, x: cnp.tanh(cnp.tanh(x @ w + h @ twice) @ w))
        if looped:
            return cnp.sum(cr.scan(lambda h, x: (step(h, x), None), h, xs)[0] ** 3)
        return cnp.sum(step(step(h, xs[0]), xs[1]) ** 3)

    def slope(wrap: Any) -> Any:
        return cr.jit(grad(lambda w: energy(w, wrap)), executor=executor)

    def curve(wrap: Any) -> Any:
        return cr.jit(grad(lambda w: cnp.sum(slope(wrap)(w) ** 2)), executor=executor)

    w = RANDOM.normal(size=(4, 4))
    for find in (slope, curve):
        # Operations stand in other loops, so sums are rounded elsewhere.
        expected = find(lambda f: f)(w)
        np.testing.assert_allclose(find(checkpoint)(w), expected, rtol=1e-12, atol=1e-13)


def test_several_results_are_refused() -> None:
    pair = checkpoint(lambda x: (cnp.sin(x), x))
    with pytest.raises(GradientError, match="must return one array"):
        grad(lambda x: pair(x)[0])(0.5)


def test_a_value_can_be_tapped_where_it_is_computed_again() -> None:
    f = checkpoint(lambda x: cnp.sin(cr.tap(cnp.sin(x), "inner")))
    with cr.taps() as seen:
        slope = grad(f)(0.5)
    assert list(seen) == ["inner"]
    assert float(slope) == pytest.approx(np.cos(np.sin(0.5)) * np.cos(0.5))


@pytest.mark.parametrize("executor", ["numpy", "native"])
def test_a_network_with_checkpoints_trains_to_the_same_weights(executor: str) -> None:
    y = (X[:, 0] > 0).astype(int)

    def inner() -> list[nn.Module]:
        return [nn.Dense(32), nn.BatchNorm(), nn.Tanh(), nn.Dropout(0.2), nn.Dense(NARROW)]

    runs = [
        cr.Trainer(
            nn.Sequential(*(wrap(nn.Sequential(*inner())) for _ in range(2)), nn.Dense(2)),
            losses.CrossEntropy(),
            optim.Adam(0.01),
            stop=stop.Epochs(3),
            executor=executor,
        ).fit(X, y)
        for wrap in (lambda layer: layer, nn.Checkpoint)
    ]
    plain, other = (run.network.arrays() for run in runs)
    # Keys of dropout go by the same places, and running statistics are handed on once.
    for path, x in plain.items():
        found = other[path.replace("].layers", "].layer.layers", 1)]
        np.testing.assert_allclose(found, x, rtol=1e-4, atol=1e-6)
