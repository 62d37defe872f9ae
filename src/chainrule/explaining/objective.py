"""A network and its loss as one program with names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeGuard

from chainrule.backprop.formula import Symbol
from chainrule.backprop.naming import Names, name_values
from chainrule.backprop.unrolling import unroll
from chainrule.errors import ParameterError
from chainrule.ir import ArrayType, Graph, is_float
from chainrule.nn import Module, state_paths
from chainrule.nn.losses import Loss
from chainrule.tracing import as_array, capture, flatten, leaf_paths, map_leaves, spec_of


@dataclass(frozen=True, eq=False)
class Objective:
    """The loss of a network on a batch, as a program.

    Attributes
    ----------
    network, inputs, targets
        What was traced, with all floats of one dtype.
    graph
        Outputs: the loss, then what the network returns.
    values
        One array, or its type, for each input of the graph.
    wrt
        Positions of the arrays that training changes.
    paths
        Their paths in the network, in the same order.
    names
        Names of the values in formulas.
    """

    network: Module
    inputs: tuple[Any, ...]
    targets: Any
    graph: Graph
    values: tuple[Any, ...]
    wrt: tuple[int, ...]
    paths: tuple[str, ...]
    names: Names

    @property
    def sizes(self) -> list[int] | None:
        """Number of inputs, then of the units of each layer; None where there is no chain."""
        weights = {s.layer: n for n, s in self.names.of.items() if _is_weight(s)}
        chain = [weights.get(str(k)) for k in range(1, len(weights) + 1)]
        shapes = [node.type.shape for node in chain if node is not None]
        if not shapes or len(shapes) < len(chain) or any(len(shape) != 2 for shape in shapes):
            return None
        return [int(n) for n in (shapes[0][0], *(shape[1] for shape in shapes))]

    @property
    def parameters(self) -> dict[str, Any]:
        """The arrays that training changes, by path."""
        return {path: self.values[i] for path, i in zip(self.paths, self.wrt, strict=True)}

    def with_parameters(self, parameters: Mapping[str, Any]) -> list[Any]:
        """Give the values with other arrays in place of some parameters."""
        values = list(self.values)
        for path, i in zip(self.paths, self.wrt, strict=True):
            values[i] = parameters.get(path, values[i])
        return values

    def with_numbers(self, network: Module, inputs: Any, targets: Any, loss: Loss) -> Objective:
        """Give the same program with other arrays, all of the shapes that it was traced with."""
        given = inputs if isinstance(inputs, tuple) else (inputs,)
        prepared = loss.prepare(targets, self.graph.outputs[1].type)
        numbers = (network, given, prepared)
        network, given, prepared = (cast_floats(x, "float64") for x in numbers)
        values = tuple(flatten((network, given, prepared))[0])
        return replace(self, network=network, inputs=given, targets=prepared, values=values)


def _is_weight(symbol: Any) -> TypeGuard[Symbol]:
    return isinstance(symbol, Symbol) and symbol.name == "W" and bool(symbol.layer)


def lay_out(
    network: Module, inputs: Any, targets: Any, loss: Loss, dtype: str = "float64"
) -> Objective:
    """Trace the loss of a network on a batch.

    Parameters
    ----------
    network
        With arrays in it.
    inputs
        The network's argument, or a tuple of its arguments; arrays or types.
    targets
        What it should return: an array, or a type, which is taken as it is.
    loss
        Gives one number.
    dtype
        Of all floats.
    """
    given = inputs if isinstance(inputs, tuple) else (inputs,)
    network, given = cast_floats(network, dtype), cast_floats(given, dtype)
    if not isinstance(targets, ArrayType):
        output = capture(lambda *xs: network(*xs), given).graph.outputs[0].type
        targets = loss.prepare(targets, output)
    targets = cast_floats(targets, dtype)

    def objective(network: Module, inputs: Any, targets: Any) -> Any:
        output = network(*inputs)
        return loss(output, targets), output

    captured = capture(objective, (network, given, targets), ("network", "x", "t"))
    unrolled = unroll(captured.graph)
    graph = unrolled.graph
    if graph.outputs[0].type.shape != ():
        raise ParameterError(
            f"the loss gives {graph.outputs[0].type}, expected one number: choose the reduction "
            '"mean" or "sum"'
        )
    paths, state = leaf_paths(network), state_paths(network)
    kinds = [is_float(spec_of(x).dtype) for x in flatten(network)[0]]
    wrt = [i for i, path in enumerate(paths) if kinds[i] and path not in state]
    if not wrt:
        raise ParameterError(
            "the network has no arrays to train: call network.initialise(seed, example) first"
        )
    names = name_values(graph, wrt, unrolled.roles)
    data = graph.inputs[len(paths) :][: len(flatten(given)[0])]
    masks = [x for x in data if x.type.dtype == "bool"]
    for letter, alone in (("x", [x for x in data if x not in masks]), ("m", masks)):
        if len(alone) == 1:
            names.of[alone[0]] = Symbol(letter, ndim=alone[0].type.ndim)
    values = tuple(flatten((network, given, targets))[0])
    trained = tuple(paths[i] for i in wrt)
    return Objective(network, given, targets, graph, values, tuple(wrt), trained, names)


def cast_floats(tree: Any, dtype: str) -> Any:
    """Bring the floats of a tree of arrays, or of types, to one dtype."""

    def cast(x: Any) -> Any:
        kind = spec_of(x)
        wanted = dtype if is_float(kind.dtype) else kind.dtype
        return ArrayType(x.shape, wanted) if isinstance(x, ArrayType) else as_array(x, wanted)

    return map_leaves(cast, tree)


def as_batch(inputs: Any) -> Any:
    """Take nested lists of numbers as arrays, and leave trees of arrays as they are."""
    if isinstance(inputs, tuple):
        return tuple(map(as_batch, inputs))
    if isinstance(inputs, (ArrayType, dict)):
        return inputs
    return as_array(inputs)
