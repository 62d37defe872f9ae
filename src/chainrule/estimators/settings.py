"""From the parameters of a perceptron to the pieces of its training."""

from __future__ import annotations

import os
import warnings
from numbers import Integral, Real
from typing import Any

import numpy as np

from chainrule.data.wording import listing
from chainrule.estimators.design import ACTIVATION_NAMES, Design
from chainrule.estimators.solvers import AdamSolver, MomentumSolver
from chainrule.train import Clip, ClipGlobalNorm, Optimiser

_STOCHASTIC = ("sgd", "adam")


def hidden_sizes(model: Any) -> list[int]:
    """Give the sizes of the hidden layers."""
    sizes = model.hidden_layer_sizes
    sizes = list(sizes) if hasattr(sizes, "__iter__") else [sizes]
    if not all(isinstance(n, Integral) for n in sizes):
        raise ValueError(f"hidden_layer_sizes must be whole numbers, got {sizes}.")
    if np.any(np.array(sizes) <= 0):
        raise ValueError(f"hidden_layer_sizes must be > 0, got {sizes}.")
    return [int(n) for n in sizes]


def is_stochastic(model: Any) -> bool:
    """Tell whether a model is trained by minibatches."""
    return model.optimizer is not None or model.solver in _STOCHASTIC


def computing_dtype(model: Any) -> str:
    """Give the dtype of the computation.

    "auto" is that of the weights, which is that of the inputs; but L-BFGS needs float64, since
    its line search compares losses that hardly differ.
    """
    if model.dtype != "auto":
        return str(model.dtype)
    return str(model.coefs_[0].dtype.name) if is_stochastic(model) else "float64"


def design_of(model: Any, dtype: str) -> Design:
    """Give the structure of a model that holds weights."""
    units = (model.coefs_[0].shape[0], *(coef.shape[1] for coef in model.coefs_))
    hidden = len(units) - 2
    names = _per_layer("activation", model.activation, hidden)
    for name in names:
        if name not in ACTIVATION_NAMES:
            raise ValueError(f"there is no activation {name!r}: use {listing(ACTIVATION_NAMES)}")
    rates = _per_layer("dropout", model.dropout, hidden)
    for rate in rates:
        if not isinstance(rate, Real) or not 0 <= float(rate) < 1:
            raise ValueError(f"a rate of dropout lies in [0, 1), got {rate!r}")
    return Design(units, names, model._goal(), dtype, rates)


def _per_layer(name: str, value: Any, hidden: int) -> tuple[Any, ...]:
    if not isinstance(value, tuple | list):
        return (value,) * hidden
    if len(value) != hidden:
        raise ValueError(
            f"{name} has {len(value)} entries for {hidden} hidden layers: give one entry for each "
            "hidden layer, or a single one for all"
        )
    return tuple(value)


def solver_of(model: Any) -> tuple[Optimiser, float]:
    """Give the optimiser, and the learning rate to begin with (0 if it has a schedule)."""
    if model.optimizer is not None:
        if isinstance(model.optimizer, type):
            name = model.optimizer.__name__
            raise ValueError(f"optimizer is a class: give an object of it, such as {name}(0.001)")
        rate = model.optimizer.learning_rate
        return model.optimizer, 0.0 if callable(rate) else float(rate)
    rate = float(model.learning_rate_init)
    if model.solver == "adam":
        return AdamSolver(rate, model.beta_1, model.beta_2, model.epsilon), rate
    return MomentumSolver(rate, model.momentum, model.nesterovs_momentum), rate


def has_schedule(model: Any, name: str) -> bool:
    """Tell whether one of scikit-learn's schedules is at work, which only "sgd" follows."""
    return model.optimizer is None and model.solver == "sgd" and model.learning_rate == name


def clip_of(model: Any) -> Clip | None:
    """Give what cuts the gradients: a number limits their common norm."""
    if model.clip is None or callable(model.clip):
        clip: Clip | None = model.clip
        return clip
    return ClipGlobalNorm(float(model.clip))


def suitable_batch(rows: int) -> int:
    """Give a number of rows, from 16 to 256, that leaves about 50 steps to an epoch.

    >>> [suitable_batch(n) for n in (10, 500, 5_000, 50_000)]
    [10, 16, 64, 256]
    """
    return min(rows, 256, max(16, 1 << (max(rows // 50, 1).bit_length() - 1)))


def batch_size_of(model: Any, rows: int, encoded: bool) -> int:
    """Give the number of rows of a step.

    "auto" is scikit-learn's ``min(200, rows)`` for plain numbers. For raw tables, with which
    scikit-learn cannot be compared, it leaves about 50 steps to an epoch, of 16 to 256 rows.
    """
    if model.batch_size == "auto":
        return suitable_batch(rows) if encoded else min(200, rows)
    if model.batch_size > rows:
        warnings.warn(
            "Got `batch_size` less than 1 or larger than sample size. It is going to be clipped",
            stacklevel=2,
        )
    return int(np.clip(model.batch_size, 1, rows))


def workers_of(model: Any) -> int | None:
    """Give the number of threads; None leaves it to the executor."""
    if model.n_jobs is None or model.n_jobs == 0:
        return None
    if model.n_jobs > 0:
        return int(model.n_jobs)
    return max(1, (os.cpu_count() or 1) + 1 + int(model.n_jobs))


def has_partial_fit(model: Any) -> bool:
    """Tell whether a model can learn by pieces; the error says why if not."""
    if not is_stochastic(model):
        raise AttributeError(
            "partial_fit is only available for stochastic"
            f" optimizers. {model.solver} is not stochastic."
        )
    return True
