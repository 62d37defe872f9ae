"""Optimisers: how a step changes the parameters.

An optimiser is a frozen dataclass of settings. ``initial(parameters)`` gives its state, a tree of
arrays; ``update(gradients, state, parameters, number)`` gives the new parameters and the new state.
Both are traced, so an optimiser is written in `chainrule.numpy` on trees of arrays. `number` is
the int32 number of steps taken before this one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Protocol

import chainrule.numpy as cnp
from chainrule.errors import ParameterError
from chainrule.tracing import flatten, map_leaves, unflatten
from chainrule.train.schedules import Rate, rate_at


class Optimiser(Protocol):
    """Changes parameters by gradients, step by step."""

    @property
    def learning_rate(self) -> Rate:
        """Size of a step: a number, or a function of the number of the step."""

    def initial(self, parameters: Any) -> Any:
        """Give the state before the first step, a tree of arrays."""

    def update(self, gradients: Any, state: Any, parameters: Any, number: Any) -> tuple[Any, Any]:
        """Give the parameters and the state after a step."""


def _each(function: Any, *trees: Any) -> list[Any]:
    """Apply a function that returns several arrays to every leaf; give one tree for each."""
    columns = [flatten(tree)[0] for tree in trees]
    tree = flatten(trees[0])[1]
    results = [function(*row) for row in zip(*columns, strict=True)]
    return [unflatten(tree, list(column)) for column in zip(*results, strict=True)]


def _zeros(parameters: Any, value: float = 0.0) -> Any:
    return map_leaves(lambda p: cnp.full_like(p, value), parameters)


def _check(name: str, value: float, low: float, high: float = math.inf) -> None:
    if not low <= value < high:
        bounds = f"at least {low:g}" + (f" and below {high:g}" if high < math.inf else "")
        raise ParameterError(f"{name} must be {bounds}, received {value}")


def _check_rate(rate: Rate) -> None:
    if not callable(rate):
        _check("learning_rate", rate, 0.0)


@dataclass(frozen=True)
class SGD:
    """Gradient descent, plain or with momentum.

    Without momentum ``p -= rate * g``. With momentum m: ``v = m v + g`` and ``p -= rate * v``;
    with Nesterov's ``p -= rate * (g + m v)``. As in PyTorch; Keras and scikit-learn keep
    ``rate * v`` instead of v, which is the same while the rate stays. Whether it is stochastic
    depends on the batch size alone.

    Parameters
    ----------
    learning_rate
        A number, or a schedule.
    momentum
        Share of the last direction that is kept, in [0, 1) (Polyak, 1964).
    nesterov
        Whether the momentum looks ahead (Nesterov, 1983; Sutskever and others, 2013).
    """

    learning_rate: Rate = 0.01
    momentum: float = 0.0
    nesterov: bool = False

    def __post_init__(self) -> None:
        """Check the settings."""
        _check_rate(self.learning_rate)
        _check("momentum", self.momentum, 0.0, 1.0)
        if self.nesterov and self.momentum == 0:
            raise ParameterError("nesterov needs a momentum above 0, for example 0.9")

    def initial(self, parameters: Any) -> Any:
        """Give the state: a velocity for each parameter, or nothing without momentum."""
        return {"velocity": _zeros(parameters)} if self.momentum else {}

    def update(self, gradients: Any, state: Any, parameters: Any, number: Any) -> tuple[Any, Any]:
        """Give the parameters and the state after a step."""

        def plain(p: Any, g: Any) -> Any:
            return p - rate_at(self.learning_rate, number, g.dtype) * g

        def moved(p: Any, g: Any, v: Any) -> Any:
            v = self.momentum * v + g
            return plain(p, g + self.momentum * v if self.nesterov else v), v

        if not self.momentum:
            return map_leaves(plain, parameters, gradients), {}
        fresh, velocity = _each(moved, parameters, gradients, state["velocity"])
        return fresh, {"velocity": velocity}


@dataclass(frozen=True)
class Adagrad:
    """Steps that shrink with the sum of all squared gradients so far, for each number alone.

    ``s += g^2; p -= rate * g / (sqrt(s) + epsilon)``: Duchi, Hazan and Singer, "Adaptive
    subgradient methods for online learning and stochastic optimization", JMLR 2011. Defaults as in
    PyTorch; Keras has rate 0.001, start 0.1, epsilon 1e-7.

    Parameters
    ----------
    learning_rate
        A number, or a schedule.
    start
        First value of s.
    epsilon
        Keeps the quotient finite.
    """

    learning_rate: Rate = 0.01
    start: float = 0.0
    epsilon: float = 1e-10

    def __post_init__(self) -> None:
        """Check the settings."""
        _check_rate(self.learning_rate)
        _check("start", self.start, 0.0)
        _check("epsilon", self.epsilon, 0.0)

    def initial(self, parameters: Any) -> Any:
        """Give the state: the sum of squares for each parameter."""
        return {"squares": _zeros(parameters, self.start)}

    def update(self, gradients: Any, state: Any, parameters: Any, number: Any) -> tuple[Any, Any]:
        """Give the parameters and the state after a step."""

        def moved(p: Any, g: Any, s: Any) -> Any:
            s = s + g * g
            rate = rate_at(self.learning_rate, number, g.dtype)
            return p - rate * g / (cnp.sqrt(s) + self.epsilon), s

        fresh, squares = _each(moved, parameters, gradients, state["squares"])
        return fresh, {"squares": squares}


@dataclass(frozen=True)
class RMSprop:
    """Steps divided by the recent size of the gradient, for each number alone.

    ``s = decay s + (1 - decay) g^2; p -= rate * g / (sqrt(s) + epsilon)``: Hinton, lecture 6e of
    "Neural networks for machine learning", 2012. With momentum m: ``v = m v + g / (sqrt(s) +
    epsilon)`` and ``p -= rate * v``. Defaults as in PyTorch; Keras has rate 0.001, decay 0.9 and
    epsilon 1e-7 under the root.

    Parameters
    ----------
    learning_rate
        A number, or a schedule.
    decay
        Share of the old average of squares that is kept at each step.
    momentum
        Share of the last direction that is kept.
    epsilon
        Keeps the quotient finite.
    """

    learning_rate: Rate = 0.01
    decay: float = 0.99
    momentum: float = 0.0
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        """Check the settings."""
        _check_rate(self.learning_rate)
        _check("decay", self.decay, 0.0, 1.0)
        _check("momentum", self.momentum, 0.0, 1.0)
        _check("epsilon", self.epsilon, 0.0)

    def initial(self, parameters: Any) -> Any:
        """Give the state: averages of squares, and velocities if there is momentum."""
        velocity = {"velocity": _zeros(parameters)} if self.momentum else {}
        return {"squares": _zeros(parameters), **velocity}

    def update(self, gradients: Any, state: Any, parameters: Any, number: Any) -> tuple[Any, Any]:
        """Give the parameters and the state after a step."""

        def scaled(g: Any, s: Any) -> Any:
            s = self.decay * s + (1 - self.decay) * (g * g)
            return g / (cnp.sqrt(s) + self.epsilon), s

        direction, squares = _each(scaled, gradients, state["squares"])
        plain = SGD(self.learning_rate, self.momentum)
        fresh, rest = plain.update(direction, state, parameters, number)
        return fresh, {"squares": squares, **rest}


@dataclass(frozen=True)
class Adam:
    """Running averages of the gradient and of its square, corrected for their start at zero.

    ``m = beta1 m + (1 - beta1) g``, ``s = beta2 s + (1 - beta2) g^2`` and
    ``p -= rate * m' / (sqrt(s') + epsilon)`` with ``m' = m / (1 - beta1^t)`` and
    ``s' = s / (1 - beta2^t)`` at step t = 1, 2, ...: Kingma and Ba, "Adam: a method for stochastic
    optimization", ICLR 2015. Defaults as in the paper, PyTorch and scikit-learn; Keras has epsilon
    1e-7, and both Keras and scikit-learn add it before the correction.

    Parameters
    ----------
    learning_rate
        A number, or a schedule.
    beta1, beta2
        Shares of the old averages that are kept at each step.
    epsilon
        Keeps the quotient finite.
    """

    learning_rate: Rate = 0.001
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        """Check the settings."""
        _check_rate(self.learning_rate)
        _check("beta1", self.beta1, 0.0, 1.0)
        _check("beta2", self.beta2, 0.0, 1.0)
        _check("epsilon", self.epsilon, 0.0)

    def initial(self, parameters: Any) -> Any:
        """Give the state: two averages for each parameter."""
        return {"mean": _zeros(parameters), "squares": _zeros(parameters)}

    def update(self, gradients: Any, state: Any, parameters: Any, number: Any) -> tuple[Any, Any]:
        """Give the parameters and the state after a step."""

        def moved(p: Any, g: Any, m: Any, s: Any) -> Any:
            m = self.beta1 * m + (1 - self.beta1) * g
            s = self.beta2 * s + (1 - self.beta2) * (g * g)
            t = cnp.astype(number, g.dtype) + 1.0
            rate = rate_at(self.learning_rate, number, g.dtype) / _one_minus_power(self.beta1, t)
            root = cnp.sqrt(s) * (1 / cnp.sqrt(_one_minus_power(self.beta2, t)))
            return p - rate * m / (root + self.epsilon), m, s

        fresh, mean, squares = _each(moved, parameters, gradients, state["mean"], state["squares"])
        return fresh, {"mean": mean, "squares": squares}


@dataclass(frozen=True)
class AdamW:
    """Adam with weight decay that is kept apart from the gradient.

    Each step first shrinks the weights: ``p -= rate * weight_decay * p``, then goes on as `Adam`.
    Loshchilov and Hutter, "Decoupled weight decay regularization", ICLR 2019. Defaults as in
    PyTorch, except that parameters with fewer than two axes (biases, scales) do not decay unless
    `biases` says so.

    Parameters
    ----------
    learning_rate
        A number, or a schedule.
    beta1, beta2, epsilon
        As for `Adam`.
    weight_decay
        Share of a weight that is lost per step, times the learning rate.
    biases
        Whether parameters with fewer than two axes decay, too.
    """

    learning_rate: Rate = 0.001
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    weight_decay: float = 0.01
    biases: bool = False

    def __post_init__(self) -> None:
        """Check the settings."""
        self._adam()
        _check("weight_decay", self.weight_decay, 0.0)

    def _adam(self) -> Adam:
        return Adam(self.learning_rate, self.beta1, self.beta2, self.epsilon)

    def initial(self, parameters: Any) -> Any:
        """Give the state: two averages for each parameter."""
        return self._adam().initial(parameters)

    def update(self, gradients: Any, state: Any, parameters: Any, number: Any) -> tuple[Any, Any]:
        """Give the parameters and the state after a step."""

        def decayed(p: Any) -> Any:
            if p.ndim < 2 and not self.biases:
                return p
            return p * (1 - self.weight_decay * rate_at(self.learning_rate, number, p.dtype))

        shrunk = map_leaves(decayed, parameters)
        return self._adam().update(gradients, state, shrunk, number)


def _one_minus_power(beta: float, t: Any) -> Any:
    """``1 - beta**t`` in full precision, also in float32 and for beta near 1 or large t."""
    return 1.0 if beta == 0 else cnp.astype(-cnp.expm1(math.log(beta) * t), t.dtype)
