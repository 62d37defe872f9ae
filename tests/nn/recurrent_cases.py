"""Recurrent layers on small inputs; see `layer_cases`, whose numbers they use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import chainrule.numpy as cnp
from chainrule import nn
from chainrule.tracing import flatten
from tests.nn.layer_cases import Case, drawn

LENGTHS = np.array([4, 1, 6], np.int32)
ROWS, TIME, FEATURES, UNITS = 3, 6, 2, 4
LAYERS: dict[str, Callable[..., Any]] = {"simple": nn.SimpleRNN, "lstm": nn.LSTM, "gru": nn.GRU}


def _everything(layer: Any, *inputs: Any, **options: Any) -> Any:
    """The outputs and the last states, as one row of numbers."""
    leaves = flatten(layer(*inputs, **options))[0]
    return cnp.concat([cnp.reshape(x, (-1,)) for x in leaves])


def _masked(layer: Any, x: Any) -> Any:
    return _everything(layer, x, LENGTHS)


def _continued(layer: Any, x: Any) -> Any:
    """From states that are not zero."""
    lstm = isinstance(layer, nn.LSTM)
    states = []
    for i in range(len(layer.cells)):
        h, c = (drawn(f"state {i} {name}", (ROWS, UNITS)) for name in "hc")
        states.append((h, c) if lstm else h)
    return _everything(layer, x, state=states)


def cases() -> dict[str, Case]:
    """All cases, by name."""
    x = drawn("series", (ROWS, TIME, FEATURES))
    found = {}
    for name, make in LAYERS.items():
        found[name] = Case(make(UNITS, returns="all"), (x,), call=_everything)
        deep = make(UNITS, layers=2, bidirectional=True, returns="all")
        found[f"{name}, stacked in both directions"] = Case(deep, (x,), call=_everything)
        found[f"{name}, unequal lengths"] = Case(deep, (x,), call=_masked)
        found[f"{name}, from a state"] = Case(deep, (x,), call=_continued)
        plain = make(UNITS, use_bias=False, returns="last")
        found[f"{name}, the last output"] = Case(plain, (x,))
    relu = nn.SimpleRNN(UNITS, activation="relu", returns="all")
    found["simple, relu"] = Case(relu, (x,), call=_everything)
    return found
