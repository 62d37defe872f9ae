"""What all layers over places have in common: they know how many axes an image has."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from chainrule.errors import ShapeError
from chainrule.ir import ArrayType
from chainrule.nn.module import Module
from chainrule.tracing import show, type_of


class OverPlaces(Module, ABC):
    """A layer that takes (batch, *places, channels) with a fixed number of places."""

    @property
    @abstractmethod
    def rank(self) -> int:
        """Number of axes between the batch and the channels."""

    def check(self, x: Any) -> None:
        """Raise unless an array, or its type, has the right number of axes."""
        shape = x.shape if isinstance(x, ArrayType) else type_of(x).shape
        if len(shape) == self.rank + 2:
            return
        names = ("length", "height, width", "depth, height, width")[self.rank - 1]
        hint = ""
        if len(shape) == self.rank + 1:
            hint = "; add an axis for the channels, as in x[..., None], or one for the batch"
        raise ShapeError(
            f"{type(self).__name__} expects (batch, {names}, channels), "
            f"received the shape {show(shape)}{hint}"
        )
