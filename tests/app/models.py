"""Small models, made without training: their weights are the first ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from chainrule import nn
from chainrule.app.model import Model, table_network
from chainrule.data import Encoder, TargetEncoder

ANSWERS: Mapping[str, list[Any]] = {
    "binary": ["no", "yes"],
    "multiclass": ["red", "green", "blue"],
    "regression": [1.5, 2.25, 7.0],
}


def table(task: str, rows: int = 60) -> pl.DataFrame:
    """A table with numbers, gaps, truth values, levels, and the target ``y``."""
    random = np.random.default_rng(0)
    age = random.integers(18, 90, rows).astype(float)
    return pl.DataFrame(
        {
            "age": [None if i % 7 == 3 else x for i, x in enumerate(age)],
            "height": random.normal(170, 10, rows),
            "member": random.integers(0, 2, rows).astype(bool),
            "town": [f"town {i}" for i in random.integers(0, 5, rows)],
            "y": [ANSWERS[task][i % len(ANSWERS[task])] for i in range(rows)],
        }
    )


def model(task: str, *, embed: bool | int = False, body: nn.Module | None = None) -> Model:
    """A model of `table`, untrained."""
    rows = table(task)
    encoder = Encoder.fit(rows, target="y", embed=embed)
    target = TargetEncoder.fit(rows["y"], task)
    outputs = 3 if task == "multiclass" else 1
    network = table_network(encoder, body or nn.MLP((8, 4), outputs, "gelu", dropout=0.1))
    encoded = encoder.transform(rows)
    inputs = [encoded.numeric, encoded.codes][: 2 if encoder.embedded else 1]
    network = network.initialise(1, *inputs)
    report = {"test": {"scores": {"accuracy": 0.5}}, "source": "table"}
    return Model.of(network, encoder, target, report=report, version="0.1.0")
