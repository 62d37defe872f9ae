"""One step of training to look at: every value, every equation, every number."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any

import numpy as np

from chainrule.backprop.derivation import Derivation, Line
from chainrule.backprop.formula import fold_line, text
from chainrule.backprop.naming import key_of
from chainrule.errors import ParameterError
from chainrule.explaining.labels import Labels
from chainrule.explaining.objective import Objective
from chainrule.explaining.page import array_table, document, folded, math_row, paragraph, section
from chainrule.explaining.precision import Precision, compare_native
from chainrule.explaining.units import Entries, UnitEquation
from chainrule.ir import Node
from chainrule.nn.losses import Loss
from chainrule.train import Optimiser

# What `text`, `html` and `to_dict` write out; single entries can be asked for at any size.
MOST_UNITS = 64
MOST_ENTRIES = 4096


@dataclass(frozen=True, eq=False, repr=False)
class Step:
    """A step of training on one batch, in float64; print it, or read ``step["z(1)"]``.

    Attributes
    ----------
    derivation
        The equations: forward, loss, backward, update.
    values
        The number in every entry of every value, by node of the program.
    names
        How values are named where others read them.
    labels
        What single entries are called.
    loss, loss_after
        The loss before and after the update; the second is None without an optimiser.
    weights
        Nodes of the arrays that are trained.
    objective, criterion, optimiser
        What was explained: the network with its batch, the loss, and the optimiser.
    number
        Steps that the optimiser made before.
    results
        The loss, "gradient of" each array and each "new" array, by path.
    """

    derivation: Derivation
    values: Mapping[Node, Any]
    names: Mapping[Node, Any]
    labels: Labels
    loss: float
    loss_after: float | None
    weights: tuple[Node, ...]
    objective: Objective
    criterion: Loss
    optimiser: Optimiser | None
    number: int
    results: Mapping[str, Any]

    @property
    def lines(self) -> tuple[Line, ...]:
        """The equations, in order."""
        return self.derivation.lines

    def keys(self) -> list[str]:
        """Give the names under which values can be read, inputs first."""
        return list(self._nodes)

    def __getitem__(self, key: str) -> Any:
        """Give the array of a value, by a key such as "z(1)", "delta(2)" or "dL/dW(1)"."""
        return np.asarray(self.values[self._node(key)])

    def equation(self, key: str, index: tuple[int, ...] = (), digits: int = 6) -> UnitEquation:
        """Write one entry with its formula and its numbers.

        Parameters
        ----------
        key
            A key of `keys`, such as "z(1)".
        index
            Place of the entry, counted from 0: for a unit its row and number.
        digits
            Significant digits of the numbers.
        """
        node = self._node(key)
        shape = np.shape(self.values[node])
        if len(index) != len(shape) or any(
            not 0 <= i < n for i, n in zip(index, shape, strict=True)
        ):
            raise ParameterError(f"{key} has the shape {shape}, so there is no entry {index}")
        return self._entries.equation(self._nodes[key][0], node, tuple(index), digits)

    def equations(self, key: str, digits: int = 6) -> Iterator[UnitEquation]:
        """Write all entries of a value, row by row."""
        shape = np.shape(self.values[self._node(key)])
        return (self.equation(key, index, digits) for index in product(*map(range, shape)))

    @cached_property
    def precision(self) -> Precision:
        """How far the same step in float32 native code lies from this one; compiled when read."""
        return compare_native(
            self.objective, self.criterion, self.optimiser, self.results, self.number
        )

    def text(self, digits: int = 6, native: bool = True, width: int | None = None) -> str:
        """Print the step: equations, matrices, and the numbers of every unit of small layers.

        Parameters
        ----------
        digits
            Significant digits of the numbers.
        native
            Whether to compare with float32 native code, which has to be compiled first.
        width
            Of the terminal, in characters, for which equations are folded; None folds nothing.
        """
        rows = [f"given\n{self._given_text(digits)}"]
        part = ""
        for line in self.lines:
            if line.part != part:
                part = line.part
                rows.append(part)
            rows.append(fold_line(_indented(text(line.equation), 2), width, 6))
            units = [] if line.type.shape == () else self._units(line, digits)
            if units:
                rows += [fold_line(_indented(unit.text(), 6), width, 10) for unit in units]
            elif line.type.shape == ():
                last = self.equation(line.key, (), digits).text().split(" = ")[-2:]
                rows.append(fold_line(_indented(f"= {' = '.join(last)}", 6), width, 10))
            else:
                rows.append(_indented(_array_text(self[line.key], digits), 6))
        after = (
            "" if self.loss_after is None else f", after the update {self.loss_after:.{digits}g}"
        )
        rows.append(f"loss {self.loss:.{digits}g}{after}")
        if native:
            rows.append(fold_line(self.precision.text(), width, 4))
        return "\n".join(rows)

    def to_dict(self, native: bool = True) -> dict[str, Any]:
        """Give everything as plain data, ready for JSON; big arrays only as a summary."""
        given = [
            {"key": key_of(symbol), "text": text(symbol), **_array_dict(self.values[node])}
            for symbol, node in self._given
        ]
        lines = []
        for line in self.lines:
            units = [unit.to_dict() for unit in self._units(line, 6)]
            lines.append({**line.to_dict(), **_array_dict(self[line.key]), "units": units})
        return {
            "kind": "step",
            "loss": self.loss,
            "loss_after": self.loss_after,
            "given": given,
            "lines": lines,
            "legend": self.derivation.legend(),
            "precision": self.precision.to_dict() if native else None,
        }

    def html(self, native: bool = True, title: str = "One step of training") -> str:
        """Give a page of its own that needs nothing else: no script, no style, no font."""
        return document(title, self._body(native))

    def _repr_html_(self) -> str:
        return self._body(native=False)

    def __repr__(self) -> str:
        return self.text(native=False)

    def _body(self, native: bool) -> str:
        given = [
            math_row(symbol) + array_table(text(symbol), self.values[node])
            for symbol, node in self._given
        ]
        parts = [section("given", given, beside=True)]
        for part in dict.fromkeys(line.part for line in self.lines):
            rows = []
            for line in self.lines:
                if line.part == part:
                    table = array_table(text(line.symbol), self[line.key])
                    units = [unit.mathml() for unit in self._units(line, 6)]
                    rows.append(math_row(line.equation, line.shape) + table + folded(units))
            parts.append(section(part, rows))
        after = "" if self.loss_after is None else f", after the update {self.loss_after:.6g}"
        said = [f"Loss {self.loss:.6g}{after}.", f"Signs: {self.derivation.legend(spelled=False)}."]
        if native:
            said.append(f"{self.precision.text()}.")
        return "".join([*parts, *map(paragraph, said)])

    def _given_text(self, digits: int) -> str:
        rows = []
        for symbol, node in self._given:
            written = _array_text(self.values[node], digits)
            rows.append(_indented(f"{text(symbol)} = {written}", 2, hang=5 + len(text(symbol))))
        return "\n".join(rows)

    def _units(self, line: Line, digits: int) -> list[UnitEquation]:
        if int(np.prod(np.shape(self.values[line.node]), dtype=int)) > MOST_UNITS:
            return []
        return list(self.equations(line.key, digits))

    def _node(self, key: str) -> Node:
        if key not in self._nodes:
            raise KeyError(f"there is no value {key!r}; there are {', '.join(self._nodes)}")
        return self._nodes[key][1]

    @cached_property
    def _given(self) -> list[tuple[Any, Node]]:
        """What the step begins with; a weight that no update changes is no value of its own."""
        written = {line.key for line in self.lines}
        leaves = ((symbol, node) for node, symbol in self.names.items() if not node.inputs)
        return [(symbol, node) for symbol, node in leaves if key_of(symbol) not in written]

    @cached_property
    def _nodes(self) -> dict[str, tuple[Any, Node]]:
        leaves = {key_of(s): (s, n) for n, s in self.names.items() if not n.inputs}
        return leaves | {line.key: (line.symbol, line.node) for line in self.lines}

    @cached_property
    def _entries(self) -> Entries:
        return Entries(self.names, self.values, self.labels, self.weights)


def _indented(written: str, spaces: int, hang: int | None = None) -> str:
    first, *rest = written.split("\n")
    behind = spaces if hang is None else hang
    return "\n".join([" " * spaces + first, *(" " * behind + line for line in rest)])


def _array_text(value: Any, digits: int) -> str:
    array = np.asarray(value)
    return np.array2string(
        array, precision=digits, threshold=MOST_UNITS, edgeitems=2, suppress_small=False
    )


def _array_dict(value: Any) -> dict[str, Any]:
    """An array as lists, or above a certain size only in summary."""
    array = np.asarray(value)
    finite = array[np.isfinite(array)] if array.dtype.kind == "f" else array
    summary = {
        "min": float(finite.min()) if finite.size else None,
        "max": float(finite.max()) if finite.size else None,
        "norm": float(np.linalg.norm(finite.astype(float))) if finite.size else None,
    }
    shown = array.tolist() if array.size <= MOST_ENTRIES and finite.size == array.size else None
    return {"shape": list(array.shape), "values": shown, **summary}
