"""Training: batches, weights, several inputs, dtypes, state, what is kept, errors."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule.numpy as cnp
from chainrule import losses, nn, optim, stop
from chainrule.errors import DataError, ParameterError, ShapeError
from chainrule.ir import ArrayType
from chainrule.train import Trainer
from chainrule.train.order import Order

EXECUTORS = pytest.mark.parametrize("executor", ["numpy", "native"])
RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(50, 3))
Y = (X @ [1.0, -2.0, 0.5] > 0).astype(int)
X_VAL, Y_VAL = X[40:], Y[40:]


def trainer(**changes: Any) -> Trainer:
    options: dict[str, Any] = {
        "network": nn.MLP((5,), 2, "tanh"),
        "loss": losses.CrossEntropy(),
        "optimiser": optim.Adam(0.01),
        "stop": stop.Epochs(5),
        "batch_size": 16,
        "executor": "numpy",
        **changes,
    }
    return Trainer(**options)


def by_hand(X: Any, y: Any, weight: Any, batches: Any, rate: float) -> Any:
    """Linear regression by descent on the weighted mean of squares."""
    w = np.zeros((X.shape[1], 1))
    for rows in batches:
        error = X[rows] @ w - y[rows, None]
        share = weight[rows, None] / weight[rows].sum()
        w = w - rate * 2 * X[rows].T @ (share * error)
    return w


# ---------------------------------------------------------------- steps


@EXECUTORS
@pytest.mark.parametrize("batch_size", [1, 7, 10, 50, 64, "full"])
def test_minibatches_are_those_of_the_table_in_order(batch_size: Any, executor: str) -> None:
    y = X @ [1.0, 2.0, 3.0]
    run = trainer(
        network=nn.Dense(1, use_bias=False, initial=nn.initialisers.Zeros()),
        loss=losses.SquaredError(),
        optimiser=optim.SGD(0.02),
        stop=stop.Epochs(2),
        batch_size=batch_size,
        shuffle=False,
        dtype="float64",
        executor=executor,
    ).fit(X, y)
    size = 50 if batch_size == "full" else batch_size
    batches = [np.arange(50)[i : i + size] for i in range(0, 50, size)] * 2
    expected = by_hand(X, y, np.ones(50), batches, 0.02)
    np.testing.assert_allclose(run.network.weight, expected, rtol=1e-9)


@EXECUTORS
def test_sample_weights_weigh_within_each_batch(executor: str) -> None:
    y, weight = X @ [1.0, 2.0, 3.0], RANDOM.uniform(size=50)
    run = trainer(
        network=nn.Dense(1, use_bias=False, initial=nn.initialisers.Zeros()),
        loss=losses.SquaredError(),
        optimiser=optim.SGD(0.02),
        stop=stop.Epochs(1),
        batch_size=20,
        shuffle=False,
        dtype="float64",
        executor=executor,
    ).fit(X, y, sample_weight=weight)
    batches = [np.arange(0, 20), np.arange(20, 40), np.arange(40, 50)]
    expected = by_hand(X, y, weight, batches, 0.02)
    np.testing.assert_allclose(run.network.weight, expected, rtol=1e-9)


@settings(max_examples=5)
@given(st.integers(1, 60))
def test_the_training_loss_is_the_mean_over_all_examples(batch_size: int) -> None:
    still = trainer(optimiser=optim.SGD(0.0), batch_size=batch_size, stop=stop.Epochs(1))
    run = still.fit(X, Y, sample_weight=np.arange(1.0, 51.0))
    whole = run.evaluate(X, Y, np.arange(1.0, 51.0))
    assert run.history[0].train_loss == pytest.approx(whole["loss"], rel=1e-5)


def test_every_epoch_takes_each_row_once_in_a_new_order() -> None:
    order = Order(10, np.array([0, 3], np.int32))
    epochs = order.epochs(0, 2000)
    assert (np.sort(epochs, axis=1) == np.arange(10)).all()
    assert len({tuple(row) for row in epochs[:500].tolist()}) > 490
    # An epoch's order does not depend on which epochs are asked for with it.
    for first, count in ((0, 1), (399, 30), (1999, 1)):
        np.testing.assert_array_equal(order.epochs(first, count), epochs[first : first + count])


@EXECUTORS
def test_executors_agree(executor: str) -> None:
    network = nn.Sequential(nn.Dense(6), nn.ReLU(), nn.Dropout(0.3), nn.Dense(2))
    runs = [
        trainer(network=network, executor=name, clip=optim.ClipGlobalNorm(0.5)).fit(X, Y)
        for name in ("numpy", executor)
    ]
    for path, x in runs[0].network.arrays().items():
        np.testing.assert_allclose(x, runs[1].network.arrays()[path], rtol=1e-3, atol=1e-5)
    for name in ("train_loss", "gradient_norm"):
        np.testing.assert_allclose(runs[0].history[name], runs[1].history[name], rtol=1e-3)


@EXECUTORS
def test_one_seed_gives_the_same_bits_and_another_one_others(executor: str) -> None:
    network = nn.MLP((8,), 2, dropout=0.5)
    first, again, other = (
        trainer(network=network, seed=seed, executor=executor).fit(X, Y) for seed in (3, 3, 4)
    )
    for path, x in first.network.arrays().items():
        np.testing.assert_array_equal(x, again.network.arrays()[path])
    assert (first.network.layers[0].weight != other.network.layers[0].weight).any()
    assert first.history["train_loss"].tolist() == again.history["train_loss"].tolist()


def test_a_penalty_shrinks_the_weights_and_stays_out_of_the_recorded_loss() -> None:
    free = trainer(stop=stop.Epochs(10)).fit(X, Y)
    for penalty in (losses.L2(1.0), [losses.L1(0.5), losses.L2(0.1)]):
        held = trainer(penalties=penalty, stop=stop.Epochs(10)).fit(X, Y)
        sizes = [np.abs(run.network.layers[0].weight).sum() for run in (free, held)]
        assert sizes[1] < 0.9 * sizes[0]
        assert held.history[0].train_loss == pytest.approx(free.history[0].train_loss, rel=0.1)


def test_a_schedule_counts_steps_and_is_recorded_at_the_end_of_each_epoch() -> None:
    # 50 rows in batches of 16 make 4 steps an epoch.
    schedule = optim.Step(1.0, every=4, factor=0.5)
    run = trainer(optimiser=optim.SGD(schedule)).fit(X, Y)
    assert run.history["learning_rate"].tolist() == [1.0, 0.5, 0.25, 0.125, 0.0625]


def test_dropout_is_off_when_predicting() -> None:
    run = trainer(network=nn.MLP((8,), 2, dropout=0.5)).fit(X, Y)
    np.testing.assert_array_equal(run.outputs(X), run.outputs(X))
    np.testing.assert_allclose(run.outputs(X), run.network(X.astype(np.float32)), atol=1e-5)


# ---------------------------------------------------------------- networks of all kinds


class Pair(nn.Module):
    """A table of numbers and a column of categories."""

    vectors: nn.Module = nn.Embedding(4, 3)
    out: nn.Module = nn.Dense(2)

    def __call__(self, numbers: Any, categories: Any, *, key: Any = None) -> Any:
        return self.out(cnp.concat([numbers, self.vectors(categories)], axis=1))


@EXECUTORS
def test_a_tuple_of_inputs_becomes_several_arguments(executor: str) -> None:
    categories = np.arange(50) % 4
    run = trainer(
        network=Pair(), executor=executor, optimiser=optim.Adam(0.05), stop=stop.Epochs(20)
    ).fit((X, categories), (categories == 2).astype(int))
    found = run.evaluate((X, categories), (categories == 2).astype(int))
    assert found["metric"] == 1.0
    assert run.predict((X[:6], categories[:6])).tolist() == [0, 0, 1, 0, 0, 0]


def test_a_dictionary_of_inputs_is_one_argument() -> None:
    class Named(nn.Module):
        out: nn.Module = nn.Dense(1)

        def __call__(self, table: Any, *, key: Any = None) -> Any:
            return self.out(table["a"]) + table["b"]

    run = trainer(network=Named(), loss=losses.SquaredError()).fit({"a": X, "b": X[:, :1]}, X[:, 0])
    assert run.predict({"a": X, "b": X[:, :1]}).shape == (50, 1)


class Centre(nn.Module):
    """Subtracts a running mean, and keeps it."""

    mean: Any = nn.state(default=None)

    def declare(self, x: ArrayType) -> dict[str, nn.Variable]:
        return {"mean": nn.Variable((x.shape[-1],), nn.initialisers.Zeros())}

    def __call__(self, x: Any, *, key: Any = None) -> Any:
        if key is not None:
            self.hand_on(mean=0.5 * self.mean + 0.5 * cnp.mean(x, axis=0))
        return x - self.mean


@EXECUTORS
def test_state_goes_from_step_to_step_and_is_not_trained(executor: str) -> None:
    run = trainer(
        network=nn.Sequential(Centre(), nn.Dense(2)),
        batch_size="full",
        stop=stop.Epochs(3),
        executor=executor,
    ).fit(X, Y)
    expected = X.mean(axis=0) * (1 - 0.5**3)
    np.testing.assert_allclose(run.network.layers[0].mean, expected, rtol=1e-4, atol=1e-6)


def test_a_network_that_was_trained_goes_on_from_its_weights() -> None:
    run = trainer().fit(X, Y)
    more = trainer(network=run.network, optimiser=optim.SGD(0.0), stop=stop.Epochs(1)).fit(X, Y)
    for path, x in run.network.arrays().items():
        np.testing.assert_array_equal(x, more.network.arrays()[path])


def test_dtype_is_that_of_every_parameter_and_prediction() -> None:
    for dtype in ("float32", "float64"):
        run = trainer(dtype=dtype).fit(X, Y)
        assert {x.dtype.name for x in run.network.arrays().values()} == {dtype}
        assert run.outputs(X).dtype.name == dtype


# ---------------------------------------------------------------- validation and what is kept


def test_the_best_weights_are_kept_and_the_run_says_so() -> None:
    run = trainer(optimiser=optim.Adam(0.3), stop=stop.Epochs(30)).fit(
        X[:40], Y[:40], X_val=X_VAL, y_val=1 - Y_VAL
    )
    column = run.history["validation_loss"]
    assert run.best_epoch == int(np.argmin(column)) + 1 < 30
    found = run.evaluate(X_VAL, 1 - Y_VAL)
    assert found["loss"] == pytest.approx(column.min(), rel=1e-6)
    assert f"weights of the best epoch, {run.best_epoch}" in repr(run)


def test_the_metric_can_choose_the_best_weights() -> None:
    patient = stop.Patience(8, watch="metric")
    run = trainer(optimiser=optim.Adam(0.05), stop=[patient, stop.Epochs(40)]).fit(
        X[:40], Y[:40], X_val=X_VAL, y_val=Y_VAL
    )
    assert run.best_epoch == int(np.argmax(run.history["metric"])) + 1
    assert run.evaluate(X_VAL, Y_VAL)["metric"] == run.history["metric"].max()


def test_without_validation_examples_the_last_weights_are_kept() -> None:
    assert trainer().fit(X, Y).best_epoch is None
    last = trainer(keep="last").fit(X, Y, X_val=X_VAL, y_val=Y_VAL)
    assert last.best_epoch is None
    assert len(last.history["validation_loss"]) == 5


def test_measures_of_a_large_table_are_taken_in_blocks() -> None:
    rng = np.random.default_rng(1)
    many, labels = rng.normal(size=(2500, 3)), rng.integers(0, 2, 2500)
    run = trainer(stop=stop.Epochs(1)).fit(X, Y, X_val=many, y_val=labels)
    whole = float(losses.CrossEntropy()(run.network(many.astype("f4")), labels))
    assert run.history[0].validation_loss == pytest.approx(whole, rel=1e-5)
    assert run.predict(many).shape == (2500,)


def test_a_metric_of_choice_is_measured() -> None:
    run = trainer(
        network=nn.Dense(1), loss=losses.SquaredError(), metric=losses.AbsoluteError()
    ).fit(X, X[:, 0], X_val=X_VAL, y_val=X_VAL[:, 0])
    error = np.abs(run.predict(X_VAL)[:, 0] - X_VAL[:, 0]).mean()
    assert run.history["metric"].min() == pytest.approx(error, rel=1e-4)


# ---------------------------------------------------------------- callbacks and progress


def test_callbacks_see_every_epoch_once_and_in_order() -> None:
    seen: list[int] = []
    run = trainer(
        stop=stop.Epochs(100), batch_size="full", callbacks=[lambda r: seen.append(r.epoch)]
    ).fit(X, Y)
    assert seen == list(range(1, 101)) == run.history["epoch"].tolist()


def test_the_progress_bar_shows_losses_and_metric(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    run = trainer(progress=True).fit(X, Y, X_val=X_VAL, y_val=Y_VAL)
    said = stream.getvalue()
    assert "5/5" in said
    assert f"train loss {run.history[-1].train_loss:.4g}" in " ".join(said.split())
    stream.truncate(0)
    trainer(progress="auto").fit(X, Y)
    assert stream.getvalue().strip("\0") == ""


# ---------------------------------------------------------------- errors


def test_data_that_cannot_be_used_are_refused_before_training() -> None:
    broken = X.copy()
    broken[7, 1] = np.nan
    fit = trainer().fit
    with pytest.raises(DataError, match="X holds nan in row 7, column 1"):
        fit(broken, Y)
    with pytest.raises(DataError, match="X_val holds nan"):
        fit(X, Y, X_val=broken, y_val=Y)
    with pytest.raises(DataError, match="X has 50, y has 49"):
        fit(X, Y[:-1])
    with pytest.raises(DataError, match="no rows"):
        fit(X[:0], Y[:0])
    with pytest.raises(DataError, match="label 2 lies outside"):
        fit(X, Y + 1)
    with pytest.raises(DataError, match="none of them negative"):
        fit(X, Y, sample_weight=-np.ones(50))
    with pytest.raises(ParameterError, match="both X_val and y_val"):
        fit(X, Y, X_val=X)
    with pytest.raises(ShapeError, match="known number of features"):
        fit(X[:, 0], Y)


def test_settings_that_cannot_be_used_are_refused() -> None:
    for changes, words in (
        ({"batch_size": 0}, "batch_size"),
        ({"batch_size": "all"}, "batch_size"),
        ({"stop": []}, "at least one criterion"),
        ({"keep": "best"}, "keep is"),
        ({"metric": "accuracy"}, "metric is a measure"),
        ({"progress": "maybe"}, "progress"),
        ({"loss": losses.SquaredError(reduction="none")}, "reduction"),
    ):
        with pytest.raises(ParameterError, match=words):
            trainer(**changes)
    for changes, words in (
        ({"frozen": ("layers[9]",)}, r"no array 'layers\[9\]' to freeze; there are layers\[0\]"),
        ({"frozen": "layers[0]"}, "takes several paths"),
        ({"frozen": ("layers",)}, "no array to train"),
        ({"stop": stop.Patience(3, watch="metric")}, "watches 'metric', which is not measured"),
        ({"keep": "metric"}, "needs X_val and y_val"),
        ({"executor": "abacus"}, "executor"),
    ):
        with pytest.raises(ParameterError, match=words):
            trainer(**changes).fit(X, Y)


def test_frozen_layers_stay_bit_by_bit() -> None:
    start = nn.MLP((4,), 2).initialise(5, X)
    run = trainer(network=start, frozen=("layers[0]",)).fit(X, Y)
    np.testing.assert_array_equal(run.network.layers[0].weight, start.layers[0].weight)
    assert (run.network.layers[2].weight != start.layers[2].weight).any()
