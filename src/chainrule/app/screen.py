"""What a person sees: text and tables on the terminal, or nothing but JSON for machines."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

_WIDEST = 100


def printable(text: object) -> str:
    r"""Give a text without control characters, by which a stranger's file could steer a terminal.

    >>> printable("a\x1b[31m")
    'a\\x1b[31m'
    """
    return "".join(c if c.isprintable() or c in "\n\t" else repr(c)[1:-1] for c in str(text))


@dataclass(frozen=True)
class Screen:
    """Where a command writes.

    Parameters
    ----------
    machine
        Whether standard output is for machines: then only `result` writes, one JSON object.
    quiet
        Whether people want the result alone.
    """

    machine: bool = False
    quiet: bool = False
    _console: Console = field(default_factory=lambda: _console())

    @property
    def silent(self) -> bool:
        """Whether there is nobody to read more than the result."""
        return self.machine or self.quiet

    def say(self, text: object = "", style: str = "") -> None:
        """Write a paragraph, unless nobody reads."""
        if not self.silent:
            self._print(Text(printable(text), style))

    def pairs(self, rows: Iterable[tuple[str, object]]) -> None:
        """Write facts, each behind its name, unless nobody reads."""
        if self.silent:
            return
        table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
        table.add_column(style="bold", no_wrap=True)
        table.add_column(overflow="fold")
        for name, fact in rows:
            table.add_row(name, Text(printable(fact)))
        self._print(table)

    def table(self, titles: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Write a table whose first column holds words and the others numbers."""
        if self.silent:
            return
        table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
        for i, title in enumerate(titles):
            table.add_column(Text(printable(title)), justify="right" if i else "left")
        for row in rows:
            table.add_row(*(Text(printable(cell)) for cell in row))
        self._print(table)

    def result(self, facts: Mapping[str, Any], line: str = "") -> None:
        """Write the result: as JSON for machines; as one line for those who want no more."""
        if self.machine:
            sys.stdout.write(json.dumps(facts, allow_nan=False, ensure_ascii=False) + "\n")
        elif line and self.quiet:
            self._print(Text(printable(line)))

    def _print(self, what: Text | Table) -> None:
        self._console.print(what, soft_wrap=isinstance(what, Text))


def note(text: object) -> None:
    """Write a line to standard error, where it disturbs no result."""
    sys.stderr.write(f"chainrule: {printable(text)}\n")


def _console() -> Console:
    """The terminal; wide enough for tables where the output goes to a file."""
    return Console(width=None if sys.stdout.isatty() else _WIDEST, highlight=False)
