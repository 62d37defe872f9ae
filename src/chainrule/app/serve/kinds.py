"""One small network of each kind, all on the same pictures of digits, so that they compare."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

import numpy as np

from chainrule import nn
from chainrule.app.serve.material import Material
from chainrule.app.serve.setup import Setup
from chainrule.data import load_sample

SIDE = 8
"""Rows and columns of a picture."""

_HELD = 297
_CLASSES = tuple(map(str, range(10)))


@cache
def _digits() -> tuple[Any, Any]:
    """Pictures (rows, 8, 8) with brightness from -1 to 1, and the digits on them."""
    frame = load_sample("digits").frame
    brightness = frame.drop("digit").to_numpy().astype(np.float64)
    return brightness.reshape(-1, SIDE, SIDE) / 8 - 1, frame["digit"].to_numpy().astype(np.int32)


def _classifier(title: str, about: str, shape: tuple[int, ...], network: nn.Module) -> Material:
    pictures, labels = _digits()
    inputs = pictures.reshape(-1, *shape)
    return Material(
        title,
        about,
        (inputs[_HELD:],),
        labels[_HELD:],
        "class",
        10,
        Setup((), "relu", "identity", "cross_entropy", optimiser="adam", rate=0.01, batch=16),
        (),
        _CLASSES,
        network,
        held_inputs=(inputs[:_HELD],),
        held_labels=labels[:_HELD],
    )


def _convolution() -> Material:
    return _classifier(
        "Convolution",
        "Digits as pictures: kernels slide over them, and each gives a map of what it found.",
        (SIDE, SIDE, 1),
        nn.Sequential(
            nn.Conv2D(4, 3, padding="same"),
            nn.ReLU(),
            nn.MaxPool2D(2),
            nn.Conv2D(6, 3),
            nn.ReLU(),
            nn.Flatten(),
            nn.Dense(10),
        ),
    )


def _recurrence() -> Material:
    return _classifier(
        "Recurrence",
        "Digits row by row from the top: an LSTM reads eight steps and remembers.",
        (SIDE, SIDE),
        nn.Sequential(nn.LSTM(8, returns="last"), nn.Dense(10)),
    )


def _attention() -> Material:
    return _classifier(
        "Attention",
        "Each row of a digit looks at all rows: two heads say how much.",
        (SIDE, SIDE),
        nn.Sequential(nn.MultiHeadAttention(2), nn.LayerNorm(), nn.Flatten(), nn.Dense(10)),
    )


def _autoencoder() -> Material:
    pictures, _ = _digits()
    flat = pictures.reshape(-1, SIDE * SIDE)
    pixels = tuple(f"pixel_{i // SIDE}_{i % SIDE}" for i in range(SIDE * SIDE))
    return Material(
        "Autoencoder",
        "Digits squeezed through six numbers and drawn again: the target is the input.",
        (flat[_HELD:],),
        flat[_HELD:],
        "number",
        SIDE * SIDE,
        Setup((24, 6, 24), "tanh", loss="squared_error", optimiser="adam", rate=0.01, batch=16),
        pixels,
        pixels,
        held_inputs=(flat[:_HELD],),
        held_labels=flat[:_HELD],
    )


KINDS: Mapping[str, Callable[[], Material]] = MappingProxyType(
    {
        "convolution": _convolution,
        "recurrence": _recurrence,
        "attention": _attention,
        "autoencoder": _autoencoder,
    }
)
"""Networks by the names of their kinds."""

TITLES: Mapping[str, str] = MappingProxyType({name: name.capitalize() for name in KINDS})
"""What they are called on the page."""
