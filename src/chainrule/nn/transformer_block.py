"""Blocks of a transformer: attention and a feed-forward part, each with a way around it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from chainrule import random
from chainrule.errors import ParameterError
from chainrule.nn.attention import MultiHeadAttention
from chainrule.nn.dropout import Dropout
from chainrule.nn.feed_forward import FeedForward
from chainrule.nn.layer_norm import LayerNorm, RMSNorm
from chainrule.nn.module import Module
from chainrule.tracing import static


class TransformerEncoderBlock(Module):
    """Let the places of a sequence look at each other, then work on each for itself.

    With the normalisation first, as nearly all do since Xiong and others, "On layer normalization
    in the transformer architecture", 2020: ``x = x + attention(norm(x))``, then ``x = x +
    feed_forward(norm(x))``. Otherwise as in Vaswani and others, 2017: ``x = norm(x + ...)``.

    Parameters
    ----------
    heads, groups, causal, position
        See `MultiHeadAttention`.
    hidden, activation
        See `FeedForward`.
    dropout
        Rate of dropout on the weights of attention, within the feed-forward part, and on what each
        part adds.
    norm_first
        Where the normalisation stands.
    norm
        "layer" for `LayerNorm`, "rms" for `RMSNorm`.
    use_bias
        Whether projections and dense layers add a bias.

    A call takes and returns (batch, places, width).

    >>> import numpy as np
    >>> from chainrule import nn
    >>> x = np.ones((2, 5, 8), np.float32)
    >>> nn.TransformerEncoderBlock(heads=2).initialise(0, x)(x).shape
    (2, 5, 8)
    """

    attention: MultiHeadAttention
    feed_forward: FeedForward
    norms: tuple[Module, ...]
    drop: Dropout
    norm_first: bool = static(default=True)

    def __init__(
        self,
        heads: int,
        hidden: int | None = None,
        *,
        activation: str = "gelu",
        dropout: float = 0.0,
        norm_first: bool = True,
        norm: str = "layer",
        causal: bool = False,
        position: str = "none",
        groups: int | None = None,
        use_bias: bool = True,
    ) -> None:
        put = object.__setattr__
        attention = MultiHeadAttention(
            heads,
            groups=groups,
            causal=causal,
            dropout=dropout,
            position=position,
            use_bias=use_bias,
        )
        put(self, "attention", attention)
        put(self, "feed_forward", FeedForward(hidden, activation, dropout, use_bias))
        put(self, "norms", (normalisation(norm), normalisation(norm)))
        put(self, "drop", Dropout(dropout))
        put(self, "norm_first", norm_first)

    def __call__(self, x: Any, mask: Any = None, *, key: Any = None) -> Any:
        """Run the block.

        Parameters
        ----------
        x
            Floats (batch, places, width).
        mask
            None, or truth values (batch, places): False at padding, which nobody looks at.
        key
            Random key of training, None for prediction.
        """
        keys = _keys(key, 2)
        x = self._around(x, 0, keys[0], lambda y, key: self.attention(y, mask=mask, key=key))
        return self._around(x, 1, keys[1], lambda y, key: self.feed_forward(y, key=key))

    def _around(self, x: Any, number: int, key: Any, part: Callable[..., Any]) -> Any:
        return _residual(part, x, self.norms[number], self.drop, key, self.norm_first)


class TransformerDecoderBlock(Module):
    """Look at the own sequence, then at another one, then work on each place for itself.

    As `TransformerEncoderBlock`, with attention to a memory, such as an encoder's output, between
    the two parts (Vaswani and others, "Attention is all you need", 2017, section 3.1).

    Parameters
    ----------
    heads, groups, causal, position
        See `MultiHeadAttention`; `causal` and `position` are about the own sequence.
    hidden, activation
        See `FeedForward`.
    dropout
        Rate of dropout on the weights of attention, within the feed-forward part, and on what each
        part adds.
    norm_first
        Where the normalisation stands.
    norm
        "layer" for `LayerNorm`, "rms" for `RMSNorm`.
    use_bias
        Whether projections and dense layers add a bias.

    A call takes (batch, places, width) and a memory (batch, sources, memory width), and returns
    (batch, places, width).

    >>> import numpy as np
    >>> from chainrule import nn
    >>> x, memory = np.ones((2, 3, 8), np.float32), np.ones((2, 5, 4), np.float32)
    >>> nn.TransformerDecoderBlock(heads=2).initialise(0, x, memory)(x, memory).shape
    (2, 3, 8)
    """

    attention: MultiHeadAttention
    cross_attention: MultiHeadAttention
    feed_forward: FeedForward
    norms: tuple[Module, ...]
    drop: Dropout
    norm_first: bool = static(default=True)

    def __init__(
        self,
        heads: int,
        hidden: int | None = None,
        *,
        activation: str = "gelu",
        dropout: float = 0.0,
        norm_first: bool = True,
        norm: str = "layer",
        causal: bool = True,
        position: str = "none",
        groups: int | None = None,
        use_bias: bool = True,
    ) -> None:
        put = object.__setattr__
        own = MultiHeadAttention(
            heads,
            groups=groups,
            causal=causal,
            dropout=dropout,
            position=position,
            use_bias=use_bias,
        )
        cross = MultiHeadAttention(heads, groups=groups, dropout=dropout, use_bias=use_bias)
        put(self, "attention", own)
        put(self, "cross_attention", cross)
        put(self, "feed_forward", FeedForward(hidden, activation, dropout, use_bias))
        put(self, "norms", tuple(normalisation(norm) for _ in range(3)))
        put(self, "drop", Dropout(dropout))
        put(self, "norm_first", norm_first)

    def __call__(
        self, x: Any, memory: Any, mask: Any = None, memory_mask: Any = None, *, key: Any = None
    ) -> Any:
        """Run the block.

        Parameters
        ----------
        x
            Floats (batch, places, width).
        memory
            Floats (batch, sources, memory width).
        mask, memory_mask
            None, or truth values (batch, places) and (batch, sources): False at padding, which
            nobody looks at.
        key
            Random key of training, None for prediction.
        """
        keys = _keys(key, 3)
        x = self._around(x, 0, keys[0], lambda y, key: self.attention(y, mask=mask, key=key))
        x = self._around(
            x, 1, keys[1], lambda y, key: self.cross_attention(y, memory, mask=memory_mask, key=key)
        )
        return self._around(x, 2, keys[2], lambda y, key: self.feed_forward(y, key=key))

    def _around(self, x: Any, number: int, key: Any, part: Callable[..., Any]) -> Any:
        return _residual(part, x, self.norms[number], self.drop, key, self.norm_first)


NORMS: Mapping[str, Callable[[], Module]] = MappingProxyType({"layer": LayerNorm, "rms": RMSNorm})
"""Normalisation layers by name."""


def normalisation(name: str) -> Module:
    """Make a normalisation layer by its name.

    >>> normalisation("rms")
    RMSNorm()
    """
    if name not in NORMS:
        raise ParameterError(f"unknown norm {name!r}; expected one of {', '.join(NORMS)}")
    return NORMS[name]()


def _residual(
    part: Callable[..., Any], x: Any, norm: Module, drop: Dropout, key: Any, norm_first: bool
) -> Any:
    """Add what a part makes of x to x."""
    first, second = _keys(key, 2)
    added = drop(part(norm(x) if norm_first else x, first), key=second)
    return x + added if norm_first else norm(x + added)


def _keys(key: Any, count: int) -> tuple[Any, ...]:
    return (None,) * count if key is None else random.split(key, count)
