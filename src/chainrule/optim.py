"""Optimisers, schedules of the learning rate, and clipping: what `Trainer` takes steps with.

>>> from chainrule import optim
>>> optim.SGD(0.1, momentum=0.9)
SGD(learning_rate=0.1, momentum=0.9, nesterov=False)
"""

from chainrule.train.clipping import Clip, ClipGlobalNorm, ClipNorm, ClipValue, global_norm
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
from chainrule.train.schedules import (
    Constant,
    Cosine,
    Exponential,
    InverseScaling,
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
    "ByPath",
    "Clip",
    "ClipGlobalNorm",
    "ClipNorm",
    "ClipValue",
    "Constant",
    "Cosine",
    "Exponential",
    "InverseScaling",
    "Lion",
    "Muon",
    "Nadam",
    "Optimiser",
    "RMSprop",
    "Schedule",
    "Step",
    "Warmup",
    "global_norm",
]
