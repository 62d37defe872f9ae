"""Checks of a claim file: every complaint has a line and a reason."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn, TypeVar

import numpy as np

from chainrule.errors import DataError

Read = TypeVar("Read")

# Keys of each table, and whether it needs them; `schema.json` says the same.
KEYS: Mapping[str, Mapping[str, bool]] = {
    "": {"title": True, "about": False, "network": True, "data": True, "training": False,
         "claims": True},
    "network": {"inputs": True, "layers": True, "weights": False, "biases": False,
                "random": False},
    "network.layers": {"units": True, "activation": True},
    "network.random": {"seeds": True, "scale": False, "biases": False},
    "data": {"inputs": True, "targets": True},
    "training": {"loss": False, "reduction": False, "rate": False, "train_biases": False,
                 "delta": False},
    "claims": {"title": False, "after": False, "row": False, "weights": False, "values": True},
}  # fmt: skip


@dataclass(frozen=True)
class Checks:
    """Checks values of a claim file.

    Attributes
    ----------
    name
        What the file is called in messages.
    written
        Its text, in which lines are found; empty for a dictionary.
    """

    name: str
    written: str

    def keys(self, table: Any, where: str, number: int = 0) -> None:
        """Refuse keys that are unknown, and tables that lack one they need."""
        self.table(table, where)
        known = KEYS[where]
        place = f"table {where}" + (f" number {number}" if number else "") if where else "the file"
        for key in table:
            if key not in known:
                self.fail(f"unknown key {key!r} in {place}; known are {', '.join(known)}",
                           where, key)  # fmt: skip
        for key, needed in known.items():
            if needed and key not in table:
                self.fail(f"the key {key!r} is missing in {place}", where)

    def distinct(self, names: Sequence[str]) -> None:
        """Refuse a name that is used twice."""
        for name in names:
            if names.count(name) > 1:
                self.fail(f"the name {name!r} is used twice", "network")

    def table(self, value: Any, where: str) -> Mapping[str, Any]:
        """Give a table, or fail."""
        if not isinstance(value, Mapping):
            self.fail(f"{where} must be a table, received {value!r}", where)
        table: Mapping[str, Any] = value
        return table

    def list(self, value: Any, where: str) -> Sequence[Any]:
        """Give a list of tables, or fail."""
        if not isinstance(value, list) or not value:
            self.fail(f"{where} must be one or more tables, as in [[{where}]]", where)
        tables: Sequence[Any] = value
        return tables

    def names(self, value: Any, where: str, key: str) -> tuple[str, ...]:
        """Give a list of names, or fail."""
        fits = isinstance(value, list) and value and all(isinstance(x, str) for x in value)
        if not fits:
            self.fail(f"{key} must be a list of names, received {value!r}", where, key)
        return tuple(value)

    def choice(
        self, table: Mapping[str, Any], where: str, key: str, known: tuple[str, ...], usual: str
    ) -> str:
        """Give one of several words, or fail."""
        value = table.get(key, usual)
        if value not in known:
            self.fail(f"{key} must be one of {', '.join(known)}, received {value!r}", where, key)
        return str(value)

    def number(self, value: Any, where: str, key: str) -> float:
        """Give a finite number, or fail."""
        if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
            self.fail(f"{key} must be a number, received {value!r}", where, key)
        if not np.isfinite(float(value)):
            self.fail(f"{key} must be finite, received {value}", where, key)
        return float(value)

    def count(self, value: Any, where: str, key: str, least: int) -> int:
        """Give a whole number from `least`, or fail."""
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            self.fail(f"{key} must be a whole number from {least}, received {value!r}", where, key)
        return int(value)

    def matrix(self, table: Mapping[str, Any], key: str, width: int) -> Any:
        """Give rows of numbers as an array, or fail."""
        rows = table[key]
        fits = (
            isinstance(rows, list)
            and rows
            and all(isinstance(row, list) and len(row) == width for row in rows)
        )
        if not fits:
            self.fail(f"{key} must be a list of rows with {width} numbers each", "data", key)
        return np.array([[self.number(x, "data", key) for x in row] for row in rows])

    def printed(self, value: Any, said: str) -> Decimal:
        """Give a number with the digits that were printed, or fail."""
        try:
            printed = Decimal(str(value))
        except InvalidOperation:
            printed = Decimal("NaN")
        if isinstance(value, bool) or not printed.is_finite():
            self.fail(f"{said} must be a number or its digits, received {value!r}", "claims", said)
        return printed

    def understood(self, reader: Callable[[str], Read], said: str, where: str) -> Read:
        """Give what a reader makes of a text; its failure gets the line."""
        try:
            return reader(said)
        except DataError as error:
            self.fail(str(error), where, said)

    def fail(self, reason: str, where: str, key: str = "") -> NoReturn:
        """Raise the error, with the line where it can be found."""
        line = line_of(self.written, where, key)
        place = f"{self.name}, line {line}" if line else self.name
        raise DataError(f"{place}: {reason}")


def line_of(written: str, where: str, key: str) -> int | None:
    """Find the line of a key in a table, or of the table itself; None without a text."""
    table, heading, first = "", None, None
    for number, line in enumerate(written.splitlines(), 1):
        found = re.match(r"\s*\[\[?\s*([^\]]+?)\s*\]", line)
        if found:
            table = found[1]
        inside = not where or f"{table}.".startswith(f"{where}.") or table == where
        parent = f"{where}.".startswith(f"{table}.") or not table
        if found and inside and heading is None:
            heading = number
        spelled = re.escape(key.replace("→", "->"))
        said = key and re.search(rf"(^|[\s{{,\"'.]){spelled}[\"']?\s*=", line.replace("→", "->"))
        if said and inside:
            return number
        if said and parent and first is None:
            first = number
    return first or heading
