"""Strict reading of stored encodings.

A model file may come from a stranger. Each value that is read from it is checked here, so that
a damaged or hand-made file gives one clear sentence, and nothing else.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from chainrule.errors import ModelFileError


class Fields:
    """The fields of one stored object, each asked for by name and type.

    Parameters
    ----------
    stored
        What a JSON file gave.
    place
        Where it stands in the file, for messages.

    Raises
    ------
    ModelFileError
        If `stored` is not an object; each method raises it if the field is not as asked.

    >>> fields = Fields({"mean": 1.5}, "column 'age'")
    >>> fields.number("mean")
    1.5
    >>> fields.end()
    """

    def __init__(self, stored: object, place: str) -> None:
        if not isinstance(stored, Mapping):
            raise ModelFileError(f"{place}: expected an object, received {_shown(stored)}")
        self.place = place
        self._stored = stored
        self._read: set[str] = set()

    def end(self) -> None:
        """Raise if the object has fields that nobody asked for."""
        extra = sorted(str(name) for name in self._stored if name not in self._read)
        if extra:
            raise ModelFileError(f"{self.place}: unknown field {extra[0]!r}")

    def text(self, name: str) -> str:
        """Read a text."""
        value = self._field(name)
        if not isinstance(value, str):
            raise self._wrong(name, "a text", value)
        return value

    def choice(self, name: str, options: Sequence[str]) -> str:
        """Read a text that is one of the options."""
        value = self.text(name)
        if value not in options:
            raise self._wrong(name, f"one of {', '.join(options)}", value)
        return value

    def flag(self, name: str) -> bool:
        """Read true or false."""
        value = self._field(name)
        if not isinstance(value, bool):
            raise self._wrong(name, "true or false", value)
        return value

    def whole(self, name: str) -> int:
        """Read a whole number that is not negative."""
        value = self._field(name)
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise self._wrong(name, "a whole number", value)
        return value

    def number(self, name: str) -> float:
        """Read a finite number."""
        value = self._field(name)
        if not _is_number(value):
            raise self._wrong(name, "a finite number", value)
        return float(value)

    def positive(self, name: str) -> float:
        """Read a finite number over zero."""
        value = self.number(name)
        if value <= 0.0:
            raise self._wrong(name, "a number over zero", value)
        return value

    def share(self, name: str) -> float:
        """Read a number from 0 to 1."""
        value = self.number(name)
        if not 0.0 <= value <= 1.0:
            raise self._wrong(name, "a number from 0 to 1", value)
        return value

    def numbers(self, name: str) -> tuple[float, ...]:
        """Read a list of finite numbers."""
        values = self.items(name)
        for value in values:
            if not _is_number(value):
                raise self._wrong(name, "finite numbers", value)
        return tuple(float(value) for value in values)

    def texts(self, name: str) -> tuple[str, ...]:
        """Read a list of texts, all different."""
        values = self.items(name)
        for value in values:
            if not isinstance(value, str):
                raise self._wrong(name, "texts", value)
        if len(set(values)) < len(values):
            raise ModelFileError(f"{self.place}: field {name!r} has one text twice")
        return values

    def items(self, name: str) -> tuple[Any, ...]:
        """Read a list."""
        value = self._field(name)
        if not isinstance(value, list | tuple):
            raise self._wrong(name, "a list", value)
        return tuple(value)

    def inner(self, name: str) -> Fields:
        """Read an object inside this one."""
        return Fields(self._field(name), f"{self.place}, {name}")

    def optional_inner(self, name: str) -> Fields | None:
        """Read an object inside this one, or null."""
        return None if self._field(name) is None else self.inner(name)

    @property
    def stored(self) -> Mapping[str, Any]:
        """The whole object, for a reader that checks all of it by itself."""
        return self._stored

    def _field(self, name: str) -> Any:
        if name not in self._stored:
            raise ModelFileError(f"{self.place}: field {name!r} is not there")
        self._read.add(name)
        return self._stored[name]

    def _wrong(self, name: str, expected: str, received: object) -> ModelFileError:
        return ModelFileError(
            f"{self.place}: field {name!r} should be {expected}, but is {_shown(received)}"
        )


def _is_number(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer of hundreds of digits
        return False


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
