"""Muon: matrices move along the nearest orthogonal matrix to their momentum."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import chainrule.numpy as cnp
from chainrule.tracing import flatten, leaf_paths, unflatten
from chainrule.train.optimisers.adamw import AdamW
from chainrule.train.optimisers.optimiser import Optimiser, check_range, check_rate, filled
from chainrule.train.paths import chosen
from chainrule.train.schedules import Rate, rate_at

NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
"""Jordan's coefficients: steep at zero, so that small singular values grow quickly to about 1."""


def orthogonal(matrix: Any, steps: int = 5, epsilon: float = 1e-7) -> Any:
    """Bring all singular values of a matrix near 1 (0.7 to 1.2), by Newton and Schulz' iteration.

    With X the matrix over its norm, each step takes ``X = a X + (b A + c A A) X``, ``A = X X^T``.

    Parameters
    ----------
    matrix
        Shape (rows, columns).
    steps
        How many iterations.
    epsilon
        Least norm to divide by (the author adds it instead, PyTorch does as we).

    >>> import numpy as np
    >>> np.round(orthogonal(np.diag([3.0, -1.0])), 1).tolist()
    [[0.8, 0.0], [0.0, -1.1]]
    """
    a, b, c = NEWTON_SCHULZ
    rows, columns = matrix.shape
    x = matrix if rows <= columns else cnp.matrix_transpose(matrix)
    x = x / cnp.maximum(cnp.sqrt(cnp.sum(x * x)), epsilon)
    for _ in range(steps):
        square = cnp.matmul(x, cnp.matrix_transpose(x))
        x = a * x + cnp.matmul(b * square + c * cnp.matmul(square, square), x)
    return x if rows <= columns else cnp.matrix_transpose(x)


@dataclass(frozen=True)
class Muon:
    """Matrices move along the nearest orthogonal matrix to their momentum; the rest by AdamW.

    ``m = momentum m + (1 - momentum) g``, ``d = momentum m + (1 - momentum) g`` (Nesterov's) and
    ``p -= rate * sqrt(max(1, outputs / inputs)) * orthogonal(d)``: Jordan and others, "Muon: an
    optimizer for hidden layers in neural networks", 2024, whose defaults these are (PyTorch has
    rate 0.001 and weight decay 0.1). The author gives it the hidden matrices only: name embeddings
    and the output layer in `excluded`. Kernels of convolutions count as matrices with a row for
    each of their inputs.

    Parameters
    ----------
    learning_rate
        A number, or a schedule; of the matrices.
    momentum
        Share of the old direction that is kept.
    nesterov
        Whether the momentum looks ahead.
    steps
        Iterations of Newton and Schulz.
    weight_decay
        Share of a weight that is lost per step, times the learning rate.
    rest
        The optimiser of what is not a matrix, or is excluded.
    excluded
        Paths of arrays or layers that `rest` trains.
    """

    learning_rate: Rate = 0.02
    momentum: float = 0.95
    nesterov: bool = True
    steps: int = 5
    weight_decay: float = 0.0
    rest: Optimiser = AdamW(3e-4, beta2=0.95, epsilon=1e-10)  # noqa: RUF009, a frozen value
    excluded: Sequence[str] = ()

    def __post_init__(self) -> None:
        """Check the settings."""
        check_rate(self.learning_rate)
        check_range("momentum", self.momentum, 0.0, 1.0)
        check_range("steps", self.steps, 1)
        check_range("weight_decay", self.weight_decay, 0.0)

    def initial(self, parameters: Any) -> Any:
        """Give the state: a momentum for each matrix, and that of the optimiser of the rest."""
        matrices, others = self._divided(parameters)
        return {"momentum": filled(matrices), "rest": self.rest.initial(others) if others else {}}

    def update(self, gradients: Any, state: Any, parameters: Any, number: Any) -> tuple[Any, Any]:
        """Give the parameters and the state after a step."""
        matrices, others = self._divided(parameters)
        along, aside = self._divided(gradients)
        rest, momentum = state["rest"], {}
        fresh: dict[str, Any] = {}
        if others:
            fresh, rest = self.rest.update(aside, rest, others, number)
        for path, p in matrices.items():
            fresh[path], momentum[path] = self._moved(
                p, along[path], state["momentum"][path], number
            )
        leaves = [fresh[path] for path in leaf_paths(parameters)]
        return unflatten(flatten(parameters)[1], leaves), {"momentum": momentum, "rest": rest}

    def _moved(self, p: Any, g: Any, m: Any, number: Any) -> tuple[Any, Any]:
        m = self.momentum * m + (1 - self.momentum) * g
        d = self.momentum * m + (1 - self.momentum) * g if self.nesterov else m
        inputs, outputs = math.prod(p.shape[:-1]), p.shape[-1]
        flat = cnp.reshape(d, (inputs, outputs))
        step = cnp.reshape(orthogonal(flat, self.steps), p.shape)
        rate = rate_at(self.learning_rate, number, p.dtype)
        kept = p * (1 - self.weight_decay * rate) if self.weight_decay else p
        return kept - rate * math.sqrt(max(1.0, outputs / inputs)) * step, m

    def _divided(self, tree: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """Matrices, but for those without entries, and the rest, by path."""
        paths = leaf_paths(tree)
        leaves = dict(zip(paths, flatten(tree)[0], strict=True))
        aside = chosen(self.excluded, paths, "exclude from Muon")
        full = {k: x for k, x in leaves.items() if x.ndim >= 2 and 0 not in x.shape}
        matrices = {k: x for k, x in full.items() if k not in aside}
        return matrices, {k: x for k, x in leaves.items() if k not in matrices}
