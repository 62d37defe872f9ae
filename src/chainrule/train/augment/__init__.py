"""Augmentation: random changes of examples that leave their targets true.

An augmentation is traced into the step of training: it runs where the step runs, gives the same
numbers on every executor, and is drawn anew from the seed, the step and the row.
"""

from chainrule.train.augment.augmentation import Augmentation, OfInput
from chainrule.train.augment.images import Cutout, Flip, Shift
from chainrule.train.augment.mixing import CutMix, Mixup
from chainrule.train.augment.sequences import Mask, TimeShift
from chainrule.train.augment.tables import Noise, Swap
from chainrule.train.augment.warps import Crop, Rotate

__all__ = [
    "Augmentation",
    "Crop",
    "CutMix",
    "Cutout",
    "Flip",
    "Mask",
    "Mixup",
    "Noise",
    "OfInput",
    "Rotate",
    "Shift",
    "Swap",
    "TimeShift",
]
