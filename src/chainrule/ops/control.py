"""Loops with carried state."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from chainrule.errors import DtypeError, ShapeError
from chainrule.ir import (
    ArrayType,
    Body,
    Card,
    Node,
    Size,
    absent,
    families,
    is_loop,
    position,
)

Arrays = Sequence[Any]


def _scan_type(
    *inputs: ArrayType, body: Body, stacked: bool, index: int, length: Size, reverse: bool
) -> ArrayType:
    wanted = [x.type for x in body.graph.inputs]
    if len(inputs) != len(wanted):
        raise ShapeError(f"the loop's step takes {len(wanted)} arrays, received {len(inputs)}")
    fixed = len(inputs) - body.slices
    for i, (given, kind) in enumerate(zip(inputs, wanted, strict=True)):
        expected = kind if i < fixed else ArrayType((length, *kind.shape), kind.dtype)
        if given.dtype != expected.dtype:
            raise DtypeError(f"the loop's step takes {expected} as input {i}, received {given}")
        if given.shape != expected.shape:
            raise ShapeError(f"the loop's step takes {expected} as input {i}, received {given}")
    _, carries, _ = body.divide(body.graph.inputs)
    for old, new in zip(carries, body.graph.outputs, strict=True):
        if new.type != old.type:
            raise ShapeError(f"a carry begins the loop's step as {old.type}, ends it as {new.type}")
    if not stacked:
        return body.graph.outputs[index].type
    kind = body.values[index].type
    return ArrayType((length, *kind.shape), kind.dtype)


def iterate(
    np: Any,
    step: Callable[[Arrays], Arrays],
    body: Body,
    inputs: Arrays,
    stacks: Arrays,
    length: int,
    reverse: bool,
) -> Arrays:
    """Run the steps of a loop one after the other.

    Parameters
    ----------
    step
        From the inputs of a step to the new carries and the values that are to be stacked.
    inputs
        Of the loop: constants, first carries, and arrays whose slices belong to the steps.
    stacks
        Arrays that take the values to be stacked, with one place for each step.

    Returns
    -------
    The last carries.
    """
    constants, carries, slices = body.divide(inputs)
    for number in range(length):
        t = position(length, number, reverse=reverse)
        results = step([*constants, *carries, *(np.asarray(x[t]) for x in slices)])
        carries, kept = results[: body.carries], results[body.carries :]
        for stack, value in zip(stacks, kept, strict=True):
            stack[t] = value
    return carries


def compute_loop(np: Any, nodes: Sequence[Node], inputs: Arrays) -> list[Any]:
    """Compute values of one loop by the rules of its step's ops; sizes must be numbers."""
    options = nodes[0].options
    body, length, reverse = options["body"], options["length"], options["reverse"]
    places = sorted({x.options["index"] for x in nodes if x.options["stacked"]})
    program = body.returning(places)
    kinds = [body.values[i].type for i in places]
    stacks = [np.empty((length, *kind.shape), kind.dtype) for kind in kinds]

    def step(values: Arrays) -> Arrays:
        known = dict(zip(program.inputs, values, strict=True))
        loops = families(program.nodes)
        for node in program.nodes:
            if node in known:
                continue
            read = [known[x] for x in node.inputs]
            if is_loop(node):
                known |= zip(loops[node], compute_loop(np, loops[node], read), strict=True)
            else:
                known[node] = np.asarray(node.card.numpy(np, *read, **node.options))
        return [known[x] for x in program.outputs]

    carries = iterate(np, step, body, inputs, stacks, length, reverse)
    stack_of = dict(zip(places, stacks, strict=True))
    return [
        stack_of[x.options["index"]] if x.options["stacked"] else carries[x.options["index"]]
        for x in nodes
    ]


def _scan(np: Any, *inputs: Any, **params: Any) -> Any:
    kinds = (ArrayType(x.shape, x.dtype.name) for x in inputs)
    node = Node(scan, (), tuple(sorted(params.items())), _scan_type(*kinds, **params))
    return compute_loop(np, [node], inputs)[0]


scan = Card(
    name="scan",
    kind="control",
    doc="One value of a loop: a carry at its end, or a value of its step, stacked over all steps.",
    type=_scan_type,
    vjp=absent("the values of a loop are pulled back together: see `chainrule.backprop.loops`"),
    numpy=_scan,
    native="scan",
    onnx=absent("the values of a loop belong to one Scan operator, not to one each"),
    kink="a loop of no steps leaves the carries as they were",
)
