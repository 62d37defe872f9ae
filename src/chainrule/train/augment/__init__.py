"""Augmentation: random changes of examples that leave their targets true.

An augmentation is traced into the step of training: it runs where the step runs, gives the same
numbers on every executor, and is drawn anew from the seed, the step and the row.
"""

from chainrule.train.augment.augmentation import Augmentation, OfInput
from chainrule.train.augment.images import Flip, Shift

__all__ = ["Augmentation", "Flip", "OfInput", "Shift"]
