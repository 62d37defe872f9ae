"""Layers one after the other, and the multi-layer perceptron."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chainrule import random
from chainrule.backprop import checkpoint
from chainrule.errors import ParameterError
from chainrule.nn.activations import ACTIVATIONS
from chainrule.nn.dense import Dense
from chainrule.nn.dropout import Dropout
from chainrule.nn.initialisers import GlorotUniform, HeUniform, Initialiser, LeCunNormal
from chainrule.nn.module import Module
from chainrule.nn.scope import current

_RECTIFIED = ("relu", "leaky_relu", "elu", "gelu", "silu", "mish", "softplus")


class Sequential(Module):
    """Call layers one after the other, each on the output of the one before.

    Parameters
    ----------
    layers
        Modules that take one array. The i-th gets the key folded with i, if it takes a key.

    >>> from chainrule import nn
    >>> nn.Sequential(nn.Dense(64), nn.ReLU(), nn.Dense(3))
    Sequential(Dense(units=64), ReLU(), Dense(units=3))
    """

    layers: tuple[Module, ...] = ()

    def __init__(self, *layers: Module) -> None:
        for i, layer in enumerate(layers):
            if not isinstance(layer, Module):
                raise ParameterError(
                    f"Sequential takes modules one by one, as in Sequential(Dense(8), ReLU()); "
                    f"number {i} is {layer!r:.80}"
                )
        object.__setattr__(self, "layers", tuple(layers))

    def __call__(self, x: Any, *, key: Any = None) -> Any:
        """Run the layers."""
        keys = [None if key is None else random.fold_in(key, i) for i in range(len(self.layers))]
        i = 0
        while i < len(self.layers):
            count = self._recomputed(i)
            run = checkpoint(_run) if count > 1 else _run
            x = run(self.layers[i : i + count], x, keys[i : i + count])
            i += count
        return x

    def _recomputed(self, i: int) -> int:
        """How many layers from the i-th on the backward pass computes again as one."""
        scope = current()
        path = scope.paths.get(id(self), "") if scope else ""
        return scope.recomputed.get(f"{path}.layers[{i}]".lstrip("."), 1) if scope else 1

    def __repr__(self) -> str:
        return f"Sequential({', '.join(map(repr, self.layers))})"


def _run(layers: Sequence[Module], x: Any, keys: Sequence[Any]) -> Any:
    for layer, key in zip(layers, keys, strict=True):
        x = layer(x, key=key)
    return x


def MLP(
    hidden: Sequence[int] = (64, 64),
    outputs: int = 1,
    activation: str = "relu",
    dropout: float = 0.0,
    initial: Initialiser | None = None,
) -> Sequential:
    """Make a multi-layer perceptron: dense layers with an activation between them.

    Parameters
    ----------
    hidden
        Units of each hidden layer; () gives a linear model.
    outputs
        Units of the output layer, which has no activation: losses take its values as they are.
    activation
        Of the hidden layers, by name: "relu", "tanh" and so on.
    dropout
        Rate of dropout behind each hidden layer.
    initial
        Of the hidden weights. None chooses by the activation: He (uniform) for relu and its
        relatives, LeCun (normal) for selu, Glorot (uniform) for the rest. The output layer always
        begins as Glorot (uniform).

    >>> MLP((8,), outputs=2, activation="tanh")
    Sequential(Dense(units=8), Tanh(), Dense(units=2))
    """
    if activation not in ACTIVATIONS:
        raise ParameterError(
            f"unknown activation {activation!r}; expected one of {', '.join(ACTIVATIONS)}"
        )
    layers: list[Module] = []
    for units in hidden:
        layers += [
            Dense(units, initial=initial or initial_for(activation)),
            ACTIVATIONS[activation](),
        ]
        if dropout:
            layers.append(Dropout(dropout))
    return Sequential(*layers, Dense(outputs))


def initial_for(activation: str) -> Initialiser:
    """Choose how weights begin by the activation behind them; see `MLP`."""
    if activation in _RECTIFIED:
        return HeUniform()
    return LeCunNormal() if activation == "selu" else GlorotUniform()
