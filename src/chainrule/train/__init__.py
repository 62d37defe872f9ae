"""Training: optimisers, schedules, the loop, when to stop, and records of what happened."""

from chainrule.train.averages import Average, EqualAverage, ExponentialAverage
from chainrule.train.checkpoint import TrainingState
from chainrule.train.clipping import Clip, ClipGlobalNorm, ClipNorm, ClipValue, global_norm
from chainrule.train.compiled import compile_function
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
from chainrule.train.records import EpochRecord, History
from chainrule.train.renewal import renew_statistics
from chainrule.train.run import Run
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
from chainrule.train.stop import (
    AllCorrect,
    Criterion,
    Epochs,
    LossBelow,
    Patience,
    RelativeChange,
    WallTime,
    When,
)
from chainrule.train.trainer import Trainer

__all__ = [
    "LBFGS",
    "SGD",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "AllCorrect",
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
    "Criterion",
    "EpochRecord",
    "Epochs",
    "EqualAverage",
    "Exponential",
    "ExponentialAverage",
    "History",
    "InverseScaling",
    "Lion",
    "LossBelow",
    "MaxNorm",
    "Muon",
    "Nadam",
    "NonNegative",
    "OneCycle",
    "Optimiser",
    "Patience",
    "Plateau",
    "Polynomial",
    "RMSprop",
    "RelativeChange",
    "Run",
    "Schedule",
    "Step",
    "Trainer",
    "TrainingState",
    "UnitNorm",
    "WallTime",
    "Warmup",
    "When",
    "compile_function",
    "global_norm",
    "renew_statistics",
]
