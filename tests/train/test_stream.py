"""Training on examples that come in pieces."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import chainrule.numpy as cnp
from chainrule import augment, losses, nn, optim, stop
from chainrule.errors import DataError, DivergenceError, ParameterError
from chainrule.train import EpochRecord, Trainer

EXECUTORS = pytest.mark.parametrize("executor", ["numpy", "native"])
RANDOM = np.random.default_rng(9)
X = RANDOM.normal(size=(50, 3))
Y = (X @ [1.0, -2.0, 0.5] > 0).astype(int)
WEIGHT = RANDOM.uniform(size=50)


def trainer(**changes: Any) -> Trainer:
    options: dict[str, Any] = {
        "network": nn.MLP((5,), 2, "tanh", dropout=0.1),
        "loss": losses.CrossEntropy(),
        "optimiser": optim.Adam(optim.Exponential(0.05, 0.95)),
        "stop": stop.Epochs(4),
        "batch_size": 8,
        "dtype": "float64",
        "executor": "numpy",
        **changes,
    }
    return Trainer(**options)


def pieces(*cuts: int, weight: Any = None) -> list[Any]:
    """The table cut before the given rows."""
    parts = [np.split(each, cuts) for each in (X, Y)]
    return list(zip(*parts, *([] if weight is None else [np.split(weight, cuts)]), strict=True))


def assert_same(a: Any, b: Any) -> None:
    for path, x in a.network.arrays().items():
        np.testing.assert_array_equal(b.network.arrays()[path], x)
    for name in set(a.history.columns) - {"seconds"}:
        np.testing.assert_array_equal(b.history[name], a.history[name])


@EXECUTORS
@pytest.mark.parametrize("cuts", [(), (8, 16, 24, 32, 40, 48), (1, 2, 21, 22, 23, 49), (30,)])
def test_pieces_in_order_train_as_the_whole_table_does(cuts: Any, executor: str) -> None:
    made = {"shuffle": False, "executor": executor}
    whole = trainer(**made).fit(X, Y)
    cut = trainer(**made).fit(pieces(*cuts))
    for path, x in whole.network.arrays().items():
        # Programs for full and for open minibatches round differently.
        np.testing.assert_allclose(cut.network.arrays()[path], x, rtol=1e-9, atol=1e-12)
    for name in ("train_loss", "learning_rate", "epoch"):
        np.testing.assert_allclose(cut.history[name], whole.history[name], rtol=1e-9)


def test_pieces_may_hold_weights() -> None:
    whole = trainer(shuffle=False).fit(X, Y, sample_weight=WEIGHT)
    cut = trainer(shuffle=False).fit(pieces(13, 30, weight=WEIGHT))
    for path, x in whole.network.arrays().items():
        np.testing.assert_allclose(cut.network.arrays()[path], x, rtol=1e-9)


@EXECUTORS
def test_a_run_on_pieces_goes_on_bit_by_bit(executor: str) -> None:
    made = {"executor": executor, "average": optim.ExponentialAverage(0.9), "accumulate": 2}
    data = {"X_val": X[:20], "y_val": Y[:20]}

    def source(epoch: int) -> Iterator[Any]:
        yield from pieces(10 + epoch, 33)

    whole = trainer(**made).fit(source, **data)
    half = trainer(**made, stop=stop.Epochs(2)).fit(source, **data)
    assert_same(whole, trainer(**made).fit(source, **data, resume=half.state))
    assert whole.best_epoch is not None
    found = whole.evaluate(X[:20], Y[:20])["loss"]
    assert whole.history["validation_loss"].min() == pytest.approx(found, rel=1e-9)


def test_every_row_is_taken_once_an_epoch_in_a_new_order() -> None:
    class Seen(nn.Module):
        seen: Any = nn.state(default=None)
        out: nn.Module = nn.Dense(1)

        def declare(self, x: Any) -> Any:
            return {"seen": nn.Variable((50,), nn.initialisers.Zeros())}

        def __call__(self, x: Any, *, key: Any = None) -> Any:
            if key is not None:
                row = cnp.astype(x[:, 0], "int32")
                self.hand_on(seen=3.0 * self.seen + cnp.sum(cnp.one_hot(row, 50), axis=0))
            return self.out(x)

    rows = np.arange(50.0)[:, None]
    orders = []
    for epochs in (1, 2):
        run = trainer(
            network=Seen(), loss=losses.SquaredError(), stop=stop.Epochs(epochs), dtype="float64"
        ).fit([(rows[:21], rows[:21, 0]), (rows[21:], rows[21:, 0])])
        seen = run.network.seen
        orders.append(seen)
    # Each step multiplies what came before by 3: a row's count tells in which step it came.
    first = 6 - np.log(orders[0]) / np.log(3.0)
    assert np.bincount(first.round().astype(int)).tolist() == [8, 8, 8, 8, 8, 8, 2]
    second = orders[1] - orders[0] * 3.0**7
    assert (np.abs(second - orders[0]) > 0.5).any()


@EXECUTORS
def test_pieces_of_other_shapes_are_compiled_apart_and_train_together(executor: str) -> None:
    class Total(nn.Module):
        out: nn.Module = nn.Dense(1)

        def __call__(self, x: Any, *, key: Any = None) -> Any:
            return self.out(cnp.expand_dims(cnp.sum(x, axis=1), 1))

    short, long = RANDOM.normal(size=(20, 2)), RANDOM.normal(size=(30, 7))
    data = [(short[:10], short[:10].sum(1)), (long, long.sum(1)), (short[10:], short[10:].sum(1))]
    run = trainer(
        network=Total(),
        loss=losses.SquaredError(),
        optimiser=optim.Adam(0.05),
        stop=stop.Epochs(80),
        executor=executor,
    ).fit(data)
    assert run.network.out.weight[0, 0] == pytest.approx(1.0, abs=1e-2)
    assert run.evaluate(long, long.sum(1))["loss"] < 1e-2


def test_pieces_are_augmented_with_rows_of_their_own_block() -> None:
    images = RANDOM.normal(size=(30, 4, 4, 1))
    made = {
        "network": nn.Sequential(nn.Flatten(), nn.Dense(2)),
        "augment": [augment.Shift(1), augment.Flip()],
        "batch_size": 5,
    }
    runs = [
        trainer(**made, executor=executor).fit([(images[:15], Y[:15]), (images[15:], Y[15:30])])
        for executor in ("numpy", "native")
    ]
    for path, x in runs[0].network.arrays().items():
        np.testing.assert_allclose(runs[1].network.arrays()[path], x, rtol=1e-6)


def test_ctrl_c_between_epochs_loses_nothing() -> None:
    def pressed(record: EpochRecord) -> None:
        if record.epoch == 2:
            raise KeyboardInterrupt

    part = trainer(callbacks=[pressed]).fit(pieces(20))
    assert part.stopped_because == "interrupted"
    assert_same(trainer().fit(pieces(20)), trainer().fit(pieces(20), resume=part.state))


@EXECUTORS
def test_divergence_names_the_block_and_the_row(executor: str) -> None:
    class Exponential(nn.Module):
        out: nn.Module = nn.Dense(1)

        def __call__(self, x: Any, *, key: Any = None) -> Any:
            return self.out(cnp.exp(x))

    broken = X.copy()
    broken[33] = 1e3
    with pytest.raises(DivergenceError, match="step 5") as raised:
        trainer(
            network=Exponential(),
            loss=losses.SquaredError(),
            shuffle=False,
            executor=executor,
            optimiser=optim.SGD(1e-4),
        ).fit([(broken[:20], Y[:20].astype(float)), (broken[20:], Y[20:].astype(float))])
    assert "its row of block 2 of the epoch is 17" in str(raised.value)  # 4 rows were left over
    assert raised.value.step == 5


def test_sources_that_cannot_be_used_are_refused() -> None:
    fit = trainer().fit
    with pytest.raises(DataError, match="ends for good"):
        fit(iter(pieces(10)))
    with pytest.raises(DataError, match="an iterable of pieces"):
        fit(3)
    with pytest.raises(DataError, match="piece 1 is no pair"):
        fit([X])
    with pytest.raises(DataError, match="epoch 1 has no pieces"):
        fit([])
    with pytest.raises(DataError, match="epoch 2 has no pieces"):
        fit(lambda epoch: pieces(10) if epoch == 0 else [])
    with pytest.raises(ParameterError, match="not in pieces"):
        trainer(batch_size="full").fit(pieces(10))
    with pytest.raises(ParameterError, match="not in pieces"):
        trainer(optimiser=optim.LBFGS(), network=nn.Dense(2)).fit(pieces(10))
    with pytest.raises(ParameterError, match="watches 'train_accuracy'"):
        trainer(stop=stop.AllCorrect()).fit(pieces(10))


@pytest.mark.parametrize("executor", ["numpy", "native"])
def test_validation_examples_may_come_in_pieces_too(executor: str) -> None:
    rng = np.random.default_rng(5)
    X, y = rng.normal(size=(3000, 3)), rng.integers(0, 2, 3000)
    weight = rng.uniform(size=3000)
    one = Trainer(
        nn.MLP((4,), 2),
        losses.CrossEntropy(),
        stop=stop.Epochs(3),
        executor=executor,
        dtype="float64",
    )
    cuts = (slice(0, 7), slice(7, 2500), slice(2500, 3000))

    def pieces(epoch: int) -> Any:
        assert epoch == 0
        return [(X[cut], y[cut], weight[cut]) for cut in cuts]

    whole = one.fit(X[:64], y[:64], X_val=X, y_val=y, sample_weight_val=weight)
    for source in (pieces, pieces(0)):
        run = one.fit(X[:64], y[:64], X_val=source)
        for name in ("validation_loss", "metric"):
            np.testing.assert_allclose(run.history[name], whole.history[name], rtol=1e-12)
        assert run.best_epoch == whole.best_epoch


def test_validation_sequences_of_several_lengths_are_measured() -> None:
    rng = np.random.default_rng(6)
    pieces = [(rng.normal(size=(5, n, 2)), rng.integers(0, 2, (5, n))) for n in (4, 6, 4)]
    network = nn.Sequential(nn.LSTM(3), nn.Dense(2))
    one = Trainer(network, losses.CrossEntropy(), stop=stop.Epochs(2), executor="numpy")
    run = one.fit(pieces, X_val=pieces)
    each = [run.evaluate(X, y)["loss"] for X, y in pieces]
    expected = np.average(each, weights=[4, 6, 4])  # every place counts
    best = run.history["validation_loss"][run.best_epoch - 1]
    assert best == pytest.approx(expected, rel=1e-5)


def test_forgotten_targets_of_validation_examples_are_asked_for() -> None:
    X, y = np.zeros((4, 1)), np.zeros(4)
    one = Trainer(nn.Dense(1), losses.SquaredError(), stop=stop.Epochs(1))
    with pytest.raises(ParameterError, match="both X_val and y_val"):
        one.fit(X, y, X_val=X)
    with pytest.raises(ParameterError, match="weights of their own"):
        one.fit(X, y, X_val=[(X, y)], sample_weight_val=y)
