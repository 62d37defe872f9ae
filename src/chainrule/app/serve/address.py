"""What the page's URL says: what is opened, with which settings, and at which step."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from chainrule.app.serve.setup import Setup, number, whole
from chainrule.errors import ParameterError

MOST_STEPS = 100_000_000
MOST_CHANGES = 500


@dataclass(frozen=True)
class Change:
    """Something that a person changed before a step was made.

    Attributes
    ----------
    step
        Steps made before it.
    name
        "set" for settings, "weight" for an entry of an array, "input" for an entry of the table.
    where
        Path of the array ("weight"), or nothing.
    index
        Place of the entry: of the array, or row and column of the table.
    value
        The new number, or the settings.
    """

    step: int
    name: str
    where: str
    index: tuple[int, ...]
    value: Any

    @classmethod
    def read(cls, stored: object) -> Change:
        """Read a change from ``[step, name, where, index, value]``."""
        if not isinstance(stored, list) or len(stored) != 5:
            raise ParameterError(f"a change is [step, name, where, index, value], not {stored!r}")
        step, name, where, index, value = stored
        if name not in ("set", "weight", "input", "target"):
            raise ParameterError(f"a change is set, weight, input or target, not {name!r:.80}")
        if not isinstance(where, str) or not isinstance(index, list):
            raise ParameterError(f"a change needs a path and a list, received {stored!r:.80}")
        if name == "set" and not isinstance(value, dict):
            raise ParameterError(f"settings are an object, received {value!r:.80}")
        fresh = value if name == "set" else number("value", value)
        return cls(whole("step", step), name, where, tuple(whole("index", i) for i in index), fresh)


@dataclass(frozen=True)
class Address:
    """Where somebody looks.

    Attributes
    ----------
    source
        What is opened: "example:e1", "sample:xor", "opened:NAME".
    settings
        What differs from the source's own settings.
    changes
        In the order of their steps.
    step
        Steps made.
    row
        Which row of the batch is shown.
    """

    source: str
    settings: Mapping[str, Any]
    changes: tuple[Change, ...]
    step: int
    row: int

    @classmethod
    def read(cls, stored: object) -> Address:
        """Read a state from JSON values; a stranger may have written it.

        Raises
        ------
        ParameterError
            If something is not as it should be.
        """
        if not isinstance(stored, dict):
            raise ParameterError("a state is a JSON object")
        source, settings = stored.get("source"), stored.get("settings", {})
        if not isinstance(source, str) or not isinstance(settings, dict):
            raise ParameterError('a state has a "source" and an object of "settings"')
        listed = stored.get("changes", [])
        if not isinstance(listed, list) or len(listed) > MOST_CHANGES:
            raise ParameterError(f"changes are a list of at most {MOST_CHANGES}")
        changes = tuple(map(Change.read, listed))
        step = whole("step", stored.get("step", 0))
        if not 0 <= step <= MOST_STEPS:
            raise ParameterError(f"step lies between 0 and {MOST_STEPS}, received {step}")
        if any(a.step > b.step for a, b in pairwise(changes)):
            raise ParameterError("changes stand in the order of their steps")
        return cls(source, settings, changes, step, whole("row", stored.get("row", 0)))

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read a state from the JSON text of a URL."""
        try:
            stored = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ParameterError(f"the state in the URL is not JSON: {error}") from error
        return cls.read(stored)

    @property
    def past(self) -> tuple[Change, ...]:
        """The changes that the step has seen."""
        return tuple(change for change in self.changes if change.step <= self.step)

    def place(self, rows: Sequence[int]) -> int:
        """Find which of some rows is shown: the last one, where there are fewer than asked for."""
        return min(max(self.row, 0), len(rows) - 1)

    def setup(self, own: Setup) -> Setup:
        """Give the settings that hold at this step, from the source's own."""
        setup = own.changed(self.settings)
        for change in self.past:
            if change.name == "set":
                setup = setup.changed(change.value)
        return setup
