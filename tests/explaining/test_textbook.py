"""The network that is computed as on paper gives what chainrule gives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule import losses, nn
from chainrule.backprop import value_and_grad
from chainrule.explaining.claims.textbook import ACTIVATIONS, Mistakes, Task, loss_of, run

LAYERS = {"identity": nn.Identity, "sigmoid": nn.Sigmoid, "tanh": nn.Tanh, "relu": nn.ReLU}


def random_task(seed: int, activation: str, loss: str, mean: bool, **changes: Any) -> Task:
    random = np.random.default_rng(seed)
    sizes = (2, 3, 2)
    options = {
        "weights": tuple(random.normal(size=pair) for pair in ((2, 3), (3, 2))),
        "biases": tuple(random.normal(size=n) for n in sizes[1:]),
        "biased": tuple(np.ones(n, bool) for n in sizes[1:]),
        "activations": (activation, "sigmoid" if loss == "cross_entropy" else activation),
        "inputs": random.normal(size=(4, 2)),
        "targets": random.integers(0, 2, (4, 2)).astype(float),
        "loss": loss,
        "mean": mean,
        "rate": 0.1,
        "train_biases": True,
        **changes,
    }
    return Task(**options)


def by_chainrule(task: Task) -> tuple[float, dict[str, Any]]:
    layers: list[nn.Module] = []
    arrays = {}
    for k, activation in enumerate(task.activations):
        logits = task.loss == "cross_entropy" and k == 1
        layers += [nn.Dense(task.weights[k].shape[1]), (LAYERS[activation] if not logits
                                                        else nn.Identity)()]  # fmt: skip
        arrays |= {
            f"layers[{2 * k}].weight": task.weights[k],
            f"layers[{2 * k}].bias": task.biases[k],
        }
    network = nn.Sequential(*layers)
    reduction = "mean" if task.mean else "sum"
    # BinaryCrossEntropy and SquaredError average over the outputs; on paper they are summed.
    measure, factor = {
        "half_squared_error": (losses.HalfSquaredError(reduction=reduction), 1),
        "squared_error": (losses.SquaredError(reduction=reduction), 2),
        "cross_entropy": (losses.BinaryCrossEntropy(reduction=reduction), 2),
    }[task.loss]

    def objective(arrays: Any) -> Any:
        return measure(network.with_arrays(arrays)(task.inputs), task.targets) * factor

    value, gradients = value_and_grad(objective)(arrays)
    return float(value), gradients


@settings(max_examples=25)
@given(
    st.integers(0, 10**6),
    st.sampled_from(sorted(LAYERS)),
    st.sampled_from(["half_squared_error", "squared_error", "cross_entropy"]),
    st.booleans(),
)
def test_without_mistakes_the_gradients_are_those_of_chainrule(
    seed: int, activation: str, loss: str, mean: bool
) -> None:
    task = random_task(seed, activation, loss, mean)
    now = run(task, [0])[0]
    value, gradients = by_chainrule(task)
    assert loss_of(task, now.outs[-1]) == pytest.approx(value, rel=1e-9)
    for k in (0, 1):
        for found, name in ((now.gradients[k], "weight"), (now.bias_gradients[k], "bias")):
            expected = gradients[f"layers[{2 * k}].{name}"]
            np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


def test_softmax_with_cross_entropy_has_the_error_as_its_delta() -> None:
    task = random_task(0, "tanh", "cross_entropy", False, activations=("tanh", "softmax"))
    now = run(task, [0])[0]
    np.testing.assert_allclose(now.outs[-1].sum(-1), 1, rtol=1e-15)
    np.testing.assert_array_equal(now.deltas[-1], now.outs[-1] - task.targets)
    np.testing.assert_allclose(
        loss_of(task, now.outs[-1]), -(task.targets * np.log(now.outs[-1])).sum(), rtol=1e-12
    )


def test_random_starts_run_side_by_side() -> None:
    one, two = (random_task(seed, "sigmoid", "half_squared_error", False) for seed in (1, 2))
    both = random_task(
        1, "sigmoid", "half_squared_error", False,
        weights=tuple(np.stack(pair) for pair in zip(one.weights, two.weights, strict=True)),
        biases=tuple(np.stack(pair) for pair in zip(one.biases, two.biases, strict=True)),
    )  # fmt: skip
    together = run(both, [3])[3]
    np.testing.assert_allclose(together.outs[-1][0], run(one, [3])[3].outs[-1], rtol=1e-14)
    assert together.outs[-1].shape == (2, 4, 2)


def change(task: Task, mistakes: Mistakes) -> list[Any]:
    after = run(task, [1], mistakes)[1]
    return [new - old for new, old in zip(after.weights, task.weights, strict=True)]


def test_each_mistake_does_what_its_name_says() -> None:
    task = random_task(5, "sigmoid", "half_squared_error", False)
    right = change(task, Mistakes())
    for mistakes, factor in (
        (Mistakes(ascent=True), -1),
        (Mistakes(factor=2.0), 2),
        (Mistakes(mean=True), 1 / 4),
    ):
        for found, expected in zip(change(task, mistakes), right, strict=True):
            np.testing.assert_allclose(found, factor * expected, rtol=1e-9)
    sequential = change(task, Mistakes(sequential=True))
    np.testing.assert_array_equal(sequential[1], right[1])
    assert np.abs(sequential[0] - right[0]).max() > 1e-6
    kept = run(task, [1], Mistakes(train_biases=False))[1]
    np.testing.assert_array_equal(kept.biases[0], task.biases[0])


def test_swapped_indices_concern_square_matrices_only() -> None:
    random = np.random.default_rng(0)
    square = tuple(random.normal(size=(2, 2)) for _ in range(2))
    task = random_task(
        0, "tanh", "half_squared_error", False, weights=square,
        biases=(np.zeros(2),) * 2, biased=(np.zeros(2, bool),) * 2,
    )  # fmt: skip
    swapped = run(task, [0], Mistakes(swapped_forward=True))[0]
    np.testing.assert_array_equal(swapped.nets[0], task.inputs @ square[0].T)
    other = random_task(0, "tanh", "half_squared_error", False)
    np.testing.assert_array_equal(
        run(other, [0], Mistakes(swapped_forward=True))[0].nets[0], run(other, [0])[0].nets[0]
    )


def test_activations_do_not_overflow() -> None:
    with np.errstate(over="raise", invalid="raise"):
        assert ACTIVATIONS["sigmoid"](np.array([-1e3, 1e3])).tolist() == [0, 1]
        assert ACTIVATIONS["softmax"](np.array([[1e3, 0.0]])).tolist() == [[1, 0]]
