"""The network of sequences: layers over the steps, a mean over the real ones, and a perceptron."""

from __future__ import annotations

import inspect
from functools import cache
from typing import Any

import chainrule.numpy as cnp
from chainrule import nn, random


class SequenceNetwork(nn.Module):
    """Run layers over the steps of padded sequences, so that padding changes nothing.

    Parameters
    ----------
    layers
        Each takes (batch, steps, features). Layers that know masks get one; behind all others,
        padding is set to zero again.
    head
        Takes (batch, features).

    A call takes values (batch, steps, channels) and a mask, bool (batch, steps), that is true for
    the real steps, which come first. If the last layer gives a vector for each step, the head gets
    their mean.
    """

    layers: tuple[nn.Module, ...] = ()
    head: nn.Module = nn.Identity()

    def __call__(self, values: Any, mask: Any, *, key: Any = None) -> Any:
        """Compute the head's outputs."""
        x = values
        for i, layer in enumerate(self.layers):
            part = None if key is None else random.fold_in(key, i)
            if takes_mask(type(layer)):
                x = layer(x, mask=mask, key=part)
            else:
                x = layer(x, key=part)
                # Pooling shortens: a step is real if the first of those that it joins is.
                if len(x.shape) == 3 and x.shape[1] != mask.shape[1]:
                    mask = mask[:, :: mask.shape[1] // x.shape[1]][:, : x.shape[1]]
            if len(x.shape) == 3:
                x = x * cnp.astype(mask, x.dtype)[:, :, None]
        if len(x.shape) == 3:
            count = cnp.maximum(cnp.sum(cnp.astype(mask, x.dtype), axis=1), 1.0)
            x = cnp.sum(x, axis=1) / count[:, None]
        return self.head(x, key=None if key is None else random.fold_in(key, len(self.layers)))


@cache
def takes_mask(kind: type[nn.Module]) -> bool:
    """Tell whether layers of a class take a mask of the real steps."""
    return "mask" in inspect.signature(kind.__call__).parameters
