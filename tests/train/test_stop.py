"""Stop criteria: on records made by hand, and in training, whatever the length of a tick."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule import losses, nn, optim, stop
from chainrule.errors import ParameterError
from chainrule.train import History, Trainer
from chainrule.train import epochs as epochs_module

LOSS = [1.0, 0.5, 0.5, 0.4, 0.45, 0.45, 0.45, 0.1]


def table(**columns: list[float]) -> History:
    length = len(next(iter(columns.values())))
    every = {"epoch": np.arange(1, length + 1), "seconds": np.arange(1.0, length + 1)}
    return History({**every, **{name: np.array(x, float) for name, x in columns.items()}})


def first(criterion: stop.Criterion, history: History, ticks: Any = None) -> int | None:
    """The epoch to stop after, with the records given in ticks of some lengths."""
    memory, done = criterion.initial(), 0
    for length in ticks or [len(history)]:
        if done >= len(history):
            break
        found, memory = criterion.holds(history[done : done + length], memory)
        if np.any(found):
            return done + int(np.argmax(found)) + 1
        done += length
    return None


CASES: list[tuple[stop.Criterion, int | None]] = [
    (stop.Epochs(3), 3),
    (stop.Epochs(9), None),
    (stop.LossBelow(0.5), 4),
    (stop.LossBelow(0.05), None),
    (stop.Patience(1), 3),
    (stop.Patience(3), 7),
    (stop.Patience(4), None),
    (stop.Patience(2, min_delta=0.2), 4),
    (stop.RelativeChange(0.0), 3),
    (stop.RelativeChange(0.0, epochs=2), 7),
    (stop.RelativeChange(0.5), 2),
    (stop.WallTime(4.5), 5),
    (stop.When(lambda record: record.train_loss == 0.4), 4),
    (stop.Epochs(5) | stop.LossBelow(0.5), 4),
    (stop.Epochs(5) & stop.LossBelow(0.46), 5),
    (stop.Epochs(5) & (stop.LossBelow(0.2) | stop.Patience(3)), 7),
    (stop.LossBelow(0.5) & stop.Patience(1), 5),
]


@pytest.mark.parametrize(("criterion", "expected"), CASES, ids=[c.reason() for c, _ in CASES])
def test_by_hand(criterion: stop.Criterion, expected: int | None) -> None:
    assert first(criterion, table(train_loss=LOSS)) == expected


@given(st.lists(st.integers(1, 4), min_size=8, max_size=8))
def test_the_length_of_ticks_changes_nothing(ticks: list[int]) -> None:
    for criterion, expected in CASES:
        assert first(criterion, table(train_loss=LOSS), ticks) == expected


def test_patience_prefers_validation_and_knows_what_is_wanted_large() -> None:
    both = table(train_loss=[3.0, 2.0, 1.0], validation_loss=[1.0, 2.0, 3.0])
    assert first(stop.Patience(2), both) == 3
    assert first(stop.Patience(2, watch="train_loss"), both) is None
    rising = History(table(metric=[0.1, 0.2, 0.2]).columns, frozenset({"metric"}))
    assert first(stop.Patience(1, watch="metric"), rising) == 3


def test_nan_is_no_improvement() -> None:
    assert first(stop.Patience(2), table(train_loss=[1.0, np.nan, np.nan])) == 3


def test_reasons_say_what_happened() -> None:
    assert stop.Epochs(3).reason() == "3 epochs"
    assert stop.Patience(2, watch="metric").reason() == "no improvement of metric for 2 epochs"
    assert (stop.Epochs(3) & stop.LossBelow(0.1)).reason() == "3 epochs and train_loss below 0.1"


def test_bounds_of_combined_criteria() -> None:
    assert (stop.Epochs(3) | stop.Epochs(5) | stop.Patience(1)).at_most() == 3
    assert (stop.Epochs(3) & stop.Epochs(5)).at_most() is None


def test_settings_that_make_no_sense_are_refused() -> None:
    for make in (
        lambda: stop.Epochs(0),
        lambda: stop.Patience(0),
        lambda: stop.Patience(1, min_delta=-1.0),
        lambda: stop.RelativeChange(-1.0),
    ):
        with pytest.raises(ParameterError, match="at least"):
            make()


# ---------------------------------------------------------------- in training

X = np.linspace(-1, 1, 20)[:, None]
Y = 3 * X[:, 0]


def fit(criterion: Any, **changes: Any) -> Any:
    options: dict[str, Any] = {"batch_size": "full", "executor": "numpy", **changes}
    return Trainer(
        nn.Dense(1), losses.SquaredError(), optim.SGD(0.05), stop=criterion, **options
    ).fit(X, Y)


@pytest.mark.parametrize("executor", ["numpy", "native"])
@pytest.mark.parametrize("batch_size", [5, 8, "full"])
def test_a_stop_in_the_middle_of_a_tick_leaves_the_weights_of_that_epoch(
    executor: str, batch_size: Any
) -> None:
    settings = {"executor": executor, "batch_size": batch_size}
    run = fit(stop.LossBelow(0.01), **settings)
    same = fit(stop.Epochs(len(run.history)), **settings)
    assert 10 < len(run.history) < 500
    np.testing.assert_array_equal(run.network.weight, same.network.weight)
    assert run.stopped_because == "train_loss below 0.01"
    assert run.history["train_loss"].tolist() == same.history["train_loss"].tolist()
    assert run.state.epoch == len(run.history)


def test_results_do_not_depend_on_the_length_of_ticks(monkeypatch: pytest.MonkeyPatch) -> None:
    long = fit(stop.RelativeChange(1e-3))
    monkeypatch.setattr(epochs_module, "_TICK_SECONDS", 0.0)  # ticks of one epoch
    short = fit(stop.RelativeChange(1e-3))
    np.testing.assert_array_equal(long.network.weight, short.network.weight)
    assert len(long.history) == len(short.history)


def test_many_short_epochs_take_few_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    original = epochs_module.Course.run

    def counted(self: Any, first: int, count: int) -> Any:
        calls.append(count)
        return original(self, first, count)

    monkeypatch.setattr(epochs_module.Course, "run", counted)
    fit(stop.Epochs(20_000), executor="native")
    assert sum(calls) == 20_000
    assert len(calls) < 40


def test_the_first_criterion_that_holds_gives_the_reason() -> None:
    run = fit([stop.Epochs(50), stop.LossBelow(0.5), stop.Patience(5)])
    assert run.stopped_because == "train_loss below 0.5"
    assert fit([stop.Epochs(2), stop.LossBelow(0.5)]).stopped_because == "2 epochs"


def test_wall_time_stops_an_endless_run() -> None:
    run = fit(stop.WallTime(0.2))
    assert run.history["seconds"][-1] >= 0.2 > run.history["seconds"][0]
    assert run.stopped_because == "0.2 seconds"


def test_patience_on_validation_loss_stops_and_restores() -> None:
    trainer = Trainer(
        nn.Dense(1),
        losses.SquaredError(),
        optim.SGD(0.05),
        stop=[stop.Patience(4), stop.Epochs(200)],
        batch_size=5,
        executor="numpy",
    )
    run = trainer.fit(X, Y, X_val=X, y_val=1.5 * X[:, 0])
    assert run.best_epoch == len(run.history) - 4
    assert run.stopped_because == "no improvement for 4 epochs"
    assert float(run.network.weight[0, 0]) == pytest.approx(1.5, abs=0.2)
