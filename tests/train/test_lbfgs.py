"""L-BFGS: exact on quadratics, stopped by criteria, refused where it cannot work."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chainrule import losses, nn, optim, stop
from chainrule.errors import DivergenceError, ParameterError
from chainrule.train import Trainer

RANDOM = np.random.default_rng(4)
X = RANDOM.normal(size=(40, 3))
Y = X @ [1.0, -2.0, 0.5] + 0.1 * RANDOM.normal(size=40)


def trainer(**changes: Any) -> Trainer:
    options: dict[str, Any] = {
        "network": nn.Dense(1),
        "loss": losses.SquaredError(),
        "optimiser": optim.LBFGS(),
        "stop": stop.Epochs(100),
        "dtype": "float64",
        "executor": "numpy",
        **changes,
    }
    return Trainer(**options)


@pytest.mark.parametrize("executor", ["numpy", "native"])
def test_least_squares_are_solved(executor: str) -> None:
    run = trainer(
        executor=executor, optimiser=optim.LBFGS(tolerance=1e-9, relative_change=0.0)
    ).fit(X, Y)
    design = np.column_stack([X, np.ones(40)])
    exact = np.linalg.lstsq(design, Y, rcond=None)[0]
    found = [*run.network.weight[:, 0], *run.network.bias]
    np.testing.assert_allclose(found, exact, atol=1e-6)
    assert run.stopped_because == "converged"
    assert len(run.history) < 30
    assert "learning_rate" not in run.history.columns


def test_ridge_regression_is_solved_with_a_penalty() -> None:
    free = nn.Dense(1, use_bias=False)
    run = trainer(
        network=free,
        penalties=losses.L2(0.3),
        optimiser=optim.LBFGS(tolerance=1e-9, relative_change=0.0),
    ).fit(X, Y)
    # d/dw of mean (Xw - y)^2 + 0.15 w^2 is zero at (2 X'X / n + 0.3) w = 2 X'y / n.
    exact = np.linalg.solve(2 * X.T @ X / 40 + 0.3 * np.eye(3), 2 * X.T @ Y / 40)
    np.testing.assert_allclose(run.network.weight[:, 0], exact, atol=1e-6)


def test_each_iteration_is_an_epoch_for_criteria_callbacks_and_validation() -> None:
    seen: list[int] = []
    run = trainer(
        network=nn.MLP((4,), 1, "tanh"),
        stop=stop.Epochs(7),
        callbacks=[lambda record: seen.append(record.epoch)],
    ).fit(X, Y, X_val=X[:8], y_val=Y[:8] + 1)
    assert seen == list(range(1, 8))
    assert run.stopped_because == "7 epochs"
    assert run.best_epoch == int(np.argmin(run.history["validation_loss"])) + 1
    losses_ = run.history["train_loss"]
    assert (np.diff(losses_) < 0).all()


def test_ctrl_c_keeps_the_last_iteration() -> None:
    def pressed(record: Any) -> None:
        if record.epoch == 3:
            raise KeyboardInterrupt

    run = trainer(network=nn.MLP((4,), 1, "tanh"), callbacks=[pressed]).fit(X, Y)
    assert run.stopped_because == "interrupted"
    assert len(run.history) == 3


def test_single_precision_works_too() -> None:
    run = trainer(dtype="float32").fit(X, Y)
    assert run.network.weight.dtype == np.float32
    assert run.evaluate(X, Y)["loss"] < 0.02


def test_dropout_is_refused() -> None:
    with pytest.raises(ParameterError, match="dropout"):
        trainer(network=nn.MLP((4,), 1, dropout=0.5)).fit(X, Y)


def test_first_weights_that_overflow_are_told() -> None:
    network = nn.Dense(1).initialise(0, X).with_arrays({"weight": np.full((3, 1), 1e200)})
    with pytest.raises(DivergenceError, match="smaller weights") as caught:
        trainer(network=network).fit(X, Y)
    assert caught.value.run.stopped_because == "diverged"
