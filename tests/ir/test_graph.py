"""Equal computations are one node; graphs know their order, their readers and their hash."""

from __future__ import annotations

from typing import Any

import pytest

from chainrule.errors import GraphError, ShapeError
from chainrule.ir import (
    ArrayType,
    Builder,
    Card,
    Dim,
    Graph,
    Node,
    Note,
    SourceLine,
    absent,
    check,
    text,
    topological,
)
from chainrule.ops import CARDS
from chainrule.tracing import fresh_input

ADD, MULTIPLY, TANH, SUM = (CARDS[name] for name in ("add", "multiply", "tanh", "sum"))
VECTOR = ArrayType((3,))


def argument(position: int = 0, kind: ArrayType = VECTOR) -> Node:
    return fresh_input(position, kind)


def full(builder: Builder, value: float, dtype: str = "float32") -> Node:
    return builder.add(CARDS["full"], value=value, shape=(), dtype=dtype)


# ---------------------------------------------------------------------------------------------
# Building.


def test_equal_computations_are_one_node() -> None:
    builder, x = Builder(), argument()
    assert builder.add(TANH, x) is builder.add(TANH, x)
    assert builder.add(SUM, x, axes=(0,)) is builder.add(SUM, x, axes=(0,))
    assert builder.add(ADD, x, builder.add(TANH, x)) is builder.add(ADD, x, builder.add(TANH, x))


def test_computations_that_differ_in_anything_are_two_nodes() -> None:
    builder, x, y = Builder(), argument(0), argument(1)
    assert builder.add(TANH, x) is not builder.add(TANH, y)
    assert builder.add(ADD, x, y) is not builder.add(ADD, y, x)
    assert builder.add(SUM, x, axes=(0,)) is not builder.add(SUM, x, axes=())
    assert full(builder, 1.0) is not full(builder, 1.0, "float64")


def test_two_arguments_of_one_type_are_two_nodes() -> None:
    assert argument(0) != argument(0)


def test_a_node_of_wrong_types_is_not_made() -> None:
    with pytest.raises(ShapeError, match="shapes differ"):
        Builder().add(ADD, argument(), argument(kind=ArrayType((4,))))


def test_a_builder_that_adopts_a_graph_finds_its_nodes_again() -> None:
    x = argument()
    first = Builder()
    y = first.add(TANH, x)
    first.annotate(y, name="hidden")
    second = Builder()
    second.adopt(Graph((x,), (y,), first.notes))
    assert second.add(TANH, x) is y
    assert second.notes[y].name == "hidden"


def test_a_note_keeps_what_was_said_first() -> None:
    builder, x = Builder(), argument()
    line = SourceLine("model.py", 7, "forward")
    builder.annotate(x, source=line)
    builder.annotate(x, name="weights", source=SourceLine("other.py", 1, "f"))
    builder.annotate(x, name="other")
    assert builder.notes[x] == Note(source=line, name="weights")
    assert str(line) == "model.py:7 in forward"


# ---------------------------------------------------------------------------------------------
# Graphs.


def test_nodes_come_after_what_they_read_and_inputs_first() -> None:
    builder, x, unused = Builder(), argument(0), argument(1)
    y = builder.add(TANH, x)
    z = builder.add(MULTIPLY, y, x)
    graph = Graph((unused, x), (z, y))
    assert graph.nodes == (unused, x, y, z)
    assert topological([z]) == (x, y, z)


def test_a_chain_of_ten_thousand_operations_does_not_exhaust_the_stack() -> None:
    builder, x = Builder(), argument()
    y = x
    for _ in range(10_000):
        y = builder.add(ADD, y, x)
    assert len(Graph((x,), (y,)).nodes) == 10_001


def test_a_reader_is_listed_once_per_reading() -> None:
    builder, x = Builder(), argument()
    y = builder.add(MULTIPLY, x, x)
    assert Graph((x,), (y,)).users == {x: [y, y], y: []}


def program(op: Card = TANH, axes: tuple[int, ...] = (0,), kind: ArrayType = VECTOR) -> Graph:
    builder, x = Builder(), argument(kind=kind)
    y = builder.add(op, x)
    return Graph((x,), (builder.add(SUM, y, axes=axes),))


def test_a_fingerprint_is_the_same_for_the_same_program_made_twice() -> None:
    assert program().fingerprint == program().fingerprint


def test_a_fingerprint_differs_when_anything_that_is_computed_does() -> None:
    x, y = argument(0), argument(1)
    builder = Builder()
    outputs = builder.add(TANH, x), builder.add(TANH, y)
    programs = [
        program(),
        program(op=CARDS["exp"]),
        program(axes=()),
        program(kind=ArrayType((4,))),
        program(kind=ArrayType((Dim("batch"),))),
        program(kind=ArrayType((3,), "float64")),
        Graph((x, y), outputs),
        Graph((y, x), outputs),
        Graph((x, y), outputs[::-1]),
        Graph((x, y), outputs[:1]),
    ]
    assert len({p.fingerprint for p in programs}) == len(programs)


# ---------------------------------------------------------------------------------------------
# Checking.


def test_a_graph_that_is_right_is_returned() -> None:
    graph = program()
    assert check(graph) is graph


def damaged(node: Node, **changes: Any) -> Node:
    parts = {"card": node.card, "inputs": node.inputs, "params": node.params, "type": node.type}
    return Node(**{**parts, **changes})


def test_an_argument_that_is_missing_among_the_inputs_is_found() -> None:
    x = argument()
    y = Builder().add(TANH, x)
    with pytest.raises(GraphError, match=r"<input f32\[3\]> is read but is not among the inputs"):
        check(Graph((), (y,)))


def test_a_wrong_type_is_found() -> None:
    x = argument()
    y = damaged(Builder().add(TANH, x), type=ArrayType((4,)))
    with pytest.raises(GraphError, match=r"<tanh f32\[4\]> should have the type f32\[3\]"):
        check(Graph((x,), (y,)))


def test_inputs_that_do_not_fit_are_found() -> None:
    x = argument(kind=ArrayType((3,), "int32"))
    y = Node(TANH, (x,), (), VECTOR)
    with pytest.raises(GraphError, match=r"does not fit its inputs: expected float32 or float64"):
        check(Graph((x,), (y,)))


def test_a_node_that_is_there_twice_is_found() -> None:
    x = argument()
    y, again = Builder().add(TANH, x), Builder().add(TANH, x)
    with pytest.raises(GraphError, match=r"<tanh f32\[3\]> is in the graph twice"):
        check(Graph((x,), (y, again)))


def test_an_unknown_kind_is_found() -> None:
    rule = absent("not needed here")
    card = Card(
        name="odd",
        kind="mystery",
        doc="An op of no known kind.",
        type=lambda x: x,
        vjp=rule,
        numpy=rule,
        native=rule,
        onnx=rule,
    )
    assert card.inputs == ()
    x = argument()
    with pytest.raises(GraphError, match="unknown kind 'mystery'"):
        check(Graph((x,), (Node(card, (x,), (), VECTOR),)))


# ---------------------------------------------------------------------------------------------
# Text.


def test_a_program_reads_like_this() -> None:
    builder, x, w = Builder(), argument(0), argument(1)
    builder.annotate(w, name="weight")
    y = builder.add(MULTIPLY, x, w)
    builder.annotate(y, name="weighted")
    scale = full(builder, 0.5)
    total = builder.add(MULTIPLY, builder.add(SUM, y, axes=(0,)), scale)
    builder.annotate(total, gradient_of=y)
    assert text(Graph((x, w), (total, scale), builder.notes)) == (
        "input0: f32[3]\n"
        "weight: f32[3]\n"
        "%0: f32[3] = multiply(input0, weight)  # weighted\n"
        "%1: f32[] = sum(%0, axes=(0,))\n"
        "%2: f32[] = multiply(%1, 0.5)  # gradient of %0\n"
        "return %2, 0.5"
    )


def test_a_card_names_its_inputs() -> None:
    assert ADD.inputs == ("a", "b")
    assert CARDS["take"].inputs == ("x", "positions")
    assert CARDS["concatenate"].inputs == ("*xs",)
    assert CARDS["input"].inputs == ()
