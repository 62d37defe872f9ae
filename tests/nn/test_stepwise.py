"""A network that reads a sequence place by place gives what it gives for all of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chainrule import nn

ROWS, PLACES, WIDTH = 2, 5, 8


def symbols() -> Any:
    return np.random.default_rng(0).integers(0, 7, (ROWS, PLACES)).astype(np.int32)


def numbers() -> Any:
    return np.random.default_rng(1).normal(size=(ROWS, PLACES, WIDTH))


def stepped(network: nn.Module, x: Any) -> Any:
    past: dict[str, Any] = {}
    outputs = []
    for i in range(PLACES):
        place = np.array([i], np.int32)
        # There is room for more places than are read.
        y, past = nn.run_step(network, x[:, i : i + 1], past, place, PLACES + 2)
        outputs.append(np.asarray(y))
    return np.concatenate(outputs, axis=1)


def gpt(**settings: Any) -> nn.Module:
    return nn.GPT(7, PLACES + 2, width=WIDTH, depth=2, heads=4, **settings)


@pytest.mark.parametrize(
    ("network", "x"),
    [
        (gpt(), symbols()),
        (gpt(position="rotary", norm="rms", activation="swiglu", use_bias=False), symbols()),
        (gpt(position="distance", groups=2, tied=False), symbols()),
        (gpt(norm_first=False, groups=1), symbols()),
        (nn.Sequential(nn.LSTM(3, layers=2), nn.LayerNorm(), nn.Dense(4)), numbers()),
        (nn.GRU(3, reset_after=False), numbers()),
        (nn.Sequential(nn.SimpleRNN(3), nn.ReLU(), nn.GRU(2)), numbers()),
        (
            nn.Sequential(nn.SinusoidalPositions(), nn.MultiHeadAttention(2, causal=True)),
            numbers(),
        ),
    ],
)
def test_place_by_place_is_as_all_at_once(network: nn.Module, x: Any) -> None:
    network = network.initialise(3, x, dtype="float64")
    assert nn.reads_stepwise(network)
    # Sums of a few numbers in another order, in float64.
    assert stepped(network, x) == pytest.approx(np.asarray(network(x)), rel=1e-11, abs=1e-12)


class Twice(nn.Module):
    """A layer that is called twice: each call keeps something of its own."""

    inner: nn.Module = nn.GRU(WIDTH)

    def __call__(self, x: Any, *, key: Any = None) -> Any:
        return self.inner(self.inner(x))


def test_shared_layers_keep_something_for_each_call() -> None:
    x = numbers()
    network = Twice().initialise(0, x, dtype="float64")
    assert stepped(network, x) == pytest.approx(np.asarray(network(x)), rel=1e-11)


@pytest.mark.parametrize(
    "network",
    [
        Twice(),
        nn.Sequential(nn.Conv1D(3)),
        nn.MultiHeadAttention(2),
        nn.LSTM(3, bidirectional=True),
        nn.GRU(3, returns="last"),
        nn.Sequential(nn.Dense(3), nn.Flatten()),
        nn.TransformerEncoder(1, heads=2),
    ],
)
def test_networks_that_may_see_other_places_are_told(network: nn.Module) -> None:
    assert not nn.reads_stepwise(network)
