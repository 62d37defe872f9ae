"""Names and shares as messages put them."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

_SHOWN = 12


def suggest(name: str, options: Iterable[str]) -> str:
    """Say which options are meant by a name that is not among them.

    >>> suggest("incone", ["age", "income"])
    "did you mean 'income'?"
    >>> suggest("x", ["age", "income"])
    "there are 'age', 'income'"
    """
    known = list(options)
    by_lower = {option.lower(): option for option in known}
    close = [by_lower[match] for match in get_close_matches(name.lower(), by_lower, n=3)]
    if close:
        return f"did you mean {' or '.join(map(repr, close))}?"
    return f"there are {listing(known)}"


def listing(names: Iterable[object], shown: int = _SHOWN) -> str:
    """Quote names in a row, and count those that are too many to print.

    >>> listing(["a", "b", "c"], shown=2)
    "'a', 'b' and 1 more"
    """
    known = list(names)
    text = ", ".join(map(repr, known[:shown]))
    return text if len(known) <= shown else f"{text} and {len(known) - shown} more"


def counted(number: int, thing: str) -> str:
    """Write how many things there are.

    >>> counted(1, "embedding"), counted(2_000, "row")
    ('1 embedding', '2,000 rows')
    """
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def percent(share: float) -> str:
    """Write a share with two significant digits.

    >>> percent(0.9167), percent(0.000215)
    ('92 %', '0.021 %')
    """
    return f"{100.0 * share:.2g} %"
