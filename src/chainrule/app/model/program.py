"""A program as plain JSON, and back.

A node is stored as the name of its op, the places of its inputs and its parameters. Types are not
stored: they follow from the cards' rules, which thereby check every node of a stranger's program.
Reading a program looks names up and runs type rules; nothing in it can name any other code.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping, MutableMapping
from typing import Any

from numpy.typing import NDArray

from chainrule.app.model.kinds import BATCH
from chainrule.app.model.prediction import bytes_per_row
from chainrule.data.stored import Fields
from chainrule.errors import ChainruleError, ModelFileError
from chainrule.ir import (
    DTYPES,
    ArrayType,
    Body,
    Builder,
    Card,
    Dim,
    Graph,
    Node,
    Size,
    bind,
    check,
    is_loop,
)
from chainrule.ops import CARDS
from chainrule.ops.leaf import Frozen
from chainrule.tracing import fresh_input

MOST_NODES = 100_000
MOST_AXES = 16
MOST_BYTES_PER_ROW = 2**32
"""Limits that no sensible program meets, so that a made-up one cannot exhaust the machine."""

UNSUITABLE = (ArithmeticError, AttributeError, LookupError, MemoryError, TypeError, ValueError)
"""What rules of op cards raise on parameters of a kind that no tracing would have given them."""

Arrays = Mapping[str, NDArray[Any]]


def program_to_json(graph: Graph, arrays: MutableMapping[str, NDArray[Any]]) -> dict[str, Any]:
    """Give a program as plain JSON values.

    Parameters
    ----------
    graph
        Any program whose only symbolic size is the batch.
    arrays
        Receives the program's constants, under names that the JSON refers to.
    """
    place = {node: i for i, node in enumerate(graph.nodes)}
    return {
        "inputs": [
            {"name": name_of(graph, x), "type": _type_to_json(x.type)} for x in graph.inputs
        ],
        "nodes": [
            {
                "op": node.card.name,
                "inputs": [place[x] for x in node.inputs],
                "params": [[key, _to_json(value, arrays)] for key, value in node.params],
                "name": name_of(graph, node),
            }
            for node in graph.nodes[len(graph.inputs) :]
        ],
        "outputs": [place[x] for x in graph.outputs],
    }


def program_from_json(stored: object, arrays: Arrays) -> Graph:
    """Read what `program_to_json` gave.

    Parameters
    ----------
    stored
        What a JSON file holds.
    arrays
        Where the program's constants are looked up.

    Raises
    ------
    ModelFileError
        If anything in it is not a program that this version can run.
    """
    fields = Fields(stored, "program")
    builder = Builder()
    nodes: list[Node] = []
    for i, item in enumerate(fields.items("inputs")):
        entry = Fields(item, f"program, input {i}")
        node = fresh_input(i, _type_from_json(entry))
        builder.annotate(node, name=entry.text("name"))
        entry.end()
        nodes.append(node)
    inputs = tuple(nodes)
    for i, item in enumerate(fields.items("nodes")):
        if i >= MOST_NODES:
            raise ModelFileError(f"program: more than {MOST_NODES} operations")
        nodes.append(_node(Fields(item, f"program, operation {i}"), nodes, builder, arrays))
    outputs = tuple(_places(fields, "outputs", nodes))
    fields.end()
    graph = Graph(inputs, outputs, builder.notes)
    try:
        check(graph)
    except ChainruleError as error:
        raise ModelFileError(f"program: {error}") from error
    if bytes_per_row(graph) > MOST_BYTES_PER_ROW:
        raise ModelFileError("program: it needs more memory for one row than any machine has")
    return graph


def constants_of(graph: Graph) -> int:
    """Count the arrays that a program holds by itself, in the steps of its loops too."""
    return sum(
        constants_of(node.options["body"].whole) if is_loop(node) else node.card.name == "constant"
        for node in graph.nodes
    )


def name_of(graph: Graph, node: Node) -> str:
    """Give the name that people know a value by; an empty text if it has none."""
    note = graph.notes.get(node)
    return note.name if note is not None and note.name else ""


def _node(fields: Fields, known: list[Node], builder: Builder, arrays: Arrays) -> Node:
    card = CARDS.get(op := fields.text("op"))
    if card is None or card.name == "input":
        raise ModelFileError(f"{fields.place}: this version has no operation {op!r}")
    inputs = _places(fields, "inputs", known)
    counts, wanted = _signature(card)
    if len(inputs) not in counts:
        raise ModelFileError(f"{fields.place}: {op} does not take {len(inputs)} inputs")
    params = _params(fields, card, wanted, arrays)
    name = fields.text("name")
    fields.end()
    try:
        node = builder.add(card, *inputs, **params)
        _check_shape(node.type.shape)
    except (ChainruleError, *UNSUITABLE) as error:
        raise ModelFileError(f"{fields.place} ({op}) does not fit its inputs: {error}") from error
    if name:
        builder.annotate(node, name=name)
    return node


def _check_shape(shape: Any) -> None:
    """Refuse what type rules take from anyone: sizes that are no whole numbers, or negative."""
    if not isinstance(shape, tuple) or len(shape) > MOST_AXES:
        raise ModelFileError(f"{shape!r:.80} is not a shape of at most {MOST_AXES} axes")
    for size in bind(shape, {BATCH: 1}):
        if type(size) is not int or size < 0:
            raise ModelFileError(f"{size!r:.80} is not a size")


def _signature(card: Card) -> tuple[range, list[str]]:
    """Numbers of inputs that an op takes, and names of its parameters, from its NumPy rule."""
    if not callable(card.numpy):
        return range(0), []
    rules = inspect.signature(card.numpy).parameters.values()
    # A rule that hands its parameters on says nothing of them; the type rule does.
    hands_on = any(p.kind is p.VAR_KEYWORD for p in rules)
    spoken = inspect.signature(card.type).parameters.values() if hands_on else rules
    names = sorted(p.name for p in spoken if p.kind is p.KEYWORD_ONLY)
    if any(p.kind is p.VAR_POSITIONAL for p in rules):
        return range(1, MOST_NODES), names
    count = sum(p.kind is p.POSITIONAL_OR_KEYWORD for p in rules) - 1  # less the namespace
    return range(count, count + 1), names


def _params(fields: Fields, card: Card, wanted: list[str], arrays: Arrays) -> dict[str, Any]:
    pairs = fields.items("params")
    if [pair[0] if isinstance(pair, list) and len(pair) == 2 else None for pair in pairs] != wanted:
        names = f"the parameters {wanted}" if wanted else "no parameters"
        raise ModelFileError(f"{fields.place}: {card.name} takes {names}")
    return {key: _from_json(value, arrays, fields.place) for key, value in pairs}


def _places(fields: Fields, name: str, known: list[Node]) -> list[Node]:
    places = fields.items(name)
    for place in places:
        if not isinstance(place, int) or isinstance(place, bool) or not 0 <= place < len(known):
            raise ModelFileError(f"{fields.place}: {name} refers to {place!r}, which is not there")
    return [known[place] for place in places]


def _type_to_json(kind: ArrayType) -> dict[str, Any]:
    return {"dtype": kind.dtype, "shape": [_size_to_json(size) for size in kind.shape]}


def _type_from_json(entry: Fields) -> ArrayType:
    stored = entry.inner("type")
    dtype = stored.choice("dtype", DTYPES)
    shape = tuple(_size_from_json(size, stored.place) for size in stored.items("shape"))
    stored.end()
    _check_shape(shape)
    return ArrayType(shape, dtype)


def _size_to_json(size: Size) -> Any:
    if isinstance(size, int):
        return size
    if size.symbol != BATCH:
        raise ModelFileError(f"a program with the open size {size} cannot be stored")
    return {"size": [size.scale, size.offset]}


def _size_from_json(stored: object, place: str) -> Size:
    if isinstance(stored, Mapping):
        return _dim_from_json(stored, place)
    if not isinstance(stored, int) or isinstance(stored, bool) or stored < 0:
        raise ModelFileError(f"{place}: {stored!r} is not a size")
    return stored


def _dim_from_json(stored: object, place: str) -> Dim:
    fields = Fields(stored, place)
    numbers = fields.items("size")
    fields.end()
    if [type(number) for number in numbers] != [int, int] or numbers[0] < 1:
        raise ModelFileError(f"{place}: {numbers!r} is not a size")
    return Dim(BATCH, *numbers)


def _to_json(value: Any, arrays: MutableMapping[str, NDArray[Any]]) -> Any:
    """Store a parameter: a number, text, truth value, size, array or loop, or a tuple of these."""
    if isinstance(value, Dim):
        return _size_to_json(value)
    if isinstance(value, Frozen):
        name = f"constant:{len(arrays)}"  # no path of a tree has a colon
        arrays[name] = value.array
        return {"array": name}
    if isinstance(value, Body):
        step = program_to_json(value.whole, arrays)
        return {"step": step, "carries": value.carries, "slices": value.slices}
    if isinstance(value, tuple):
        return [_to_json(item, arrays) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": str(value)}  # JSON has no infinity
    if isinstance(value, bool | int | float | str):
        return value
    raise ModelFileError(f"a program with the parameter {value!r:.80} cannot be stored")


def _from_json(stored: Any, arrays: Arrays, place: str) -> Any:
    if isinstance(stored, bool | int | float | str):
        return stored
    if isinstance(stored, list):
        return tuple(_from_json(item, arrays, place) for item in stored)
    fields = Fields(stored, place)
    if "array" in stored:
        name = fields.text("array")
        fields.end()
        if name not in arrays:
            raise ModelFileError(f"{place}: there is no array {name!r}")
        return Frozen(arrays[name])
    if "float" in stored:
        number = float(fields.choice("float", ("inf", "-inf", "nan")))
        fields.end()
        return number
    if "step" in stored:
        return _body_from_json(fields, arrays)
    return _dim_from_json(stored, place)


def _body_from_json(fields: Fields, arrays: Arrays) -> Body:
    """Read one step of a loop: a program that returns the carries and then all its values."""
    whole = program_from_json(fields.inner("step").stored, arrays)
    carries, slices = fields.whole("carries"), fields.whole("slices")
    fields.end()
    if carries > len(whole.outputs) or carries + slices > len(whole.inputs):
        raise ModelFileError(f"{fields.place}: a loop has more carries or slices than its step")
    step = Graph(whole.inputs, whole.outputs[:carries], whole.notes)
    return Body(step, carries, slices, whole.outputs[carries:])
