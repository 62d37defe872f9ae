"""Residual: layers with a way around them."""

from __future__ import annotations

from typing import Any

from chainrule.errors import ShapeError
from chainrule.nn.module import Module
from chainrule.nn.sequential import Sequential
from chainrule.tracing import spec_of


class Residual(Module):
    """Add what layers make of the input to the input: ``x + layers(x)``.

    He, Zhang, Ren and Sun, "Deep residual learning for image recognition", 2016. For a way around
    that is not the identity, or for several inputs, write a module of your own: a class with
    layers in its fields and a ``__call__``.

    Parameters
    ----------
    layers
        As for `Sequential`; together they keep the shape.

    >>> from chainrule import nn
    >>> nn.Residual(nn.ReLU())([1.0, -1.0]).tolist()
    [2.0, -1.0]
    """

    inner: Sequential

    def __init__(self, *layers: Module) -> None:
        object.__setattr__(self, "inner", Sequential(*layers))

    def __call__(self, x: Any, *, key: Any = None) -> Any:
        """Run the layers and add the input."""
        y = self.inner(x, key=key)
        if spec_of(y).shape != spec_of(x).shape:
            raise ShapeError(
                f"Residual adds its input {spec_of(x)} to the output {spec_of(y)} of its layers: "
                "the two must have one shape"
            )
        return x + y
