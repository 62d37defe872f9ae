"""Loops that are found on disk by their traced step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule.numpy as cnp
from chainrule.execute import Loop, loop
from chainrule.execute.native import run
from chainrule.execute.native.cache import cache_contents
from chainrule.execute.native.run import LoopKey, NativeLoop
from chainrule.tracing import flatten

BATCH = 8
TABLE = np.linspace(-1, 1, 48, dtype="float32").reshape(24, 2)
START = {"weight": np.ones((2, 3), "float32"), "seen": np.float32(0)}
SCALES, OFFSET = np.array([[1, 2, 3]], "float32"), np.array([[4, 5, 7]], "float32")


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHAINRULE_CACHE", str(tmp_path / "cache"))
    run._built_loop.cache_clear()


def _step(carry: Any, data: Any, rows: Any, number: Any) -> Any:
    """Records of each kind: made in the step, carried on, given, and fixed."""
    table, shift = data
    x = cnp.take(table, rows)
    products = (x @ carry["weight"]) * SCALES + OFFSET + 0 * OFFSET
    seen = carry["seen"] + cnp.sum(products)
    after = {"weight": carry["weight"] * 0.5 + shift, "seen": seen}
    record = {
        "largest": cnp.max(products),
        "seen": seen,
        "before": carry["seen"],
        "number": number,
        "shift": shift,
        "again": cnp.max(products),
        "two": 2.0,
    }
    return after, record


def _traced() -> Loop:
    return loop(_step, START, (TABLE, np.float32(0.25)), batch_size=BATCH, workers=1)


def _key(traced: Loop, **changes: Any) -> LoopKey:
    options: dict[str, Any] = {
        "fingerprint": traced.graph.fingerprint,
        "carried": len(flatten(START)[0]),
        "batch_size": BATCH,
        "workers": 1,
        "full": True,
        "timed": False,
    }
    return LoopKey(**{**options, **changes}, graph=traced.graph)


def _ran(traced: Loop) -> tuple[Any, Any]:
    session = traced.start(START, (TABLE, np.float32(0.25)))
    order = np.random.default_rng(0).permutation(len(TABLE)).astype("int32")
    return session.run(order, 5), session.carry()


def test_a_loop_on_disk_is_neither_planned_nor_written(monkeypatch: pytest.MonkeyPatch) -> None:
    first = _ran(_traced())
    run._built_loop.cache_clear()
    monkeypatch.setattr(run, "plan_loop", None)  # planning would fail
    second = _ran(_traced())
    for a, b in zip(flatten(first)[0], flatten(second)[0], strict=True):
        np.testing.assert_array_equal(a, b)


def test_records_of_every_kind_are_what_numpy_gives() -> None:
    traced = loop(_step, START, (TABLE, np.float32(0.25)), batch_size=BATCH, executor="numpy")
    expected = _ran(traced)
    for _ in ("made", "from disk"):
        run._built_loop.cache_clear()
        record, carry = _ran(_traced())
        for name, column in record.items():
            np.testing.assert_allclose(column, expected[0][name], rtol=1e-6, err_msg=name)
        np.testing.assert_allclose(carry["weight"], expected[1]["weight"], rtol=1e-6)


def test_loops_that_differ_in_how_they_run_are_different_programs() -> None:
    traced = _traced()
    lists = set()
    for changes in ({}, {"full": False}, {"timed": True}, {"batch_size": 12}, {"workers": 2}):
        run._built_loop.cache_clear()
        NativeLoop(_key(traced, **changes))
        new = {path for path, size in cache_contents() if size < 1000} - lists
        assert new
        lists |= new


def test_a_plan_is_made_for_those_who_ask() -> None:
    key = _key(_traced())
    NativeLoop(key)
    run._built_loop.cache_clear()
    native = NativeLoop(key)
    assert len(native.plan.every_group) == len(native.cycles) - 1
