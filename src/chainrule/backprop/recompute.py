"""Values computed again for the backward pass instead of kept: less memory, more arithmetic."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import chainrule.numpy as cnp
from chainrule.backprop.custom import custom_vjp
from chainrule.backprop.transforms import vjp
from chainrule.errors import GradientError
from chainrule.tracing import Array, capture, flatten, map_leaves, replay, taps
from chainrule.tracing.record import lift


def checkpoint(function: Callable[..., Any]) -> Callable[..., Any]:
    """Keep only the arguments of a function for the backward pass, and compute the rest again.

    The forward pass frees what the function computed on its way as soon as its result is there.
    The backward pass runs the function once more, when the gradient of the result has arrived, and
    frees it again: Chen, Xu, Zhang and Guestrin, "Training deep nets with sublinear memory cost",
    2016. Values and gradients are the same: bit by bit with NumPy, to rounding in native code,
    which joins operations to other loops.

    Parameters
    ----------
    function
        Takes trees of arrays (a network may be among them) and returns one array. What else it
        reads, such as weights around it, gets its gradient too. It must not hand on state, as
        `BatchNorm` does.

    Raises
    ------
    GradientError
        If it returns several traced arrays.

    >>> from chainrule.backprop import grad
    >>> f = checkpoint(lambda x: cnp.sin(cnp.sin(x)))
    >>> float(grad(f)(0.5)) == float(grad(lambda x: cnp.sin(cnp.sin(x)))(0.5))
    True
    """

    @wraps(function)
    def kept(*args: Any) -> Any:
        y = function(*args)
        if not isinstance(y, Array):
            if any(isinstance(x, Array) for x in flatten(y)[0]):
                raise GradientError(f"a checkpointed function must return one array, received {y}")
            return y
        with taps():  # those of the first call count
            captured = capture(function, args)

        def again(args: Any, around: Sequence[Any]) -> Any:
            outer = dict(zip(captured.outer, around, strict=True))
            return replay(captured.graph, flatten(args)[0], outer)[0]

        @custom_vjp
        def result(*known: Any) -> tuple[Any, Callable[[Any], Any]]:
            return y, lambda g: vjp(again, *_later(known, g))[1](g)

        return result(args, tuple(captured.outer.values()))

    return kept


def _later(args: Any, g: Any) -> Any:
    """The arguments, as values that cannot be there before the gradient is.

    A choice between x and x by an entry of the gradient is x, but waits for it, and is another
    node: what is computed from it is computed again. Rows wait for their own row, so that workers
    can share them.
    """

    def rows(x: Any) -> bool:
        return bool(x.ndim and g.ndim and x.shape[0] == g.shape[0])

    leaves = [x for x in flatten(args)[0] if isinstance(x, Array)]
    by_row = any(map(rows, leaves))

    def late(x: Any) -> Any:
        if not isinstance(x, Array):
            return lift(x, g.recorder)  # beside traced values, so that sizes may be open
        if x.dtype.kind != "f" or (by_row and not rows(x)):
            return x
        entry = g[(slice(None) if by_row else 0, *(0 for _ in g.shape[1:]))] if g.ndim else g
        there = cnp.isfinite(entry)
        if by_row:
            there = cnp.reshape(there, (x.shape[0], *(1 for _ in x.shape[1:])))
        return cnp.where(there, x, x)

    return map_leaves(late, args)
