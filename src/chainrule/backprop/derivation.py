"""The chain of equations of a backward pass, to be printed in several languages."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Any

from chainrule.backprop.formula import (
    Call,
    Expression,
    Fold,
    Relation,
    Symbol,
    fold_line,
    latex,
    mathml,
    text,
    walk,
)
from chainrule.backprop.naming import key_of
from chainrule.ir import ArrayType, Node

_MARGIN = 10  # of the equations; the names of the parts stand in it

# What functions mean that only move entries.
_FUNCTIONS = {
    "patches": "patches are what a kernel sees, place by place",
    "overlap": "overlap adds patches up where they came from",
    "pad": "pad puts zeros around",
    "flat": "flat makes one row of each example",
    "take": "take reads rows of a table",
    "scatter_add": "scatter_add adds up at the places that were read",
}


@dataclass(frozen=True, eq=False)
class Line:
    """One equation.

    Attributes
    ----------
    part
        "forward", "loss", "backward" or "update".
    symbol, formula
        Its two sides.
    type
        Shape and dtype of the value.
    node
        The value in the program.
    """

    part: str
    symbol: Expression
    formula: Expression
    type: ArrayType
    node: Node

    @property
    def key(self) -> str:
        """The left side in characters of a keyboard, such as "z(1)" or "dL/dW(1)"."""
        return key_of(self.symbol)

    @property
    def equation(self) -> Expression:
        """Both sides as one formula."""
        return Relation("=", self.symbol, self.formula)

    def __str__(self) -> str:
        return text(self.equation)

    @property
    def shape(self) -> str:
        """The shape in words: "n × 3", or "number"."""
        return _shape(self.type)

    def to_dict(self) -> dict[str, Any]:
        """Give the line as plain data, in all three languages."""
        return {
            "key": self.key,
            "part": self.part,
            "shape": [n if isinstance(n, int) else str(n) for n in self.type.shape],
            "text": text(self.equation),
            "latex": latex(self.equation),
            "mathml": mathml(self.equation, display=True),
        }


@dataclass(frozen=True, eq=False)
class Derivation:
    """A backward pass as equations; print it.

    Attributes
    ----------
    given
        Names of the inputs, with their types.
    lines
        The equations, each after those that it reads.
    guards
        Whether guards against division by zero and infinity were left out.
    note
        What else to say below the equations.
    """

    given: tuple[tuple[Expression, ArrayType], ...]
    lines: tuple[Line, ...]
    guards: bool = False
    note: str = ""

    def __getitem__(self, key: str) -> Line:
        for line in self.lines:
            if line.key == key:
                return line
        known = ", ".join(line.key for line in self.lines)
        raise KeyError(f"there is no line {key!r}; there are {known}")

    def text(self, width: int | None = None) -> str:
        """Print the equations as text, with the shape of every value.

        Parameters
        ----------
        width
            Of the terminal, in characters, for which long lines are folded; None folds nothing.
        """
        given = ", ".join(f"{text(symbol)} ({_shape(kind)})" for symbol, kind in self.given)
        equations = [text(line.equation) for line in self.lines]
        column = min(72, max(map(len, equations), default=0))
        if width is not None:
            shapes = max((len(line.shape) for line in self.lines), default=0)
            column = min(column, max(width - _MARGIN - 3 - shapes, 0))
        rows = [fold_line(f"given     {given}", width, _MARGIN)]
        part = ""
        for line, equation in zip(self.lines, equations, strict=True):
            heading = line.part if line.part != part else ""
            part = line.part
            room = None if width is None else width - 3 - len(line.shape)
            written = fold_line(f"{heading:<{_MARGIN}}{equation:<{column}}", room, _MARGIN + 4)
            *front, last = written.split("\n")
            rows += [*front, f"{last:<{_MARGIN + column}}   {line.shape}"]
        legend = self.legend()
        where = [fold_line(f"where     {legend}", width, _MARGIN)] if legend else []
        return "\n".join([*rows, *where])

    def legend(self, spelled: bool = True) -> str:
        """Explain the signs that occur; matrix products have one only where they are spelled."""
        parts = [x for line in self.lines for x in walk(line.formula)]
        said = " ".join(text(line.formula) for line in self.lines)
        notes = []
        if any(key_of(line.symbol).startswith("delta") for line in self.lines):
            notes.append("δ = ∂L/∂z")
        if "⊙" in said:
            notes.append("⊙ multiplies entry by entry")
        if spelled and " @ " in said:
            notes.append("@ multiplies matrices")
        called = {part.name for part in parts if isinstance(part, Call)}
        notes += [said for name, said in _FUNCTIONS.items() if name in called]
        if any(isinstance(part, Relation) for part in parts):
            notes.append("[…] is 1 where it holds, else 0")
        if any(isinstance(part, Fold) and part.axes for part in parts):
            notes.append("i counts rows, j columns")
        if any(isinstance(part, Symbol) and part.name == "n" for part in parts):
            notes.append("n is the number of rows")
        if any(symbol == Symbol("m", ndim=kind.ndim) for symbol, kind in self.given):
            notes.append("m is 1 at the steps of a sequence that count")
        if any(isinstance(part, Symbol) and part.name.startswith("ĉ") for part in parts):
            notes.append("ĉ is the memory that a step makes")
        if any(isinstance(part, Symbol) and part.name == "k" for part in parts):
            notes.append("k counts the steps made before")
        if self.guards:
            notes.append("guards against division by 0 and infinity are left out")
        if self.note:
            notes.append(self.note)
        return "; ".join(notes)

    def latex(self) -> str:
        """Print the equations in LaTeX, aligned at the equals signs."""
        rows = [
            rf"{latex(line.symbol)} &= {latex(line.formula)} && \text{{{line.shape}}}"
            for line in self.lines
        ]
        body = " \\\\\n".join(rows).replace("×", r"$\times$")
        return f"\\begin{{aligned}}\n{body}\n\\end{{aligned}}"

    def mathml(self) -> str:
        """Print the equations in MathML, one element for each line."""
        return "\n".join(mathml(line.equation, display=True) for line in self.lines)

    def to_dict(self) -> dict[str, Any]:
        """Give everything as plain data, ready for JSON."""
        given = [{"key": key_of(s), "text": text(s), "shape": _shape(t)} for s, t in self.given]
        lines = [line.to_dict() for line in self.lines]
        return {"kind": "derivation", "given": given, "lines": lines, "legend": self.legend()}

    def _repr_html_(self) -> str:
        rows = []
        part = ""
        for line in self.lines:
            if line.part != part:
                part = line.part
                heading = f'<th colspan="2" scope="rowgroup" style="text-align:left">{part}</th>'
                rows.append(f"<tr>{heading}</tr>")
            equation = f'<td style="text-align:left">{mathml(line.equation)}</td>'
            rows.append(f"<tr>{equation}<td>{escape(line.shape)}</td></tr>")
        table = f'<div style="overflow-x:auto"><table>{"".join(rows)}</table></div>'
        return f"{table}<p>{escape(self.legend(spelled=False))}</p>"

    def __str__(self) -> str:
        return self.text()


def _shape(kind: ArrayType) -> str:
    """A shape beside a line: "n × 3", "number" without axes."""
    sizes = [str(n).replace("batch", "n") for n in kind.shape]
    return " × ".join(sizes) if sizes else "number"
