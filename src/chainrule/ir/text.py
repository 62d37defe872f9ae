"""A program that a person can read."""

from __future__ import annotations

from typing import Any

from chainrule.ir.graph import Graph, Node


def text(graph: Graph) -> str:
    """Print a graph, one line per operation: number, type, op, inputs, and its name if any."""
    labels: dict[Node, str] = {}
    for i, node in enumerate(graph.inputs):
        note = graph.notes.get(node)
        labels[node] = note.name if note and note.name else f"input{i}"
    lines = [f"{labels[node]}: {node.type}" for node in graph.inputs]
    number = 0
    for node in graph.nodes[len(graph.inputs) :]:
        if node.card.name == "full":
            labels[node] = f"{node.options['value']:g}"
            continue
        labels[node] = f"%{number}"
        number += 1
        arguments = [labels[x] for x in node.inputs]
        arguments += [f"{k}={_show(v)}" for k, v in node.params]
        line = f"{labels[node]}: {node.type} = {node.card.name}({', '.join(arguments)})"
        lines.append(line + _comment(graph, node, labels))
    outputs = ", ".join(labels[node] for node in graph.outputs)
    return "\n".join([*lines, f"return {outputs}"])


def _comment(graph: Graph, node: Node, labels: dict[Node, str]) -> str:
    note = graph.notes.get(node)
    if note is None:
        return ""
    said = [note.name] if note.name else []
    if note.gradient_of is not None and note.gradient_of in labels:
        said.append(f"gradient of {labels[note.gradient_of]}")
    return f"  # {', '.join(said)}" if said else ""


def _show(value: Any) -> str:
    if isinstance(value, tuple):
        return f"({', '.join(_show(item) for item in value)}{',' if len(value) == 1 else ''})"
    return str(value)
