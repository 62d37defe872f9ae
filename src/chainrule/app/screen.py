"""What a person sees: text and tables on the terminal, or nothing but JSON for machines."""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TextIO

from rich.cells import cell_len
from rich.console import Console
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

    @property
    def width(self) -> int | None:
        """Characters in a line of the terminal; None where the output goes to a file."""
        return self._console.width if self._console.is_terminal else None

    def say(self, text: object = "", style: str = "") -> None:
        """Write a paragraph, unless nobody reads."""
        self._write(Text(printable(text), style))

    def pairs(self, rows: Iterable[tuple[str, object]]) -> None:
        """Write facts, each behind its name and folded to the width, unless nobody reads."""
        facts = [(name, printable(fact)) for name, fact in rows]
        indent = max((len(name) for name, _ in facts), default=0) + 2
        for name, fact in facts:
            folded = textwrap.wrap(fact, max(self._console.width - indent, 20)) or [""]
            for i, line in enumerate(folded):
                label = Text((name if i == 0 else "").ljust(indent), "bold")
                self._write(label.append(Text(line, "not bold")))

    def table(
        self, titles: Sequence[str], rows: Iterable[Sequence[object]], words: int = 1
    ) -> None:
        """Write a table whose first columns hold words and the others numbers."""
        lines = [[" ".join(printable(cell).split()) for cell in row] for row in (titles, *rows)]
        widths = [max(cell_len(cell) for cell in column) for column in zip(*lines, strict=True)]
        for i, line in enumerate(lines):
            cells = [
                _filled(cell, width, j < words)
                for j, (cell, width) in enumerate(zip(line, widths, strict=True))
            ]
            self._write(Text("  ".join(cells).rstrip(), "" if i else "bold"))

    def result(self, facts: Mapping[str, Any], line: str = "") -> None:
        """Write the result: as JSON for machines; as one line for those who want no more."""
        if self.machine:
            sys.stdout.write(json.dumps(facts, allow_nan=False, ensure_ascii=False) + "\n")
        elif line and self.quiet:
            self._console.print(Text(printable(line)), soft_wrap=True)

    def _write(self, text: Text) -> None:
        if not self.silent:
            self._console.print(text, soft_wrap=True)


def note(text: object) -> None:
    """Write a line to standard error, where it disturbs no result."""
    sys.stderr.write(f"chainrule: {printable(text)}\n")


def note_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Write a warning as a note, in place of `warnings.showwarning`."""
    note(f"note: {message}")


def _filled(cell: str, width: int, left: bool) -> str:
    """Fill a cell up to a width in columns of the terminal: a Chinese sign takes two."""
    space = " " * (width - cell_len(cell))
    return cell + space if left else space + cell


def _console() -> Console:
    """The terminal; wide enough for tables where the output goes to a file."""
    return Console(width=None if sys.stdout.isatty() else _WIDEST, highlight=False)
