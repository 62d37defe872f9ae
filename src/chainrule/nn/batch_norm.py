"""Batch normalisation: each feature is standardised over the examples of a minibatch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import chainrule.numpy as cnp
from chainrule.errors import ParameterError
from chainrule.ir import ArrayType, element_count
from chainrule.nn.initialisers import Ones, Zeros
from chainrule.nn.module import Module, state
from chainrule.nn.scope import Variable
from chainrule.nn.standardise import check_epsilon, feature_axis
from chainrule.tracing import static


class BatchNorm(Module):
    """Standardise each feature over the minibatch; predict with running statistics.

    Ioffe and Szegedy, "Batch normalization: accelerating deep network training by reducing
    internal covariate shift", 2015. While training (with a key)
    ``y = scale (x - m) / sqrt(v + epsilon) + bias``, where m and v are the mean and the variance
    (divided by n) of a feature over all n entries that the minibatch has of it, however many rows
    it holds. For prediction, the running mean and variance take their place.

    Parameters
    ----------
    axis
        Where the features lie; the last axis, so that images (batch, height, width, channels) are
        standardised by channel. All other axes are averaged over.
    momentum
        Share of the running statistics that a step keeps: ``mean = momentum mean + (1 - momentum)
        m``, as in Keras. PyTorch's `momentum` is one less this number: 0.9 here is its default,
        0.1. As there, the running variance takes in n / (n - 1) times v, an estimate without bias.
    epsilon
        Added to the variance.
    use_scale, use_bias
        Whether the result is scaled and shifted.
    scale, bias
        Shape (features,); they begin at one and zero.
    mean, variance
        Running statistics, shape (features,): handed on by training steps, changed by no gradient.

    A minibatch with one entry of a feature gives `bias` there. A training step that several
    workers share averages over the rows of all of them. Where the layer is frozen its arrays stay,
    the running statistics too, but training still standardises over the minibatch; call it without
    a key, in a module of your own, to use the running statistics while other layers train.

    >>> import numpy as np
    >>> from chainrule import nn, random
    >>> layer = nn.BatchNorm(epsilon=0.0).initialise(0, ArrayType((4, 1)))
    >>> layer(np.array([[1.0], [3.0]]), key=random.key(0)).tolist()
    [[-1.0], [1.0]]
    >>> layer(np.array([[1.0], [3.0]])).tolist()
    [[1.0], [3.0]]
    """

    axis: int = static(default=-1)
    momentum: float = static(default=0.9)
    epsilon: float = static(default=1e-5)
    use_scale: bool = static(default=True)
    use_bias: bool = static(default=True)
    scale: Any = None
    bias: Any = None
    mean: Any = state(default=None)
    variance: Any = state(default=None)

    def __post_init__(self) -> None:
        """Check the settings."""
        check_epsilon(self.epsilon)
        if not 0 <= self.momentum <= 1:
            raise ParameterError(f"momentum lies in [0, 1], received {self.momentum}")

    def declare(self, x: ArrayType) -> Mapping[str, Variable]:
        """Say which arrays this layer holds, for an input of this type."""
        features = (x.shape[feature_axis("BatchNorm", x, self.axis)],)
        held = {"mean": Variable(features, Zeros()), "variance": Variable(features, Ones())}
        if self.use_scale:
            held["scale"] = Variable(features, Ones())
        if self.use_bias:
            held["bias"] = Variable(features, Zeros())
        return held

    def __call__(self, x: Any, *, key: Any = None) -> Any:
        """Standardise, over the minibatch if there is a key."""
        axis = self.axis % x.ndim
        mean, variance = self.mean, self.variance
        if key is not None:
            others = tuple(a for a in range(x.ndim) if a != axis)
            mean, variance = cnp.mean(x, axis=others), cnp.var(x, axis=others)
            count = cnp.zeros_like(variance) + element_count(tuple(x.shape[a] for a in others))
            keep, unbiased = self.momentum, count / cnp.maximum(count - 1, 1.0)
            self.hand_on(
                mean=keep * self.mean + (1 - keep) * mean,
                variance=keep * self.variance + (1 - keep) * (variance * unbiased),
            )
        factor = 1 / cnp.sqrt(variance + self.epsilon)
        if self.use_scale:
            factor = factor * self.scale
        along = tuple(n if a == axis else 1 for a, n in enumerate(x.shape))
        y = (x - cnp.reshape(mean, along)) * cnp.reshape(factor, along)
        return y + cnp.reshape(self.bias, along) if self.use_bias else y
