"""Every layer of attention, normalisation and noise is described by a model file, and read back."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from chainrule import nn
from chainrule.app.model.network import network_from_json, network_to_json
from tests.nn.layer_cases import cases

SEQUENCE = np.ones((1, 4, 6), np.float32)
TEXT = np.zeros((1, 8), np.int32)
MORE: dict[str, tuple[nn.Module, Any]] = {
    "spatial dropout": (nn.Dropout(0.1, shared=(1, 2)), SEQUENCE),
    "noise": (nn.Sequential(nn.GaussianNoise(), nn.GaussianDropout(), nn.AlphaDropout()), SEQUENCE),
    "sinusoidal positions": (nn.SinusoidalPositions(), SEQUENCE),
    "residual": (nn.Residual(nn.FeedForward(), nn.Dropout()), SEQUENCE),
    "padded embedding": (nn.Embedding(5, 3, padding=0), TEXT),
    "gpt, rotary": (nn.GPT(9, 8, 8, 1, 2, position="rotary", tied=False, norm="rms"), TEXT),
}


def _networks() -> dict[str, nn.Module]:
    found = {name: case.layer.initialise(0, *case.inputs) for name, case in cases().items()}
    return found | {name: layer.initialise(0, x) for name, (layer, x) in MORE.items()}


@pytest.mark.parametrize("name", [*cases(), *MORE])
def test_a_layer_that_was_stored_is_the_same(name: str) -> None:
    network = _networks()[name]
    stored = json.loads(json.dumps(network_to_json(network)))
    again = network_from_json(stored, network.arrays())
    assert repr(again) == repr(network)
    assert again.arrays().keys() == network.arrays().keys()
