"""Activations as layers: functions of each entry, and softmax."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import chainrule.numpy as cnp
from chainrule.nn.module import Module
from chainrule.tracing import static


class Identity(Module):
    """The input as it is.

    >>> Identity()(2.0)
    2.0
    """

    def __call__(self, x: Any, *, key: Any = None) -> Any:
        """Return the input."""
        return x


class ReLU(Module):
    """The entry where positive, else 0 (Nair and Hinton, 2010).

    >>> ReLU()([-1.0, 2.0]).tolist()
    [0.0, 2.0]
    """

    def __call__(self, x: Any, *, key: Any = None) -> Any:
        """Rectify each entry."""
        return cnp.relu(x)


class LeakyReLU(Module):
    """The entry where positive, else `slope` times it (Maas, Hannun and Ng, 2013).

    >>> LeakyReLU(0.1)([-1.0, 2.0]).tolist()
    [-0.1, 2.0]
    """

    slope: float = static(default=0.01)

    def __call__(self, x: Any, *, key: Any = None) -> Any:
        """Rectify each entry with a leak."""
        return cnp.leaky_relu(x, self.slope)


class ELU(Module):
    """The entry where positive, else alpha (e^x - 1) (Clevert, Unterthiner, Hochreiter, 2016).

    >>> ELU()([0.0, 2.0]).tolist()
    [0.0, 2.0]
    """

    alpha: float = static(default=1.0)

    def __call__(self, x: Any, *, key: Any = None) -> Any:
        """Apply the exponential linear unit to each entry."""
        return cnp.elu(x, self.alpha)


class SELU(Module):
    """The self-normalising unit (Klambauer, Unterthiner, Mayr and Hochreiter, 2017).

    >>> round(float(SELU()([1.0])[0]), 4)
    1.0507
    """

    def __call__(self, x: Any, *, key: Any = None) -> Any:
        """Apply the self-normalising unit to each entry."""
        return cnp.selu(x)


class GELU(Module):
    """x times the normal distribution function (Hendrycks and Gimpel, 2016).

    Parameters
    ----------
    approximate
        Whether the distribution function is taken by tanh, as in GPT-2.

    >>> round(float(GELU()([1.0])[0]), 4)
    0.8413
    """

    approximate: bool = static(default=False)

    def __call__(self, x: Any, *, key: Any = None) -> Any:
        """Apply the Gaussian error linear unit to each entry."""
        return cnp.gelu(x, self.approximate)


class SiLU(Module):
    """x times its sigmoid, also called swish (Elfwing, Uchibe and Doya, 2018).

    >>> SiLU()([0.0]).tolist()
    [0.0]
    """

    def __call__(self, x: Any, *, key: Any = None) -> Any:
        """Apply the sigmoid linear unit to each entry."""
        return cnp.silu(x)


class Mish(Module):
    """x times tanh of its softplus (Misra, 2019).

    >>> Mish()([0.0]).tolist()
    [0.0]
    """

    def __call__(self, x: Any, *, key: Any = None) -> Any:
        """Apply mish to each entry."""
        return cnp.mish(x)


class Softplus(Module):
    """ln(1 + e^x), a smooth ReLU (Dugas and others, 2001).

    >>> round(float(Softplus()([0.0])[0]), 4)
    0.6931
    """

    def __call__(self, x: Any, *, key: Any = None) -> Any:
        """Apply softplus to each entry."""
        return cnp.softplus(x)


class Tanh(Module):
    """Hyperbolic tangent.

    >>> Tanh()([0.0]).tolist()
    [0.0]
    """

    def __call__(self, x: Any, *, key: Any = None) -> Any:
        """Take the hyperbolic tangent of each entry."""
        return cnp.tanh(x)


class Sigmoid(Module):
    """1 / (1 + e^-x), the logistic function.

    >>> Sigmoid()([0.0]).tolist()
    [0.5]
    """

    def __call__(self, x: Any, *, key: Any = None) -> Any:
        """Take the logistic function of each entry."""
        return cnp.sigmoid(x)


class Softmax(Module):
    """e^x divided by its sum along an axis; for losses use the raw outputs instead.

    >>> Softmax()([0.0, 0.0]).tolist()
    [0.5, 0.5]
    """

    axis: int = static(default=-1)

    def __call__(self, x: Any, *, key: Any = None) -> Any:
        """Take softmax along the axis."""
        return cnp.softmax(x, self.axis)


class LogSoftmax(Module):
    """Logarithm of softmax along an axis.

    >>> LogSoftmax()([0.0]).tolist()
    [0.0]
    """

    axis: int = static(default=-1)

    def __call__(self, x: Any, *, key: Any = None) -> Any:
        """Take the logarithm of softmax along the axis."""
        return cnp.log_softmax(x, self.axis)


ACTIVATIONS: Mapping[str, Callable[[], Module]] = MappingProxyType(
    {
        "relu": ReLU,
        "leaky_relu": LeakyReLU,
        "elu": ELU,
        "selu": SELU,
        "gelu": GELU,
        "silu": SiLU,
        "mish": Mish,
        "softplus": Softplus,
        "tanh": Tanh,
        "sigmoid": Sigmoid,
        "identity": Identity,
    }
)
"""Activations by name, for `MLP` and for the command line."""
