"""The worked examples of textbooks and articles, as experiments."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from chainrule import nn
from chainrule.app.serve.material import Material
from chainrule.app.serve.setup import Setup

_XOR = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])


def _chain(layers: list[tuple[Any, Any]], activation: type[nn.Module]) -> nn.Module:
    """Dense layers of given weights (inputs, units) and biases, or None for no biases."""
    parts: list[nn.Module] = []
    for weight, bias in layers:
        first = np.asarray(weight, np.float64)
        last = None if bias is None else np.asarray(bias, np.float64)
        dense = nn.Dense(first.shape[1], use_bias=last is not None, weight=first, bias=last)
        parts += [dense, activation()]
    return nn.Sequential(*parts)


def _sigmoid_setup(**settings: Any) -> Setup:
    plain = {"activation": "sigmoid", "output": "sigmoid", "loss": "half_squared_error"}
    return Setup(**{**plain, **settings})


def _e1() -> Material:
    return Material(
        "E1 · two inputs, two hidden, one output",
        "No biases, sigmoid everywhere, rate 1, one update.",
        (np.array([[0.35, 0.7]]),),
        np.array([[0.5]]),
        "number",
        1,
        _sigmoid_setup(hidden=(2,), rate=1.0),
        ("x1", "x2"),
        ("o",),
        _chain([([[0.2, 0.3], [0.2, 0.3]], None), ([[0.3], [0.9]], None)], nn.Sigmoid),
        (("x1", "x2"), ("h1", "h2"), ("o",)),
    )


def _e2() -> Material:
    normal = nn.initialisers.Normal(1.0)
    return Material(
        "E2 · exclusive or, learnt",
        "Two inputs, four hidden, one output; summed gradient over the whole table, rate 0.1.",
        (_XOR,),
        np.array([[0.0], [1.0], [1.0], [0.0]]),
        "binary",
        1,
        _sigmoid_setup(hidden=(4,), rate=0.1, reduction="sum"),
        ("x1", "x2"),
        ("o",),
        nn.Sequential(
            nn.Dense(4, initial=normal), nn.Sigmoid(), nn.Dense(1, initial=normal), nn.Sigmoid()
        ),
        (("x1", "x2"), ("h1", "h2", "h3", "h4"), ("o",)),
    )


def _e3() -> Material:
    ones = _chain([(np.ones((2, 3)), np.ones(3)), (np.ones((3, 1)), np.ones(1))], nn.Identity)
    return Material(
        "E3 · all weights one",
        "Identity units, one example (0, 0) → 0, rate 0.1: equal weights stay equal.",
        (np.zeros((1, 2)),),
        np.zeros((1, 1)),
        "number",
        1,
        Setup((3,), "identity", "identity", "half_squared_error", rate=0.1),
        ("x1", "x2"),
        ("o",),
        ones,
        (("x1", "x2"), ("h1", "h2", "h3"), ("o",)),
    )


def _e4() -> Material:
    return Material(
        "E4 · one weight",
        "output = W · input on (0, 0), (1, 2), (2, 4), starting at W = 3.",
        (np.array([[0.0], [1.0], [2.0]]),),
        np.array([[0.0], [2.0], [4.0]]),
        "number",
        1,
        Setup((), "identity", "identity", "squared_error", "sum", rate=0.05),
        ("x",),
        ("y",),
        _chain([([[3.0]], None)], nn.Identity),
        (("x",), ("y",)),
    )


def _e5() -> Material:
    first, second = [[0.15, 0.25], [0.20, 0.30]], [[0.40, 0.50], [0.45, 0.55]]
    return Material(
        "E5 · two inputs, two hidden, two outputs",
        "Sigmoid, rate 0.5; the biases stay as they are.",
        (np.array([[0.05, 0.10]]),),
        np.array([[0.01, 0.99]]),
        "number",
        2,
        _sigmoid_setup(hidden=(2,), rate=0.5, biases=False),
        ("i1", "i2"),
        ("o1", "o2"),
        _chain([(first, [0.35, 0.35]), (second, [0.60, 0.60])], nn.Sigmoid),
        (("i1", "i2"), ("h1", "h2"), ("o1", "o2")),
    )


def _e6() -> Material:
    return Material(
        "E6 · one example at a time",
        "Exclusive or from small random weights, stochastic: each step reads one row.",
        (_XOR,),
        np.array([[0.0], [1.0], [1.0], [0.0]]),
        "binary",
        1,
        Setup((4,), "tanh", rate=0.3, batch=1),
        ("x1", "x2"),
        ("o",),
    )


WORKED: Mapping[str, Callable[[], Material]] = MappingProxyType(
    {"e1": _e1, "e2": _e2, "e3": _e3, "e4": _e4, "e5": _e5, "e6": _e6}
)
"""Worked examples by name."""

TITLES: Mapping[str, str] = MappingProxyType({name: make().title for name, make in WORKED.items()})
"""What they are called on the page."""
