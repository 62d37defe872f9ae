"""Writes something that can be printed in several languages: to the terminal, or to a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from chainrule.app.screen import Screen
from chainrule.app.whole_file import write_whole
from chainrule.errors import ParameterError

_ENDINGS = {".html": "html", ".htm": "html", ".json": "json", ".tex": "latex", ".mml": "mathml"}


def choose_language(asked: str | None, out: Path | None, known: Mapping[str, object]) -> str:
    """Find the language that was asked for: by its name, else by the ending of the file.

    >>> choose_language(None, Path("step.html"), {"text": 1, "html": 2})
    'html'
    """
    chosen = asked or _ENDINGS.get(out.suffix.lower() if out else "", "text")
    if chosen not in known:
        raise ParameterError(f"--format is one of {', '.join(known)}; received {chosen!r}")
    return chosen


def put_out(
    screen: Screen, out: Path | None, language: str, languages: Mapping[str, Callable[[], str]]
) -> str:
    """Write in a language; give what was said about it.

    Parameters
    ----------
    screen
        Where to write without a file.
    out
        The file, which appears whole or not at all.
    language
        One of `languages`.
    languages
        How each is made.
    """
    written = languages[language]()
    if out is None:
        screen.say(written)
        return written
    ends = written if written.endswith("\n") else f"{written}\n"
    write_whole(out, ends.encode())
    screen.say(f"written to {out}")
    return f"written to {out}"
