"""Checks of a claim file: every complaint has a line and a reason."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, time
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn, TypeVar

import numpy as np

from chainrule.errors import DataError
from chainrule.explaining.claims.lines import line_of

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


NAME = re.compile(r"[^\[\]<>→\s\"'=](?:[^\[\]<>→\"'=]*[^\[\]<>→\s\"'=])?")
_LARGEST_POWER = 300  # of ten: float64 ends soon behind


@dataclass(frozen=True)
class Checks:
    """Checks values of a claim file.

    Attributes
    ----------
    name
        What the file is called in messages.
    written
        Its text, in which lines are found; empty for a dictionary.
    which
        Which of several tables of one name is looked at, counted from 1; 0 if there is one only.
    """

    name: str
    written: str
    which: int = 0

    def of(self, number: int) -> Checks:
        """Give the checks of one of several tables."""
        return replace(self, which=number)

    def keys(self, table: Any, where: str) -> None:
        """Refuse keys that are unknown, and tables that lack one they need."""
        self.table(table, where)
        known = KEYS[where]
        place = f"table {where}" if where else "the file"
        place += f" number {self.which}" if self.which else ""
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

    def text(self, table: Mapping[str, Any], where: str, key: str, usual: str = "") -> str:
        """Give a text, or fail."""
        value = table.get(key, usual)
        if not isinstance(value, str):
            self.fail(f"{key} must be a text, received {_shown(value)}", where, key)
        return str(value)

    def truth(self, table: Mapping[str, Any], where: str, key: str, usual: bool) -> bool:
        """Give true or false, or fail."""
        value = table.get(key, usual)
        if not isinstance(value, bool):
            self.fail(f"{key} must be true or false, received {_shown(value)}", where, key)
        return bool(value)

    def table(self, value: Any, where: str) -> Mapping[str, Any]:
        """Give a table, or fail."""
        if not isinstance(value, Mapping):
            self.fail(f"{where} must be a table, received {_shown(value)}", where)
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
            self.fail(f"{key} must be a list of names, received {_shown(value)}", where, key)
        for name in value:
            if not NAME.fullmatch(name):
                reason = f"the name {name!r} cannot be read in net[...]: use letters and digits"
                self.fail(reason, where, key)
        return tuple(value)

    def choice(
        self, table: Mapping[str, Any], where: str, key: str, known: tuple[str, ...], usual: str
    ) -> str:
        """Give one of several words, or fail."""
        value = table.get(key, usual)
        if value not in known:
            said = f"{key} must be one of {', '.join(known)}, received {_shown(value)}"
            self.fail(said, where, key)
        return str(value)

    def number(self, value: Any, where: str, key: str) -> float:
        """Give a finite number, or fail."""
        if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
            self.fail(f"{key} must be a number, received {_shown(value)}", where, key)
        number = float(Decimal(value))  # infinite, where float(value) of a whole number would fail
        if not np.isfinite(number):
            self.fail(f"{key} must be finite, received {_shown(value)}", where, key)
        return number

    def count(self, value: Any, where: str, key: str, least: int, most: int) -> int:
        """Give a whole number from `least` to `most`, or fail."""
        fits = isinstance(value, int) and not isinstance(value, bool) and least <= value <= most
        if not fits:
            span = f"a whole number from {least} to {most:,}"
            self.fail(f"{key} must be {span}, received {_shown(value)}", where, key)
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
            each = f"{width} number{'s' if width > 1 else ''} each"
            self.fail(f"{key} must be a list of rows with {each}", "data", key)
        return np.array([[self.number(x, "data", key) for x in row] for row in rows])

    def printed(self, value: Any, said: str) -> Decimal:
        """Give a number with the digits that were printed, or fail."""
        try:
            printed = Decimal(str(value))
        except InvalidOperation:
            printed = Decimal("NaN")
        if isinstance(value, bool) or not printed.is_finite():
            reason = f"{said} must be a number or its digits, received {_shown(value)}"
            self.fail(reason, "claims", said)
        size = abs(int(printed.as_tuple().exponent)), abs(printed.adjusted())
        if printed and max(size) > _LARGEST_POWER:
            reason = f"between 1e-{_LARGEST_POWER} and 1e{_LARGEST_POWER}"
            self.fail(
                f"{said} must have its digits {reason}, received {_shown(value)}", "claims", said
            )
        return printed

    def understood(self, reader: Callable[[str], Read], said: str, where: str) -> Read:
        """Give what a reader makes of a text; its failure gets the line."""
        try:
            return reader(said)
        except DataError as error:
            self.fail(str(error), where, said)

    def fail(self, reason: str, where: str, key: str = "") -> NoReturn:
        """Raise the error, with the line where it can be found."""
        line = line_of(self.written, where, key, self.which)
        place = f"{self.name}, line {line}" if line else self.name
        raise DataError(f"{place}: {reason}")


def _shown(value: Any) -> str:
    """Write a received value as it may stand in the file, cut if it is long."""
    said = _as_toml(value)
    return said if len(said) <= 60 else f"{said[:57]}..."


def _as_toml(value: Any) -> str:
    match value:
        case bool():
            return str(value).lower()
        case date() | time():  # a date with a time is a date, too
            return value.isoformat()
        case list():
            return f"[{', '.join(map(_as_toml, value))}]"
        case Mapping():
            return f"{{{', '.join(f'{key} = {_as_toml(x)}' for key, x in value.items())}}}"
        case str():
            return repr(value)
    return str(value)
