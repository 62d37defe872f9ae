"""A budget of memory: which layers a step computes again, and that nothing else changes."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import losses, nn, optim, stop
from chainrule.errors import ParameterError
from chainrule.execute import loop
from chainrule.train.budget import choose_recomputed, read_bytes
from chainrule.train.task import Task

RANDOM = np.random.default_rng(3)
ROWS, FEATURES = 512, 16
X = RANDOM.normal(size=(ROWS, FEATURES)).astype("f4")
y = (X[:, 0] * X[:, 1] > 0).astype(int)


def block() -> nn.Module:
    inner = nn.Dense(128), nn.BatchNorm(), nn.Tanh(), nn.Dropout(0.1), nn.Dense(FEATURES)
    return nn.Residual(*inner)


DEEP = nn.Sequential(*(block() for _ in range(4)), nn.Dense(2))


def trainer(network: nn.Module = DEEP, **settings: Any) -> cr.Trainer:
    given = {"batch_size": "full", "stop": stop.Epochs(3), "executor": "numpy", **settings}
    return cr.Trainer(network, losses.CrossEntropy(), optim.Adam(0.01), **given)


def bytes_of(task: Task) -> int:
    made = loop(task.step.take, task.carry, task.data, batch_size=task.batch_size)
    return made.memory(full=True)


@pytest.fixture(autouse=True)
def _one_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    # Workers have memory of their own for gradients: how much fits depends on the machine.
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0}, raising=False)


def test_a_step_stays_within_its_memory() -> None:
    plain = bytes_of(trainer().prepare((X, y, None)))
    for share in (0.9, 0.6):
        task = trainer(memory=int(share * plain)).prepare((X, y, None))
        assert bytes_of(task) <= share * plain
        assert task.step.objective.recomputed


def test_nothing_is_computed_again_where_all_of_it_fits() -> None:
    assert not trainer(memory="1 GB").prepare((X, y, None)).step.objective.recomputed


def test_a_smaller_budget_computes_more_again() -> None:
    plain = bytes_of(trainer().prepare((X, y, None)))
    tasks = [trainer(memory=int(s * plain)).prepare((X, y, None)) for s in (0.9, 0.6)]
    few, many = (sum(task.step.objective.recomputed.values()) for task in tasks)
    assert few < many


def test_a_budget_that_cannot_be_met_says_the_least_and_that_one_can() -> None:
    with pytest.raises(ParameterError, match="does not fit into 1,000 bytes") as caught:
        trainer(memory=1000).fit(X, y)
    found = re.search(r"and ([\d,]+) at the least", str(caught.value))
    assert found is not None
    least = int(found[1].replace(",", ""))
    assert bytes_of(trainer(memory=least).prepare((X, y, None))) == least
    with pytest.raises(ParameterError, match="at the least"):
        trainer(memory=least - 1).prepare((X, y, None))


def test_training_gives_the_same_weights_bit_by_bit() -> None:
    plain = trainer().fit(X, y)
    small = trainer(memory=bytes_of(trainer().prepare((X, y, None))) * 6 // 10).fit(X, y)
    assert small.recomputed
    assert "computed again in the backward pass: layers[0]" in repr(small)
    for path, x in plain.network.arrays().items():  # running statistics and dropout included
        np.testing.assert_array_equal(small.network.arrays()[path], x)


def test_native_code_gives_the_same_weights_to_rounding() -> None:
    plain, small = (
        trainer(memory=memory, executor="native", dtype="float64").fit(X, y)
        for memory in (None, bytes_of(trainer(dtype="float64").prepare((X, y, None))) * 6 // 10)
    )
    for path, x in plain.network.arrays().items():
        np.testing.assert_allclose(small.network.arrays()[path], x, rtol=1e-8, atol=1e-10)


def test_layers_of_a_flat_stack_are_computed_again_several_at_a_time() -> None:
    # Alone, a dense layer and its activation would keep as much as they free.
    network = nn.MLP((192,) * 8, 2, activation="tanh", dropout=0.1)
    plain = trainer(network)
    memory = int(0.8 * bytes_of(plain.prepare((X, y, None))))
    small = replace(plain, memory=memory).fit(X, y)
    assert max(small.recomputed.values()) > 1
    for path, x in plain.fit(X, y).network.arrays().items():
        np.testing.assert_array_equal(small.network.arrays()[path], x)


def test_blocks_of_a_transformer_are_computed_again_masks_included() -> None:
    symbols = RANDOM.integers(0, 20, size=(8, 32)).astype("i4")
    network = nn.GPT(20, 32, 16, depth=3, heads=2)
    plain = trainer(network)
    memory = int(0.8 * bytes_of(plain.prepare((symbols, symbols, None))))
    small = replace(plain, memory=memory).fit(symbols, symbols)
    assert set(small.recomputed) <= {f"body.blocks[{i}]" for i in range(3)}
    assert small.recomputed
    for path, x in plain.fit(symbols, symbols).network.arrays().items():
        np.testing.assert_array_equal(small.network.arrays()[path], x)


def test_a_stack_within_a_stack_is_opened_where_the_outer_one_is_too_coarse() -> None:
    inner = nn.Sequential(*(block() for _ in range(4)))
    whole = trainer(nn.Sequential(inner, nn.Dense(2)))
    memory = int(0.6 * bytes_of(whole.prepare((X, y, None))))
    found = replace(whole, memory=memory).prepare((X, y, None)).step.objective.recomputed
    assert found
    assert all(path.startswith("layers[0].layers[") for path in found)


def test_it_holds_for_examples_in_pieces_and_going_on() -> None:
    pieces = [(X[:256], y[:256]), (X[256:], y[256:])]
    plain = trainer(batch_size=128)
    memory = int(0.6 * bytes_of(plain.prepare((X, y, None))))
    small = replace(plain, memory=memory)
    first = replace(small, stop=stop.Epochs(1)).fit(pieces)
    run = small.fit(pieces, resume=first.state)
    assert run.recomputed
    for path, x in plain.fit(pieces).network.arrays().items():
        np.testing.assert_array_equal(run.network.arrays()[path], x)


def test_the_fewest_operations_come_first() -> None:
    # Layers of one kind, of which each frees its share: as many as it takes, and no more.
    network = DEEP.initialise(0, X)
    memory = lambda choice: 1000 - 100 * len(choice)  # noqa: E731
    for budget, count in ((1000, 0), (900, 1), (750, 3)):
        assert len(choose_recomputed(network, (X,), ROWS, budget, memory)) == count


def test_where_a_choice_costs_nothing_no_other_is_tried() -> None:
    symbols = np.zeros((8, 6), "i4")
    network = nn.Sequential(nn.Embedding(5, 4), nn.Dense(3), nn.Tanh()).initialise(0, symbols)
    memory = lambda choice: 50 if "layers[0]" in choice else 100  # noqa: E731
    assert dict(choose_recomputed(network, (symbols,), 8, 60, memory)) == {"layers[0]": 1}


def test_what_it_fits_without_is_not_computed_again() -> None:
    network = DEEP.initialise(0, X)
    memory = lambda choice: 50 if "layers[3]" in choice else 100  # noqa: E731
    assert dict(choose_recomputed(network, (X,), ROWS, 60, memory)) == {"layers[3]": 1}


@pytest.mark.parametrize("wrong", ["much", "10 XB", "-5", -5, "", "1e3x"])
def test_an_amount_that_is_none_is_refused(wrong: Any) -> None:
    with pytest.raises(ParameterError, match="memory is a number of bytes"):
        trainer(memory=wrong)


def test_amounts_are_read_as_they_are_written() -> None:
    amounts = {"200MB": 200_000_000, "1.5 GiB": 3 * 2**29, "10 kb": 10_000, 77: 77, "64": 64}
    assert {text: read_bytes(text) for text in amounts} == amounts


def test_l_bfgs_refuses_a_budget() -> None:
    with pytest.raises(ParameterError, match="leave out memory"):
        cr.Trainer(DEEP, losses.CrossEntropy(), optim.LBFGS(), memory=1000)
