"""The structure of a perceptron, and its network, loss and penalty as a traced function."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

import chainrule.numpy as cnp
from chainrule import nn
from chainrule.estimators.goals import Goal
from chainrule.ir import ArrayType
from chainrule.nn.activations import ACTIVATIONS
from chainrule.tracing import flatten, map_leaves

Weights = dict[str, list[Any]]
"""``{"coefs": [...], "intercepts": [...]}``, one entry per layer."""

_LOGISTIC = "logistic"  # scikit-learn's name of the sigmoid


@dataclass(frozen=True)
class Design:
    """The structure of a perceptron.

    Parameters
    ----------
    units
        Sizes of the layers, from the inputs to the outputs.
    activations
        Of each hidden layer, by name.
    goal
        What is made small.
    dtype
        Of the computation.
    dropout
        Rate behind each hidden layer.
    """

    units: tuple[int, ...]
    activations: tuple[str, ...]
    goal: Goal
    dtype: str
    dropout: tuple[float, ...] = ()

    def network(self, weights: Weights) -> nn.Sequential:
        """Make the network that holds some weights; its outputs are raw."""
        layers: list[nn.Module] = []
        last = len(self.units) - 2
        for i, (coef, bias) in enumerate(zip(weights["coefs"], weights["intercepts"], strict=True)):
            layers.append(nn.Dense(self.units[i + 1], weight=coef, bias=bias))
            if i < last:
                layers.append(activation(self.activations[i]))
                if self.dropout and self.dropout[i]:
                    layers.append(nn.Dropout(self.dropout[i]))
        return nn.Sequential(*layers)

    def weight_types(self) -> Weights:
        """Give the types of the weights."""
        pairs = list(zip(self.units[:-1], self.units[1:], strict=True))
        return {
            "coefs": [ArrayType(pair, self.dtype) for pair in pairs],
            "intercepts": [ArrayType((outputs,), self.dtype) for _, outputs in pairs],
        }

    def target_type(self, rows: Any) -> ArrayType:
        """Give the type of the targets of so many rows."""
        if self.goal.out_activation == "softmax":
            return ArrayType((rows,), "int32")
        return ArrayType((rows, self.units[-1]), self.dtype)

    def objective(self, weights: Weights, batch: Any, alpha: Any, key: Any) -> Any:
        """Compute what is made small, and as a second value the loss that is reported.

        It is scikit-learn's: the weighted sum of the losses of the batch and half of alpha times
        the sum of squares of the coefficients, divided by the sum of the weights.
        """
        outputs = self.network(weights)(batch["inputs"], key=key)
        terms = self.goal.terms(outputs, batch["targets"])
        shown = self.goal.reported(terms, batch["targets"])
        squares = [cnp.sum(cnp.square(coef)) for coef in weights["coefs"]]
        penalty = 0.5 * alpha * sum(squares[1:], squares[0])
        weight = batch.get("weight")
        if weight is None:
            share = cnp.zeros_like(penalty) + terms.size
            total, seen = cnp.sum(terms), cnp.sum(shown)
        else:
            share = cnp.sum(weight)
            share = cnp.where(share == 0, 1.0, share)
            total, seen = cnp.sum(weight * terms), cnp.sum(weight * shown)
        return (total + penalty) / share, (seen + penalty) / share


def activation(name: str) -> nn.Module:
    """Make an activation by scikit-learn's name or by ours.

    >>> activation("logistic")
    Sigmoid()
    """
    return ACTIVATIONS["sigmoid" if name == _LOGISTIC else name]()


ACTIVATION_NAMES = (*ACTIVATIONS, _LOGISTIC)


def joined_vector(weights: Weights) -> Any:
    """Join all weights to one float64 vector, coefficients first."""
    return np.concatenate([np.ravel(x) for x in flatten(weights)[0]]).astype(np.float64)


def cut_vector(vector: Any, like: Weights) -> Weights:
    """Cut a vector into weights of the shapes and dtypes of others.

    >>> cut_vector(np.arange(3.0), {"coefs": [np.zeros((1, 2))], "intercepts": [np.zeros(1)]})
    {'coefs': [array([[0., 1.]])], 'intercepts': [array([2.])]}
    """
    begin = 0

    def part(leaf: Any) -> Any:
        nonlocal begin
        piece = vector[begin : begin + leaf.size]
        begin += leaf.size
        return piece.reshape(leaf.shape).astype(leaf.dtype)

    cut: Weights = map_leaves(part, like)
    return cut
