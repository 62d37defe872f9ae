"""What a network is made of: every layer with its shape, parameters, work and memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from html import escape
from typing import Any

import numpy as np

from chainrule.ir import ArrayType, Dim, Graph, Node, bind, is_float, itemsize, topological
from chainrule.nn.scope import Call
from chainrule.nn.tree import state_paths
from chainrule.plan import plan
from chainrule.tracing import (
    Array,
    as_array,
    capture,
    flatten,
    leaf_paths,
    replay,
    spec_of,
)

BATCH = "batch"
ONE = {BATCH: 1}
"""Work and memory are counted for one example."""

_TITLES = ("layer", "kind", "output", "parameters", "trainable", "flops", "memory")


@dataclass(frozen=True)
class LayerSummary:
    """One layer, or one call of a layer that is called more than once.

    Attributes
    ----------
    path
        Where it stands in the network; "" is the network itself.
    kind
        Its class.
    output
        The type of what it returns, such as "f32[batch, 10]"; several are joined by commas.
    parameters, trainable
        Numbers that it holds, and those of them that gradients change; layers inside count. They
        are None where the same layer was called before.
    flops
        Floating-point operations of one call with one example; layers inside count.
    memory
        Bytes of its output for one example.
    depth
        How many layers it stands in.
    """

    path: str
    kind: str
    output: str
    parameters: int | None
    trainable: int | None
    flops: int
    memory: int
    depth: int


@dataclass(frozen=True, repr=False)
class Summary:
    """The layers of a network in the order of their calls; print it, or show it in a notebook.

    Attributes
    ----------
    layers
        One row for each call, outer layers before those inside.
    parameters, trainable, state
        Numbers that the network holds; those that gradients change; and those that training
        steps hand on, such as running statistics.
    parameter_bytes
        Memory of all of them.
    flops
        Floating-point operations for one example, each counted once.
    working_memory
        Bytes that the planned program needs for one example, beside parameters and results.
    """

    layers: tuple[LayerSummary, ...]
    parameters: int
    trainable: int
    state: int
    parameter_bytes: int
    flops: int
    working_memory: int

    def text(self) -> str:
        """Print a table, and the sums below it."""
        rows = [_TITLES, *map(_cells, self.layers)]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = []
        for row in rows:
            cells = [
                cell.ljust(width) if i < 3 else cell.rjust(width)
                for i, (cell, width) in enumerate(zip(row, widths, strict=True))
            ]
            lines.append("  ".join(cells).rstrip())
        return "\n".join([*lines, "", *self._sums()])

    def _sums(self) -> list[str]:
        state = f", {self.state:,} state" if self.state else ""
        frozen = self.parameters - self.trainable - self.state
        still = f", {frozen:,} fixed" if frozen else ""
        return [
            f"{self.parameters:,} parameters ({self.trainable:,} trainable{state}{still}), "
            f"{_bytes(self.parameter_bytes)}",
            f"{_big(self.flops)} flops and {_bytes(self.working_memory)} of working memory for one "
            "example",
        ]

    def to_dict(self) -> dict[str, Any]:
        """Give all of it as plain values, as for JSON."""
        return asdict(self)

    def __repr__(self) -> str:
        return self.text()

    def _repr_html_(self) -> str:
        """Show the table in a notebook."""
        head = "".join(f"<th>{title}</th>" for title in _TITLES)
        rows = []
        for layer in self.layers:
            first, *others = _cells(layer)
            indent = f' style="text-align:left;padding-left:{0.5 + layer.depth}em"'
            cells = "".join(f"<td>{escape(cell)}</td>" for cell in others)
            rows.append(f"<tr><td{indent}>{escape(first.strip())}</td>{cells}</tr>")
        sums = "<br>".join(map(escape, self._sums()))
        table = f"<table><tr>{head}</tr>{''.join(rows)}</table>"
        return f'<div style="overflow-x:auto">{table}</div><p>{sums}</p>'


def summarise(
    calls: Sequence[Call],
    graph: Graph,
    network: Any,
    *,
    frozen: Sequence[str] = (),
    depth: int | None = None,
) -> Summary:
    """Count what the calls of a network's layers hold and do.

    Parameters
    ----------
    calls
        Of every layer, as they were traced.
    graph
        The program they were traced into.
    network
        The tree of modules, with arrays.
    frozen, depth
        As for `chainrule.summary`.
    """
    planned = plan(graph, limits=ONE)
    arrays = dict(zip(leaf_paths(network), flatten(network)[0], strict=True))
    state = state_paths(network)
    fixed = state | {p for p in arrays if any(_covers(name, p) for name in frozen)}
    fixed |= {path for path, x in arrays.items() if not is_float(x.dtype.name)}
    counted = _Counted(arrays, fixed)
    layers = tuple(counted.row(call) for call in calls)
    return Summary(
        tuple(x for x in layers if depth is None or x.depth <= depth),
        parameters=sum(int(x.size) for x in arrays.values()),
        trainable=sum(int(x.size) for path, x in arrays.items() if path not in fixed),
        state=sum(int(arrays[path].size) for path in state),
        parameter_bytes=sum(int(x.nbytes) for x in arrays.values()),
        flops=planned.cost(),
        working_memory=planned.memory(),
    )


class _Counted:
    """Rows of the table, in the order of the calls."""

    def __init__(self, arrays: dict[str, Any], fixed: set[str]) -> None:
        self.arrays, self.fixed = arrays, fixed
        self.seen: set[str] = set()

    def row(self, call: Call) -> LayerSummary:
        held = {path: self.arrays[path] for path in leaf_paths(call.module, call.path)}
        moving = [x for path, x in held.items() if path not in self.fixed]
        again = call.path in self.seen
        self.seen.add(call.path)
        outputs = _nodes(call.output)
        return LayerSummary(
            path=call.path,
            kind=type(call.module).__name__,
            output=", ".join(str(x.type) for x in outputs),
            parameters=None if again and held else sum(int(x.size) for x in held.values()),
            trainable=None if again and held else sum(int(x.size) for x in moving),
            flops=_flops(_nodes((call.inputs, call.options)), outputs),
            memory=sum(_size(x.type) for x in outputs),
            depth=_depth(call.path),
        )


def open_type(x: Any) -> ArrayType:
    """The type of an example, its number of rows left open."""
    if isinstance(x, ArrayType):
        return x
    kind = spec_of(as_array(x))
    dtype = "float32" if is_float(kind.dtype) else kind.dtype
    return ArrayType((Dim(BATCH), *kind.shape[1:]) if kind.shape else (), dtype)


def _covers(name: str, path: str) -> bool:
    return path == name or path.startswith((name + ".", name + "["))


def _nodes(tree: Any) -> list[Node]:
    return [x.node for x in flatten(tree)[0] if isinstance(x, Array)]


def _flops(inputs: Sequence[Node], outputs: Sequence[Node]) -> int:
    """Work of what lies between two places of a program, planned as a program of its own."""
    begin = dict.fromkeys(inputs)
    leaves = [x for x in topological(outputs, begin) if x.card.name == "input"]
    part = Graph(tuple(dict.fromkeys((*begin, *leaves))), tuple(outputs))
    alone = capture(lambda *values: replay(part, values), [x.type for x in part.inputs])
    return plan(alone.graph, limits=ONE).cost()


def _size(kind: ArrayType) -> int:
    return int(np.prod(bind(kind.shape, ONE), dtype=np.int64)) * itemsize(kind.dtype)


def _depth(path: str) -> int:
    return 0 if not path else 1 + path.count(".")


def _cells(layer: LayerSummary) -> tuple[str, ...]:
    def count(n: int | None) -> str:
        return "shared" if n is None else f"{n:,}"

    name = layer.path.rpartition(".")[2] or "network"
    return (
        "  " * layer.depth + name,
        layer.kind,
        layer.output,
        count(layer.parameters),
        count(layer.trainable),
        _big(layer.flops),
        _bytes(layer.memory),
    )


def _big(n: int) -> str:
    for unit, size in (("G", 10**9), ("M", 10**6), ("k", 10**3)):
        if n >= 10 * size:
            return f"{n / size:,.1f} {unit}" if n < 1000 * size else f"{n / size:,.0f} {unit}"
    return str(n)


def _bytes(n: int) -> str:
    for unit, size in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if n >= 10 * size:
            return f"{n / size:,.0f} {unit}"
    return f"{n} B"
