"""The primitives: one card each, grouped by family.

Adding an op means adding a card to one of the family modules: its function in
`chainrule.numpy` (for elementwise ops), its tests, its gradient checks and its row in the docs
follow from the card. An op of another kind also needs a function in `chainrule.tracing.functions`
that users call, and shapes to be tested on, in ``tests/cards.py``.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from chainrule.ir import Card
from chainrule.ops import (
    along,
    arithmetic,
    comparison,
    contract,
    control,
    index,
    leaf,
    random,
    reduce,
    rounding,
    shape,
    transcendental,
    window,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import ModuleType

FAMILIES = (
    leaf,
    arithmetic,
    rounding,
    transcendental,
    comparison,
    reduce,
    shape,
    contract,
    index,
    along,
    window,
    random,
    control,
)


def _collect(families: tuple[ModuleType, ...]) -> Mapping[str, Card]:
    cards = {}
    for family in families:
        for value in vars(family).values():
            if isinstance(value, Card):
                cards[value.name] = value
    return MappingProxyType(cards)


CARDS: Mapping[str, Card] = _collect(FAMILIES)

__all__ = ["CARDS", "FAMILIES"]
