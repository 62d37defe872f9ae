"""Capture a function as a graph, and replay a graph."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from chainrule.errors import ShapeError, TraceError
from chainrule.ir import (
    ArrayType,
    Builder,
    Dim,
    Graph,
    Node,
    bind,
    families,
    is_loop,
    topological,
)
from chainrule.ops import CARDS
from chainrule.ops.control import compute_loop
from chainrule.tracing import functions
from chainrule.tracing.array import Array, Recorder
from chainrule.tracing.record import compute, lift, record_again
from chainrule.tracing.tree import Tree, flatten, leaf_paths, unflatten
from chainrule.tracing.values import as_array, show, type_of, youngest


def spec_of(value: Any) -> ArrayType:
    """Give the type of an argument: of an array, a number, or a type."""
    if isinstance(value, ArrayType):
        return value
    if isinstance(value, str):
        raise TraceError(f"an argument is the text {value!r}; expected arrays, numbers, or trees")
    return type_of(value)


def begin(builder: Builder | None = None, width: str = "float64") -> Recorder:
    """Begin a tracing, in a new builder or in one that holds nodes already; see `Recorder`."""
    return Recorder(functions, builder, width)


def fresh_input(position: int, kind: ArrayType) -> Node:
    """Make a leaf that stands for an argument; no two are the same node."""
    return Node(CARDS["input"], (), (("position", position), ("type", kind)), kind)


@dataclass(frozen=True, eq=False)
class Captured:
    """A function as a graph, with the structure of its arguments and of its result.

    Attributes
    ----------
    graph
        One input for each leaf of the arguments, one output for each leaf of the result.
    arguments
        The structure of the tuple of arguments.
    result
        The structure of the result.
    outer
        Values of an enclosing tracing that the function read, by their nodes.
    """

    graph: Graph
    arguments: Tree
    result: Tree
    outer: Mapping[Node, Array] = field(default_factory=dict)


def capture(function: Callable[..., Any], args: Sequence[Any], names: Any = None) -> Captured:
    """Run a function on traced arrays in place of `args`, and return what it wrote down.

    Parameters
    ----------
    function
        Takes trees of arrays and returns a tree of arrays; it must not have side effects.
    args
        Trees of arrays, numbers or `ArrayType`; only shapes and dtypes are used.
    names
        Names of the arguments, for people; taken from the function when None.
    """
    leaves, tree = flatten(tuple(args))
    recorder = begin(width=_width(leaves))
    inputs = []
    paths = _names(function, args, names)
    for position, (leaf, name) in enumerate(zip(leaves, paths, strict=True)):
        kind = ArrayType((), recorder.width) if type(leaf) is float else spec_of(leaf)
        node = fresh_input(position, kind)
        recorder.builder.annotate(node, name=name)
        inputs.append(node)
    traced = unflatten(tree, [Array(node, recorder) for node in inputs])
    outputs, result = flatten(function(*traced))
    nodes = tuple(_output(value, recorder).node for value in outputs)
    recorder.open = False
    graph = Graph(tuple(inputs), nodes, recorder.builder.notes)
    return Captured(graph, tree, result, recorder.outer)


def _width(leaves: Sequence[Any]) -> str:
    """Give the dtype that plain floats adopt: that of the arrays they come with."""
    floats = {spec_of(x).dtype for x in leaves if type(x) is not float} & {"float32", "float64"}
    return "float32" if floats == {"float32"} else "float64"


def _output(value: Any, recorder: Recorder) -> Array:
    if isinstance(value, (str, bytes)) or callable(value):
        raise TraceError(f"the function returned {value!r}; expected arrays, numbers, or trees")
    array = lift(value, recorder)
    if array.recorder is not recorder:
        recorder.outer[array.node] = array
    return array


def _names(function: Callable[..., Any], args: Sequence[Any], names: Any) -> list[str]:
    if names is None:
        function = inspect.unwrap(function)
        code = getattr(function, "__code__", None)
        names = code.co_varnames[: code.co_argcount] if code else ()
        if hasattr(function, "__self__"):
            names = names[1:]
    padded = [*names, *(f"argument {i}" for i in range(len(names), len(args)))]
    return [path for name, arg in zip(padded, args, strict=False) for path in leaf_paths(arg, name)]


def replay(
    graph: Graph, values: Sequence[Any], outer: Mapping[Node, Array] | None = None
) -> list[Any]:
    """Run a graph on other values: inlined where they are traced, computed where they are not.

    Parameters
    ----------
    values
        One traced array, NumPy array or number for each input.
    outer
        Values of an enclosing tracing that the graph reads, by their nodes.

    Returns
    -------
    One traced or NumPy array for each output.
    """
    if len(values) != len(graph.inputs):
        raise ShapeError(f"expected {len(graph.inputs)} arrays, received {len(values)}")
    sizes = measure(graph, values)
    known: dict[Node, Any] = dict(outer or {})
    for node, value in zip(graph.inputs, values, strict=True):
        known[node] = value if isinstance(value, Array) else as_array(value, node.type.dtype)
    recorder = youngest(list(known.values()))
    changed = {symbol: size for symbol, size in sizes.items() if size != Dim(symbol)}
    order = topological(graph.outputs, known)
    loops = families(order)
    for node in order:
        if node in known:
            continue
        if node.card.name == "input":
            raise TraceError(f"{node} belongs to another tracing")
        inputs = [known[x] for x in node.inputs]
        writer = youngest(inputs) if inputs else recorder
        if writer is not None:
            arrays = [lift(x, writer) for x in inputs]
            known[node] = record_again(writer, node, graph.notes.get(node), arrays, changed)
        elif is_loop(node):
            bound = [replace(x, params=bind(x.params, sizes)) for x in loops[node]]
            with np.errstate(all="ignore"):
                known |= zip(loops[node], compute_loop(np, bound, inputs), strict=True)
        else:
            known[node] = compute(node.card, *inputs, **{k: bind(v, sizes) for k, v in node.params})
    return [known[node] for node in graph.outputs]


def measure(graph: Graph, values: Sequence[Any]) -> dict[str, Any]:
    """Find the values of the symbolic sizes, and check that shapes and dtypes fit."""
    sizes: dict[str, Any] = {}
    for node, value in zip(graph.inputs, values, strict=True):
        shape = value.shape if isinstance(value, Array) else np.shape(value)
        wanted = node.type.shape
        fits = len(shape) == len(wanted)
        for n, size in zip(shape, wanted, strict=False):
            if isinstance(size, Dim):
                found = (n - size.offset) // size.scale
                fits = fits and sizes.setdefault(size.symbol, found) == found
                fits = fits and size.scale * found + size.offset == n
            else:
                fits = fits and n == size
        if not fits:
            note = graph.notes.get(node)
            name = note.name if note and note.name else "an input"
            raise ShapeError(
                f"{name} has the shape {show(shape)}, the program was traced for {node.type}"
            )
    return sizes
