"""What the arrays and values of a network's layers are called: W⁽²⁾, z⁽²⁾, Q⁽¹⁾, γ⁽³⁾.

A layer is a module that holds arrays itself. Along a chain layers are numbered; elsewhere they
go by their paths.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from chainrule.backprop.formula import Symbol, find_softmax
from chainrule.backprop.unrolling import Role
from chainrule.ir import Graph, Node

_PASSING = ("cast", "reshape", "broadcast", "stop_gradient", "custom_vjp")

# Letters for the arrays of layers, by the last part of their path.
_ARRAYS = {
    "weight": "W",
    "bias": "b",
    "scale": "γ",
    "query_weight": "W_Q",
    "query_bias": "b_Q",
    "key_weight": "W_K",
    "key_bias": "b_K",
    "value_weight": "W_V",
    "value_bias": "b_V",
    "output_weight": "W_O",
    "output_bias": "b_O",
    "input_weight": "W_x",
    "recurrent_weight": "W_h",
    "recurrent_bias": "b_h",
    "depthwise": "W_D",
    "pointwise": "W_P",
    "mean": "μ",
    "variance": "v",
}
# Letters for the weighted sums that belong to some of them; δ is the slope by a z.
_SUMS = {
    "weight": "z",
    "pointwise": "z",
    "output_weight": "z",
    "query_weight": "Q",
    "key_weight": "K",
    "value_weight": "V",
    "input_weight": "z_x",
}
# Letters for the values of the steps of recurrent layers; what carries are called by their number.
_STEPS = {
    "carry 1 of 1": "h",
    "carry 1 of 2": "h",
    "carry 2 of 2": "c",
    "memory": "ĉ",  # where a mask lets the memory before stay instead
    "sum": "z",
    "input gate": "i",
    "forget gate": "f",
    "candidate": "g",
    "output gate": "o",
    "reset gate": "r",
    "update gate": "u",
}
_OF_ATTENTION = "attention weights"


@dataclass(frozen=True)
class LayerNames:
    """What was named.

    Attributes
    ----------
    symbols
        Names of arrays, sums and outputs.
    sums
        What the slope by a weighted sum is called, by the sum's node.
    """

    symbols: dict[Node, Symbol] = field(default_factory=dict)
    sums: dict[Node, Symbol] = field(default_factory=dict)

    def add(self, node: Node, name: str, layer: str) -> None:
        """Name a node that has no name yet."""
        self.symbols.setdefault(node, Symbol(name, layer, node.type.ndim))


@dataclass(frozen=True)
class _Layer:
    """A module that holds arrays.

    Attributes
    ----------
    path
        Its path in the network.
    arrays
        Its arrays by the last part of their path.
    readers
        Values that are made of an array and of something else, in order.
    output
        What it returns; None if it is not to be found.
    """

    path: str
    arrays: dict[str, Node]
    readers: tuple[Node, ...]
    output: Node | None


def name_layers(
    graph: Graph, parameters: Collection[Node], roles: Mapping[Node, Role]
) -> LayerNames:
    """Name arrays, weighted sums and outputs of all layers.

    Parameters
    ----------
    parameters
        The inputs that are trained.
    roles
        What values are in the steps of loops.
    """
    names = LayerNames()
    layers = _find_layers(graph, parameters)
    held = {layer.path for layer in layers}
    data = [
        x
        for x in graph.inputs
        if x not in parameters and path_of(graph, x).rpartition(".")[0] not in held
    ]
    numbered = _is_chain(layers, data)
    start = len(common_owner([f"{layer.path}." for layer in layers if layer.path]))
    for number, layer in enumerate(layers, 1):
        label = _label(layers, number, numbered, start)
        _name_arrays(graph, layer, label, parameters, names)
    recurrent = [n for n, layer in enumerate(layers, 1) if "recurrent_weight" in layer.arrays]
    labels = [_label(layers, n, numbered, start) for n in recurrent]
    _name_steps(roles, labels, names)
    attentive = [n for n, layer in enumerate(layers, 1) if "query_weight" in layer.arrays]
    weights = [x for x in graph.nodes if path_of(graph, x) == _OF_ATTENTION]
    if numbered:
        for number, node in zip(attentive, weights, strict=False):
            _name_attention(node, str(number), names)
        _name_outputs(graph, layers, names)
    return names


def _label(layers: Sequence[_Layer], number: int, numbered: bool, start: int) -> str:
    return str(number) if numbered else layers[number - 1].path[start:].lstrip(".") or "1"


def _name_steps(roles: Mapping[Node, Role], labels: Sequence[str], names: LayerNames) -> None:
    """Name the values of steps: h_3 is what step 3 hands on."""
    for node, role in roles.items():
        letter = _STEPS.get(role.name)
        if letter is None and role.name.startswith("carry"):
            letter = f"s{role.name.split()[1]}"
        if letter is None or not node.inputs:
            continue
        known = role.loop <= len(labels)
        label = labels[role.loop - 1] if known else str(role.loop) if role.loop > 1 else ""
        names.add(node, f"{letter}_{role.step}", label)
        if letter == "z":
            names.sums[node] = Symbol(f"δ_{role.step}", label, node.type.ndim)


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


def path_of(graph: Graph, node: Node) -> str:
    """Give the name in a node's note; empty without any."""
    note = graph.notes.get(node)
    return (note.name or "") if note else ""


def common_owner(paths: Sequence[str]) -> str:
    """Give the part before a dot with which all paths begin.

    >>> common_owner(["network.left.weight", "network.right.weight"])
    'network.'
    """
    start = ""
    for step in re.findall(r"[^.]*\.", paths[0]) if paths else []:
        if not all(path.startswith(start + step) for path in paths):
            break
        start += step
    return start


def _find_layers(graph: Graph, parameters: Collection[Node]) -> list[_Layer]:
    """Layers in the order in which their arrays are first read."""
    held: dict[str, dict[str, Node]] = {}
    for x in sorted(graph.inputs, key=lambda x: x not in parameters):  # then running statistics
        owner, _, name = path_of(graph, x).rpartition(".")
        if (x in parameters or owner in held) and graph.users[x] and name in _ARRAYS:
            held.setdefault(owner, {})[name] = x
    reading: dict[str, list[Node]] = {owner: [] for owner in held}
    owners = {x: owner for owner, arrays in held.items() for x in arrays.values()}
    for node in graph.nodes:
        if node.card.name in _PASSING or not node.inputs:
            continue
        for x in node.inputs:
            owner = owners.get(source_of(x))  # type: ignore[assignment]
            if owner is not None and node not in reading[owner]:
                reading[owner].append(node)
    outputs = {path_of(graph, x): x for x in graph.nodes}
    place = {node: i for i, node in enumerate(graph.nodes)}
    # An objective's network is an argument called "network"; its layers do not know that.
    first = next((p.split(".")[0] + "." for p in held if "." in p), "")
    layers = []
    for owner, arrays in held.items():
        if not reading[owner]:
            continue
        own = owner.removeprefix(first) if all(p.startswith(first) for p in held) else owner
        output = _output(own, [p.removeprefix(first) for p in held], outputs)
        if output is None and not any(x.card.name == "matmul" for x in reading[owner]):
            continue  # arrays with such names, but of no layer
        layers.append(_Layer(owner, arrays, tuple(reading[owner]), output))
    return sorted(layers, key=lambda layer: place[layer.readers[0]])


def _output(owner: str, owners: Sequence[str], outputs: Mapping[str, Node]) -> Node | None:
    """What a layer returns, or a module around it that holds no other layer."""
    place = owner
    while f"{place} output" not in outputs:
        place, _, step = place.rpartition(".")
        shared = sum(each.startswith(f"{place}.") for each in owners) > 1
        if not place or not step or shared:
            return outputs.get("network output") if len(owners) == 1 else None
    return outputs[f"{place} output"]


def _is_chain(layers: Sequence[_Layer], data: Collection[Node]) -> bool:
    """Whether each layer reads nothing but the output of the one before; the first one the data."""
    ends = [layer.output or layer.readers[-1] for layer in layers]
    masks = {x for x in data if x.type.dtype == "bool"}  # any layer may ask which steps count
    for i, layer in enumerate(layers):
        stops = {*ends[:i], *data}
        allowed = {ends[i - 1], *masks} if i else set(data)
        reached = set().union(*(_nearest(node, stops) for node in layer.readers))
        if reached - allowed or (i and not reached - masks):
            return False
    return True


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


def _name_arrays(
    graph: Graph, layer: _Layer, label: str, parameters: Collection[Node], names: LayerNames
) -> None:
    """Name a layer's arrays, and the sums that its matrices give."""
    for name, node in layer.arrays.items():
        shift = name == "bias" and "weight" not in layer.arrays and "scale" in layer.arrays
        names.add(node, "β" if shift else _ARRAYS[name], label)
    for reader in layer.readers:
        if reader.card.name != "matmul":
            continue
        weight = source_of(reader.inputs[1])
        name = next((n for n, x in layer.arrays.items() if x is weight), "")
        letter = _SUMS.get(name)
        if letter is None or sum(source_of(r.inputs[-1]) is weight for r in layer.readers) > 1:
            continue
        total = _with_bias(graph, reader, parameters)
        names.add(total, letter, label)
        if letter == "z":
            names.sums[total] = Symbol("δ", label, total.type.ndim)


def _name_attention(weights: Node, label: str, names: LayerNames) -> None:
    """Name the weights of an attention, what stands under their softmax, and its powers of e."""
    names.add(weights, "A", label)
    softmax = find_softmax(weights)
    if softmax is not None:
        names.add(softmax.of, "S", label)
        names.add(weights.inputs[0], "E", label)


def _with_bias(graph: Graph, product: Node, parameters: Collection[Node]) -> Node:
    """Find the weighted sum that a product of matrices belongs to: with its bias, if it has one."""
    total = product
    while len(users := graph.users[total]) == 1:
        user = users[0]
        if user.card.name == "add":
            other = user.inputs[1] if user.inputs[0] is total else user.inputs[0]
            return user if source_of(other) in parameters else product
        if user.card.name != "reshape":
            break
        total = user
    return product


def _name_outputs(graph: Graph, layers: Sequence[_Layer], names: LayerNames) -> None:
    """Name what stands between the layers of a chain: activations, pooled values, outputs."""
    said = {x for x in graph.nodes if path_of(graph, x).endswith(" output")}
    place = {node: i for i, node in enumerate(graph.nodes)}
    ends = [layer.output or layer.readers[-1] for layer in layers]
    for number, (end, following) in enumerate(pairwise([*ends, None]), 1):
        if end is None:
            continue
        label = str(number)
        if end not in names.symbols and end not in names.sums and end.inputs:
            normalised = "scale" in layers[number - 1].arrays
            names.add(_unmoved(end), "y" if normalised else "a", label)
        last = len(graph.nodes) if following is None else place[following]
        between = [
            x
            for x in graph.nodes[place[end] + 1 : last]
            if x in said and x not in names.symbols and _nearest(x, [end])
        ]
        first = layers[number].readers[0] if following is not None else end
        if first is not end and first.card.name == "matmul":  # it may read a plain function's value
            read = _unmoved(first.inputs[0])
            if read.inputs and read not in between and read not in names.symbols:
                between.append(read)
        for node in dict.fromkeys(map(_unmoved, between)):
            known = {s.name for s in names.symbols.values() if s.layer == label}
            letter = "a" if "a" not in known and node.card.kind != "reduce" else "p"
            if letter not in known and node.inputs and node is not end:
                names.add(node, letter, label)


def _unmoved(node: Node) -> Node:
    """The value whose entries a node only shows, moves or pads."""
    while (node.card.kind == "shape" and len(node.inputs) == 1) or node.card.name in _PASSING:
        node = node.inputs[0]
    return node
