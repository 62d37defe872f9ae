"""Pieces made in the background: all of them, in order, and nothing is left behind."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from chainrule import losses, nn, optim, stop
from chainrule.data.loading import Loader, in_background
from chainrule.data.sequences import bucket_lengths
from chainrule.errors import DataError, ParameterError
from chainrule.train import Trainer


def loading_threads() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name == "chainrule-loading"]


def test_items_come_in_order_and_the_thread_ends() -> None:
    assert list(in_background(range(100), ahead=3)) == list(range(100))
    assert loading_threads() == []


def test_no_more_items_are_made_ahead_than_asked_for() -> None:
    made: list[int] = []

    def items() -> Iterator[int]:
        for i in range(50):
            made.append(i)
            yield i

    reader = in_background(items(), ahead=2)
    assert next(reader) == 0
    time.sleep(0.1)  # long enough for all, if nothing held it back
    assert len(made) <= 1 + 2 + 1  # read, waiting, in the making
    reader.close()  # type: ignore[attr-defined]
    assert loading_threads() == []


def test_an_error_of_the_maker_reaches_the_reader_behind_what_was_made_before() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise DataError("'a.png' cannot be read")

    reader = in_background(items())
    assert next(reader) == 1
    with pytest.raises(DataError, match=r"a\.png"):
        next(reader)
    assert loading_threads() == []


def test_a_reader_that_is_interrupted_leaves_no_thread() -> None:
    def read() -> None:
        for _ in in_background(iter(int, 1)):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        read()
    assert loading_threads() == []


def test_making_happens_beside_the_reader() -> None:
    made = [threading.Event() for _ in range(4)]

    def items() -> Iterator[int]:
        for i in range(4):
            made[i].set()
            yield i

    for i in in_background(items()):
        for later in made[i + 1 : i + 3]:  # one that waits, one in the making
            assert later.wait(60), "nothing is made while the reader works"


def test_every_epoch_reads_all_examples_in_another_order() -> None:
    loader = Loader.shuffled(lambda rows: (rows, rows), 10, piece=4)
    epochs = [np.concatenate([x for x, _ in loader(i)]) for i in range(2)]
    assert all(sorted(e.tolist()) == list(range(10)) for e in epochs)
    assert epochs[0].tolist() != epochs[1].tolist()
    again = np.concatenate([x for x, _ in loader(0)])
    assert again.tolist() == epochs[0].tolist()


def test_bucketed_sequences_are_padded_to_the_bound_that_they_fit() -> None:
    lengths = [3, 9, 4, 10, 2]
    loader = Loader.bucketed(
        lambda rows, n: (rows, n), lengths, bucket_lengths(lengths, 2), batch_size=2
    )
    for epoch in range(3):
        read = list(loader(epoch))
        assert sorted(int(i) for rows, _ in read for i in rows) == [0, 1, 2, 3, 4]
        for rows, n in read:
            assert n == (4 if max(lengths[i] for i in rows) <= 4 else 10)


def test_loaders_refuse_what_makes_no_sense() -> None:
    with pytest.raises(DataError, match="no example"):
        Loader.shuffled(lambda rows: (rows,), 0)
    with pytest.raises(ParameterError, match="at least one example"):
        Loader.shuffled(lambda rows: (rows,), 3, piece=0)
    with pytest.raises(ParameterError, match="ahead"):
        next(in_background([], ahead=0))


@pytest.mark.parametrize("executor", ["numpy", "native"])
def test_training_from_a_loader_is_training_on_its_pieces(executor: str) -> None:
    random = np.random.default_rng(0)
    x = random.normal(size=(96, 3)).astype(np.float32)
    y = x @ np.array([1.0, -2.0, 0.5], np.float32)

    def trained(source: Any) -> list[float]:
        trainer = Trainer(
            nn.Dense(1),
            losses.SquaredError(),
            optim.Adam(0.05),
            stop=stop.Epochs(5),
            batch_size=8,
            executor=executor,
            progress=False,
        )
        return list(trainer.fit(source).history["train_loss"])

    loader = Loader.shuffled(lambda rows: (x[rows], y[rows]), 96, piece=32)
    pieces = [[(x[rows], y[rows]) for rows in loader.order(i)] for i in range(5)]
    assert trained(loader) == trained(lambda epoch: pieces[epoch])
    assert trained(loader)[-1] < trained(loader)[0] / 2
    assert loading_threads() == []


def test_an_unreadable_example_ends_training_with_its_name() -> None:
    def read(rows: np.ndarray) -> tuple[Any, ...]:
        if 5 in rows:
            raise DataError("'photo.png' cannot be read")
        return np.ones((len(rows), 1)), np.ones(len(rows))

    loader = Loader.shuffled(read, 8, piece=2, seed=None)
    trainer = Trainer(nn.Dense(1), losses.SquaredError(), stop=stop.Epochs(2), progress=False)
    with pytest.raises(DataError, match=r"photo\.png"):
        trainer.fit(loader)
    assert loading_threads() == []
