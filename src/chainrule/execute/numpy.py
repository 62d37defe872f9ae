"""The NumPy executor defines the meaning: one operation at a time, every value to be seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from chainrule.errors import ExecutorError
from chainrule.ir import Graph, Node, bind, families, is_loop, symbols
from chainrule.ops.control import iterate
from chainrule.tracing import as_array, measure

Watcher = Callable[[Node, Any], None]


def run(graph: Graph, values: Sequence[Any], watch: Watcher | None = None) -> list[Any]:
    """Compute the outputs of a graph; see `Interpreter.run`."""
    return Interpreter(graph).run(values, watch)


class Interpreter:
    """A graph ready to be computed any number of times.

    Parameters
    ----------
    graph
        The program; what depends on no input is computed here, once.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        place = {node: i for i, node in enumerate(graph.nodes)}
        dying = last_uses(graph)
        self._fixed: list[tuple[int, Any]] = []
        self._script: list[tuple[Node, Any, int, list[int], dict[str, Any], bool, list[int]]] = []
        loops = families(graph.nodes)
        for i, node in enumerate(graph.nodes):
            if node in graph.inputs:
                continue
            rule: Any = node.card.numpy
            options = node.options
            if not callable(rule):
                raise ExecutorError(f"{node} cannot be computed: {rule.reason}")
            open_sizes = any(True for _, value in node.params for _ in symbols(value))
            if not node.inputs and not open_sizes:
                self._fixed.append((i, _fixed(node, np.asarray(rule(np, **options)))))
                continue
            inputs = [place[x] for x in node.inputs]
            freed = [place[x] for x in dying[i] if x.inputs]
            if is_loop(node):  # the first value of a loop that is reached computes all of them
                alone = node is loops[node][0]
                rule = _Loop(loops[node], [place[x] for x in loops[node]]) if alone else None
                open_sizes = False
            self._script.append((node, rule, i, inputs, options, open_sizes, freed))
        self._outputs = [place[node] for node in graph.outputs]
        self._shared = {i for i, _ in self._fixed}

    def run(self, values: Sequence[Any], watch: Watcher | None = None) -> list[Any]:
        """Compute the outputs.

        Parameters
        ----------
        values
            One array for each input; dtypes are converted, shapes must fit.
        watch
            Called with every node and its value, in order; values are freed after their last use
            unless it keeps them.
        """
        graph = self.graph
        known: list[Any] = [None] * len(graph.nodes)
        arrays = [as_array(v, x.type.dtype) for v, x in zip(values, graph.inputs, strict=True)]
        sizes = measure(graph, arrays)
        known[: len(arrays)] = arrays
        for i, value in self._fixed:
            known[i] = value
        if watch is not None:
            for i in [*range(len(arrays)), *(i for i, _ in self._fixed)]:
                watch(graph.nodes[i], known[i])
        with np.errstate(all="ignore"):
            self._go_through(known, sizes, watch)
        return [known[i].copy() if i in self._shared else known[i] for i in self._outputs]

    def step(self, arrays: Sequence[Any], sizes: dict[str, Any]) -> list[Any]:
        """Compute the outputs for arrays whose dtypes and shapes are right, as a loop's step."""
        known: list[Any] = [*arrays, *[None] * (len(self.graph.nodes) - len(arrays))]
        for i, value in self._fixed:
            known[i] = value
        self._go_through(known, sizes, None)
        return [known[i] for i in self._outputs]

    def _go_through(self, known: list[Any], sizes: dict[str, Any], watch: Watcher | None) -> None:
        """Compute one node after the other."""
        for node, rule, i, inputs, options, open_sizes, freed in self._script:
            if open_sizes:
                options = {name: bind(value, sizes) for name, value in options.items()}
            if isinstance(rule, _Loop):
                rule.run(known, inputs, sizes)
            elif rule is not None:
                known[i] = np.asarray(rule(np, *[known[x] for x in inputs], **options))
            if watch is not None:
                watch(node, known[i])
            for x in freed:
                known[x] = None


class _Loop:
    """A loop ready to be run: all values of it that a program reads.

    Parameters
    ----------
    nodes
        Those values.
    places
        Where each of them belongs among the values of the program.
    """

    def __init__(self, nodes: Sequence[Node], places: Sequence[int]) -> None:
        options = nodes[0].options
        self._body, self._length = options["body"], options["length"]
        self._reverse = options["reverse"]
        self._finals = [
            (place, x.options["index"])
            for x, place in zip(nodes, places, strict=True)
            if not x.options["stacked"]
        ]
        stacks = [(x, i) for x, i in zip(nodes, places, strict=True) if x.options["stacked"]]
        self._stacks = [(place, x.type) for x, place in stacks]
        self._step = Interpreter(self._body.returning(x.options["index"] for x, _ in stacks))

    def run(self, known: list[Any], inputs: Sequence[int], sizes: dict[str, Any]) -> None:
        """Run all steps; read inputs from and write values to `known`."""
        for place, kind in self._stacks:
            known[place] = np.empty(bind(kind.shape, sizes), kind.dtype)
        carries = iterate(
            np,
            lambda values: self._step.step(values, sizes),
            self._body,
            [known[x] for x in inputs],
            [known[place] for place, _ in self._stacks],
            bind(self._length, sizes),
            self._reverse,
        )
        for place, i in self._finals:
            known[place] = carries[i]


def _fixed(node: Node, value: Any) -> Any:
    """What is computed once and kept; one number in every entry takes the room of one."""
    if node.card.name == "full":
        return np.broadcast_to(np.asarray(node.options["value"], value.dtype), value.shape)
    return value


def last_uses(graph: Graph) -> list[list[Node]]:
    """For each node in order, the nodes whose last reading this is; outputs are kept."""
    last = {x: i for i, node in enumerate(graph.nodes) for x in node.inputs}
    dying: list[list[Node]] = [[] for _ in graph.nodes]
    kept = set(graph.outputs)
    for node, i in last.items():
        if node not in kept:
            dying[i].append(node)
    return dying
