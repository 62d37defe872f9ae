"""Layers that the backward pass computes again, so that a step stays within a budget of memory."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from chainrule import random
from chainrule.errors import ParameterError
from chainrule.nn import Module, Sequential, run_with_calls
from chainrule.nn.scope import Call
from chainrule.plan import count_bytes, count_work
from chainrule.tracing import Array, capture, flatten, map_leaves, spec_of
from chainrule.train.examples import batch_types
from chainrule.train.paths import covers

_UNITS = {"": 1, "B": 1}
_UNITS |= {f"{prefix}B": 1000 ** (i + 1) for i, prefix in enumerate("KMGT")}
_UNITS |= {f"{prefix}IB": 1024 ** (i + 1) for i, prefix in enumerate("KMGT")}

Choice = Mapping[str, int]
"""Layers that are computed again: for the path of the first of some, how many."""


def read_bytes(memory: int | str) -> int:
    """Read an amount of memory.

    Parameters
    ----------
    memory
        Bytes, or a text such as "200MB", "1.5 GB" or "512 KiB".

    >>> read_bytes("1.5 MB"), read_bytes("2KiB"), read_bytes(100)
    (1500000, 2048, 100)
    """
    found = re.fullmatch(r"\s*(\d+\.?\d*|\.\d+)\s*([A-Za-z]*)\s*", str(memory))
    if found is None or found[2].upper() not in _UNITS:
        raise ParameterError(
            f'memory is a number of bytes, or a text such as "200MB" or "1.5 GiB", received '
            f"{memory!r}"
        )
    return int(float(found[1]) * _UNITS[found[2].upper()])


def choose_recomputed(
    network: Module, inputs: Any, rows: int, budget: int, memory: Callable[[Choice], int]
) -> Choice:
    """Choose layers to be computed again, with few operations, so that a step fits into memory.

    Plans tell how much memory a step takes, so nothing is run. The choices that are tried compute
    single layers again, or some that follow each other as one, outer layers or those within them:
    of each kind first what frees the most memory for its operations, as much of it as it takes.
    Of all that fit, the one with the fewest operations is taken.

    Parameters
    ----------
    network
        With arrays in every place.
    inputs
        What it is called with.
    rows
        Of a minibatch.
    budget
        Bytes.
    memory
        Plans a step; gives its bytes.

    Raises
    ------
    ParameterError
        If no choice that was tried fits; says how little memory the best of them takes.
    """
    tried: dict[tuple[str, ...], int] = {}

    def fits(choice: Choice) -> bool:
        names = tuple(f"{path}:{count}" for path, count in choice.items())
        if names not in tried:
            tried[names] = memory(choice)
        return tried[names] <= budget

    if fits({}):
        return {}
    best: Choice | None = None
    fewest = float("inf")
    for runs in _kinds(_stacked(network, inputs), rows):
        # The first of the runs that cost less than the best choice so far.
        costs = [sum(run.flops for run in runs[:n]) for n in range(len(runs) + 1)]
        most = max(n for n, cost in enumerate(costs) if cost < fewest)
        choices = [{run.path: run.count for run in runs[:n]} for n in range(most + 1)]
        if fits(choices[most]):
            low, high = 0, most  # too few, enough
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (low, middle) if fits(choices[middle]) else (middle, high)
            best, fewest = choices[high], costs[high]
        if fewest == 0:  # as where only rows of a table are taken again: nothing costs less
            break
    if best is None:
        plain, least = tried[()], min(tried.values())
        raise ParameterError(
            f"a step of {rows} rows does not fit into {budget:,} bytes of working memory: it takes "
            f"{plain:,} bytes, and {least:,} at the least, with layers computed again. Give more "
            "memory or a smaller batch_size (with accumulate=, the steps stay as they are)"
        )
    return _spared(best, fits)


def _spared(choice: Choice, fits: Callable[[Choice], bool]) -> Choice:
    """Leave out what it fits without; what costs the most operations for its memory first."""
    for path in reversed(list(choice)):
        fewer = {name: count for name, count in choice.items() if name != path}
        choice = fewer if fits(fewer) else choice
    return choice


@dataclass(eq=False)
class _Layer:
    """A layer in a stack, and what to compute it again costs and saves.

    Attributes
    ----------
    path
        Where it stands.
    types
        Of the module's arrays and its inputs.
    place
        If a `Sequential` holds it: which, and its number there.
    inner
        Stacked layers within it.
    """

    path: str
    types: tuple[Any, ...]
    place: tuple[str, int] | None
    inner: list[_Layer] = field(default_factory=list)


def _stacked(network: Module, inputs: Any) -> list[_Layer]:
    """Find the layers that stand in tuples or lists, those within others below them.

    Only calls count that take arrays alone and return one.
    """
    calls: list[Call] = []

    def call(network: Module, inputs: Any, key: Any) -> Any:
        output, found = run_with_calls(network, *inputs, key=key)
        calls.extend(found)
        return output

    capture(call, (network, batch_types(inputs), random.key(0)))
    sequences = {_below(call.path, "layers") for call in calls if type(call.module) is Sequential}
    outermost: list[_Layer] = []
    known: dict[str, _Layer] = {}
    for each in calls:
        found = re.fullmatch(r"(.*)\[(\d+)\]", each.path)
        arrays = [*flatten(each.inputs)[0], each.output]
        plain = all(isinstance(x, Array) for x in arrays) and set(each.options) <= {"key"}
        if found is None or not plain or each.path in known:
            continue
        types = map_leaves(spec_of, (each.module, each.inputs))
        place = (found[1], int(found[2])) if found[1] in sequences else None
        layer = known[each.path] = _Layer(each.path, types, place)
        outer = [known[path] for path in known if covers(path, each.path) and path != each.path]
        (outer[-1].inner if outer else outermost).append(layer)
    return outermost


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


@dataclass(frozen=True)
class _Run:
    """Layers that are computed again as one: how many, and what that costs and frees."""

    path: str
    count: int
    flops: int
    kept: int


def _kinds(layers: list[_Layer], rows: int) -> Iterator[list[_Run]]:
    """List the runs of each kind of choice, those first that free much for few operations."""
    cuts = [layers]
    while any(layer.inner for layer in cuts[-1]):
        cuts.append([deep for layer in cuts[-1] for deep in layer.inner or [layer]])
    worth = {
        layer: _worth(layer.types, rows) for layer in dict.fromkeys(x for cut in cuts for x in cut)
    }
    for cut in cuts:
        length, before = 1, 0
        runs = _runs(cut, length)
        while len(runs) != before:
            counted = [
                _Run(
                    run[0].path, len(run), *map(sum, zip(*map(worth.__getitem__, run), strict=True))
                )
                for run in runs
            ]
            yield sorted(counted, key=lambda run: run.flops / max(run.kept, 1))
            length, before = 2 * length, len(runs)
            runs = _runs(cut, length)


def _runs(layers: list[_Layer], length: int) -> list[list[_Layer]]:
    """Join as many layers as that, where they follow each other in one `Sequential`."""
    runs: list[list[_Layer]] = []
    for layer in layers:
        last = runs[-1][-1].place if runs else None
        follows = last and layer.place == (last[0], last[1] + 1)
        if follows and len(runs[-1]) < length:
            runs[-1].append(layer)
        else:
            runs.append([layer])
    return runs


def _worth(types: tuple[Any, ...], rows: int) -> tuple[int, int]:
    """Floating-point operations of a layer, and bytes of what it computes, for so many rows."""
    call = lambda layer, inputs, key: layer(*inputs, key=key)  # noqa: E731
    graph = capture(call, (*types, random.key(0))).graph
    sizes = {"batch": rows}
    return count_work(graph, sizes)[1], count_bytes(graph, sizes)
