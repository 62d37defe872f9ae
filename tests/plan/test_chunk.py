"""Kernels that run on some rows of a minibatch after others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import chainrule.numpy as cnp
from chainrule import random
from chainrule.errors import GraphError
from chainrule.execute import trace
from chainrule.ir import ArrayType, Dim
from chainrule.plan import chunk as chunking
from chainrule.plan import plan
from chainrule.plan.rows import find_rows
from chainrule.tracing import capture

ROWS = 50
BATCH = Dim("batch")


def _weights(*shape: int) -> Any:
    return np.random.default_rng(sum(shape)).normal(size=shape).astype("float32") / shape[0]


def _key(w: Any, seed: int) -> Any:
    """A key that belongs to the program, which then draws the numbers itself."""
    return random.fold_in(random.key(seed), cnp.astype(w[0, 0], "int32"))


def _dense(w: Any, x: Any) -> Any:
    hidden = cnp.tanh(cnp.reshape(x, (x.shape[0], 12)) @ w)
    return cnp.mean(cnp.logsumexp(hidden, axis=1))


def _dropout(w: Any, x: Any) -> Any:
    hidden = cnp.reshape(x, (x.shape[0], 12)) @ w
    kept = random.bernoulli(_key(w, 3), 0.5, hidden.shape)
    return cnp.sum(cnp.where(kept, hidden, 0.0) ** 2)


def _normalised(w: Any, x: Any) -> Any:
    hidden = cnp.reshape(x, (x.shape[0], 12)) @ w
    centred = hidden - cnp.mean(hidden, axis=0)
    scaled = centred / cnp.sqrt(cnp.mean(centred**2, axis=0) + 1e-3)
    return cnp.sum(cnp.tanh(scaled) * cnp.sin(hidden))


def _images(w: Any, x: Any) -> Any:
    patches = cnp.window(cnp.expand_dims(x, 3), (2, 2), axes=(1, 2))
    flat = cnp.reshape(patches, (x.shape[0] * 6, 4))
    return cnp.sum(cnp.relu(flat @ w[:4]) ** 2)


def _time_major(w: Any, x: Any) -> Any:
    turned = cnp.transpose(x, (1, 0, 2))
    kept = random.bernoulli(_key(w, 5), 0.5, turned.shape)
    first, second = turned[0] @ w[:3], cnp.where(kept, turned, 0.0)[3] @ w[3:6]
    return cnp.sum(cnp.tanh(first) * second) + cnp.max(w)


def _attention(w: Any, x: Any) -> Any:
    queries = x @ cnp.broadcast_to(w[:3], (x.shape[0], 3, 5))
    scores = cnp.softmax(queries @ cnp.transpose(queries, (0, 2, 1)), axis=-1)
    return cnp.sum((scores @ x) ** 2)


def _look_up(w: Any, x: Any) -> Any:
    positions = cnp.astype(cnp.abs(x[:, :, 0] * 3), "int32") % 12
    return cnp.sum(cnp.sin(cnp.take(w, positions)) * x[:, :, :1])


PROGRAMS = [_dense, _dropout, _normalised, _images, _time_major, _attention, _look_up]


def _planned(function: Callable[..., Any], rows: int = ROWS) -> Any:
    kinds = (ArrayType((12, 5)), ArrayType((BATCH, 4, 3)))
    return trace(function, *kinds).differentiate((0, 1)).plan(limits={"batch": rows})


@pytest.fixture
def small_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    """So few bytes that a chunk takes a few rows."""
    monkeypatch.setattr(chunking, "CACHE_BYTES", 2000)


@pytest.mark.parametrize("function", PROGRAMS)
@pytest.mark.parametrize("rows", [ROWS, 17, 1, 0])
@pytest.mark.usefixtures("small_cache")
def test_chunks_compute_what_numpy_does(function: Any, rows: int) -> None:
    planned = _planned(function)
    assert planned.plan.chunks
    x = np.random.default_rng(0).normal(size=(rows, 4, 3)).astype("float32")
    arguments = (_weights(12, 5), x)
    (value, gradients), (expected, reference) = (
        planned.compile(name)(*arguments) for name in ("native", "numpy")
    )
    # Sums of some hundred terms of size one, in another order.
    np.testing.assert_allclose(value, expected, rtol=2e-5, atol=1e-5)
    for own, other in zip(gradients, reference, strict=True):
        np.testing.assert_allclose(own, other, rtol=2e-4, atol=2e-5)


@pytest.mark.parametrize("function", PROGRAMS)
@pytest.mark.usefixtures("small_cache")
def test_a_chunk_keeps_no_more_rows_than_it_takes(function: Any) -> None:
    few, many = (_planned(function, rows).plan for rows in (ROWS, 100 * ROWS))
    assert few.chunks
    local = [some for some in many.chunks if some.local]
    for some in local:
        for node in some.local:
            assert many.placement.sizes[node] <= 2048


def test_what_fits_into_the_cache_runs_at_once() -> None:
    assert not _planned(_dense).plan.chunks


def test_chunks_can_be_switched_off() -> None:
    graph = capture(_dense, (ArrayType((12, 5)), ArrayType((BATCH, 4, 3)))).graph
    limits = {"batch": 100_000}
    assert plan(graph, limits=limits).chunks
    assert not plan(graph, limits=limits, chunked=False).chunks


def test_memory_of_a_prediction_does_not_grow_with_its_rows() -> None:
    kinds = (ArrayType((12, 500)), ArrayType((BATCH, 12)))
    traced = trace(lambda w, x: cnp.tanh(cnp.tanh(x @ w) @ w.T), *kinds)
    sizes = [traced.plan(limits={"batch": rows}).memory() for rows in (10_000, 1_000_000)]
    assert sizes[0] == sizes[1] < 2 * chunking.CACHE_BYTES


def test_a_weight_larger_than_a_chunk_is_read_once_for_all_rows() -> None:
    kinds = (ArrayType((12, 40_000)), ArrayType((BATCH, 12)))
    traced = trace(lambda w, x: cnp.tanh(x @ w), *kinds)
    assert all(some.first > 0 for some in traced.plan(limits={"batch": 64}).plan.chunks)


@pytest.mark.usefixtures("small_cache")
def test_forward_and_backward_pass_share_a_chunk() -> None:
    (some,) = _planned(_dense).plan.chunks
    assert some.first == 1  # behind the factor of the mean
    assert some.last == len(_planned(_dense).plan.groups) - 2  # before the mean


@pytest.mark.usefixtures("small_cache")
def test_patches_are_made_again_for_the_backward_pass() -> None:
    """They take four times the memory of the image that they are made of."""

    def function(w: Any, x: Any) -> Any:
        patches = cnp.window(cnp.expand_dims(x, 3), (2, 2), axes=(1, 2))
        hidden = cnp.reshape(patches, (x.shape[0] * 6, 4)) @ w[:4]
        centred = hidden - cnp.mean(hidden, axis=0)
        return cnp.sum(cnp.sin(centred))

    kinds = (ArrayType((12, 5)), ArrayType((BATCH, 4, 3)))
    planned = trace(function, *kinds).differentiate().plan(limits={"batch": ROWS}).plan
    makers = [g for g in planned.groups if any(x.card.name == "window" for x in _read(g))]
    assert len(makers) == 2
    assert makers[0].outputs == makers[1].outputs


def _read(group: Any) -> list[Any]:
    return [*group.members, *(x for node in group.members for x in node.inputs)]


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (lambda x: cnp.sum(x[1:] * x[:-1]), "more entries, or fewer"),
        (lambda x: cnp.sum(cnp.cumulative_sum(x, axis=0)), "cumulative_sum mixes rows"),
        (lambda x: cnp.max(x, axis=0), "max over the rows"),
        (lambda x: x @ x.T, "pairs rows of the minibatch"),
    ],
)
def test_a_program_that_mixes_rows_is_not_divided(function: Any, reason: str) -> None:
    graph = capture(function, (ArrayType((BATCH, 3)),)).graph
    with pytest.raises(GraphError, match=reason):
        find_rows(graph)
    assert not plan(graph, limits={"batch": 10**7}).chunks
