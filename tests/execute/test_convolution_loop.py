"""Training loops over images: planned without copies, shared among workers, equal to NumPy's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import chainrule.numpy as cnp
from chainrule.backprop import value_and_grad
from chainrule.execute import loop
from chainrule.execute.native import run
from chainrule.execute.native.run import LoopKey, NativeLoop
from chainrule.ir import ArrayType, Dim
from chainrule.plan import plan
from chainrule.tracing import capture, flatten

ROWS, BATCH = 22, 8


def _data() -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(ROWS, 8, 6, 2)).astype("float32")
    return x, (x.mean(axis=(1, 2, 3)) > 0).astype("int32")


def _carry() -> dict[str, Any]:
    rng = np.random.default_rng(1)
    shapes = {"k1": (3, 3, 2, 4), "k2": (2, 2, 4, 8), "d": (3, 3, 1, 8), "w": (16, 2), "b": (4,)}
    return {name: (0.3 * rng.normal(size=s)).astype("float32") for name, s in shapes.items()}


def _loss(p: Any, x: Any, y: Any) -> Any:
    x = cnp.max_pool(cnp.relu(cnp.conv(x, p["k1"], padding="same") + p["b"]))
    x = cnp.tanh(cnp.conv(x, p["k2"], stride=(2, 1), padding=((0, 0), (1, 1))))
    x = cnp.average_pool(cnp.conv(x, p["d"], padding=1, groups=8), (1, 2), padding=((0, 0), (0, 1)))
    x = cnp.max_pool(x, (1, 2), 1)
    logits = cnp.reshape(x, (x.shape[0], 16)) @ p["w"]
    return -cnp.mean(cnp.take_along_axis(cnp.log_softmax(logits), y[:, None]))


def _step(carry: Any, data: Any, rows: Any, number: Any) -> Any:
    x, y = (cnp.take(a, rows) for a in data)
    loss, gradient = value_and_grad(_loss)(carry, x, y)
    return {k: p - 0.1 * gradient[k] for k, p in carry.items()}, loss


def _order(epoch: int) -> Any:
    return np.random.default_rng(epoch).permutation(ROWS).astype("int32")


def test_native_loops_over_images_do_what_numpy_does() -> None:
    sessions = [
        loop(_step, _carry(), _data(), batch_size=BATCH, executor=name).start(_carry(), _data())
        for name in ("numpy", "native")
    ]
    for epoch in range(2):
        first, second = (s.run(_order(epoch), 3 * epoch) for s in sessions)
        np.testing.assert_allclose(first, second, rtol=2e-5)
    for a, b in zip(*(flatten(s.carry())[0] for s in sessions), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=2e-6)


def test_workers_share_the_images_of_a_minibatch(monkeypatch: pytest.MonkeyPatch) -> None:
    traced = loop(_step, _carry(), _data(), batch_size=BATCH)
    count = len(flatten(_carry())[0])
    monkeypatch.setattr(run, "WORK_PER_WORKER", 1)
    run._built_loop.cache_clear()
    results = []
    for n in (1, 2):
        key = LoopKey(traced.graph.fingerprint, count, BATCH, n, False, False, traced.graph)
        native = NativeLoop(key)
        assert native.workers == n
        arrays = [np.array(x) for x in flatten((_carry(), _data()))[0]]
        for epoch in range(2):
            native.run(arrays, _order(epoch), 3 * epoch)
        results.append(arrays[:count])
    for a, b in zip(*results, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=2e-6)


def test_patches_and_kernels_are_multiplied_where_they_lie() -> None:
    images, kernel = ArrayType((Dim("batch"), 8, 8, 4)), ArrayType((3, 3, 4, 5))
    graph = capture(lambda x, w: cnp.relu(cnp.conv(x, w, padding=1)), (images, kernel)).graph
    groups = plan(graph, limits={"batch": 4}).groups
    assert [g.kind for g in groups] == ["map", "contract", "map"]
    assert groups[0].outputs[0].card.name == "window"
    assert list(groups[1].reads) == [groups[0].outputs[0], graph.inputs[1]]
    assert groups[2].outputs[0].type.shape == (Dim("batch"), 8, 8, 5)
