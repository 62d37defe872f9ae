"""Take one step of training apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from chainrule.backprop.derivation import Derivation, Line
from chainrule.backprop.derive import Sweep, Wanted, equations, sweep
from chainrule.backprop.formula import Expression, Symbol
from chainrule.backprop.naming import Names
from chainrule.errors import ParameterError
from chainrule.execute.numpy import Interpreter
from chainrule.explaining.labels import Labels, read_units
from chainrule.explaining.landscape import Terrain
from chainrule.explaining.objective import Objective, as_batch, lay_out
from chainrule.explaining.step import Step
from chainrule.ir import Graph, Node, bind, topological
from chainrule.nn import Module
from chainrule.nn.losses import Loss
from chainrule.tracing import Array, begin, flatten, fresh_input, leaf_paths, spec_of, unflatten
from chainrule.train import Optimiser
from chainrule.train.program import given_rate, with_rate
from chainrule.train.schedules import rate_at

# Letters for what optimisers remember.
_MEMORY = {"mean": "m", "squares": "s", "velocity": "v"}


def explain(
    network: Module,
    inputs: Any,
    targets: Any,
    loss: Loss,
    optimiser: Optimiser | None = None,
    *,
    units: Sequence[Sequence[str]] | None = None,
) -> Step:
    """Take one step of training on a batch apart: forward, loss, backward, update.

    Everything is computed in float64 by the NumPy executor, from the same gradient rules and the
    same optimiser that training runs. The network runs as for prediction: without dropout, and
    with the running statistics of batch normalisation.

    Parameters
    ----------
    network
        With arrays in it: trained, or after ``network.initialise(seed, example)``.
    inputs
        A batch (rows, ...), or a tuple of the network's arguments.
    targets
        What the network should return for them.
    loss
        Of `chainrule.losses`; it gives one number.
    optimiser
        Of `chainrule.optim`, taking its first step; None leaves the update out.
    units
        Names of the inputs, then of the units of each layer; they are numbered otherwise.

    >>> from chainrule import losses, nn, optim
    >>> layer = nn.Dense(1, use_bias=False).with_arrays({"weight": [[3.0]]})
    >>> step = explain(layer, [[2.0]], [[4.0]], losses.HalfSquaredError(), optim.SGD(0.1))
    >>> print(step.equation("dL/dW(1)", (0, 0)))
    ∂L/∂W⁽¹⁾[1→1] = x[1]·δ⁽¹⁾[1] = 2·2 = 4
    >>> print(step.equation("W'(1)", (0, 0)))
    W'⁽¹⁾[1→1] = W⁽¹⁾[1→1] − η·∂L/∂W⁽¹⁾[1→1] = 3 − 0.1·4 = 2.6
    """
    return Explainer.of(network, inputs, targets, loss, optimiser, units=units).first


@dataclass(frozen=True, eq=False)
class Explainer:
    """Takes steps apart whose arrays have the same shapes: their equations are derived once.

    Attributes
    ----------
    first
        A step, with the equations that all steps share.
    """

    first: Step
    _fresh: Mapping[str, Node]
    _gradients: Mapping[str, Node]
    _values: Interpreter
    _loss: Interpreter

    @classmethod
    def of(
        cls,
        network: Module,
        inputs: Any,
        targets: Any,
        loss: Loss,
        optimiser: Optimiser | None = None,
        *,
        units: Sequence[Sequence[str]] | None = None,
    ) -> Explainer:
        """Derive the equations of a step, and take it apart; the parameters are `explain`'s."""
        objective = lay_out(network, as_batch(inputs), targets, loss)
        swept = sweep(objective.graph, objective.wrt)
        update = _Update() if optimiser is None else _write_update(objective, swept, optimiser)
        names = Names({**objective.names.of, **update.names}, objective.names.sums)
        lines, guards = equations(
            objective.graph, names, swept.gradients, objective.wrt, update=update.wanted
        )
        leaves = _inputs_read(objective, lines)
        derived = Step(
            derivation=Derivation(
                tuple((names.of[x], x.type) for x in leaves), lines, guards, loss.textbook
            ),
            values={},
            names={x: names.of[x] for x in leaves} | _names_where_read(lines),
            labels=Labels(read_units(units, objective.sizes)),
            loss=0.0,
            loss_after=None,
            weights=tuple(objective.graph.inputs[i] for i in objective.wrt),
            objective=objective,
            criterion=loss,
            optimiser=optimiser,
            number=0,
            results={},
        )
        results = {
            f"gradient of {path}": swept.gradients[objective.graph.inputs[i]]
            for path, i in zip(objective.paths, objective.wrt, strict=True)
        }
        read = (*objective.graph.inputs, *update.inputs)
        outputs = (*objective.graph.outputs, *(line.node for line in lines))
        values = Interpreter(Graph(read, outputs))
        made = cls(derived, update.parameters, results, values, Interpreter(objective.graph))
        return replace(made, first=made.at(objective, optimiser))

    @cached_property
    def terrain(self) -> Terrain:
        """The loss of these steps at other parameters; it begins at those of `first`."""
        return Terrain(self.first.objective)

    def at(self, objective: Objective, optimiser: Optimiser | None, number: int = 0) -> Step:
        """Take a step apart.

        Parameters
        ----------
        objective
            That of `first`, with numbers of this step: see `Objective.with_numbers`.
        optimiser
            That of `first`, at another learning rate or with another memory.
        number
            Steps that were made before.
        """
        values: dict[Node, Any] = {}
        numbers = list(objective.values)
        if optimiser is not None:
            rate = optimiser.learning_rate
            now = float(rate_at(rate, np.int32(number), "float64") if callable(rate) else rate)
            memory = flatten(optimiser.initial(objective.parameters))[0]
            numbers += [now, np.int32(number), *memory]
        self._values.run(numbers, values.__setitem__)
        fresh = {path: values[node] for path, node in self._fresh.items()}
        results = {"loss": values[objective.graph.outputs[0]]}
        for name, node in self._gradients.items():
            # A gradient of zeros is a constant that no equation reads.
            results[name] = values.get(node, np.zeros(bind(node.type.shape, {})))
        results |= {f"new {path}": array for path, array in fresh.items()}
        after = self._loss.run(objective.with_parameters(fresh))[0] if fresh else None
        return replace(
            self.first,
            values=values,
            loss=float(results["loss"]),
            loss_after=None if after is None else float(after),
            objective=objective,
            optimiser=optimiser,
            number=number,
            results=results,
        )


@dataclass(frozen=True)
class _Update:
    """What an optimiser makes of the gradients, written down.

    Attributes
    ----------
    wanted
        The equations.
    names, inputs
        Names and places of what the optimiser reads beside parameters and gradients: the learning
        rate, how many steps were made before, and its memory.
    parameters
        The new arrays, by path.
    """

    wanted: tuple[Wanted, ...] = ()
    names: Mapping[Node, Expression] = field(default_factory=dict)
    inputs: tuple[Node, ...] = ()
    parameters: Mapping[str, Node] = field(default_factory=dict)


def _write_update(objective: Objective, swept: Sweep, optimiser: Optimiser) -> _Update:
    if not callable(getattr(optimiser, "update", None)):
        raise ParameterError(
            f"{type(optimiser).__name__} leaves its steps to another library, so they cannot be "
            "shown; take another optimiser, or None"
        )
    recorder = begin(swept.builder)
    inputs = [objective.graph.inputs[i] for i in objective.wrt]
    nodes = dict(zip(objective.paths, inputs, strict=True))
    names: dict[Node, Expression] = {}

    def read(symbol: Symbol, value: Any) -> Array:
        kind = spec_of(value)
        node = fresh_input(len(objective.graph.inputs) + len(names), kind)
        names[node] = Symbol(symbol.name, symbol.layer, kind.ndim)
        return Array(node, recorder)

    def of_parameter(letter: str, path: str) -> Symbol:
        symbol = objective.names.of[nodes[path]]
        name, layer = (symbol.name, symbol.layer) if isinstance(symbol, Symbol) else ("?", "")
        return Symbol(f"{letter}_{name}" if letter else name, layer, nodes[path].type.ndim)

    def memory(place: str) -> tuple[str, str]:
        kind, _, path = place.partition(".")
        return _MEMORY.get(kind, kind), path

    rate, number = read(Symbol("η"), 0.0), read(Symbol("k"), np.int32(0))
    state = optimiser.initial(objective.parameters)
    before, tree = flatten(state)
    places = [memory(place) for place in leaf_paths(state)]
    arrays = [read(of_parameter(*at), x) for at, x in zip(places, before, strict=True)]
    # Of a schedule, the equations read the rate that it gives for this step.
    steady = with_rate(optimiser, 1.0) if callable(optimiser.learning_rate) else optimiser
    fresh, remembered = given_rate(steady, rate).update(
        {path: Array(swept.gradients[node], recorder) for path, node in nodes.items()},
        unflatten(tree, arrays),
        {path: Array(node, recorder) for path, node in nodes.items()},
        number,
    )
    recorder.open = False

    def primed(symbol: Symbol, value: Array) -> Wanted:
        return Wanted("update", replace(symbol, name=f"{symbol.name}'"), value.node)

    wanted = []
    behind = list(zip(places, flatten(remembered)[0], strict=True))
    for path, value in fresh.items():
        wanted += [primed(of_parameter(*at), x) for at, x in behind if at[1] == path]
        wanted.append(primed(of_parameter("", path), value))
    return _Update(tuple(wanted), names, tuple(names), {path: x.node for path, x in fresh.items()})


def _inputs_read(objective: Objective, lines: Sequence[Line]) -> list[Node]:
    """Inputs that the equations read: data, then weights, then what the optimiser reads."""
    inputs = objective.graph.inputs
    order = {x: (i in objective.wrt, i) for i, x in enumerate(inputs)}
    read = [x for x in topological(line.node for line in lines) if x.card.name == "input"]
    return sorted(read, key=lambda x: order.get(x, (True, len(inputs))))


def _names_where_read(lines: Sequence[Line]) -> dict[Node, Expression]:
    """Each value by the name of the line that explains it."""
    symbols = {(line.node, line.symbol) for line in lines}
    explained = [line for line in lines if (line.node, line.formula) not in symbols]
    return {line.node: line.symbol for line in reversed(explained) if line.node.inputs}
