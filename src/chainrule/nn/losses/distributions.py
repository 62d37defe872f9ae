"""Losses of networks that predict a distribution."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

import chainrule.numpy as cnp
from chainrule.errors import DataError, ParameterError, ShapeError
from chainrule.ir import ArrayType
from chainrule.nn.losses.loss import Loss
from chainrule.nn.losses.measure import Measure, shown


@dataclass(frozen=True, kw_only=True)
class KullbackLeibler(Loss):
    """The divergence of predicted probabilities from given ones, from logits.

    ``sum(t ln(t / p))`` over the last axis, with p the softmax of the logits: 0 where both agree.
    Its gradient is that of `CrossEntropy`, from which it differs by the entropy of the targets. A
    class with target 0 costs nothing. As PyTorch's ``kl_div(log_softmax(z), t,
    reduction="batchmean")``.

    Predictions and targets are (batch, ..., classes).

    >>> abs(float(KullbackLeibler()([[0.0, 0.0]], [[0.5, 0.5]]))) < 1e-7
    True
    >>> float(KullbackLeibler()([[1000.0, 0.0]], [[0.0, 1.0]]))
    1000.0
    """

    def terms(self, predictions: Any, targets: Any) -> tuple[Any, Any]:
        """Give the divergence of each example."""
        if predictions.ndim == 0 or tuple(predictions.shape) != tuple(targets.shape):
            raise ShapeError(
                f"targets {shown(targets)} must be probabilities of the shape of the logits "
                f"{shown(predictions)}"
            )
        t = cnp.astype(targets, predictions.dtype)
        nothing = t == 0
        own = cnp.log(cnp.where(nothing, 1.0, t))
        logs = cnp.where(nothing, 0.0, cnp.log_softmax(predictions))
        return cnp.sum(t * (own - logs), axis=-1), None

    def prepare(self, targets: Any, outputs: ArrayType) -> Any:
        """Check that targets are not negative and give them as floats."""
        array = Measure.prepare(self, targets, outputs)
        if np.any(array < 0):
            raise DataError(f"probabilities must not be negative, received {array.min()}")
        return array

    def probabilities(self, outputs: Any) -> Any:
        """Give softmax of the outputs."""
        return cnp.softmax(outputs)


@dataclass(frozen=True, kw_only=True)
class GaussianNLL(Loss):
    """Minus the logarithm of a normal density, whose mean and variance the network predicts.

    With the mean m and the logarithm s of the variance: ``(s + (t - m)^2 exp(-s)) / 2``, a mean
    over the outputs: Nix and Weigend, "Estimating the mean and variance of the target probability
    distribution", 1994. As PyTorch's ``gaussian_nll_loss``, which takes the variance itself.

    Parameters
    ----------
    smallest
        The least variance: where s lies below its logarithm, it counts as that, without gradient.
    full
        Whether to add the constant ``ln(2 pi) / 2``, which makes it a true likelihood.

    Predictions are (batch, 2 outputs): first all means, then all logarithms of variances. Targets
    are (batch, outputs), or (batch,) for one output.

    >>> float(GaussianNLL()([[3.0, 0.0]], [1.0]))
    2.0
    """

    smallest: float = 1e-6
    full: bool = False

    def __post_init__(self) -> None:
        """Check the settings."""
        Measure.__post_init__(self)
        if not self.smallest > 0:
            raise ParameterError(f"the smallest variance must be positive, is {self.smallest}")

    def terms(self, predictions: Any, targets: Any) -> tuple[Any, Any]:
        """Give the mean negative log-likelihood of each example."""
        means, logs = self._halves(predictions)
        t = cnp.astype(targets, predictions.dtype)
        t = cnp.expand_dims(t, -1) if t.ndim == predictions.ndim - 1 else t
        if tuple(t.shape) != tuple(means.shape):
            raise ShapeError(
                f"targets {shown(targets)} need two outputs each, received {shown(predictions)}"
            )
        logs = cnp.maximum(logs, math.log(self.smallest))
        values = 0.5 * (logs + cnp.square(t - means) * cnp.exp(-logs))
        values = values + 0.5 * math.log(2 * math.pi) if self.full else values
        return cnp.mean(values, axis=tuple(range(1, values.ndim))), None

    def _halves(self, outputs: Any) -> tuple[Any, Any]:
        if outputs.ndim < 2 or not isinstance(outputs.shape[-1], int) or outputs.shape[-1] % 2:
            raise ShapeError(
                f"GaussianNLL needs a mean and a variance for each target, an even number of "
                f"outputs; received {shown(outputs)}"
            )
        half = outputs.shape[-1] // 2
        return outputs[..., :half], outputs[..., half:]

    def predict(self, outputs: Any) -> Any:
        """Give the means."""
        return self._halves(outputs)[0]

    def deviations(self, outputs: Any) -> Any:
        """Give the standard deviations (batch, outputs)."""
        logs = cnp.maximum(self._halves(outputs)[1], math.log(self.smallest))
        return cnp.exp(0.5 * logs)
