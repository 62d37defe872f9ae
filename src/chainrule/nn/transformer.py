"""Stacks of transformer blocks."""

from __future__ import annotations

from typing import Any

from chainrule import random
from chainrule.errors import ParameterError
from chainrule.nn.module import Module
from chainrule.nn.transformer_block import (
    TransformerDecoderBlock,
    TransformerEncoderBlock,
    normalisation,
)


class TransformerEncoder(Module):
    """Several `TransformerEncoderBlock` on top of each other.

    Parameters
    ----------
    depth
        Number of blocks.
    heads, hidden, settings
        Of each block; see `TransformerEncoderBlock`. Where blocks normalise first, a last
        normalisation follows them.

    A call takes and returns (batch, places, width), and takes a mask (batch, places) that is False
    at padding. It knows no places unless `position` says so, or they were added to its input (see
    `LearntPositions`, `SinusoidalPositions`).

    >>> import numpy as np
    >>> from chainrule import nn
    >>> x = np.ones((2, 5, 8), np.float32)
    >>> encoder = nn.TransformerEncoder(2, heads=4, dropout=0.1).initialise(0, x)
    >>> encoder(x, np.ones((2, 5), bool)).shape
    (2, 5, 8)
    """

    blocks: tuple[TransformerEncoderBlock, ...]
    norm: Module | None

    def __init__(self, depth: int, heads: int, hidden: int | None = None, **settings: Any) -> None:
        put = object.__setattr__
        _check_depth(depth)
        blocks = tuple(TransformerEncoderBlock(heads, hidden, **settings) for _ in range(depth))
        put(self, "blocks", blocks)
        first = settings.get("norm_first", True)
        put(self, "norm", normalisation(settings.get("norm", "layer")) if first else None)

    def __call__(self, x: Any, mask: Any = None, *, key: Any = None) -> Any:
        """Run the blocks.

        Parameters
        ----------
        x
            Floats (batch, places, width).
        mask
            None, or truth values (batch, places): False at padding, which nobody looks at.
        key
            Random key of training, None for prediction.
        """
        for i, block in enumerate(self.blocks):
            x = block(x, mask, key=_folded(key, i))
        return x if self.norm is None else self.norm(x)


class TransformerDecoder(Module):
    """Several `TransformerDecoderBlock` on top of each other.

    Parameters
    ----------
    depth
        Number of blocks.
    heads, hidden, settings
        Of each block; see `TransformerDecoderBlock`. Where blocks normalise first, a last
        normalisation follows them.

    A call takes (batch, places, width) and a memory (batch, sources, memory width), and masks of
    both that are False at padding. It returns (batch, places, width).

    >>> import numpy as np
    >>> from chainrule import nn
    >>> x, memory = np.ones((2, 3, 8), np.float32), np.ones((2, 5, 8), np.float32)
    >>> nn.TransformerDecoder(2, heads=4).initialise(0, x, memory)(x, memory).shape
    (2, 3, 8)
    """

    blocks: tuple[TransformerDecoderBlock, ...]
    norm: Module | None

    def __init__(self, depth: int, heads: int, hidden: int | None = None, **settings: Any) -> None:
        put = object.__setattr__
        _check_depth(depth)
        blocks = tuple(TransformerDecoderBlock(heads, hidden, **settings) for _ in range(depth))
        put(self, "blocks", blocks)
        first = settings.get("norm_first", True)
        put(self, "norm", normalisation(settings.get("norm", "layer")) if first else None)

    def __call__(
        self, x: Any, memory: Any, mask: Any = None, memory_mask: Any = None, *, key: Any = None
    ) -> Any:
        """Run the blocks.

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
        for i, block in enumerate(self.blocks):
            x = block(x, memory, mask, memory_mask, key=_folded(key, i))
        return x if self.norm is None else self.norm(x)


def _folded(key: Any, number: int) -> Any:
    return None if key is None else random.fold_in(key, number)


def _check_depth(depth: int) -> None:
    if depth < 1:
        raise ParameterError(f"a transformer needs at least one block, received {depth}")
