"""Augmentation of images, tables and sequences: what `Trainer(augment=[...])` takes.

>>> from chainrule import augment
>>> augment.Shift(2)
Shift(argument=0, pixels=2, fill=0.0)
"""

from chainrule.train.augment import *  # noqa: F403
from chainrule.train.augment import __all__ as __all__
