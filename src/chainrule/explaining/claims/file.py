"""Claim files: a network, its training, and the numbers that somebody printed."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.errors import DataError
from chainrule.explaining.claims.checks import Checks
from chainrule.explaining.claims.quantity import Quantity, Shape, read_quantity
from chainrule.explaining.claims.textbook import ACTIVATIONS, LOSSES, Task

EXAMPLES = ("E1", "E2", "E3", "E4", "E5")
LONGEST = 1_000_000  # updates or rows
MOST_SEEDS = 1_000


@dataclass(frozen=True)
class Claim:
    """A printed number.

    Attributes
    ----------
    quantity
        What it is said to be.
    printed
        The number with the digits that were printed.
    part
        Title of the group it stands in.
    setting
        Number of the network it speaks of; see `ClaimFile.settings`.
    """

    quantity: Quantity
    printed: Decimal
    part: str
    setting: int = 0


@dataclass(frozen=True, eq=False)
class ClaimFile:
    """A network, its training, and claims about it.

    Attributes
    ----------
    title, about
        What it is.
    shape
        Names of the units.
    settings
        The task, and for each group of claims with weights of its own, that task.
    claims
        The printed numbers, in order.
    delta_sign
        -1 where printed deltas point downhill: (target - output) times the slope.
    seeds
        Number of random starts; 0 for weights that are given.
    """

    title: str
    about: str
    shape: Shape
    settings: tuple[Task, ...]
    claims: tuple[Claim, ...]
    delta_sign: float
    seeds: int


def read_claims(source: str | Path | Mapping[str, Any]) -> ClaimFile:
    """Read a claim file.

    Parameters
    ----------
    source
        A path, ``"example:E5"`` for one that ships with the package, or the content as a
        dictionary.

    Raises
    ------
    DataError
        With the line and the reason, if something in the file cannot be used.
    """
    if isinstance(source, Mapping):
        return _Reader(Checks("the claims", "")).read(source)
    name, written = _open(source)
    try:
        content = tomllib.loads(written, parse_float=Decimal)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{name} is not valid TOML: {error}") from None
    return _Reader(Checks(name, written)).read(content)


def _open(source: str | Path) -> tuple[str, str]:
    said = str(source)
    if said.startswith("example:"):
        example = said.removeprefix("example:").upper()
        if example not in EXAMPLES:
            raise DataError(f"there is no {said}; there are {', '.join(EXAMPLES)}")
        place = files("chainrule.explaining.claims") / f"{example.lower()}.toml"
        return said, place.read_text(encoding="utf-8")
    try:
        return said, Path(source).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"cannot read the claim file {said}: {error}") from error


@dataclass(frozen=True)
class _Reader:
    """Reads the content of a claim file."""

    check: Checks

    def read(self, content: Mapping[str, Any]) -> ClaimFile:
        self.check.keys(content, "")
        shape, task, seeds = self._task(content)
        sign = {"gradient": 1.0, "descent": -1.0}
        training = self.check.table(content.get("training", {}), "training")
        delta = self.check.choice(training, "training", "delta", tuple(sign), "gradient")
        settings = [task]
        claims: list[Claim] = []
        for number, group in enumerate(self.check.list(content["claims"], "claims"), 1):
            one = _Reader(self.check.of(number))
            one.check.keys(group, "claims")
            if "weights" in group:
                fresh = one._weights(group["weights"], shape, "claims.weights", task.weights)
                settings.append(replace(task, weights=fresh))
            setting = len(settings) - 1 if "weights" in group else 0
            claims += one._claims(group, shape, len(task.inputs), setting)
        return ClaimFile(
            self.check.text(content, "", "title"),
            self.check.text(content, "", "about").strip(),
            shape,
            tuple(settings),
            tuple(claims),
            sign[delta],
            seeds,
        )

    def _task(self, content: Mapping[str, Any]) -> tuple[Shape, Task, int]:
        network = self.check.table(content["network"], "network")
        self.check.keys(network, "network")
        units, activations = [], []
        layers = self.check.list(network["layers"], "network.layers")
        for number, layer in enumerate(layers, 1):
            check = self.check.of(number)
            check.keys(layer, "network.layers")
            units.append(check.names(layer["units"], "network.layers", "units"))
            known = tuple(ACTIVATIONS)
            activations.append(check.choice(layer, "network.layers", "activation", known, ""))
            if activations[-1] == "softmax" and number < len(layers):
                check.fail("softmax stands at the output only", "network.layers", "activation")
        shape = Shape(self.check.names(network["inputs"], "network", "inputs"), tuple(units))
        self.check.distinct([*shape.inputs, *(u for layer in shape.layers for u in layer)])
        training = self.check.table(content.get("training", {}), "training")
        self.check.keys(training, "training")
        loss = self.check.choice(training, "training", "loss", tuple(LOSSES), "half_squared_error")
        output = activations[-1]
        if loss == "cross_entropy" and output not in ("sigmoid", "softmax"):
            self.check.fail("cross_entropy needs a sigmoid or softmax output", "training", "loss")
        if output == "softmax" and loss != "cross_entropy":
            self.check.fail("a softmax output needs the loss cross_entropy", "training", "loss")
        reduction = self.check.choice(training, "training", "reduction", ("sum", "mean"), "sum")
        data = self.check.table(content["data"], "data")
        self.check.keys(data, "data")
        weights, biases, biased, seeds = self._start(network, shape)
        task = Task(
            weights,
            biases,
            biased,
            tuple(activations),
            self.check.matrix(data, "inputs", len(shape.inputs)),
            self.check.matrix(data, "targets", len(shape.layers[-1])),
            loss,
            reduction == "mean",
            self.check.number(training.get("rate", 1.0), "training", "rate"),
            self.check.truth(training, "training", "train_biases", True),
        )
        if len(task.inputs) != len(task.targets):
            rows = f"{len(task.inputs)} rows of inputs and {len(task.targets)} of targets"
            self.check.fail(f"there are {rows}", "data", "targets")
        return shape, task, seeds

    def _start(self, network: Mapping[str, Any], shape: Shape) -> tuple[Any, Any, Any, int]:
        sizes = [len(shape.inputs), *map(len, shape.layers)]
        pairs = list(pairwise(sizes))
        if "random" in network and "weights" in network:
            self.check.fail("give either weights or random, and not both", "network", "weights")
        if "random" not in network and "weights" not in network:
            self.check.fail(
                "the key 'weights' (or 'random') is missing in table network", "network"
            )
        if "random" in network:
            table = self.check.table(network["random"], "network.random")
            self.check.keys(table, "network.random")
            seeds = self.check.count(table["seeds"], "network.random", "seeds", 1, MOST_SEEDS)
            scale = self.check.number(table.get("scale", 1.0), "network.random", "scale")
            has_biases = self.check.truth(table, "network.random", "biases", True)
            biased = tuple(np.full(n, has_biases) for n in sizes[1:])
            draws = [np.random.default_rng(seed) for seed in range(seeds)]
            weights = tuple(
                scale * np.stack([draw.standard_normal(pair) for draw in draws]) for pair in pairs
            )
            return weights, tuple(np.zeros(n) for n in sizes[1:]), biased, seeds
        weights = self._weights(network["weights"], shape, "network.weights", None)
        biases = [np.zeros(n) for n in sizes[1:]]
        found = [np.zeros(n, bool) for n in sizes[1:]]
        for unit, value in self.check.table(network.get("biases", {}), "network.biases").items():
            layer, place = self.check.understood(shape.unit, unit, "network.biases")
            biases[layer][place] = self.check.number(value, "network.biases", unit)
            found[layer][place] = True
        return weights, tuple(biases), tuple(found), 0

    def _weights(self, table: Any, shape: Shape, where: str, before: Any) -> tuple[Any, ...]:
        sizes = [len(shape.inputs), *map(len, shape.layers)]
        pairs = pairwise(sizes)
        start = [np.full(p, np.nan) for p in pairs] if before is None else [w * 1 for w in before]
        given = set()
        for edge, value in self.check.table(table, where).items():
            layer, i, j = place = self.check.understood(shape.edge, edge, where)
            if place in given:
                self.check.fail(f"the edge {edge} has two weights", where, edge)
            given.add(place)
            start[layer][i, j] = self.check.number(value, where, edge)
        for k, weight in enumerate(start):
            if np.isnan(weight).any():
                i, j = np.argwhere(np.isnan(weight))[0]
                source = (shape.layers[k - 1] if k else shape.inputs)[i]
                self.check.fail(f"the edge {source}->{shape.layers[k][j]} has no weight", where)
        return tuple(start)

    def _claims(
        self, group: Mapping[str, Any], shape: Shape, rows: int, setting: int
    ) -> Iterable[Claim]:
        after = self.check.count(group.get("after", 0), "claims", "after", 0, LONGEST)
        row = self.check.count(group.get("row", 1), "claims", "row", 1, LONGEST)
        if row > rows:
            has = f"{rows} row{'s' if rows > 1 else ''}"
            self.check.fail(f"row is {row}, but the data has {has}", "claims", "row")
        part = self.check.text(group, "claims", "title", f"group {self.check.which}")
        values = self.check.table(group["values"], "claims.values")
        if not values:
            self.check.fail("values must hold at least one printed number", "claims.values")
        given = set()
        for said, printed in values.items():

            def read(said: str) -> Quantity:
                return read_quantity(said, shape, row - 1, after)

            quantity = self.check.understood(read, said, "claims")
            if quantity in given or printed == []:
                reason = (
                    "needs a number" if printed == [] else "comes twice; give a list of numbers"
                )
                self.check.fail(f"{said} {reason}", "claims", said)
            given.add(quantity)
            for one in printed if isinstance(printed, list) else [printed]:
                yield Claim(quantity, self.check.printed(one, said), part, setting)
