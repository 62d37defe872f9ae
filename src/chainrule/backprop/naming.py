"""What the values of a program are called in formulas.

Layered networks get the names of textbooks: z⁽²⁾ = a⁽¹⁾ W⁽²⁾ + b⁽²⁾. Other values keep the names
that arguments and variables have in the user's code.
"""

from __future__ import annotations

import ast
import linecache
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from chainrule.backprop.formula import Expression, Partial, Symbol
from chainrule.ir import Graph, Node

_PASSING = ("cast", "reshape", "broadcast", "stop_gradient", "custom_vjp")


@dataclass
class Names:
    """Names of the values of a program.

    Attributes
    ----------
    of
        Name of each node that has one.
    sums
        Weighted sums of layers, by node: the layer's number, or its path.
    """

    of: dict[Node, Expression] = field(default_factory=dict)
    sums: dict[Node, str] = field(default_factory=dict)

    def add(self, node: Node, name: str, layer: str = "") -> None:
        """Name a node that has no name yet."""
        self.of.setdefault(node, Symbol(name, layer, node.type.ndim))


def name_values(graph: Graph, wrt: Sequence[int]) -> Names:
    """Name inputs, layers, variables and the first output of a program, which is called L.

    Parameters
    ----------
    wrt
        Positions of the inputs that count as parameters.
    """
    names = Names()
    names.add(graph.outputs[0], "L")
    for node in graph.nodes:
        note = graph.notes.get(node)
        if note is not None and note.tapped:
            names.add(node, note.tapped)
    _name_layers(graph, {graph.inputs[i] for i in wrt}, names)
    _name_inputs(graph, names)
    variables = assigned_variables(graph)
    counts = Counter(variables.values())
    seen: Counter[str] = Counter()
    for node, variable in variables.items():
        seen[variable] += 1
        names.add(node, variable, str(seen[variable]) if counts[variable] > 1 else "")
    return names


def source_of(node: Node) -> Node:
    """Give the value that a node shows, however it was cast, reshaped or repeated.

    >>> from chainrule.ir import ArrayType
    >>> from chainrule.tracing import capture
    >>> graph = capture(lambda x: x.reshape(1, 2), [ArrayType((2,))]).graph
    >>> source_of(graph.outputs[0]) is graph.inputs[0]
    True
    """
    while node.card.name in _PASSING:
        node = node.inputs[0]
    return node


@dataclass(frozen=True)
class _Layer:
    """A product of values with a matrix of weights that a module holds."""

    product: Node
    weight: Node
    total: Node
    bias: Node | None
    path: str


def _name_layers(graph: Graph, parameters: Collection[Node], names: Names) -> None:
    """Name weights, biases and sums: by numbers along a chain, else by the paths of the layers."""
    layers = _find_layers(graph, parameters)
    totals = [layer.total for layer in layers]
    before = [_nearest(layer.product.inputs[0], totals) for layer in layers]
    chain = all(x == set(totals[max(0, i - 1) : i]) for i, x in enumerate(before))
    for number, layer in enumerate(layers, 1):
        label = str(number) if chain else layer.path
        names.add(layer.weight, "W", label)
        if layer.bias is not None:
            names.add(layer.bias, "b", label)
        names.add(layer.total, "z", label)
        names.sums[layer.total] = label
        value = source_of(layer.product.inputs[0])
        if chain and number > 1 and value not in names.of:
            names.add(value, "a", str(number - 1))
    if chain and layers:
        _name_last_output(graph, totals[-1], len(layers), names)


def _find_layers(graph: Graph, parameters: Collection[Node]) -> list[_Layer]:
    products = [x for x in graph.nodes if x.card.name == "matmul"]
    weights = [source_of(x.inputs[1]) for x in products]
    paths = {x: _path(graph, x) for x in weights}
    start = len(_common_owner([paths[x] for x in weights if x in parameters]))
    layers = []
    for product, weight in zip(products, weights, strict=True):
        path = paths[weight]
        alone = weights.count(weight) == 1 and weight.type.ndim == 2
        if weight in parameters and alone and re.search(r"(^|\.)weight$", path):
            total, bias = _with_bias(graph, product, parameters)
            label = path[start:].removesuffix("weight").rstrip(".")
            layers.append(_Layer(product, weight, total, bias, label or "1"))
    return layers


def _common_owner(paths: Sequence[str]) -> str:
    """The part before a dot with which all paths begin."""
    start = ""
    for step in re.findall(r"[^.]*\.", paths[0]) if paths else []:
        if not all(path.startswith(start + step) for path in paths):
            break
        start += step
    return start


def _path(graph: Graph, node: Node) -> str:
    note = graph.notes.get(node)
    return (note.name or "") if note else ""


def _with_bias(
    graph: Graph, product: Node, parameters: Collection[Node]
) -> tuple[Node, Node | None]:
    """The weighted sum that a product of matrices belongs to, and its bias."""
    total = product
    while len(users := graph.users[total]) == 1:
        user = users[0]
        if user.card.name == "add":
            other = user.inputs[1] if user.inputs[0] is total else user.inputs[0]
            bias = source_of(other)
            return (user, bias) if bias in parameters else (product, None)
        if user.card.name != "reshape":
            break
        total = user
    return product, None


def _nearest(node: Node, stops: Collection[Node]) -> set[Node]:
    """Those of some values that a value was made of, without passing through another of them."""
    stack, seen = [node], {node}
    while stack:
        each = stack.pop()
        if each in stops:
            continue
        fresh = [x for x in each.inputs if x not in seen]
        seen.update(fresh)
        stack.extend(fresh)
    return seen.intersection(stops)


def _name_last_output(graph: Graph, total: Node, number: int, names: Names) -> None:
    """Name the output of the network, if it is not the last weighted sum itself."""
    outputs = [
        node
        for node in graph.nodes
        if _path(graph, node).endswith(" output") and node is not total and _nearest(node, [total])
    ]
    if outputs:
        names.add(outputs[-1], "a", str(number))


def _name_inputs(graph: Graph, names: Names) -> None:
    """Name the inputs that no layer named: by the last part of their path, if that is clear."""
    paths = {x: _path(graph, x) or f"x{i}" for i, x in enumerate(graph.inputs) if x not in names.of}
    start = len(_common_owner(list(paths.values())))
    short = {node: re.split(r"[.\]\[']+", path.rstrip("]'"))[-1] for node, path in paths.items()}
    counts = Counter(short.values())
    for node, path in paths.items():
        clear = counts[short[node]] == 1 and not short[node].isdigit()
        names.add(node, short[node] if clear else path[start:])


@dataclass(frozen=True)
class _Assignment:
    """A statement that gives a value to one variable.

    Attributes
    ----------
    first, last
        Its lines.
    variable
        Name of the variable.
    ops
        Names of the ops that it mentions exactly once.
    """

    first: int
    last: int
    variable: str
    ops: frozenset[str]


_OPERATORS: Mapping[type[ast.operator], str] = {
    ast.Add: "add",
    ast.Sub: "subtract",
    ast.Mult: "multiply",
    ast.Div: "divide",
    ast.MatMult: "matmul",
}


def assigned_variables(graph: Graph) -> dict[Node, str]:
    """Find values that the user's code assigns to variables, in the order of the program.

    A statement that ran several times, as in a loop, names a value each time.
    """
    made: dict[_Assignment, list[Node]] = defaultdict(list)
    statements: dict[str, list[_Assignment]] = {}
    for node in graph.nodes:
        note = graph.notes.get(node)
        if note is None or note.source is None or not node.inputs:
            continue
        file = note.source.file
        if file not in statements:
            statements[file] = _assignments(file)
        around = [s for s in statements[file] if s.first <= note.source.line <= s.last]
        if around:
            made[min(around, key=lambda s: s.last - s.first)].append(node)
    named: dict[Node, str] = {}
    for statement, nodes in made.items():
        inside = set(nodes)
        ends = [x for x in nodes if not any(user in inside for user in graph.users[x])]
        kinds = {x.card.name for x in ends} & statement.ops
        named |= {x: statement.variable for x in nodes if x in ends or x.card.name in kinds}
    return {node: named[node] for node in graph.nodes if node in named}


def _assignments(file: str) -> list[_Assignment]:
    """List the statements of a file that assign to one variable; none where it cannot be read."""
    try:
        tree = ast.parse("".join(linecache.getlines(file)))
    except SyntaxError:
        return []
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            target: ast.expr = node.targets[0]
        elif isinstance(node, ast.AnnAssign | ast.AugAssign) and node.value is not None:
            target = node.target
        else:
            continue
        # What runs inside of a lambda does not belong to the variable that holds the lambda.
        inner = any(isinstance(part, ast.Lambda) for part in ast.walk(node))
        if isinstance(target, ast.Name) and not inner:
            last = node.end_lineno or node.lineno
            found.append(_Assignment(node.lineno, last, target.id, _ops_once(node)))
    return found


def _ops_once(statement: ast.stmt) -> frozenset[str]:
    said: Counter[str] = Counter()
    for node in ast.walk(statement):
        if isinstance(node, ast.Call):
            said[ast.unparse(node.func).rpartition(".")[2]] += 1
        elif isinstance(node, ast.BinOp | ast.AugAssign):
            said[_OPERATORS.get(type(node.op), "")] += 1
    return frozenset(op for op, times in said.items() if times == 1)


def key_of(symbol: Expression) -> str:
    """Spell a name with the characters of a keyboard: "z(1)", "dL/dW(1)", "delta(2)".

    >>> key_of(Symbol("δ", "2"))
    'delta(2)'
    """
    if isinstance(symbol, Partial):
        return f"d{key_of(symbol.of)}/d{key_of(symbol.by)}"
    if not isinstance(symbol, Symbol):
        return "?"
    plain = symbol.name.replace("δ", "delta")
    return f"{plain}({symbol.layer})" if symbol.layer else plain
