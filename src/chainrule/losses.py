"""Losses, metrics and penalties: the public address of `chainrule.nn.losses`.

>>> from chainrule import losses
>>> float(losses.SquaredError()([2.0], [0.0]))
4.0
"""

from chainrule.nn.losses import *  # noqa: F403
from chainrule.nn.losses import __all__ as __all__
