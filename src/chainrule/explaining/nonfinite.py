"""The first value of a user's function that is NaN or infinite."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chainrule.backprop import differentiate
from chainrule.execute.nonfinite import NonFinite, first_nonfinite
from chainrule.ir import Graph, is_float
from chainrule.tracing import capture, flatten


def find_nonfinite(
    function: Callable[..., Any] | Graph, *args: Any, gradient: bool = True
) -> NonFinite | None:
    """Find the first value that is NaN or infinite and spoils a result; None if all is finite.

    Parameters
    ----------
    function
        A network or any function of trees of arrays; or a program.
    args
        What it is called with; for a program one array for each input.
    gradient
        Whether to look at the gradients as well, where the function returns one float.

    >>> import numpy as np
    >>> import chainrule.numpy as cnp
    >>> found = find_nonfinite(lambda x: cnp.sum(cnp.log(x)), np.array([[1.0, 0.0]]))
    >>> found.op, found.row, found.column
    ('log', 0, 1)
    """
    if isinstance(function, Graph):
        return first_nonfinite(function, args)
    captured = capture(function, args)
    graph, leaves = captured.graph, flatten(args)[0]
    found = first_nonfinite(graph, leaves)
    target = graph.outputs[0].type if len(graph.outputs) == 1 else None
    if found is not None or not gradient or target is None:
        return found
    floats = [i for i, x in enumerate(graph.inputs) if is_float(x.type.dtype)]
    if target.shape == () and is_float(target.dtype) and floats:
        return first_nonfinite(differentiate(graph, floats), leaves, graph, floats)
    return None
