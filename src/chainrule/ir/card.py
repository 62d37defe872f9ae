"""The op card: everything that the program knows about one primitive."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from chainrule.ir.types import ArrayType

KINDS = (
    "leaf",
    "elementwise",
    "reduce",
    "cumulate",
    "shape",
    "contract",
    "index",
    "window",
    "random",
    "control",
)


@dataclass(frozen=True, slots=True)
class Absent:
    """A rule that a card does not have, with the reason."""

    reason: str


def absent(reason: str) -> Absent:
    """Mark a rule of a card as missing on purpose.

    >>> absent("the comparison is piecewise constant").reason
    'the comparison is piecewise constant'
    """
    return Absent(reason)


Rule = Callable[..., Any]
Number = float | int | bool


@dataclass(frozen=True, slots=True)
class Example:
    """What an elementwise op gives for numbers that one can check by hand.

    Attributes
    ----------
    inputs
        One number for each input.
    output
        The value there.
    slopes
        The derivative by each input, None for an input that carries none; empty where the op
        has no derivative at all.
    """

    inputs: tuple[Number, ...]
    output: Number
    slopes: tuple[float | None, ...] = ()


@dataclass(frozen=True, eq=False, kw_only=True)
class Card:
    """One primitive on one card.

    Every rule takes its namespace as the first argument, so that a card imports no library.

    Parameters
    ----------
    name, kind, doc
        What the op is called, which of `KINDS` tells executors how to run it, and one sentence.
    type
        ``type(*input_types, **params) -> ArrayType``; raises `ShapeError` or `DtypeError`.
    vjp
        ``vjp(o, g, y, *x, **params)`` gives for each input its share of the gradient, or None
        where the input carries none. `o` holds the functions of `chainrule.numpy`; `g` is the
        gradient that arrives, `y` the output, `x` the inputs.
    numpy
        ``numpy(np, *x, **params)``: the meaning of the op.
    native
        How the op reads in machine code; its form depends on the kind (see
        `chainrule.execute.native`).
    onnx
        Name of the ONNX operator.
    cost
        Floating-point operations per entry of the output (per entry of the input for
        reductions; per multiply-add pair for contractions).
    domain
        Where tests draw ordinary inputs from, one ``(low, high)`` for all inputs or one each.
    smooth
        False where derivatives jump somewhere; `kink` then says what is taken there.
    kink
        What the gradient is at kinks and ties, and what happens at extremes.
    examples
        For elementwise ops, numbers to check by hand. The first one is shown in the docs; what
        `kink` says is among them.
    jax
        As `numpy`, where JAX needs another spelling; None where NumPy's rule serves.
    """

    name: str
    kind: str
    doc: str
    type: Callable[..., ArrayType]
    vjp: Rule | Absent
    numpy: Rule | Absent
    native: Any
    onnx: str | Absent
    cost: int = 1
    domain: tuple[Any, ...] = (-2.0, 2.0)
    smooth: bool = True
    kink: str = ""
    examples: tuple[Example, ...] = ()
    jax: Rule | None = None

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the inputs, as the NumPy rule calls them; ``*xs`` for any number of them."""
        if isinstance(self.numpy, Absent):
            return ()
        _, *parameters = inspect.signature(self.numpy).parameters.values()
        return tuple(
            f"*{p.name}" if p.kind is p.VAR_POSITIONAL else p.name
            for p in parameters
            if p.kind is not p.KEYWORD_ONLY
        )

    def __repr__(self) -> str:
        return f"<card {self.name}>"
