"""Criteria for when training stops, which combine in lists and by ``|`` and ``&``.

>>> from chainrule import stop
>>> (stop.Epochs(300) | stop.Patience(16)).reason()
'300 epochs or no improvement for 16 epochs'
"""

from chainrule.train.stop import (
    AllCorrect,
    AllOf,
    AnyOf,
    Criterion,
    Epochs,
    LossBelow,
    Patience,
    RelativeChange,
    WallTime,
    When,
)

__all__ = [
    "AllCorrect",
    "AllOf",
    "AnyOf",
    "Criterion",
    "Epochs",
    "LossBelow",
    "Patience",
    "RelativeChange",
    "WallTime",
    "When",
]
