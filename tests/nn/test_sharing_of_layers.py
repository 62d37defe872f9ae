"""Workers share a training step of every layer here by rows, and get what one alone gets."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import chainrule.numpy as cnp
from chainrule import losses, nn, optim, random
from chainrule.execute import loop
from chainrule.execute.native import run
from chainrule.execute.native.run import LoopKey, NativeLoop
from chainrule.tracing import flatten
from chainrule.train.examples import batch_types
from chainrule.train.program import Layout, Objective
from chainrule.train.step import Step

ROWS, BATCH = 13, 6
SEQUENCE = np.random.default_rng(0).normal(size=(ROWS, 4, 6)).astype(np.float32)
TEXT = np.random.default_rng(1).integers(0, 7, (ROWS, 5)).astype(np.int32)


class Mean(nn.Module):
    """Averages what layers give for a sequence, and one more number."""

    layers: nn.Sequential

    def __call__(self, x: Any, *, key: Any = None) -> Any:
        return cnp.reshape(cnp.mean(self.layers(x, key=key), axis=(1, 2)), (x.shape[0], 1))


class Translator(nn.Module):
    """A decoder on a masked memory."""

    encoder: nn.Module = nn.TransformerEncoder(1, 2, dropout=0.2)
    decoder: nn.Module = nn.TransformerDecoder(1, 2, dropout=0.2)

    def __call__(self, x: Any, *, key: Any = None) -> Any:
        first, second = (None, None) if key is None else random.split(key)
        mask = x[:, :, 0] > -1.0
        y = self.decoder(x[:, 1:], self.encoder(x, mask, key=first), None, mask, key=second)
        return cnp.reshape(cnp.mean(y * y * y, axis=(1, 2)), (x.shape[0], 1))


NETWORKS: dict[str, tuple[nn.Module, Any]] = {
    "norms": (
        Mean(nn.Sequential(nn.LayerNorm(), nn.RMSNorm(), nn.GroupNorm(3), nn.InstanceNorm())),
        SEQUENCE,
    ),
    "batch norm": (Mean(nn.Sequential(nn.BatchNorm(), nn.Tanh(), nn.BatchNorm())), SEQUENCE),
    "noise": (
        Mean(
            nn.Sequential(
                nn.Dropout(0.3, shared=(1,)),
                nn.Dense(6),
                nn.GaussianNoise(),
                nn.GaussianDropout(0.2),
                nn.AlphaDropout(0.2),
            )
        ),
        SEQUENCE,
    ),
    "attention": (
        Mean(
            nn.Sequential(
                nn.SinusoidalPositions(),
                nn.LearntPositions(4),
                nn.MultiHeadAttention(2, causal=True, dropout=0.3, position="distance"),
                nn.MultiHeadAttention(4, size=2, groups=2, position="rotary"),
            )
        ),
        SEQUENCE,
    ),
    "translator": (Translator(), SEQUENCE),
    "gpt": (nn.GPT(7, 5, 8, 1, 2, dropout=0.2), TEXT),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_two_workers_do_what_one_does(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    network, x = NETWORKS[name]
    network = network.initialise(0, *batch_types((x,)))
    loss = losses.CrossEntropy() if name == "gpt" else losses.SquaredError()
    targets = x if name == "gpt" else SEQUENCE[:, 0, :1]
    layout, optimiser = Layout.of(network), optim.SGD(0.05)
    carried, fixed = layout.divide(network)
    step = Step(Objective(layout, loss, ()), optimiser)
    carry = step.initial(carried)
    data = {
        "inputs": (x,),
        "targets": targets,
        "fixed": fixed,
        "key": random.key(1),
        "learning_rate": np.float32(0.05),
    }
    traced = loop(step.take, carry, data, batch_size=BATCH)
    count = len(flatten(carry)[0])
    monkeypatch.setattr(run, "WORK_PER_WORKER", 1)
    run._built_loop.cache_clear()
    results = []
    for workers in (1, 2):
        key = LoopKey(traced.graph.fingerprint, count, BATCH, workers, False, False, traced.graph)
        native = NativeLoop(key)
        assert native.workers == workers
        arrays = [np.array(a) for a in flatten((carry, data))[0]]
        native.run(arrays, np.arange(ROWS, dtype=np.int32), 0)
        results.append(arrays[:count])
    for alone, together in zip(*results, strict=True):
        np.testing.assert_allclose(alone, together, rtol=1e-4, atol=1e-6)
