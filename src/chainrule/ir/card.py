"""The op card: everything that the program knows about one primitive."""

from __future__ import annotations

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
    "random",
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
    latex
        ``latex(*strings, **params)`` gives the formula.
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
    latex: Rule | Absent
    onnx: str | Absent
    cost: int = 1
    domain: tuple[Any, ...] = (-2.0, 2.0)
    smooth: bool = True
    kink: str = ""
    jax: Rule | None = None

    def __repr__(self) -> str:
        return f"<card {self.name}>"
