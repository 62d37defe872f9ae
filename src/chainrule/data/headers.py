"""Names of columns, made usable: stripped, filled in, and all different."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise

from chainrule.data.wording import listing
from chainrule.errors import DataError

# White space, and what a byte order mark or a copy from the web leaves behind.
_BLANK = re.compile(r"[\s\ufeff\u200b]+")
_WHOLE = re.compile(r"\d+")
_MANY = 10  # so many fractions that fall are no chance
_VALUE = re.compile(r"[+-]?\d*[.,]\d+([eE][+-]?\d+)?|-\d+")


def as_names(names: str | Sequence[str] | None) -> tuple[str, ...]:
    """Give one name, several or none as a tuple.

    >>> as_names("y"), as_names(["a", "b"]), as_names(None)
    (('y',), ('a', 'b'), ())
    """
    return () if names is None else (names,) if isinstance(names, str) else tuple(names)


def column_names(header: Iterable[object]) -> list[str]:
    """Give usable names; see `repaired_names`.

    >>> column_names([" age", "", 7, ("price", "net")])
    ['age', 'unnamed_2', '7', 'price net']
    """
    return repaired_names(header)[0]


def holds_data(header: Sequence[str]) -> bool:
    """Tell whether the first line of a file is data, and names of columns are missing.

    It is if a number is there twice, or if there are numbers with fractions in no order; names
    that are wave lengths or quantiles rise, or many of them fall.

    >>> holds_data(["5.1", "3.5", "1.4", "0.2", "setosa"]), holds_data(["0", "0", "17"])
    (True, True)
    >>> holds_data(["species", "410.5", "411.0", "411.5"]), holds_data(["age", "2019", "2020"])
    (False, False)
    """
    names = [name.strip() for name in header]
    if any(count > 1 and _is_number(name) for name, count in Counter(names).items()):
        return True
    values = [float(name.replace(",", ".")) for name in names if _VALUE.fullmatch(name)]
    rises = [below < above for below, above in pairwise(values)]
    return not all(rises) and (any(rises) or len(values) < _MANY)


def repaired_names(header: Iterable[object]) -> tuple[list[str], tuple[str, ...]]:
    """Strip names, fill in the blank ones, and number those that are there twice.

    Returns
    -------
    tuple
        The names, and what a user should know.

    Raises
    ------
    DataError
        If a name that is there twice is a number: then the header is a row of data.

    >>> repaired_names(["x", "x", None])
    (['x', 'x_2', 'unnamed_3'], ("the header has 'x' more than once: now also 'x_2'",))
    """
    names = [_name(label, place) for place, label in enumerate(header, start=1)]
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if any(map(_is_number, twice)):
        raise DataError(
            f"more than one column is called {listing(twice)}: add a header line, if the first "
            "line is already data, or give every column its own name"
        )
    notes = []
    if twice:
        numbered = _numbered(names)
        new = [now for name, now in zip(names, numbered, strict=True) if now != name]
        names = numbered
        notes.append(f"the header has {listing(twice)} more than once: now also {listing(new)}")
    values = [name for name in names if _VALUE.fullmatch(name)]
    if values:
        notes.append(
            f"columns are called {listing(values, shown=3)}: if these are values and not names, "
            "the header line is missing"
        )
    return names, tuple(notes)


def _is_number(name: str) -> bool:
    return bool(_WHOLE.fullmatch(name) or _VALUE.fullmatch(name))


def _name(label: object, place: int) -> str:
    if isinstance(label, tuple):  # pandas: a header of several levels
        label = " ".join(_name(part, 0) for part in label if str(part).strip())
    blank = label is None or label != label
    text = "" if blank else _BLANK.sub(" ", str(label)).strip()
    return text or f"unnamed_{place}"


def _numbered(names: list[str]) -> list[str]:
    taken, given = set(names), dict[str, None]()
    for name in names:
        now, number = name, 2
        while now in given or (now != name and now in taken):
            now, number = f"{name}_{number}", number + 1
        given[now] = None
    return list(given)
