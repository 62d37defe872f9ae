"""Derivatives of functions: `grad` and its relatives, which nest in any order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import numpy as np

from chainrule.backprop.reverse import differentiate, pull_back
from chainrule.errors import GradientError, ShapeError
from chainrule.ir import Builder, Graph, is_float
from chainrule.tracing import (
    Array,
    Captured,
    Recorder,
    Tree,
    begin,
    capture,
    flatten,
    fresh_input,
    functions,
    replay,
    unflatten,
)

Argnums = int | tuple[int, ...]


def argument_positions(args: Sequence[Any], argnums: Argnums) -> tuple[list[int], Tree]:
    """Find the leaves of some arguments among all leaves, and the structure of those arguments."""
    chosen = (argnums,) if isinstance(argnums, int) else argnums
    starts, total = [], 0
    for arg in args:
        starts.append(total)
        total += len(flatten(arg)[0])
    starts.append(total)
    positions = []
    for n in chosen:
        if not -len(args) <= n < len(args):
            raise GradientError(f"there is no argument {n}: the function received {len(args)}")
        n %= len(args)
        positions += list(range(starts[n], starts[n + 1]))
    picked = args[chosen[0]] if isinstance(argnums, int) else tuple(args[n] for n in chosen)
    return positions, flatten(picked)[1]


def value_and_grad(
    function: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """Make a function that returns the value of another and its gradient.

    Parameters
    ----------
    function
        Returns one float; with `has_aux`, a pair of it and any further tree.
    argnums
        Which arguments to differentiate by: one, or a tuple of several. They may be trees.

    Returns
    -------
    A function of the same arguments; its result is ``(value, gradient)``, where the gradient has
    the structure, shapes and dtypes of the arguments chosen.

    >>> value, slope = value_and_grad(lambda x: x * x)(3.0)
    >>> float(value), float(slope)
    (9.0, 6.0)
    """

    @wraps(function)
    def wrapped(*args: Any) -> Any:
        positions, tree = argument_positions(args, argnums)
        captured = capture(function, args)
        _check_result(captured.result, has_aux)
        graph = differentiate(captured.graph, positions)
        results = replay(graph, flatten(args)[0], captured.outer)
        count = len(captured.graph.outputs)
        return unflatten(captured.result, results[:count]), unflatten(tree, results[count:])

    return wrapped


def _check_result(result: Tree, has_aux: bool) -> None:
    if has_aux and not (result.kind is tuple and len(result.children) == 2):
        raise GradientError("with has_aux the function must return a pair (value, aux)")
    if (result.children[0] if has_aux else result).kind is not None:
        raise GradientError(
            "only a function that returns one float has a gradient; this one returns a tree. "
            "Return (value, aux) with has_aux=True, or use vjp"
        )


def grad(
    function: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """Make a function that returns the gradient of another; see `value_and_grad`.

    >>> float(grad(lambda x: x**3)(2.0))
    12.0
    >>> float(grad(grad(lambda x: x**3))(2.0))
    12.0
    """
    both = value_and_grad(function, argnums, has_aux)

    @wraps(function)
    def wrapped(*args: Any) -> Any:
        value, gradient = both(*args)
        return (gradient, value[1]) if has_aux else gradient

    return wrapped


def vjp(function: Callable[..., Any], *args: Any) -> tuple[Any, Callable[[Any], tuple[Any, ...]]]:
    """Value of a function, and the map from a cotangent of its result to one of its arguments.

    >>> value, back = vjp(lambda x, y: x * y, 2.0, 5.0)
    >>> [float(g) for g in back(1.0)]
    [5.0, 2.0]
    """
    captured = capture(function, args)
    leaves = flatten(args)[0]
    value = unflatten(captured.result, replay(captured.graph, leaves, captured.outer))

    def back(cotangent: Any) -> Any:
        given, tree = flatten(cotangent)
        if tree != captured.result:
            raise GradientError("the cotangent must have the structure of the function's result")
        _check_shapes("cotangent", given, [n.type.shape for n in captured.graph.outputs])
        graph = _vjp_graph(captured)
        return unflatten(captured.arguments, replay(graph, [*leaves, *given], captured.outer))

    return value, back


def jvp(function: Callable[..., Any], args: Sequence[Any], tangents: Sequence[Any]) -> Any:
    """Value of a function and its directional derivative along `tangents`.

    Forward mode has no rules of its own: the reverse rules are linear in the gradient that
    arrives, so differentiating them once more by it gives the forward derivative.

    >>> value, slope = jvp(lambda x: x * x, (3.0,), (1.0,))
    >>> float(value), float(slope)
    (9.0, 6.0)
    """
    args = tuple(args)
    leaves, tree = flatten(args)
    directions, structure = flatten(tuple(tangents))
    if structure != tree:
        raise GradientError("tangents must have the structure of the arguments")
    _check_shapes(
        "tangent",
        directions,
        [np.shape(x) if not isinstance(x, Array) else x.shape for x in leaves],
    )
    captured = capture(function, args)
    value = unflatten(captured.result, replay(captured.graph, leaves, captured.outer))
    graph = _jvp_graph(captured)
    # The slope does not depend on the probes, but loops that are part of it read them.
    probes = [functions.zeros_like(y) for y in flatten(value)[0]]
    slope = replay(graph, [*leaves, *directions, *probes], captured.outer)
    return value, unflatten(captured.result, slope)


def hessian_vector_product(function: Callable[..., Any], args: Sequence[Any], vector: Any) -> Any:
    """Product of the matrix of second derivatives, by the first argument, with a vector.

    The function returns one float; `vector` has the structure of its first argument. Costs a
    few times as much as the function, whatever the size of the matrix.

    >>> float(hessian_vector_product(lambda x: x**3, (2.0,), 1.0))
    12.0
    """
    slope = grad(function)
    rest = tuple(args[1:])
    return jvp(lambda first: slope(first, *rest), (args[0],), (vector,))[1]


def _check_shapes(what: str, given: Sequence[Any], shapes: Sequence[Any]) -> None:
    for value, shape in zip(given, shapes, strict=True):
        received = value.shape if isinstance(value, Array) else np.shape(value)
        if tuple(received) != tuple(shape):
            raise ShapeError(f"a {what} has the shape {received}, expected {tuple(shape)}")


def _extended(captured: Captured) -> tuple[Recorder, list[Array], list[Array]]:
    """A tracing that goes on behind a graph: its inputs and outputs as traced arrays."""
    builder = Builder()
    builder.adopt(captured.graph)
    recorder = begin(builder)
    inputs = [Array(node, recorder) for node in captured.graph.inputs]
    return recorder, inputs, [Array(node, recorder) for node in captured.graph.outputs]


def _fresh(like: Sequence[Array], recorder: Recorder, offset: int) -> list[Array]:
    return [Array(fresh_input(i, x.node.type), recorder) for i, x in enumerate(like, offset)]


def _linear(
    outputs: Sequence[Array], cotangents: Sequence[Array], wrt: Sequence[Array]
) -> list[Array]:
    pairs = [(y, c) for y, c in zip(outputs, cotangents, strict=True) if is_float(y.dtype.name)]
    found = pull_back([y for y, _ in pairs], [c for _, c in pairs], wrt)
    return [functions.zeros_like(x) if g is None else g for x, g in zip(wrt, found, strict=True)]


def _vjp_graph(captured: Captured) -> Graph:
    recorder, inputs, outputs = _extended(captured)
    cotangents = _fresh(outputs, recorder, len(inputs))
    gradients = _linear(outputs, cotangents, inputs)
    nodes = tuple(x.node for x in (*inputs, *cotangents))
    return Graph(nodes, tuple(g.node for g in gradients), recorder.builder.notes)


def _jvp_graph(captured: Captured) -> Graph:
    recorder, inputs, outputs = _extended(captured)
    tangents = _fresh(inputs, recorder, len(inputs))
    probes = _fresh(outputs, recorder, 2 * len(inputs))
    moving = [(x, t) for x, t in zip(inputs, tangents, strict=True) if is_float(x.dtype.name)]
    gradients = _linear(outputs, probes, [x for x, _ in moving])
    slopes = _linear(gradients, [t for _, t in moving], probes)
    nodes = tuple(x.node for x in (*inputs, *tangents, *probes))
    return Graph(nodes, tuple(s.node for s in slopes), recorder.builder.notes)
