"""A layer whose inner values are computed again in the backward pass."""

from __future__ import annotations

from typing import Any

from chainrule.backprop import checkpoint
from chainrule.nn.module import Module
from chainrule.nn.scope import current


class Checkpoint(Module):
    """A layer, or several, that keep only their input for the backward pass.

    The backward pass computes what it needs of them once more: about a third more arithmetic in
    all, and for a deep network of equal blocks the memory of one block instead of all. Values and
    gradients stay what they are, but for rounding. See `chainrule.checkpoint`.

    Parameters
    ----------
    layer
        Any module of one input and one output, such as a block of a transformer.

    >>> from chainrule import nn
    >>> from chainrule.ir import ArrayType
    >>> block = nn.Checkpoint(nn.Sequential(nn.Dense(64), nn.Tanh(), nn.Dense(3)))
    >>> network = nn.Sequential(block, nn.Dense(1)).initialise(0, ArrayType((1, 3)))
    >>> sorted(network.arrays())[:2]
    ['layers[0].layer.layers[0].bias', 'layers[0].layer.layers[0].weight']
    """

    layer: Module

    def __call__(self, x: Any, *, key: Any = None) -> Any:
        """Compute the layer's output."""
        scope = current()
        if scope is not None and scope.building is not None:
            return self.layer(x, key=key)  # first values are being drawn: nothing to go back for
        return checkpoint(lambda layer, x, key: layer(x, key=key))(self.layer, x, key)
