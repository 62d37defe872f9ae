"""Layers on small inputs, with weights that are the same wherever they are drawn.

`golden_layers.py` runs them in PyTorch and keeps inner products of every result with three random
directions; `test_layers_against_pytorch.py` runs them here.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule import nn, random

Floats = np.ndarray[Any, Any]
MASK = np.array([[True, True, False, True, False], [True, False, False, False, False]])
SYMBOLS = np.array([[1, 4, 4, 10, 0], [2, 9, 3, 3, 7]], np.int32)
ALLOWED = np.array([[1, 0, 1, 0], [1, 1, 1, 1], [0, 0, 0, 1], [0, 1, 0, 1]], bool)


def drawn(name: str, shape: tuple[int, ...]) -> Floats:
    """Normal numbers that depend on the name only."""
    return np.random.default_rng(zlib.crc32(name.encode())).normal(size=shape)


def fingerprint(array: Any) -> list[float]:
    """Inner products with three random directions: what differs, differs there."""
    flat = np.asarray(array, np.float64).ravel()
    return [float(flat @ drawn(f"direction {i}", flat.shape)) for i in range(3)]


@dataclass(frozen=True)
class Case:
    """One layer on inputs.

    Attributes
    ----------
    layer
        Without arrays.
    inputs
        What a call receives.
    training
        Whether it is called with a key.
    call
        How it is called, if not with the inputs alone.
    """

    layer: Any
    inputs: tuple[Floats, ...]
    training: bool = False
    call: Callable[..., Any] | None = None

    def arrays(self) -> dict[str, Floats]:
        """Draw every array of the layer, by path."""
        network = self.layer.initialise(0, *self.inputs, dtype="float64")
        return {
            path: (np.exp if path.endswith("variance") else np.array)(drawn(path, x.shape))
            for path, x in network.arrays().items()
        }

    def run(self, arrays: dict[str, Any], inputs: tuple[Any, ...]) -> Any:
        """Call the layer with arrays in place."""
        layer = self.layer.with_arrays(arrays)
        if self.call is not None:
            return self.call(layer, *inputs)
        return layer(*inputs, key=random.key(0)) if self.training else layer(*inputs)


def cases() -> dict[str, Case]:
    """All cases, by name."""
    table, images = drawn("table", (5, 4)), drawn("images", (3, 4, 2, 6))
    sequence = drawn("sequence", (2, 3, 8)) + 10.0
    query = drawn("query", (2, 4, 6))
    memory, contents = drawn("memory", (2, 5, 3)), drawn("contents", (2, 5, 7))
    attention = nn.MultiHeadAttention
    return {
        "batch norm, training": Case(nn.BatchNorm(), (table,), training=True),
        "batch norm, predicting": Case(nn.BatchNorm(), (table,)),
        "batch norm, images": Case(nn.BatchNorm(), (images,), training=True),
        "batch norm, channels first": Case(nn.BatchNorm(axis=1), (images,), training=True),
        "layer norm": Case(nn.LayerNorm(), (sequence,)),
        "layer norm, whole": Case(nn.LayerNorm(axes=2, use_bias=False), (sequence,)),
        "rms norm": Case(nn.RMSNorm(), (sequence,)),
        "group norm": Case(nn.GroupNorm(3), (images,)),
        "group norm, table": Case(nn.GroupNorm(2), (table,)),
        "instance norm": Case(nn.InstanceNorm(), (images,)),
        "attention": Case(attention(2), (query,)),
        "attention, causal": Case(attention(3, causal=True), (query,)),
        "attention, cross": Case(attention(2, size=4), (query, memory, contents)),
        "attention, padded": Case(
            attention(2),
            (query, memory),
            call=lambda layer, q, m: layer(q, m, mask=MASK),
        ),
        "attention, allowed": Case(
            attention(2, use_bias=False),
            (query,),
            call=lambda layer, q: layer(q, allowed=ALLOWED),
        ),
        "attention, grouped": Case(attention(4, size=2, groups=2, causal=True), (query,)),
        "attention, rotary": Case(attention(1, size=8, position="rotary"), (query,)),
        "attention, distance": Case(attention(2, position="distance"), (query,)),
        "feed forward": Case(nn.FeedForward(5), (query,)),
        "feed forward, gated": Case(nn.FeedForward(5, "swiglu"), (query,)),
        "encoder block": Case(nn.TransformerEncoderBlock(2, 10), (query,)),
        "encoder block, norm last": Case(
            nn.TransformerEncoderBlock(2, 10, activation="relu", norm_first=False),
            (query,),
        ),
        "decoder block": Case(
            nn.TransformerDecoderBlock(3, 10),
            (query, drawn("encoded", (2, 5, 6))),
            call=lambda layer, x, memory: layer(x, memory, memory_mask=MASK),
        ),
        "decoder block, norm last": Case(
            nn.TransformerDecoderBlock(3, 10, norm_first=False),
            (query, drawn("encoded", (2, 5, 6))),
        ),
        "encoder": Case(nn.TransformerEncoder(2, 2, 7, causal=True), (query,)),
        "gpt, tied": Case(nn.GPT(11, context=9, width=6, depth=1, heads=2, hidden=7), (SYMBOLS,)),
        "learnt positions": Case(nn.LearntPositions(7), (query,)),
    }
