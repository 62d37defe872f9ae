"""Optimisers, schedules of the learning rate, and clipping: what `Trainer` takes steps with.

>>> from chainrule import optim
>>> optim.SGD(0.1, momentum=0.9)
SGD(learning_rate=0.1, momentum=0.9, nesterov=False)
"""

from chainrule.train.averages import Average, EqualAverage, ExponentialAverage
from chainrule.train.clipping import Clip, ClipGlobalNorm, ClipNorm, ClipValue, global_norm
from chainrule.train.constraints import Constraint, MaxNorm, NonNegative, UnitNorm
from chainrule.train.lbfgs import LBFGS
from chainrule.train.optimisers import (
    SGD,
    Adadelta,
    Adagrad,
    Adam,
    Adamax,
    AdamW,
    ByPath,
    Lion,
    Muon,
    Nadam,
    Optimiser,
    RMSprop,
)
from chainrule.train.plateau import Plateau
from chainrule.train.renewal import renew_statistics
from chainrule.train.schedules import (
    Constant,
    Cosine,
    CosineRestarts,
    Exponential,
    InverseScaling,
    OneCycle,
    Polynomial,
    Schedule,
    Step,
    Warmup,
)

__all__ = [
    "LBFGS",
    "SGD",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Average",
    "ByPath",
    "Clip",
    "ClipGlobalNorm",
    "ClipNorm",
    "ClipValue",
    "Constant",
    "Constraint",
    "Cosine",
    "CosineRestarts",
    "EqualAverage",
    "Exponential",
    "ExponentialAverage",
    "InverseScaling",
    "Lion",
    "MaxNorm",
    "Muon",
    "Nadam",
    "NonNegative",
    "OneCycle",
    "Optimiser",
    "Plateau",
    "Polynomial",
    "RMSprop",
    "Schedule",
    "Step",
    "UnitNorm",
    "Warmup",
    "global_norm",
    "renew_statistics",
]
