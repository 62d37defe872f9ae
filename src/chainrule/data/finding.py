"""One thing in a table that a user should look at."""

from __future__ import annotations

from dataclasses import dataclass

RULES = (
    *("equals target", "tells target", "sum is target", "gap tells target"),
    "identifier sorts with target",
    *("same columns", "number for missing"),
    *("copies", "copies disagree", "copies across split"),
)
"""What can be found."""


@dataclass(frozen=True)
class Finding:
    """Something in a table that a user should look at.

    Parameters
    ----------
    rule
        One of `RULES`.
    columns
        Where; none if it is about whole rows.
    text
        What, and what to do about it, in a sentence or two.
    """

    rule: str
    columns: tuple[str, ...]
    text: str
