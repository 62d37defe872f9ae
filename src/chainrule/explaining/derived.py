"""The backward pass of a network as equations, in a form to be shown."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from chainrule.backprop import Derivation
from chainrule.backprop import derive as derive_graph
from chainrule.errors import ParameterError
from chainrule.explaining.objective import as_batch, lay_out
from chainrule.explaining.page import document, math_row, paragraph, section
from chainrule.ir import ArrayType, Dim
from chainrule.nn import Module
from chainrule.nn.losses import Loss
from chainrule.tracing import flatten, map_leaves, spec_of


@dataclass(frozen=True, eq=False, repr=False)
class Derived:
    """The equations of a backward pass; print them.

    Attributes
    ----------
    derivation
        The equations.
    title
        What they belong to.
    """

    derivation: Derivation
    title: str

    def text(self, width: int | None = None) -> str:
        """Print the equations as text, folded for a terminal of some width in characters."""
        return self.derivation.text(width)

    def latex(self) -> str:
        """Print the equations in LaTeX."""
        return self.derivation.latex()

    def mathml(self) -> str:
        """Print the equations in MathML."""
        return self.derivation.mathml()

    def to_dict(self) -> dict[str, Any]:
        """Give everything as plain data, ready for JSON."""
        return {**self.derivation.to_dict(), "title": self.title}

    def html(self) -> str:
        """Give a page of its own that needs nothing else."""
        parts = dict.fromkeys(line.part for line in self.derivation.lines)
        sections = [
            section(
                part,
                [
                    math_row(line.equation, line.shape)
                    for line in self.derivation.lines
                    if line.part == part
                ],
            )
            for part in parts
        ]
        signs = paragraph(f"Signs: {self.derivation.legend(spelled=False)}.")
        return document(self.title, "".join([*sections, signs]))

    def _repr_html_(self) -> str:
        return self.derivation._repr_html_()

    def __repr__(self) -> str:
        return self.text()


def derive(network: Module, loss: Loss, inputs: Any, targets: Any) -> Derived:
    """Derive the backward pass of a network and its loss, from the gradient rules that run.

    Parameters
    ----------
    network
        With or without arrays in it; only shapes matter.
    loss
        Of `chainrule.losses`; it gives one number.
    inputs, targets
        Example arrays or types, with an axis of rows in front, whose length is left open: n. Inputs
        may be a tuple of the network's arguments.

    >>> from chainrule import losses, nn
    >>> derived = derive(nn.Dense(1), losses.HalfSquaredError(), [[1.0, 2.0]], [[3.0]])
    >>> print(derived.derivation["dL/dW(1)"])
    ∂L/∂W⁽¹⁾ = xᵀ @ δ⁽¹⁾
    """
    title = f"Backpropagation of {network!r}"
    batch = as_batch(inputs)
    given = map_leaves(_with_open_rows, batch if isinstance(batch, tuple) else (batch,))
    if any(x is None for x in flatten(network)[0]) or not flatten(network)[0]:
        one_row = map_leaves(lambda x: ArrayType((1, *x.shape[1:]), x.dtype), given)
        network = network.initialise(0, *one_row)
    objective = lay_out(network, given, _with_open_rows(as_batch(targets)), loss)
    derivation = derive_graph(objective.graph, objective.wrt, names=objective.names)
    return Derived(replace(derivation, note=loss.textbook), title)


def _with_open_rows(example: Any) -> ArrayType:
    kind = spec_of(example)
    if not kind.shape:
        raise ParameterError(f"an example needs an axis of rows in front, received {kind}")
    return ArrayType((Dim("batch"), *kind.shape[1:]), kind.dtype)
