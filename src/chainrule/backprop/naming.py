"""What the values of a program are called in formulas.

Layered networks get the names of textbooks: z⁽²⁾ = a⁽¹⁾ W⁽²⁾ + b⁽²⁾. Other values keep the names
that arguments and variables have in the user's code.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from chainrule.backprop.formula import Expression, Partial, Symbol
from chainrule.backprop.layers import common_owner, name_layers, path_of
from chainrule.backprop.unrolling import Role
from chainrule.backprop.variables import assigned_variables
from chainrule.ir import Graph, Node

_SPELLED = {"δ": "delta", "γ": "gamma", "β": "beta", "μ": "mu", "ĉ": "cnew"}


@dataclass
class Names:
    """Names of the values of a program.

    Attributes
    ----------
    of
        Name of each node that has one.
    sums
        What the slope by a weighted sum is called, by the sum's node: δ⁽²⁾.
    """

    of: dict[Node, Expression] = field(default_factory=dict)
    sums: dict[Node, Symbol] = field(default_factory=dict)

    def add(self, node: Node, name: str, layer: str = "") -> None:
        """Name a node that has no name yet."""
        self.of.setdefault(node, Symbol(name, layer, node.type.ndim))


def name_values(
    graph: Graph, wrt: Sequence[int], roles: Mapping[Node, Role] = MappingProxyType({})
) -> Names:
    """Name inputs, layers, variables and the first output of a program, which is called L.

    Parameters
    ----------
    wrt
        Positions of the inputs that count as parameters.
    roles
        What values are in the steps of loops that `unroll` has written out.
    """
    names = Names()
    names.add(graph.outputs[0], "L")
    for node in graph.nodes:
        note = graph.notes.get(node)
        if note is not None and note.tapped:
            names.add(node, note.tapped)
    found = name_layers(graph, {graph.inputs[i] for i in wrt}, roles)
    for node, symbol in found.symbols.items():
        names.add(node, symbol.name, symbol.layer)
    names.sums |= found.sums
    _name_inputs(graph, names)
    variables = assigned_variables(graph)
    counts = Counter(variables.values())
    seen: Counter[str] = Counter()
    for node, variable in variables.items():
        seen[variable] += 1
        names.add(node, variable, str(seen[variable]) if counts[variable] > 1 else "")
    return names


def _name_inputs(graph: Graph, names: Names) -> None:
    """Name the inputs that no layer named: by the last part of their path, if that is clear."""
    paths = {
        x: path_of(graph, x) or f"x{i}" for i, x in enumerate(graph.inputs) if x not in names.of
    }
    start = len(common_owner(list(paths.values())))
    short = {node: re.split(r"[.\]\[']+", path.rstrip("]'"))[-1] for node, path in paths.items()}
    counts = Counter(short.values())
    for node, path in paths.items():
        clear = counts[short[node]] == 1 and not short[node].isdigit()
        names.add(node, short[node] if clear else path[start:])


def key_of(symbol: Expression) -> str:
    """Spell a name with the characters of a keyboard: "z(1)", "dL/dW(1)", "delta(2)".

    >>> key_of(Symbol("δ", "2"))
    'delta(2)'
    """
    if isinstance(symbol, Partial):
        return f"d{key_of(symbol.of)}/d{key_of(symbol.by)}"
    if not isinstance(symbol, Symbol):
        return "?"
    plain = symbol.name
    for letter, spelled in _SPELLED.items():
        plain = plain.replace(letter, spelled)
    return f"{plain}({symbol.layer})" if symbol.layer else plain
