"""Ctrl-C, going on, NaN: nothing is lost, and going on gives the same bits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule.numpy as cnp
from chainrule import losses, nn, optim, stop
from chainrule.errors import DivergenceError, ModelFileError, ParameterError
from chainrule.train import EpochRecord, Trainer, TrainingState
from chainrule.train import epochs as epochs_module

EXECUTORS = pytest.mark.parametrize("executor", ["numpy", "native"])
RANDOM = np.random.default_rng(2)
X = RANDOM.normal(size=(30, 3))
Y = (X[:, 0] > 0).astype(int)
VALIDATION = {"X_val": X[:10], "y_val": Y[:10]}


def trainer(**changes: Any) -> Trainer:
    options: dict[str, Any] = {
        "network": nn.MLP((6,), 2, dropout=0.2),
        "loss": losses.CrossEntropy(),
        "optimiser": optim.Adam(optim.Cosine(0.05, steps=60)),
        "stop": stop.Epochs(12),
        "batch_size": 8,
        "executor": "numpy",
        **changes,
    }
    return Trainer(**options)


def assert_same(a: Any, b: Any) -> None:
    for path, x in a.network.arrays().items():
        np.testing.assert_array_equal(x, b.network.arrays()[path])
    assert set(a.history.columns) == set(b.history.columns)
    for name in set(a.history.columns) - {"seconds"}:
        np.testing.assert_array_equal(a.history[name], b.history[name])
    assert (a.best_epoch, a.stopped_because) == (b.best_epoch, b.stopped_because)


class Interrupt:
    """A callback in which Ctrl-C is pressed."""

    def __init__(self, epoch: int) -> None:
        self.epoch = epoch

    def __call__(self, record: EpochRecord) -> None:
        if record.epoch == self.epoch:
            raise KeyboardInterrupt


# ---------------------------------------------------------------- Ctrl-C


@EXECUTORS
@pytest.mark.parametrize("data", [{}, VALIDATION], ids=["plain", "validation"])
def test_an_interrupted_run_ends_cleanly_and_goes_on_bit_by_bit(data: Any, executor: str) -> None:
    whole = trainer(executor=executor).fit(X, Y, **data)
    part = trainer(executor=executor, callbacks=[Interrupt(5)]).fit(X, Y, **data)
    assert part.stopped_because == "interrupted"
    assert 5 <= len(part.history) < 12
    assert_same(trainer(executor=executor).fit(X, Y, **data, resume=part.state), whole)


def test_ctrl_c_within_a_step_falls_back_to_the_last_whole_tick(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = trainer().fit(X, Y)
    original = epochs_module.Course.run

    def pressed(self: Any, first: int, count: int) -> Any:
        found = original(self, first, count)
        if first >= 3:
            raise KeyboardInterrupt  # the session has gone on, its records are lost
        return found

    with monkeypatch.context() as patch:
        patch.setattr(epochs_module.Course, "run", pressed)
        part = trainer().fit(X, Y)
    assert part.stopped_because == "interrupted"
    assert part.state.epoch == len(part.history) == 3
    assert_same(trainer().fit(X, Y, resume=part.state), whole)


def test_ctrl_c_before_the_first_epoch_gives_the_first_weights() -> None:
    def pressed(number: Any) -> Any:
        raise KeyboardInterrupt

    run = trainer(optimiser=optim.SGD(pressed)).fit(X, Y)
    assert run.stopped_because == "interrupted"
    assert len(run.history) == 0
    assert run.predict(X).shape == (30,)


def test_an_interrupted_run_keeps_the_best_weights() -> None:
    part = trainer(optimiser=optim.Adam(0.5), stop=stop.Epochs(40), callbacks=[Interrupt(30)]).fit(
        X, Y, X_val=X[:10], y_val=1 - Y[:10]
    )
    assert part.best_epoch == int(np.argmin(part.history["validation_loss"])) + 1
    found = part.evaluate(X[:10], 1 - Y[:10])
    assert found["loss"] == pytest.approx(part.history["validation_loss"].min(), rel=1e-5)


# ---------------------------------------------------------------- going on


@EXECUTORS
def test_more_epochs_are_what_they_would_have_been_at_once(executor: str) -> None:
    whole = trainer(stop=stop.Epochs(12), executor=executor).fit(X, Y, **VALIDATION)
    half = trainer(stop=stop.Epochs(7), executor=executor).fit(X, Y, **VALIDATION)
    assert_same(trainer(executor=executor).fit(X, Y, **VALIDATION, resume=half.state), whole)


def test_patience_goes_on_counting() -> None:
    patient = [stop.Patience(4, min_delta=0.5), stop.Epochs(30)]
    whole = trainer(stop=patient).fit(X, Y, **VALIDATION)
    half = trainer(stop=stop.Epochs(3)).fit(X, Y, **VALIDATION)
    assert_same(trainer(stop=patient).fit(X, Y, **VALIDATION, resume=half.state), whole)


def test_a_run_that_was_over_stays_over() -> None:
    run = trainer().fit(X, Y)
    again = trainer().fit(X, Y, resume=run.state)
    assert_same(again, run)


def test_a_state_survives_on_disk(tmp_path: Path) -> None:
    whole = trainer().fit(X, Y, **VALIDATION)
    half = trainer(stop=stop.Epochs(7)).fit(X, Y, **VALIDATION)
    file = tmp_path / "run.state"
    half.state.save(file)
    assert [path.name for path in tmp_path.iterdir()] == ["run.state"]
    again = TrainingState.load(file)
    assert (again.epoch, again.step, again.best_epoch) == (7, 28, half.state.best_epoch)
    assert_same(trainer().fit(X, Y, **VALIDATION, resume=again), whole)


def test_a_damaged_or_strange_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "run.state"
    file.write_bytes(b"\x08\x00\x00\x00\x00\x00\x00\x00nonsense")
    with pytest.raises(ModelFileError, match="not a training state, or is damaged"):
        TrainingState.load(file)
    trainer(stop=stop.Epochs(1)).fit(X, Y).state.save(file)
    whole = file.read_bytes()
    file.write_bytes(whole[:-7])
    with pytest.raises(ModelFileError, match="damaged"):
        TrainingState.load(file)
    file.write_bytes(whole.replace(b'\\"version\\": 1', b'\\"version\\": 9'))
    with pytest.raises(ModelFileError, match="newer version"):
        TrainingState.load(file)
    with pytest.raises(FileNotFoundError):
        TrainingState.load(tmp_path / "nowhere")


def test_a_state_of_another_training_is_refused() -> None:
    state = trainer(stop=stop.Epochs(1)).fit(X, Y).state
    with pytest.raises(ParameterError, match="give the same validation examples"):
        trainer().fit(X, Y, **VALIDATION, resume=state)
    for changes, words in (
        ({"seed": 1}, "must agree"),
        ({"batch_size": 9}, "must agree"),
        ({"optimiser": optim.SGD(0.1)}, "another network or optimiser"),
        ({"network": nn.MLP((7,), 2, dropout=0.2)}, "this training needs"),
        ({"optimiser": optim.LBFGS(), "network": nn.Dense(2)}, "cannot resume"),
    ):
        with pytest.raises(ParameterError, match=words):
            trainer(**changes).fit(X, Y, resume=state)


# ---------------------------------------------------------------- NaN and infinity


class Log(nn.Module):
    """A layer that gives NaN below zero."""

    def __call__(self, x: Any, *, key: Any = None) -> Any:
        return cnp.log(x)


@EXECUTORS
def test_nan_stops_at_once_and_names_epoch_step_layer_and_line(executor: str) -> None:
    network = nn.Sequential(nn.Dense(1, weight=np.ones((1, 1)), bias=np.zeros(1)), Log())
    x = np.array([3.0, 2.0, 1.0, 4.0, 5.0, -1.0])[:, None]
    with pytest.raises(DivergenceError) as caught:
        Trainer(
            network,
            losses.SquaredError(),
            optim.SGD(0.0),
            stop=stop.Epochs(5),
            batch_size=2,
            shuffle=False,
            executor=executor,
        ).fit(x, np.zeros(6))
    error = caught.value
    assert (error.epoch, error.step, error.layer) == (1, 3, "layers[1]")
    line = Log.__call__.__wrapped__.__code__.co_firstlineno + 1  # type: ignore[attr-defined]
    assert f"test_interruption.py:{line}" in str(error)
    said = str(error)
    assert "in epoch 1, step 3 of 3 in layer layers[1]: log gave NaN" in said
    assert "in row 1, column 0 (1 of 2 entries)" in said
    assert "= -1 there, from -1 to 5; written in" in said
    assert "its row of the data is 5" in said


@EXECUTORS
def test_a_learning_rate_that_is_too_high_is_told_and_loses_nothing(executor: str) -> None:
    y = X @ [1.0, 2.0, 3.0]
    diverging = Trainer(
        nn.Sequential(nn.Dense(4), nn.Dense(1)),
        losses.SquaredError(),
        optim.SGD(30.0),
        stop=stop.Epochs(200),
        batch_size=10,
        executor=executor,
    )
    with pytest.raises(DivergenceError, match="Try a smaller learning rate") as caught:
        diverging.fit(X, y, X_val=X[:5], y_val=y[:5])
    error, run = caught.value, caught.value.run
    assert error.layer in ("layers[0]", "layers[1]", "loss")
    assert run.stopped_because == "diverged"
    assert len(run.history) == error.epoch - 1
    assert np.isfinite(run.predict(X)).all()
    if len(run.history):
        assert run.best_epoch == int(np.argmin(run.history["validation_loss"])) + 1


@EXECUTORS
def test_epochs_before_the_failing_one_count_however_long_the_tick(
    executor: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The rate explodes from step 40 on; with full batches that is epoch 41.
    schedule = optim.Step(1e-3, every=40, factor=1e30)
    settings = {"optimiser": optim.SGD(schedule), "batch_size": "full", "executor": executor}
    found = []
    for seconds in (0.1, 0.0):
        monkeypatch.setattr(epochs_module, "_TICK_SECONDS", seconds)
        with pytest.raises(DivergenceError) as caught:
            trainer(**settings, stop=stop.Epochs(500)).fit(X, Y)
        found.append(caught.value)
        stopped = trainer(**settings, stop=stop.LossBelow(10.0)).fit(X, Y)
        assert len(stopped.history) == 1
    assert found[0].epoch == found[1].epoch
    assert 40 <= len(found[0].run.history) == len(found[1].run.history) == found[0].epoch - 1
    np.testing.assert_array_equal(
        found[0].run.network.layers[0].weight, found[1].run.network.layers[0].weight
    )


def test_broken_first_weights_are_named() -> None:
    network = nn.Sequential(nn.Dense(2), nn.Dense(2)).initialise(0, X)
    broken = network.with_arrays({"layers[1].weight": np.full((2, 2), np.inf)})
    with pytest.raises(DivergenceError, match=r"layers\[1\]\.weight holds infinity") as caught:
        trainer(network=broken).fit(X, Y)
    assert (caught.value.epoch, caught.value.step, caught.value.layer) == (1, 1, "layers[1]")
