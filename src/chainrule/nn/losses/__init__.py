"""Losses, metrics and penalties.

A loss is called as ``loss(predictions, targets, sample_weight=None)`` and returns one float; it
works on traced arrays and on NumPy's alike.
"""

from chainrule.nn.losses.accuracy import Accuracy
from chainrule.nn.losses.classification import BinaryCrossEntropy, CrossEntropy, Hinge
from chainrule.nn.losses.cosine import CosineDistance
from chainrule.nn.losses.distributions import GaussianNLL, KullbackLeibler
from chainrule.nn.losses.loss import Loss
from chainrule.nn.losses.measure import Measure
from chainrule.nn.losses.penalties import L1, L2, Penalty
from chainrule.nn.losses.regression import (
    AbsoluteError,
    HalfSquaredError,
    Huber,
    LogCosh,
    PoissonNLL,
    Quantile,
    SquaredError,
)

__all__ = [
    "L1",
    "L2",
    "AbsoluteError",
    "Accuracy",
    "BinaryCrossEntropy",
    "CosineDistance",
    "CrossEntropy",
    "GaussianNLL",
    "HalfSquaredError",
    "Hinge",
    "Huber",
    "KullbackLeibler",
    "LogCosh",
    "Loss",
    "Measure",
    "Penalty",
    "PoissonNLL",
    "Quantile",
    "SquaredError",
]
