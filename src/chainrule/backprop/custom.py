"""Functions whose gradient the user writes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

from chainrule.errors import GradientError
from chainrule.ir import Card, Graph, Node, absent, is_float, topological
from chainrule.ops.shape import View
from chainrule.tracing import Array, flatten, fresh_input, record, replay
from chainrule.tracing.record import convert, lift
from chainrule.tracing.values import shape_of


def custom_vjp(function: Callable[..., tuple[Any, Callable[[Any], Any]]]) -> Callable[..., Any]:
    """Use a gradient of your own: the function returns ``y, back``.

    `back(g)` receives the gradient of the output, an array, and returns one gradient for each
    argument (None where there is none). It may use any function of `chainrule.numpy` and any
    value that the function computed; both may be differentiated again.

    >>> import chainrule.numpy as cnp
    >>> from chainrule.backprop import grad
    >>> @custom_vjp
    ... def straight_through(x):
    ...     return cnp.round(x), lambda g: (g,)
    >>> float(grad(lambda x: straight_through(x) * 2)(0.3))
    2.0
    """

    @wraps(function)
    def wrapped(*args: Any) -> Any:
        leaves = flatten(args)[0]
        y, back = function(*args)
        if not any(isinstance(x, Array) for x in leaves):
            return y
        if not isinstance(y, Array):
            raise GradientError(f"a custom_vjp function must return one array, received {y!r}")
        probe = Array(fresh_input(0, y.node.type), y.recorder)
        gradients = _for_each_leaf(back(probe), args)
        receivers, written = [], []
        for x, g in zip(leaves, gradients, strict=True):
            if g is not None and isinstance(x, Array) and is_float(x.dtype.name):
                receivers.append(x)
                written.append(convert(lift(g, y.recorder), x.dtype.name).node)
        known = _frontier(written, probe.node)
        backward = Graph((probe.node, *known), tuple(written), y.recorder.builder.notes)
        values = [Array(x, y.recorder) for x in known]
        return record(y.recorder, _card(len(receivers), backward), y, *receivers, *values)

    return wrapped


def _for_each_leaf(given: Any, args: Sequence[Any]) -> list[Any]:
    """Spread what `back` returned over the leaves of the arguments."""
    parts = given if isinstance(given, tuple) else (given,)
    if len(parts) != len(args):
        raise GradientError(
            f"back must return one gradient for each of {len(args)} arguments, or None; "
            f"it returned {len(parts)}"
        )
    spread: list[Any] = []
    for part, arg in zip(parts, args, strict=True):
        leaves, tree = flatten(arg)
        if part is None:
            spread += [None] * len(leaves)
            continue
        gradients, structure = flatten(part)
        if structure != tree:
            raise GradientError("a gradient from back must have the structure of its argument")
        for x, g in zip(leaves, gradients, strict=True):
            if shape_of(x) != shape_of(g):
                raise GradientError(f"back returned {g} as the gradient of {x}: shapes differ")
        spread += gradients
    return spread


def _frontier(outputs: Sequence[Node], probe: Node) -> list[Node]:
    """Find the values of the forward pass that the backward pass reads."""
    moving = {probe}
    known: dict[Node, None] = {}
    for node in topological(outputs):
        if any(x in moving for x in node.inputs):
            moving.add(node)
            known.update(dict.fromkeys(x for x in node.inputs if x not in moving))
    known.update(dict.fromkeys(x for x in outputs if x not in moving))
    return list(known)


def _card(receivers: int, backward: Graph) -> Card:
    """Make an op that passes its first input on, and whose gradient is the graph `backward`.

    Its inputs are the value, the receivers of gradients, and what `backward` reads beside the
    gradient that arrives.
    """

    def vjp(o: Any, g: Any, y: Any, value: Any, *rest: Any) -> tuple[Any, ...]:
        known = rest[receivers:]
        return (None, *replay(backward, [g, *known]), *[None] * len(known))

    return Card(
        name="custom_vjp",
        kind="shape",
        doc="The first input, with a gradient that the user wrote.",
        type=lambda value, *rest: value,
        vjp=vjp,
        numpy=lambda np, value, *rest: value,
        native=View(lambda i, index, x, y: index),
        onnx=absent("exported as its first input"),
        cost=0,
        jax=lambda jnp, value, *rest: value,
    )
