"""Where something stands in the text of a claim file, since TOML readers keep no line numbers."""

from __future__ import annotations

import re

_HEADING = re.compile(r"\s*(\[\[?)\s*([A-Za-z_\"'][^\[\]]*?)\s*\]\]?\s*(?:#.*)?$")
_ARRAYS = ("claims", "network.layers")  # tables that come several times under one name


def line_of(written: str, where: str, key: str = "", number: int = 0) -> int | None:
    r"""Find the line of a key in a table, or of the table itself; None if it is not there.

    Parameters
    ----------
    written
        The text of the file; empty for content that never was a file.
    where
        Name of the table, such as "claims.values"; empty for the file.
    key
        The key; empty for the table.
    number
        Which of several tables of that name, counted from 1; 0 for any.

    >>> line_of("title = 't'\n[data]\ninputs = [[1]]", "data", "inputs")
    3
    """
    array = next((name for name in _ARRAYS if _within(where, name)), "")
    spelled = re.escape(key.replace("→", "->"))
    said = re.compile(rf"(?:^|[\s{{,\"'.]){spelled}[\"']?\s*=") if key else None
    table, count = "", 0
    inside: list[int] = []
    parent: list[int] = []
    above: list[int] = []
    headings: list[int] = []
    for line, text in enumerate(written.splitlines(), 1):
        heading = _HEADING.match(text)
        if heading:
            table = heading[2]
            count += heading[1] == "[[" and table == array
        several = bool(array) and _within(table, array)
        if several and number not in (0, count):
            continue
        hits = [line] * len(said.findall(text.replace("→", "->"))) if said else []
        if _within(table, where):
            headings += [line] if heading else []
            inside += hits
        elif _within(where, table):
            (parent if several else above).extend(hits)
    # Tables in braces have no headings of their own: the key's first one is the first table's.
    inline = above[number - 1 : number] if number else above[:1]
    for found in (inside, parent, inline, above, headings):
        if found:
            return found[0]
    outer, _, name = where.rpartition(".")
    return line_of(written, outer, name) if where else None


def _within(inner: str, outer: str) -> bool:
    return not outer or inner == outer or inner.startswith(f"{outer}.")
