"""A rate that falls when training makes no more progress."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import chainrule.numpy as cnp
from chainrule import losses, nn, optim, stop
from chainrule.errors import ParameterError
from chainrule.train import History, Trainer
from chainrule.train.plateau import Standstill

EXECUTORS = pytest.mark.parametrize("executor", ["numpy", "native"])
RANDOM = np.random.default_rng(4)
X = RANDOM.normal(size=(30, 3))
Y = (X[:, 0] > 0).astype(int)
VALIDATION = {"X_val": X[:10], "y_val": 1 - Y[:10]}  # it gets worse from the start


def shares(plateau: optim.Plateau, values: list[float], **columns: Any) -> list[float]:
    """The share after each epoch."""
    found, memory = [], Standstill()
    for value in values:
        history = History({plateau.column(("train_loss", "metric")): np.array([value])}, **columns)
        memory = plateau.after(history, memory)
        found.append(memory.share)
    return found


def trainer(**changes: Any) -> Trainer:
    options: dict[str, Any] = {
        "network": nn.MLP((6,), 2),
        "loss": losses.CrossEntropy(),
        "optimiser": optim.Adam(optim.Plateau(0.05, factor=0.5, patience=2)),
        "stop": stop.Epochs(9),
        "batch_size": 8,
        "executor": "numpy",
        **changes,
    }
    return Trainer(**options)


def test_the_rate_falls_after_so_many_epochs_without_improvement() -> None:
    plateau = optim.Plateau(0.1, factor=0.5, patience=2)
    found = shares(plateau, [3.0, 2.0, 2.0, 2.5, 2.5, 1.0, 1.0, 1.0])
    assert found == [1.0, 1.0, 1.0, 0.5, 0.5, 0.5, 0.5, 0.25]


def test_small_improvements_do_not_count_and_falls_have_an_end() -> None:
    found = shares(optim.Plateau(0.1, patience=1, min_delta=0.5, lowest=0.05), [3.0, 2.9, 2.8, 2.7])
    assert found == [1.0, 0.1, 0.05, 0.05]


def test_no_epoch_is_counted_while_the_rate_rests() -> None:
    found = shares(optim.Plateau(0.1, factor=0.5, patience=1, rest=2), [1.0] * 8)
    assert found == [1.0, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.125]


def test_a_metric_that_is_wanted_large_may_be_watched() -> None:
    plateau = optim.Plateau(0.1, factor=0.5, patience=1, watch="metric")
    large = frozenset({"metric"})
    assert shares(plateau, [0.5, 0.6, 0.6], larger_is_better=large) == [1.0, 1.0, 0.5]


@EXECUTORS
def test_training_records_the_rate_and_steps_by_it(executor: str) -> None:
    run = trainer(executor=executor).fit(X, Y, **VALIDATION)
    rates = run.history["learning_rate"]
    assert rates[0] == pytest.approx(0.05)
    memory, expected = Standstill(), []
    plateau = optim.Plateau(0.05, factor=0.5, patience=2)
    for i in range(len(run.history)):
        expected.append(0.05 * memory.share)
        memory = plateau.after(run.history[i : i + 1], memory)
    np.testing.assert_allclose(rates, expected, rtol=1e-6)
    assert rates[-1] < 0.02
    # The weights are those that the recorded rates give as a schedule.
    steps = 4  # 30 rows in batches of 8
    table = np.repeat(rates, steps)

    class Recorded:
        def __call__(self, number: Any) -> Any:
            return cnp.sum(cnp.where(cnp.arange(len(table)) == number, table, 0.0))

    again = trainer(optimiser=optim.Adam(Recorded()), executor=executor, keep="last")
    last = trainer(executor=executor, keep="last")
    for path, x in last.fit(X, Y, **VALIDATION).network.arrays().items():
        found = again.fit(X, Y, **VALIDATION).network.arrays()[path]
        np.testing.assert_allclose(found, x, rtol=1e-4, atol=1e-6)


@EXECUTORS
@pytest.mark.parametrize("pieces", [False, True])
def test_a_run_with_a_plateau_goes_on_bit_by_bit(executor: str, pieces: bool) -> None:
    data = ([(X[:14], Y[:14]), (X[14:], Y[14:])],) if pieces else (X, Y)
    whole = trainer(executor=executor).fit(*data, **VALIDATION)
    half = trainer(executor=executor, stop=stop.Epochs(4)).fit(*data, **VALIDATION)
    rest = trainer(executor=executor).fit(*data, **VALIDATION, resume=half.state)
    np.testing.assert_array_equal(rest.history["learning_rate"], whole.history["learning_rate"])
    assert len(set(whole.history["learning_rate"])) > 2
    for name, x in whole.state.arrays.items():
        np.testing.assert_array_equal(rest.state.arrays[name], x)


def test_a_schedule_may_fall_with_it() -> None:
    rate = optim.Plateau(optim.Exponential(1.0, 0.5), factor=0.1, patience=1)
    run = trainer(optimiser=optim.SGD(rate), batch_size=30, stop=stop.Epochs(3)).fit(
        X, Y, X_val=X, y_val=Y
    )
    shares_left = run.history["learning_rate"] / [1.0, 0.5, 0.25]
    assert set(np.round(shares_left, 6)) <= {1.0, 0.1, 0.01}


def test_settings_that_make_no_sense_are_refused() -> None:
    for make in (
        lambda: optim.Plateau(0.1, factor=1.0),
        lambda: optim.Plateau(0.1, patience=0),
        lambda: optim.Plateau(0.1, rest=-1),
    ):
        with pytest.raises(ParameterError, match="must"):
            make()
    with pytest.raises(ParameterError, match="Plateau watches 'metric', which is not measured"):
        trainer(optimiser=optim.SGD(optim.Plateau(0.1, watch="metric"))).fit(X, Y)
