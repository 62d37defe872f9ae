"""A program that a person can read."""

from __future__ import annotations

from typing import Any

from chainrule.ir.graph import Graph, Node
from chainrule.ir.loop import Body, is_loop


def text(graph: Graph) -> str:
    """Print a graph, one line per operation: number, type, op, inputs, and its name if any.

    The steps of loops follow, each as a program of its own. ``every=%3`` stands for a value of the
    step in all steps, ``last=0`` for the first carry at the end.
    """
    return "\n".join(_Text({}).lines(graph)[0])


class _Text:
    """Writes programs.

    Parameters
    ----------
    steps
        The steps of loops that have a name.
    """

    def __init__(self, steps: dict[Body, str]) -> None:
        self._steps = steps
        self._written: dict[Body, tuple[list[str], dict[Node, str]]] = {}

    def lines(self, graph: Graph) -> tuple[list[str], dict[Node, str]]:
        """Write a program and the steps of its loops; give its values' labels too."""
        labels: dict[Node, str] = {}
        for i, node in enumerate(graph.inputs):
            note = graph.notes.get(node)
            labels[node] = note.name if note and note.name else f"input{i}"
        lines = [f"{labels[node]}: {node.type}" for node in graph.inputs]
        steps: list[str] = []
        number = 0
        for node in graph.nodes[len(graph.inputs) :]:
            if node.card.name == "full":
                labels[node] = f"{node.options['value']:g}"
                continue
            labels[node] = f"%{number}"
            number += 1
            if is_loop(node) and node.options["body"] not in self._steps:
                steps += self._step(node.options["body"])
            arguments = [labels[x] for x in node.inputs] + self._options(node)
            line = f"{labels[node]}: {node.type} = {node.card.name}({', '.join(arguments)})"
            lines.append(line + _comment(graph, node, labels))
        outputs = ", ".join(labels[node] for node in graph.outputs)
        return [*lines, f"return {outputs}", *steps], labels

    def _step(self, body: Body) -> list[str]:
        """Name the step of a loop, and write it."""
        name = self._steps[body] = f"step{len(self._steps)}"
        lines, labels = self._written[body] = self.lines(body.whole)
        end = next(i for i, line in enumerate(lines) if line.startswith("return "))
        lines[end] = f"return {', '.join(labels[x] for x in body.graph.outputs)}"
        own = [f"    {line}" for line in lines[: end + 1]]
        return [f"{name}:", *own, *lines[end + 1 :]]

    def _options(self, node: Node) -> list[str]:
        options = node.options
        if not is_loop(node):
            return [f"{k}={_show(v)}" for k, v in node.params]
        body, index = options["body"], options["index"]
        value = self._written[body][1][body.values[index]]
        what = f"every={value}" if options["stacked"] else f"last={index}"
        parts = [self._steps[body], what, f"length={options['length']}"]
        return parts + (["reverse=True"] if options["reverse"] else [])


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
