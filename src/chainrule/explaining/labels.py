"""What single entries are called: W⁽¹⁾[x1→h1] for a weight, z⁽¹⁾[h1] for a unit."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from chainrule.backprop.formula import Entry, Expression, Partial, Symbol
from chainrule.errors import ParameterError


@dataclass(frozen=True)
class Labels:
    """Names entries of values; numbers count from 1, as in textbooks.

    Attributes
    ----------
    units
        Names of the inputs, then of the units of each layer; empty to number them.

    Entries of a kernel have their place in front: W⁽¹⁾[1, 2, 3→1] leads from channel 3 to 1.

    >>> from chainrule.backprop.formula import text
    >>> labels = Labels((("x1", "x2"), ("h1", "h2")))
    >>> text(labels(Symbol("W", "1", 2), (1, 0), (2, 2)))
    'W⁽¹⁾[x2→h1]'
    >>> text(labels(Symbol("z", "1", 2), (0, 1), (1, 2)))
    'z⁽¹⁾[h2]'
    """

    units: tuple[tuple[str, ...], ...] = ()

    def __call__(
        self, symbol: Expression, index: tuple[int, ...], shape: Sequence[int]
    ) -> Expression:
        """Name the entry of a named value of some shape; a single row is not mentioned."""
        if not index:
            return symbol
        base = symbol.by if isinstance(symbol, Partial) else symbol
        if not isinstance(base, Symbol):
            return Entry(symbol, tuple(str(i + 1) for i in index))
        kind = re.sub(r"^._|'+$", "", base.name)
        if kind in ("W", "b") and base.layer:
            layer = int(base.layer) if base.layer.isdigit() else None
            places = self._of_parameter(index, layer)
        else:
            places = self._of_value(kind, base, index, shape[0])
            if kind == "x" and self.units and not isinstance(symbol, Partial) and len(index) == 2:
                unit = Symbol(places[-1])
                return Entry(unit, places[:-1]) if places[:-1] else unit
        return Entry(symbol, places) if places else symbol

    def _of_parameter(self, index: tuple[int, ...], layer: int | None) -> tuple[str, ...]:
        if len(index) == 1:
            return (self._unit(layer, index[0]),)
        if len(index) > 2:  # a kernel: its place, then from channel to channel
            *place, source, end = (str(i + 1) for i in index)
            return (*place, f"{source}→{end}")
        before = None if layer is None else layer - 1
        return (f"{self._unit(before, index[0])}→{self._unit(layer, index[1])}",)

    def _of_value(
        self, kind: str, base: Symbol, index: tuple[int, ...], rows: int
    ) -> tuple[str, ...]:
        layer = int(base.layer) if base.layer.isdigit() else None
        layer = {"x": 0, "t": len(self.units) - 1}.get(kind, layer)
        if kind not in ("x", "t", "z", "a", "δ") or len(index) != 2:
            layer = None
        row, *rest = index
        front = () if rows == 1 and rest else (str(row + 1),)
        if len(rest) == 1:
            return (*front, self._unit(layer, rest[0]))
        return (*front, *(str(i + 1) for i in rest))

    def _unit(self, layer: int | None, place: int) -> str:
        known = self.units and layer is not None and layer < len(self.units)
        return self.units[layer][place] if known and layer is not None else str(place + 1)


def read_units(
    units: Sequence[Sequence[str]] | None, sizes: Sequence[int] | None
) -> tuple[tuple[str, ...], ...]:
    """Check names of units against the sizes of the layers; None gives no names.

    Parameters
    ----------
    units
        Names of the inputs, then of each layer's units.
    sizes
        How many there are; None where the network is not a chain of layers.
    """
    if units is None:
        return ()
    if sizes is None:
        raise ParameterError("units can be named only in a network that is a chain of layers")
    counts = [len(names) for names in units]
    if counts != list(sizes):
        raise ParameterError(f"units must name {list(sizes)} inputs and units, it names {counts}")
    return tuple(tuple(map(str, names)) for names in units)
