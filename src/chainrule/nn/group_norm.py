"""Group and instance normalisation: channels of one example, standardised over its positions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import chainrule.numpy as cnp
from chainrule.errors import ParameterError, ShapeError
from chainrule.ir import ArrayType
from chainrule.nn.initialisers import Ones, Zeros
from chainrule.nn.module import Module
from chainrule.nn.scope import Variable
from chainrule.nn.standardise import check_epsilon, feature_axis, standardise
from chainrule.tracing import static


class GroupNorm(Module):
    """Standardise groups of channels over all positions of one example.

    Wu and He, "Group normalization", 2018. Channels are divided into groups of neighbours; mean
    and variance are those of a group's channels at all positions. Nothing depends on the
    minibatch. One group is layer normalisation of whole images; a group for each channel is
    instance normalisation.

    Parameters
    ----------
    groups
        Number of groups; it divides the number of channels.
    epsilon
        Added to the variance.
    use_scale, use_bias
        Whether each channel is scaled and shifted.
    scale, bias
        Shape (channels,); they begin at one and zero.

    A call takes and returns (batch, ..., channels).

    >>> from chainrule import nn
    >>> layer = nn.GroupNorm(2, epsilon=0.0).initialise(0, ArrayType((1, 4)))
    >>> layer([[1.0, 3.0, 30.0, 10.0]]).tolist()
    [[-1.0, 1.0, 1.0, -1.0]]
    """

    groups: int = static()
    epsilon: float = static(default=1e-5)
    use_scale: bool = static(default=True)
    use_bias: bool = static(default=True)
    scale: Any = None
    bias: Any = None

    def __post_init__(self) -> None:
        """Check the settings."""
        check_epsilon(self.epsilon)
        if self.groups < 1:
            raise ParameterError(f"GroupNorm needs at least one group, received {self.groups}")

    def declare(self, x: ArrayType) -> Mapping[str, Variable]:
        """Say which arrays this layer holds, for an input of this type."""
        channels = x.shape[feature_axis("GroupNorm", x, -1)]
        if isinstance(channels, int) and channels % self.groups:
            raise ShapeError(f"{channels} channels cannot be divided into {self.groups} groups")
        return _affine(channels, self.use_scale, self.use_bias)

    def __call__(self, x: Any, *, key: Any = None) -> Any:
        """Standardise each group."""
        grouped = (*x.shape[:-1], self.groups, x.shape[-1] // self.groups)
        axes = (*range(1, x.ndim - 1), x.ndim)
        y = cnp.reshape(standardise(cnp.reshape(x, grouped), axes, self.epsilon), x.shape)
        if self.use_scale:
            y = y * self.scale
        return y + self.bias if self.use_bias else y


class InstanceNorm(Module):
    """Standardise each channel over the positions of one example.

    Ulyanov, Vedaldi and Lempitsky, "Instance normalization: the missing ingredient for fast
    stylization", 2016: `GroupNorm` with a group for each channel.

    Parameters
    ----------
    epsilon
        Added to the variance.
    use_scale, use_bias
        Whether each channel is scaled and shifted.
    scale, bias
        Shape (channels,); they begin at one and zero.

    A call takes and returns (batch, positions, ..., channels).

    >>> from chainrule import nn
    >>> layer = nn.InstanceNorm(epsilon=0.0).initialise(0, ArrayType((1, 2, 1)))
    >>> layer([[[1.0], [3.0]]]).tolist()
    [[[-1.0], [1.0]]]
    """

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
        if x.ndim < 3:
            raise ShapeError(f"InstanceNorm expects (batch, positions, channels), received {x}")
        return _affine(x.shape[-1], self.use_scale, self.use_bias)

    def __call__(self, x: Any, *, key: Any = None) -> Any:
        """Standardise each channel."""
        y = standardise(x, tuple(range(1, x.ndim - 1)), self.epsilon)
        if self.use_scale:
            y = y * self.scale
        return y + self.bias if self.use_bias else y


def _affine(channels: Any, use_scale: bool, use_bias: bool) -> dict[str, Variable]:
    scale = {"scale": Variable((channels,), Ones())} if use_scale else {}
    return {**scale, **({"bias": Variable((channels,), Zeros())} if use_bias else {})}
