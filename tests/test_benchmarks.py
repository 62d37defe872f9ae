"""The benchmark compares like with like."""

from __future__ import annotations

import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks import __main__ as command
from benchmarks import ours, runner
from benchmarks.calibration import Calibration, best
from benchmarks.peers import numpy_, sklearn_
from benchmarks.session import Missing, Unsupported
from benchmarks.table import duration
from benchmarks.workloads import WORKLOADS, Data, Workload

XOR, SMALL, TABLE, DIGITS = WORKLOADS
TINY = replace(TABLE, sizes=(5, 8, 3), batch=16, rows=160, blocks=2, epochs_per_block=3)


def test_the_command_offers_every_workload_and_every_peer() -> None:
    assert tuple(each.name for each in WORKLOADS) == command.WORKLOADS
    assert tuple(runner.PEERS) == command.PEERS


@pytest.mark.parametrize("workload", WORKLOADS, ids=[each.name for each in WORKLOADS])
def test_data_weights_and_batches_are_the_same_for_everybody(workload: Workload) -> None:
    few = replace(workload, rows=workload.batch * 2) if workload is not XOR else XOR
    assert np.array_equal(few.data().X, few.data().X)
    assert np.array_equal(few.weights()[0][0], few.weights()[0][0])
    assert np.array_equal(few.orders(3), few.orders(3))
    assert few.rows % few.batch == 0
    assert (np.sort(few.orders(0), axis=1) == np.arange(few.rows)).all()


def test_every_epoch_of_batches_has_an_order_of_its_own() -> None:
    first, second, third = TINY.orders(0)
    assert not np.array_equal(first, second)
    assert not np.array_equal(second, third)
    assert not np.array_equal(first, TINY.orders(1)[0])


def test_every_class_occurs_and_none_takes_nearly_all() -> None:
    for workload in (SMALL, TABLE):
        shares = np.bincount(workload.data().y, minlength=workload.sizes[-1]) / workload.rows
        assert shares.min() > 0.01
        assert shares.max() < 0.7


def test_operations_of_a_step_are_counted_as_by_hand() -> None:
    # 5-8-3 on 16 rows: three products for 8 x 3, two for 5 x 8, two operations each.
    assert TINY.flops_per_step == 2 * 16 * (3 * 24 + 2 * 40)


def test_zero_weights_give_the_loss_of_a_guess() -> None:
    zero = [(np.zeros_like(weight), bias) for weight, bias in TINY.weights()]
    loss, _ = TINY.evaluate(zero, TINY.data())
    assert loss == pytest.approx(math.log(3), rel=1e-12)
    zero = [(np.zeros_like(weight), bias) for weight, bias in XOR.weights()]
    assert XOR.evaluate(zero, XOR.data()) == (0.25, 0.5)


@pytest.mark.parametrize("workload", [TINY, XOR], ids=["cross-entropy", "squared"])
def test_the_gradient_by_hand_agrees_with_differences(workload: Workload) -> None:
    data = workload.data()
    network = numpy_.ByHand(workload, data)
    network.parameters = [array.astype(np.float64) for array in network.parameters]
    gradients = network.gradients(data.X.astype(np.float64), data.y)
    # `evaluate` gives the mean of (t - y)²; the loss is half the sum.
    scale = 0.5 * data.y.size if workload is XOR else 1.0

    def moved(step: float) -> float:
        layers = [array + step * way for array, way in zip(start, gradients, strict=True)]
        pairs = list(zip(layers[::2], layers[1::2], strict=True))
        return scale * workload.evaluate(pairs, data)[0]

    start = [array.copy() for array in network.parameters]
    slope = (moved(1e-6) - moved(-1e-6)) / 2e-6
    # Along the gradient the slope is its squared length; differences keep about nine digits.
    assert slope == pytest.approx(sum(float((g * g).sum()) for g in gradients), rel=1e-6)


def test_numpy_and_scikit_learn_do_equal_work() -> None:
    results, absent = runner.race(TINY, ("numpy", "sklearn"), threads=1)
    assert absent == []
    by_hand, classifier = results
    # Both compute in float32, in different orders: 60 updates apart, five digits agree.
    assert by_hand.loss == pytest.approx(classifier.loss, rel=1e-4)
    assert by_hand.loss < TINY.evaluate(TINY.weights(), TINY.data())[0]


@pytest.mark.parametrize("workload", [TINY, XOR], ids=["cross-entropy", "squared"])
def test_chainrule_and_numpy_do_equal_work(workload: Workload) -> None:
    few = replace(workload, epochs_per_block=min(workload.epochs_per_block, 20))
    data = few.data()
    sessions = [ours.prepare(few, data, 1, executor="numpy"), numpy_.prepare(few, data, 1)]
    for session in sessions:
        session.train(few.orders(0))
        session.train(few.orders(1))
    compiled, by_hand = (few.evaluate(session.weights(), data)[0] for session in sessions)
    # The same formulas in float32, in different orders.
    assert compiled == pytest.approx(by_hand, rel=1e-4)


def test_two_classes_become_one_logistic_output_that_says_the_same() -> None:
    two = replace(TINY, sizes=(5, 8, 2))
    data = two.data()
    model = sklearn_.prepare(two, data, 1)
    assert model.note == "one logistic output instead of two"
    expected = two.evaluate(two.weights(), data)
    assert two.evaluate(model.weights(), data) == pytest.approx(expected, rel=1e-5)


def test_xor_is_learnt_in_ten_thousand_steps() -> None:
    [result], _ = runner.race(XOR, ("numpy",), threads=1)
    assert 0.001 < result.loss < 0.005
    assert result.accuracy == 1.0
    assert 0 < result.best <= result.median <= result.total / XOR.steps * 10


def test_a_library_that_is_missing_or_unable_is_named_with_its_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(Unsupported, match="no squared loss"):
        sklearn_.prepare(XOR, XOR.data(), 1)
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "benchmarks.peers.torch_", raising=False)
    with pytest.raises(Missing, match="torch"):
        runner.find("torch")
    few = replace(XOR, blocks=1, epochs_per_block=1)
    results, absent = runner.race(few, ("torch", "sklearn", "numpy"), threads=1)
    assert [each.library for each in results] == ["numpy"]
    assert [each.library for each in absent] == ["torch", "sklearn"]


def test_the_better_calibration_counts() -> None:
    assert best(Calibration(1, 5, 2), Calibration(3, 4, 2)) == Calibration(3, 5, 2)


def test_durations_have_three_digits_and_a_unit() -> None:
    shown = [duration(seconds) for seconds in (12.34, 0.5, 0.001234, 16.3e-6, 4e-7)]
    assert shown == ["12.3 s", "500 ms", "1.23 ms", "16.3 µs", "0.40 µs"]


def test_an_unknown_peer_is_refused_in_one_sentence(repository: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--peers", "numpy,abacus"],
        cwd=repository,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "unknown peer abacus; there are torch, jax, sklearn, numpy" in done.stderr


def test_data_holds_labels_or_targets() -> None:
    assert isinstance(XOR.data(), Data)
    assert XOR.data().y.shape == (4, 1)
    assert TINY.data().y.shape == (160,)
