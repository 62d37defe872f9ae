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
from benchmarks import (
    clock,
    ours,
    profile,
    publish,
    record,
    runner,
)
from benchmarks.calibration import FOOTPRINTS, Calibration, best, calibrate
from benchmarks.peers import numpy_, sklearn_
from benchmarks.session import Missing, Unsupported
from benchmarks.table import duration, ratio
from benchmarks.workloads import (
    PREDICTIONS,
    SCALED,
    SCALING,
    TASKS,
    WORKLOADS,
    Data,
    Prediction,
    Task,
    Workload,
    smaller,
)

XOR, SMALL, TABLE, *_ = WORKLOADS
TINY = replace(TABLE, sizes=(5, 8, 3), batch=16, rows=160, seen=160, blocks=2, epochs_per_block=3)
FLAT = Calibration(threads=2, fma=100.0, triad=(400.0, 200.0, 100.0, 10.0), barrier=0.1)


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "PAUSE", 0.0)


def test_the_command_offers_every_workload_and_every_peer() -> None:
    assert (*(each.name for each in WORKLOADS), "predict", "scaling") == command.TASKS
    assert tuple(runner.PEERS) == command.PEERS == tuple(publish.NAMES)


def test_predict_and_scaling_stand_for_several_tasks() -> None:
    assert record.chosen_tasks(command.TASKS) == [*WORKLOADS, *PREDICTIONS, *SCALED]
    assert record.chosen_tasks(["predict"]) == [*PREDICTIONS]
    # The table itself is one point of each axis.
    assert record.chosen_tasks(["scaling"]) == [TABLE, *SCALED]
    assert all(TABLE in points.values() for points in SCALING.values())


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_data_weights_and_batches_are_the_same_for_everybody(task: Task) -> None:
    few = smaller(task)
    assert np.array_equal(few.data().X, few.data().X)
    if isinstance(few, Prediction):
        assert few.rows <= few.chunk or few.rows % few.chunk == 0
        few = few.network
    assert np.array_equal(few.weights()[0][0], few.weights()[0][0])
    assert few.data().X.dtype == few.weights()[0][0].dtype == few.dtype
    assert np.array_equal(few.orders(3), few.orders(3))
    assert few.seen % few.batch == 0
    assert (np.sort(few.orders(0), axis=1) == np.arange(few.rows)).all()


def test_of_a_large_table_an_epoch_sees_a_part() -> None:
    large = replace(TINY, rows=1000)
    order = large.orders(0)
    assert order.shape == (3, 160)
    assert len(set(order[0])) == 160
    assert order.max() > 160


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
    results, absent = runner.race(TINY, TINY.data(), ("numpy", "sklearn"), threads=1)
    assert absent == []
    by_hand, classifier = results
    # Both compute in float32, in different orders: 60 updates apart, five digits agree.
    assert by_hand.loss == pytest.approx(classifier.loss, rel=1e-4)
    assert by_hand.loss < TINY.evaluate(TINY.weights(), TINY.data())[0]
    assert by_hand.equal
    assert classifier.equal


def test_a_loss_that_is_not_the_usual_one_is_marked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numpy_.ByHand, "train", lambda *_: None)
    results, _ = runner.race(TINY, TINY.data(), ("numpy", "sklearn"), threads=1)
    assert [each.equal for each in results] == [False, True]


DEEP = replace(TINY, name="deep", sizes=(5, 8, 8, 3), activation="tanh")
DOUBLE = replace(TINY, dtype="float64")


@pytest.mark.parametrize(
    "workload", [TINY, XOR, DEEP, DOUBLE], ids=["cross-entropy", "squared", "tanh", "float64"]
)
def test_chainrule_and_numpy_do_equal_work(workload: Workload) -> None:
    few = replace(workload, epochs_per_block=min(workload.epochs_per_block, 20))
    data = few.data()
    sessions = [ours.prepare(few, data, 1, executor="numpy"), numpy_.prepare(few, data, 1)]
    for session in sessions:
        session.train(few.orders(0))
        session.train(few.orders(1))
    compiled, by_hand = (few.evaluate(session.weights(), data)[0] for session in sessions)
    # The same formulas, in different orders.
    digits = 1e-12 if few.dtype == "float64" else 1e-4
    assert compiled == pytest.approx(by_hand, rel=digits)


def test_everybody_predicts_the_same_probabilities() -> None:
    task = Prediction("guess", TINY, rows=20, steps_per_block=2, blocks=2, chunk=10)
    data = task.data()
    results, absent = runner.race(task, data, (runner.OURS, "numpy", "sklearn"), threads=1)
    assert absent == []
    expected, _ = TINY.evaluate(TINY.weights(), data)
    assert [each.loss for each in results] == [pytest.approx(expected, rel=1e-5)] * 3


def test_many_rows_are_predicted_in_chunks() -> None:
    seen = []

    def double(X: np.ndarray) -> np.ndarray:
        seen.append(len(X))
        return 2 * X

    X = np.arange(20.0).reshape(10, 2)
    assert np.array_equal(runner.in_chunks(double, 4)(X), 2 * X)
    assert seen == [4, 4, 2]


def test_the_work_of_a_step_is_counted_from_its_plan() -> None:
    work = ours.work(TINY, TINY.data(), threads=2)
    products = TINY.batch * 2 * (3 * 24 + 2 * 40)
    # Some operations for each of 5 x 8 + 8 + 8 x 3 + 3 parameters and 16 x 8 activations.
    assert products < work.flops < products + 75 * 40 + 200 * 16
    # Three arrays of the parameters, read and written; rows of five numbers and a label.
    assert work.bytes == 2 * 3 * 4 * 75 + 16 * 4 * 6
    assert work.workers == 1
    assert work.memory >= work.memory_bound > 0


def test_each_kernel_is_timed_and_all_their_work_is_that_of_the_step() -> None:
    kernels, workers = profile.profile(replace(TINY, blocks=4), threads=1)
    work = ours.work(TINY, TINY.data(), threads=1)
    assert (len(kernels), workers) == (work.kernels, 1)
    assert sum(each.flops for each in kernels) == work.flops
    assert all(0 <= each.seconds < 1e-3 for each in kernels)
    assert {"contract -> f32[16, 8]", "take -> f32[16, 5]"} <= {each.name for each in kernels}


def test_two_classes_become_one_logistic_output_that_says_the_same() -> None:
    two = replace(TINY, sizes=(5, 8, 2))
    data = two.data()
    model = sklearn_.prepare(two, data, 1)
    assert model.note == "one logistic output instead of two"
    expected = two.evaluate(two.weights(), data)
    assert two.evaluate(model.weights(), data) == pytest.approx(expected, rel=1e-5)


def test_xor_is_learnt_in_ten_thousand_steps() -> None:
    assert XOR.steps_per_block == 10_000
    once = replace(XOR, blocks=2, epochs_per_block=5_000)
    [result], _ = runner.race(once, once.data(), ("numpy",), threads=1)
    assert 0.001 < result.loss < 0.005
    assert result.accuracy == 1.0
    assert 0 < result.best <= result.median
    assert result.blocks == 1


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
    results, absent = runner.race(few, few.data(), ("torch", "sklearn", "numpy"), threads=1)
    assert [each.library for each in results] == ["numpy"]
    assert [each.library for each in absent] == ["torch", "sklearn"]


def test_a_library_is_raced_with_the_number_of_threads_that_suits_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = []

    def suited(library: str, *_: object) -> int:
        asked.append(library)
        return 1

    monkeypatch.setattr(runner, "_suited", suited)
    few = replace(TINY, blocks=3, epochs_per_block=1)
    results, _ = runner.race(few, few.data(), (runner.OURS, "numpy"), threads=2)
    assert asked == ["numpy"]  # ours chooses by itself
    assert [each.threads for each in results] == [2, 1]


def test_other_work_on_the_machine_disturbs_a_timing(monkeypatch: pytest.MonkeyPatch) -> None:
    def lap(*others: float) -> clock.Lap:
        monkeypatch.setattr(clock, "_others", iter(others).__next__)
        with clock.Stopwatch() as watch:
            clock.sleep(0.04)
        return watch.lap

    assert not lap(7.0, 7.0).disturbed
    assert not lap(7.0, 7.01).disturbed  # one tick of the system's clock
    assert lap(7.0, 7.04).disturbed  # one processor, all the time
    assert lap(0.0, 0.0).seconds >= 0.04


def test_the_machine_is_calibrated_in_a_moment() -> None:
    speed = calibrate(threads=1, repeats=3)
    assert 0.1 < speed.fma < 1000
    assert len(speed.triad) == len(FOOTPRINTS)
    assert speed.triad[0] > speed.triad[-1] > 0.1
    assert 0 < speed.barrier < 100


def test_the_better_calibration_counts() -> None:
    one = Calibration(2, 1, (5, 2), 0.3)
    other = Calibration(2, 3, (4, 4), 0.2)
    assert best(one, other) == Calibration(2, 3, (5, 4), 0.2)


def test_work_is_bound_by_arithmetic_or_by_memory() -> None:
    # 100 GFLOP/s on two threads, half of it on one, and half of that in float64.
    assert FLAT.bound(1e6, 0, workers=2) == pytest.approx(10e-6)
    assert FLAT.bound(1e6, 0, workers=1) == pytest.approx(20e-6)
    assert FLAT.bound(1e6, 0, workers=1, dtype="float64") == pytest.approx(40e-6)
    # 1 MB on each of two threads cannot come from a cache of 24 KiB, but from one of 192.
    assert FLAT.bound(0, 2e6, workers=2) == pytest.approx(2e6 / 200e9)
    assert FLAT.bound(0, 1e3, workers=1) == pytest.approx(1e3 / 200e9)


def test_durations_have_three_digits_and_a_unit() -> None:
    shown = [duration(seconds) for seconds in (12.34, 0.5, 0.001234, 16.3e-6, 4e-7)]
    assert shown == ["12.3 s", "500 ms", "1.23 ms", "16.3 µs", "0.40 µs"]


def test_ratios_have_two_digits_or_no_fraction() -> None:
    assert [ratio(x, 2.0) for x in (1.0, 3.18, 19.8, 19.96, 24691.0)] == [
        "0.5",
        "1.6",
        "9.9",
        "10",
        "12,346",
    ]


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
