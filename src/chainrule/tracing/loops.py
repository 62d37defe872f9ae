"""Loops with carried state: `scan`, and making a loop of what was written down for a step."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chainrule.errors import ParameterError, ShapeError, TraceError
from chainrule.ir import ArrayType, Body, Builder, Graph, Node, Note, Size, topological
from chainrule.ops import CARDS
from chainrule.ops.control import compute_loop
from chainrule.tracing.array import Array
from chainrule.tracing.capture import capture, fresh_input, replay, spec_of
from chainrule.tracing.record import apply
from chainrule.tracing.tapping import returning_taps, tap
from chainrule.tracing.tree import Tree, flatten, leaf_paths, unflatten
from chainrule.tracing.values import as_array, concrete, show

_STAY = ("full", "iota", "size", "transpose", "broadcast")
"""Ops that cost nothing where they are read, so that a step has its own of them."""


@dataclass(frozen=True, eq=False)
class Loop:
    """A loop, and what it works on.

    Attributes
    ----------
    body
        One step.
    inputs
        Constants, first carries, and arrays whose slices belong to the steps: traced or not.
    length
        Number of steps.
    reverse
        Whether the last slices come first.
    """

    body: Body
    inputs: tuple[Any, ...]
    length: Size
    reverse: bool

    def read(self, carries: Sequence[int], stacks: Sequence[Node]) -> list[Any]:
        """Give some of the carries at the end, then some values of the step for all steps."""
        slices = dict(zip(*(self.body.divide(x)[2] for x in self._pairs), strict=True))
        place = {x: i for i, x in reversed(list(enumerate(self.body.values)))}
        wanted = [(False, i) for i in carries]
        wanted += [(True, place[x]) for x in stacks if x not in slices]
        found = iter(self._values(wanted))
        finals = [next(found) for _ in carries]
        return finals + [slices[x] if x in slices else next(found) for x in stacks]

    @property
    def _pairs(self) -> tuple[Sequence[Any], Sequence[Any]]:
        return self.body.graph.inputs, self.inputs

    def _values(self, wanted: Sequence[tuple[bool, int]]) -> list[Any]:
        shared = {"body": self.body, "length": self.length, "reverse": self.reverse}
        each = [{**shared, "stacked": stacked, "index": index} for stacked, index in wanted]
        card = CARDS["scan"]
        if any(isinstance(x, Array) for x in self.inputs):
            return [apply(card, *self.inputs, **params) for params in each]
        kinds = [spec_of(x) for x in self.inputs]
        nodes = [
            Node(card, (), tuple(sorted(params.items())), card.type(*kinds, **params))
            for params in each
        ]
        with np.errstate(all="ignore"):
            return compute_loop(np, nodes, self.inputs) if nodes else []


@dataclass(frozen=True, eq=False)
class Written:
    """What was written down for one step, as nodes.

    Attributes
    ----------
    carries
        For each carry the node that it enters as, its value in the first step, and the node that
        it leaves as.
    slices
        The nodes that slices enter as, and what they are slices of.
    kept
        Nodes that will be asked for, stacked over all steps.
    known
        Values from outside that the step reads, by their nodes.
    notes
        What is known about the nodes.
    """

    carries: Sequence[tuple[Node, Any, Node]]
    slices: Sequence[tuple[Node, Any]]
    kept: Sequence[Node]
    known: Mapping[Node, Any]
    notes: Mapping[Node, Note]


def enclose(
    written: Written, length: Size, *, reverse: bool
) -> tuple[Loop, Callable[[Node], Node]]:
    """Make a loop of what was written down for one step.

    What is the same in all steps is computed once, before the loop.

    Returns
    -------
    The loop, and a function from a node that was written down to the one in the loop's body.
    """
    entering = [x for x, _, _ in written.carries] + [x for x, _ in written.slices]
    wanted = [x for _, _, x in written.carries] + [*written.kept]
    known = _looked_through(written.known)
    order = topological(wanted, [*entering, *known])
    inside = set(entering)
    for node in order:
        if any(x in inside for x in node.inputs) and node not in known:
            inside.add(node)
    waiting = [x for node in (*order, *entering) if node in inside for x in node.inputs]
    waiting = [x for x in (*waiting, *wanted) if x not in inside]
    before: set[Node] = set()
    while waiting:
        node = waiting.pop()
        if node in inside or node in before:
            continue
        if node.card.name in _STAY and node not in known:
            inside.add(node)
            waiting += node.inputs
        else:
            before.add(node)
    constants = [x for x in order if x in before]
    known |= {x: first for x, first, _ in written.carries}
    values = replay(Graph((), tuple(constants)), [], known)
    leading = [*constants, *entering]
    new = {x: fresh_input(i, x.type) for i, x in enumerate(leading)}
    inputs = tuple(new[x] for x in leading)
    builder = Builder()
    for node in order:
        if node in inside and node not in new:
            new[node] = builder.add(node.card, *(new[x] for x in node.inputs), **node.options)
    notes = {new[x]: replace(n, gradient_of=None) for x, n in written.notes.items() if x in new}
    for x, value in zip(constants, values, strict=True):
        note = value.recorder.builder.notes.get(value.node) if isinstance(value, Array) else None
        notes.setdefault(new[x], Note(name=note.name if note else None))
    outputs = tuple(new[x] for _, _, x in written.carries)
    step = Graph(inputs, outputs, notes)
    everything = Graph(inputs, tuple(new[x] for x in wanted), notes)
    body = Body(step, len(written.carries), len(written.slices), everything.nodes)
    first = (first for _, first, _ in written.carries)
    arrays = (*values, *first, *(whole for _, whole in written.slices))
    return Loop(body, tuple(map(concrete, arrays)), length, reverse), new.__getitem__


def _looked_through(known: Mapping[Node, Any]) -> dict[Node, Any]:
    """Replace values from outside that cost nothing by what they are made of."""
    found = dict(known)
    waiting = list(known)
    while waiting:
        node = waiting.pop()
        value = found[node]
        if isinstance(value, Array) and value.node is node and node.card.name in _STAY:
            del found[node]
            fresh = [x for x in node.inputs if x not in found]
            found |= {x: Array(x, value.recorder) for x in fresh}
            waiting += fresh
    return found


def scan(
    step: Callable[[Any, Any], tuple[Any, Any]],
    carry: Any,
    xs: Any = None,
    *,
    length: Size | None = None,
    reverse: bool = False,
) -> tuple[Any, Any]:
    """Run a step many times, each on what the one before handed on: a loop within a program.

    A Python loop writes its body down once for each step; `scan` writes it down once. It is
    differentiated as a loop, too: the backward pass walks through the steps the other way round,
    and sums over steps, as the gradients of weights, become one product behind it.

    Parameters
    ----------
    step
        ``step(carry, x) -> (carry, y)``, of trees of arrays. The new carry has the structure,
        shapes and dtypes of the old one. It may read any other value, traced or not.
    carry
        What the first step receives: a tree of arrays. Plain numbers take the dtype that the step
        gives them.
    xs
        Arrays (length, ...) whose slices along the first axis the steps receive, as a tree; for
        None, `x` is None.
    length
        Number of steps, where `xs` does not tell.
    reverse
        Begin with the last slice; `ys` stays in the order of `xs`.

    Returns
    -------
    The last carry, and the tree of `y`, stacked along a new first axis: (length, ...).

    Raises
    ------
    ShapeError
        If arrays of `xs` differ in length, or a carry changes its type.
    TraceError
        If the step does not return a pair, or changes the structure of the carry.

    Notes
    -----
    The interface is that of ``jax.lax.scan``. A loop of no steps returns `carry` and empty
    stacks. What `tap` marks in the step is seen as one array, of all steps: (length, ...).

    Examples
    --------
    >>> import numpy as np
    >>> total, sums = scan(lambda sofar, x: (sofar + x, sofar + x), 0.0, np.array([1.0, 2.0, 3.0]))
    >>> float(total), sums.tolist()
    (6.0, [1.0, 3.0, 6.0])
    """
    first, structure = flatten(carry)
    whole, xs_tree = flatten(xs)
    whole = [concrete(x) for x in whole]
    steps = _steps(whole, leaf_paths(xs, "xs"), length)
    rows = [ArrayType(x.shape[1:], spec_of(x).dtype) for x in whole]
    watched = returning_taps(step)
    captured = capture(watched, (carry, unflatten(xs_tree, rows)))
    _check_result(captured.result.children[0], structure)
    begin = _adapted(first, captured.graph)
    if begin != [x.type for x in captured.graph.inputs[: len(first)]]:
        captured = capture(watched, (unflatten(structure, begin), unflatten(xs_tree, rows)))
    graph, count = captured.graph, len(first)
    _check_types(graph, leaf_paths(carry, "carry"))
    entering = graph.inputs[:count]
    values = [x if isinstance(x, Array) else as_array(x, n.type.dtype)
              for x, n in zip(first, entering, strict=True)]  # fmt: skip
    written = Written(
        list(zip(entering, values, graph.outputs[:count], strict=True)),
        list(zip(graph.inputs[count:], whole, strict=True)),
        graph.outputs[count:],
        captured.outer,
        graph.notes,
    )
    loop, inside = enclose(written, steps, reverse=reverse)
    results = loop.read(range(count), [inside(y) for y in written.kept])
    (last, ys), tapped = unflatten(captured.result, results)
    for name, values in tapped.items():
        tap(values, name)
    return last, ys


def _steps(whole: Sequence[Any], names: Sequence[str], length: Size | None) -> Size:
    """Find the number of steps, on which all must agree."""
    for x, name in zip(whole, names, strict=True):
        if not x.shape:
            raise ShapeError(f"scan takes slices along the first axis, but {name} is a number")
        if length is None:
            length = x.shape[0]
        elif x.shape[0] != length:
            raise ShapeError(
                f"the loop has {length} steps, but {name} has the shape {show(x.shape)}: all "
                "arrays of xs need one slice for each step"
            )
    if length is None:
        raise ParameterError("scan needs xs or a length to know the number of steps")
    if isinstance(length, int) and length < 0:
        raise ParameterError(f"a loop cannot have {length} steps")
    return length


def _check_result(result: Tree, structure: Any) -> None:
    if result.kind is not tuple or len(result.children) != 2:
        raise TraceError("the step of a scan must return a pair (carry, y)")
    if result.children[0] != structure:
        raise TraceError(
            f"the step of a scan must return a carry of the structure it received: expected "
            f"{structure}, received {result.children[0]}"
        )


def _adapted(first: Sequence[Any], graph: Graph) -> list[ArrayType]:
    """Types of the carries; plain numbers take those of the step's results."""
    kinds = []
    for x, old, new in zip(first, graph.inputs, graph.outputs, strict=False):
        plain = isinstance(x, (bool, int, float)) and new.type.shape == ()
        kinds.append(new.type if plain else old.type)
    return kinds


def _check_types(graph: Graph, names: Sequence[str]) -> None:
    for name, old, new in zip(names, graph.inputs, graph.outputs, strict=False):
        if old.type != new.type:
            raise ShapeError(
                f"{name} enters the step of a scan as {old.type} and leaves it as {new.type}; "
                "it must keep its shape and dtype: cast it, or begin with an array of that type"
            )
