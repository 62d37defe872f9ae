"""Layer normalisation and its relative by root mean square: each example for itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import chainrule.numpy as cnp
from chainrule.ir import ArrayType
from chainrule.nn.initialisers import Ones, Zeros
from chainrule.nn.module import Module
from chainrule.nn.scope import Variable
from chainrule.nn.standardise import check_epsilon, feature_axis, standardise
from chainrule.tracing import static


class LayerNorm(Module):
    """Standardise the features of each position: ``scale (x - m) / sqrt(v + epsilon) + bias``.

    Ba, Kiros and Hinton, "Layer normalization", 2016. m and v are the mean and the variance
    (divided by their number) of the features of one position of one example; nothing depends on
    the minibatch, and training and prediction are alike.

    Parameters
    ----------
    axes
        How many of the last axes are features: with 1, a position (batch, ..., features) is
        standardised over its features; with 3, an image (batch, height, width, channels) whole.
    epsilon
        Added to the variance.
    use_scale, use_bias
        Whether the result is scaled and shifted.
    scale, bias
        The shape of the features; they begin at one and zero.

    >>> from chainrule import nn
    >>> layer = nn.LayerNorm(epsilon=0.0).initialise(0, ArrayType((1, 2)))
    >>> layer([[1.0, 3.0]]).tolist()
    [[-1.0, 1.0]]
    """

    axes: int = static(default=1)
    epsilon: float = static(default=1e-5)
    use_scale: bool = static(default=True)
    use_bias: bool = static(default=True)
    scale: Any = None
    bias: Any = None

    def __post_init__(self) -> None:
        """Check the settings."""
        check_epsilon(self.epsilon)

    def declare(self, x: ArrayType) -> Mapping[str, Variable]:
        """Say which arrays this layer holds, for an input of this type."""
        features = x.shape[feature_axis("LayerNorm", x, -self.axes) :]
        held = {}
        if self.use_scale:
            held["scale"] = Variable(features, Ones())
        if self.use_bias:
            held["bias"] = Variable(features, Zeros())
        return held

    def __call__(self, x: Any, *, key: Any = None) -> Any:
        """Standardise each position."""
        y = standardise(x, tuple(range(x.ndim - self.axes, x.ndim)), self.epsilon)
        if self.use_scale:
            y = y * self.scale
        return y + self.bias if self.use_bias else y


class RMSNorm(Module):
    """Divide the features of each position by their root mean square, and scale them.

    Zhang and Sennrich, "Root mean square layer normalization", 2019:
    ``scale x / sqrt(mean(x x) + epsilon)``. Cheaper than `LayerNorm`: the mean stays.

    Parameters
    ----------
    epsilon
        Added to the mean of squares.
    use_scale
        Whether the result is scaled.
    scale
        Shape (features,); it begins at one.

    A call takes and returns (batch, ..., features).

    >>> from chainrule import nn
    >>> layer = nn.RMSNorm(epsilon=0.0).initialise(0, ArrayType((1, 2)))
    >>> layer([[3.0, 3.0]]).tolist()
    [[1.0, 1.0]]
    """

    epsilon: float = static(default=1e-6)
    use_scale: bool = static(default=True)
    scale: Any = None

    def __post_init__(self) -> None:
        """Check the settings."""
        check_epsilon(self.epsilon)

    def declare(self, x: ArrayType) -> Mapping[str, Variable]:
        """Say which arrays this layer holds, for an input of this type."""
        size = x.shape[feature_axis("RMSNorm", x, -1)]
        return {"scale": Variable((size,), Ones())} if self.use_scale else {}

    def __call__(self, x: Any, *, key: Any = None) -> Any:
        """Divide each position by its root mean square."""
        y = x * (1 / cnp.sqrt(cnp.mean(x * x, axis=-1, keepdims=True) + self.epsilon))
        return y * self.scale if self.use_scale else y
