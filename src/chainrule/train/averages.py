"""Averages of the weights over the steps of training, which often predict better than the last."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import chainrule.numpy as cnp
from chainrule.errors import ParameterError
from chainrule.tracing import flatten, map_leaves


class Average(Protocol):
    """An average of the parameters, carried on beside them.

    It begins as a copy of the first parameters. Running statistics of `BatchNorm` belong to the
    last weights, not to their average: `Trainer` takes them anew (`renew_statistics`).
    """

    def __call__(self, average: Any, parameters: Any, number: Any) -> Any:
        """Give the new average.

        Parameters
        ----------
        average, parameters
            Trees of arrays: the average so far, and the parameters after the step.
        number
            How many steps came before this one, int32.
        """


@dataclass(frozen=True)
class ExponentialAverage:
    """A running average that forgets: ``a = decay a + (1 - decay) p`` after every step.

    Polyak and Juditsky, 1992; Tarvainen and Valpola, 2017. During the first steps the decay is
    smaller, ``min(decay, (1 + n) / (10 + n))`` after n steps, as in TensorFlow's
    ``ExponentialMovingAverage``, so that the first weights are soon forgotten.

    Parameters
    ----------
    decay
        Share of the old average that is kept, in [0, 1): 0.999 remembers about 1,000 steps.
    warm
        Whether the decay is smaller during the first steps.

    >>> import numpy as np
    >>> ExponentialAverage(0.75, warm=False)(np.array([4.0]), np.array([8.0]), np.int32(0)).tolist()
    [5.0]
    """

    decay: float = 0.999
    warm: bool = True

    def __post_init__(self) -> None:
        """Check the settings."""
        if not 0 <= self.decay < 1:
            raise ParameterError(f"decay must be at least 0 and below 1, received {self.decay}")

    def __call__(self, average: Any, parameters: Any, number: Any) -> Any:
        """Give the new average."""
        dtype = flatten(parameters)[0][0].dtype
        n = cnp.astype(number, dtype) + 1.0
        decay = cnp.minimum((1.0 + n) / (10.0 + n), self.decay) if self.warm else self.decay
        return map_leaves(lambda a, p: a + (1.0 - decay) * (p - a), average, parameters)


@dataclass(frozen=True)
class EqualAverage:
    """The plain mean of the weights from a step on: stochastic weight averaging.

    Izmailov and others, "Averaging weights leads to wider optima and better generalization", UAI
    2018. Before `start` the average is the weights themselves. Use a constant or cyclic rate
    after it.

    Parameters
    ----------
    start
        How many steps come before the first that counts.
    every
        Steps between two that count; the number of steps in an epoch is usual.

    >>> import numpy as np
    >>> a = np.array([1.0])
    >>> for n, p in enumerate([7.0, 2.0, 4.0, 6.0]):
    ...     a = EqualAverage(start=1)(a, np.array([p]), np.int32(n))
    >>> a.tolist()
    [4.0]
    """

    start: int
    every: int = 1

    def __post_init__(self) -> None:
        """Check the settings."""
        if self.start < 0 or self.every < 1:
            raise ParameterError(
                f"start must be at least 0 and every at least 1, received {self.start} and "
                f"{self.every}"
            )

    def __call__(self, average: Any, parameters: Any, number: Any) -> Any:
        """Give the new average."""
        after = number - self.start
        counted = cnp.remainder(after, self.every) == 0
        before = cnp.maximum(cnp.floor_divide(after, self.every), 0)

        def moved(a: Any, p: Any) -> Any:
            share = 1.0 / (cnp.astype(before, p.dtype) + 1.0)
            mean = cnp.where(before == 0, p, a + share * (p - a))
            return cnp.where(after < 0, p, cnp.where(counted, mean, a))

        return map_leaves(moved, average, parameters)
