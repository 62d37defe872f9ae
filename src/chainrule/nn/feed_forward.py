"""The feed-forward part of a transformer: two dense layers at each place for itself."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import chainrule.numpy as cnp
from chainrule.errors import ParameterError, ShapeError
from chainrule.ir import ArrayType
from chainrule.nn.activations import ACTIVATIONS
from chainrule.nn.dropout import Dropout, check_rate
from chainrule.nn.initialisers import GlorotUniform, Initialiser, Zeros
from chainrule.nn.module import Module
from chainrule.nn.scope import Variable
from chainrule.tracing import static

GATED = MappingProxyType({"swiglu": "silu", "geglu": "gelu", "reglu": "relu", "glu": "sigmoid"})
"""Gated units by name, with the activation of their gates (Shazeer, "GLU variants", 2020)."""


class FeedForward(Module):
    """Widen the features of each place, activate them, and bring them back to their width.

    ``activation(x @ wide_weight + wide_bias) @ back_weight + back_bias`` (Vaswani and others,
    "Attention is all you need", 2017, section 3.3). With a gated unit such as "swiglu",
    ``silu(x @ gate_weight + gate_bias) (x @ wide_weight + wide_bias)`` stands in the middle.

    Parameters
    ----------
    hidden
        Features in between; None stands for four times the width, or for a gated unit for 8/3 of
        it, which is as many parameters.
    activation
        By name: "gelu", "relu" and so on, or one of the gated units "swiglu", "geglu", "reglu",
        "glu".
    dropout
        Rate of dropout in between.
    use_bias
        Whether biases are added.
    initial
        How the weights begin.
    wide_weight, wide_bias, gate_weight, gate_bias
        Shapes (width, hidden) and (hidden,); the gate only for gated units.
    back_weight, back_bias
        Shapes (hidden, width) and (width,).

    A call takes and returns (..., width).

    >>> from chainrule import nn
    >>> layer = nn.FeedForward(activation="swiglu").initialise(0, ArrayType((1, 6)))
    >>> layer.wide_weight.shape
    (6, 16)
    """

    hidden: int | None = static(default=None)
    activation: str = static(default="gelu")
    dropout: float = static(default=0.0)
    use_bias: bool = static(default=True)
    initial: Initialiser = static(default=GlorotUniform())
    wide_weight: Any = None
    wide_bias: Any = None
    gate_weight: Any = None
    gate_bias: Any = None
    back_weight: Any = None
    back_bias: Any = None

    def __post_init__(self) -> None:
        """Check the settings."""
        check_rate(self.dropout)
        if self.activation not in {*ACTIVATIONS, *GATED}:
            raise ParameterError(
                f"unknown activation {self.activation!r}; expected one of "
                f"{', '.join([*ACTIVATIONS, *GATED])}"
            )

    def declare(self, x: ArrayType) -> Mapping[str, Variable]:
        """Say which arrays this layer holds, for an input of this type."""
        width: Any = x.shape[-1] if x.shape else None
        if not isinstance(width, int):
            raise ShapeError(f"FeedForward expects (..., width), received {x}")
        gated = self.activation in GATED
        hidden = self.hidden or (width * 8 // 3 if gated else width * 4)
        shapes = {"wide": (width, hidden), "back": (hidden, width)}
        if gated:
            shapes["gate"] = (width, hidden)
        held = {f"{name}_weight": Variable(s, self.initial) for name, s in shapes.items()}
        if self.use_bias:
            held |= {f"{name}_bias": Variable(s[1:], Zeros()) for name, s in shapes.items()}
        return held

    def __call__(self, x: Any, *, key: Any = None) -> Any:
        """Widen, activate, and bring back."""
        wide = _projected(x, self.wide_weight, self.wide_bias)
        if self.activation in GATED:
            gate = ACTIVATIONS[GATED[self.activation]]()
            wide = gate(_projected(x, self.gate_weight, self.gate_bias)) * wide
        else:
            wide = ACTIVATIONS[self.activation]()(wide)
        wide = Dropout(self.dropout)(wide, key=key)
        return _projected(wide, self.back_weight, self.back_bias)


def _projected(x: Any, weight: Any, bias: Any) -> Any:
    y = cnp.matmul(x, weight)
    return y if bias is None else y + bias
