"""Training loops: in NumPy, in native code, and shared among workers."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule.numpy as cnp
import chainrule.random as random
from chainrule.backprop import value_and_grad
from chainrule.errors import GraphError, IndexRangeError, ParameterError
from chainrule.execute import loop
from chainrule.execute.native import run
from chainrule.execute.native.run import LoopKey, NativeLoop
from chainrule.plan import chunk, plan
from chainrule.tracing import flatten

ROWS, BATCH = 100, 32


def _data() -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(ROWS, 6)).astype("float32")
    return x, (x[:, 0] + x[:, 1] > 0).astype("int32")


def _carry() -> dict[str, Any]:
    rng = np.random.default_rng(1)
    parameters = {
        "w1": rng.normal(size=(6, 40)).astype("float32"),
        "b1": np.zeros(40, "float32"),
        "w2": rng.normal(size=(40, 3)).astype("float32"),
        "b2": np.zeros(3, "float32"),
    }
    moments = {name: np.zeros_like(x) for name, x in parameters.items()}
    return {"parameters": parameters, "moments": moments, "seen": np.int32(0)}


def _loss(p: Any, x: Any, y: Any, key: Any) -> Any:
    hidden = cnp.tanh(x @ p["w1"] + p["b1"])
    kept = random.bernoulli(key, 0.75, hidden.shape)
    hidden = cnp.where(kept, hidden / 0.75, 0.0)
    logits = hidden @ p["w2"] + p["b2"]
    return -cnp.mean(cnp.take_along_axis(cnp.log_softmax(logits), y[:, None]))


def _step(carry: Any, data: Any, rows: Any, number: Any) -> Any:
    x, y = (cnp.take(a, rows) for a in data)
    key = random.fold_in(random.key(7), number)
    loss, gradient = value_and_grad(_loss)(carry["parameters"], x, y, key)
    norm = cnp.sqrt(sum(cnp.sum(g * g) for g in gradient.values()))
    moments = {
        k: 0.9 * m + gradient[k] / cnp.maximum(norm, 1.0) for k, m in carry["moments"].items()
    }
    parameters = {k: p - 0.05 * moments[k] for k, p in carry["parameters"].items()}
    seen = carry["seen"] + cnp.astype(cnp.sum(cnp.ones_like(y)), "int32")
    return {"parameters": parameters, "moments": moments, "seen": seen}, {
        "loss": loss,
        "norm": norm,
        "total": cnp.sum(x * x),
        "twice": 2 * cnp.sum(x * x),
        "seen": seen,
    }


def _order(epoch: int, rows: int = ROWS) -> Any:
    return np.random.default_rng(epoch).permutation(rows).astype("int32")


@pytest.mark.parametrize("rows", [ROWS, 96, 33, 1])
def test_native_loops_do_what_numpy_does(rows: int) -> None:
    sessions = [
        loop(_step, _carry(), _data(), batch_size=BATCH, executor=name).start(_carry(), _data())
        for name in ("numpy", "native")
    ]
    for epoch in range(3):
        order = _order(epoch)[:rows]
        first, second = (s.run(order, 4 * epoch) for s in sessions)
        np.testing.assert_allclose(first["loss"], second["loss"], rtol=2e-5)
        np.testing.assert_allclose(first["norm"], second["norm"], rtol=2e-5)
    for a, b in zip(*(flatten(s.carry())[0] for s in sessions), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=2e-6)


@pytest.mark.parametrize("workers", [1, 2, 3])
@pytest.mark.parametrize("rows", [ROWS, 96, 33, 1])
@pytest.mark.parametrize("chunk_bytes", [2000, chunk.CACHE_BYTES])
def test_workers_together_do_what_one_does(
    workers: int, rows: int, chunk_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    traced = loop(_step, _carry(), _data(), batch_size=BATCH)
    count = len(flatten(_carry())[0])
    monkeypatch.setattr(run, "WORK_PER_WORKER", 1)
    results = []
    for n, size in ((1, chunk.CACHE_BYTES), (workers, chunk_bytes)):
        monkeypatch.setattr(chunk, "CACHE_BYTES", size)
        run._built_loop.cache_clear()
        key = LoopKey(traced.graph.fingerprint, count, BATCH, n, False, False, traced.graph)
        native = NativeLoop(key)
        assert native.workers == n
        assert bool(native.plan.chunks) == (size == 2000)
        arrays = [np.array(x) for x in flatten((_carry(), _data()))[0]]
        records = [native.run(arrays, _order(epoch)[:rows], 4 * epoch) for epoch in range(3)]
        results.append((arrays[:count], records))
    run._built_loop.cache_clear()
    (alone, record_alone), (together, record_together) = results
    for a, b in zip(record_alone, record_together, strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-5)
    for a, b in zip(alone, together, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=2e-6)


def test_a_run_works_on_the_arrays_that_it_is_given() -> None:
    def step(total: Any, data: Any, rows: Any, number: Any) -> Any:
        return total + cnp.sum(cnp.take(data, rows)), (number, 3, total)

    zero, rows = np.float32(0), np.arange(4, dtype=np.int32)
    traced = loop(step, zero, np.ones(4, "float32"), batch_size=2)
    key = LoopKey(traced.graph.fingerprint, 1, 2, 1, True, False, traced.graph)
    native, ones = NativeLoop(key), np.ones(4, "float32")
    totals = [np.zeros((), "float32") for _ in range(2)]
    for total, data in ((totals[0], ones), (totals[0], 2 * ones), (totals[1], 3 * ones)):
        numbers, threes, before = native.run([total, data], rows, 5)
        assert numbers.tolist() == [5, 6]
        assert threes.tolist() == [3, 3]
        assert before[1] - before[0] == 2 * data[0]
    assert [float(x) for x in totals] == [12, 12]


def test_a_step_that_mixes_rows_is_not_shared() -> None:
    def step(w: Any, data: Any, rows: Any, number: Any) -> Any:
        x = cnp.take(data, rows)
        loss, g = value_and_grad(lambda w: cnp.sum(cnp.softmax(x @ w @ x.T, axis=0) ** 2))(w)
        return w - 0.1 * g, loss

    x, w = _data()[0], np.eye(6, dtype="float32")
    traced = loop(step, w, x, batch_size=BATCH)
    assert plan(traced.graph, limits={"batch": BATCH}, carried=[(0, 0)], workers=2).sharing is None


@pytest.mark.parametrize("executor", ["numpy", "native"])
def test_a_session_can_be_put_back(executor: str) -> None:
    session = loop(_step, _carry(), _data(), batch_size=BATCH, executor=executor).start(
        _carry(), _data()
    )
    session.run(_order(0), 0)
    kept = session.carry()
    first = session.run(_order(1), 4)
    session.restore(kept)
    again = session.run(_order(1), 4)
    assert first["loss"].tobytes() == again["loss"].tobytes()


@pytest.mark.parametrize("executor", ["numpy", "native"])
def test_a_row_outside_of_the_table_is_reported(executor: str) -> None:
    session = loop(_step, _carry(), _data(), batch_size=BATCH, executor=executor).start(
        _carry(), _data()
    )
    with pytest.raises(IndexRangeError):
        session.run(np.full(ROWS, ROWS, "int32"), 0)


def test_values_that_are_exchanged_or_constant_are_carried_on() -> None:
    def step(carry: Any, data: Any, rows: Any, number: Any) -> Any:
        a, b, c, _ = carry
        return (b, a, cnp.zeros_like(c), a), cnp.sum(a)

    start = tuple(np.full(3, n, "float32") for n in (1.0, 2.0, 3.0, 4.0))
    for executor in ("numpy", "native"):
        session = loop(step, start, (), batch_size=2, executor=executor).start(start, ())
        assert session.run(np.arange(6, dtype="int32"), 0).tolist() == [3.0, 6.0, 3.0]
        a, b, c, d = session.carry()
        assert (a[0], b[0], c[0], d[0]) == (2.0, 1.0, 0.0, 1.0)


def test_wrong_steps_and_settings_are_refused() -> None:
    x = np.zeros(3, "float32")
    with pytest.raises(ParameterError, match="batch_size"):
        loop(lambda c, d, r, n: (c, 0.0), x, (), batch_size=0)
    with pytest.raises(ParameterError, match="executor"):
        loop(lambda c, d, r, n: (c, 0.0), x, (), batch_size=1, executor="gpu")
    with pytest.raises(GraphError, match="pair"):
        loop(lambda c, d, r, n: c, x, (), batch_size=1)
    with pytest.raises(GraphError, match="turns"):
        loop(lambda c, d, r, n: (cnp.astype(c, "int32"), 0.0), x, (), batch_size=1)
    with pytest.raises(GraphError, match="record"):
        loop(lambda c, d, r, n: (c, c), x, (), batch_size=1)


FIT = """
import os, signal, sys, threading, time
sys.path[:0] = [{tests!r}]
import numpy as np
from test_loop import BATCH, _carry, _data, _step, flatten, loop, run
run.WORK_PER_WORKER = 1
traced = loop(_step, _carry(), _data(), batch_size=BATCH)
key = run.LoopKey(traced.graph.fingerprint, len(flatten(_carry())[0]), BATCH, 2, False, False,
                  traced.graph)
native = run.NativeLoop(key)
assert native.workers == 2
arrays = [np.array(x) for x in flatten((_carry(), _data()))[0]]
"""


def _output_of(program: str) -> str:
    """What a program of its own prints, behind the set-up of a fit with two workers."""
    here = Path(__file__).parent
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FIT.format(tests=str(here)) + program],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "PYTHONPATH": str(here.parents[1] / "src")},
    )
    return done.stdout or done.stderr


def test_ctrl_c_leaves_no_worker_waiting() -> None:
    program = """
order = (np.arange(20000 * BATCH) % 100).astype("int32")
threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT)).start()
try:
    for _ in range(1000):
        native.run(arrays, order, 0)
except KeyboardInterrupt:
    print("interrupted", np.isfinite(arrays[0]).all())
"""
    assert _output_of(program) == "interrupted True\n"


def test_a_forked_process_goes_on_with_threads_of_its_own() -> None:
    program = """
order = np.arange(64, dtype="int32")
native.run(arrays, order, 0)
child = os.fork()
native.run(arrays, order, 2)
if child == 0:
    os._exit(int(np.isfinite(arrays[0]).all()))
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    assert _output_of(program) == "1\n"


def test_several_fits_at_once_do_not_disturb_each_other() -> None:
    program = """
order = (np.arange(50 * BATCH) % 100).astype("int32")
results = [None] * 4

def fit(i):
    own = [np.array(x) for x in flatten((_carry(), _data()))[0]]
    run.NativeLoop(key).run(own, order, 0)
    results[i] = own

threads = [threading.Thread(target=fit, args=(i,)) for i in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
same = [np.array_equal(a, b) for own in results for a, b in zip(results[0], own)]
print(all(same))
"""
    assert _output_of(program) == "True\n"
