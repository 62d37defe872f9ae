"""Random numbers as functions of a key, the same on every executor.

>>> import chainrule.random as random
>>> random.uniform(random.key(0), (2,)).shape
(2,)
"""

from chainrule.tracing.functions.random import (
    bernoulli,
    fold_in,
    key,
    normal,
    permutation,
    split,
    uniform,
)

__all__ = ["bernoulli", "fold_in", "key", "normal", "permutation", "split", "uniform"]
