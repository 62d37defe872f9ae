"""What a user says about columns: ``zip=categorical``, ``price=numeric:robust``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from chainrule.data.scaling import METHODS
from chainrule.data.timestamps import ORDERS
from chainrule.data.wording import listing, suggest
from chainrule.errors import DataError, ParameterError

KINDS = ("numeric", "categorical", "boolean", "date", "text")
"""Kinds of columns that become inputs of a network."""

UNITS = ("words", "characters")
"""What a text is cut into."""

_DECIMAL_MARKS = {"point": ".", "comma": ","}
_MISSING = "missing="


@dataclass(frozen=True)
class Override:
    """What a user says about one column.

    Parameters
    ----------
    kind
        One of `KINDS`, or ``"drop"``.
    scaling
        Of numbers: one of `chainrule.data.scaling.METHODS`.
    mark
        The decimal mark of numbers, ``"."`` or ``","``.
    missing
        Numbers that stand for no value, such as -999.
    embedded
        Whether levels get learnt vectors (True) or an input each (False).
    order
        Of dates: one of `chainrule.data.timestamps.ORDERS`.
    unit
        Of texts: one of `UNITS`.
    size
        The most inputs that a text gives.
    """

    kind: str
    scaling: str | None = None
    mark: str | None = None
    missing: tuple[float, ...] = ()
    embedded: bool | None = None
    order: str | None = None
    unit: str | None = None
    size: int | None = None


def parse_override(name: str, text: str) -> Override:
    """Read what a user says about a column: a kind, and details after colons.

    =============== ================================================================
    ``numeric``     ``standard``, ``robust``, ``quantile``, ``asinh`` or ``ramps``;
                    ``comma`` or ``point``, the decimal mark; ``missing=-999``
    ``categorical`` ``onehot`` or ``embedded``
    ``boolean``
    ``date``        ``dmy`` or ``mdy``: what comes first, the day or the month
    ``text``        ``words`` or ``characters``; the most inputs, as in ``text:500``
    ``drop``
    =============== ================================================================

    Raises
    ------
    ParameterError
        If a kind or a detail is unknown; the message lists those that there are.

    >>> parse_override("price", "numeric:robust:comma")
    Override(kind='numeric', scaling='robust', mark=',', ...)
    """
    if not isinstance(text, str):
        raise ParameterError(f"the kind of column {name!r} should be a text, not {text!r}")
    kind, *details = text.split(":")
    if kind not in (*KINDS, "drop"):
        raise ParameterError(
            f"column {name!r} cannot be made {kind!r}: use {listing((*KINDS, 'drop'))}"
        )
    override = Override(kind)
    for detail in details:
        override = _with_detail(name, override, detail)
    return override


def _with_detail(name: str, override: Override, detail: str) -> Override:
    kind = override.kind
    options: tuple[str, ...] = ()
    if kind == "numeric":
        options = (*METHODS, *_DECIMAL_MARKS, f"{_MISSING}-999")
        if detail in METHODS:
            return replace(override, scaling=detail)
        if detail in _DECIMAL_MARKS:
            return replace(override, mark=_DECIMAL_MARKS[detail])
        if detail.startswith(_MISSING):
            value = _number(name, detail.removeprefix(_MISSING))
            return replace(override, missing=(*override.missing, value))
    elif kind == "categorical":
        options = ("onehot", "embedded")
        if detail in options:
            return replace(override, embedded=detail == "embedded")
    elif kind == "date":
        options = ORDERS
        if detail in options:
            return replace(override, order=detail)
    elif kind == "text":
        options = (*UNITS, "500")
        if detail in UNITS:
            return replace(override, unit=detail)
        if detail.isdecimal() and int(detail) > 0:
            return replace(override, size=int(detail))
    known = f"there are {listing(options)}" if options else f"{kind!r} takes none"
    raise ParameterError(f"column {name!r}: {kind!r} has no detail {detail!r}; {known}")


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise ParameterError(
            f"column {name!r}: {_MISSING!r} should be followed by a number, not {text!r}"
        ) from error


def parse_overrides(
    overrides: Mapping[str, str] | None, names: Iterable[str], targets: Iterable[str] = ()
) -> dict[str, Override]:
    """Read what a user says about the columns of a table; see `parse_override`.

    Raises
    ------
    DataError
        If a column is not there or is the target.
    ParameterError
        If a kind or a detail is unknown.
    """
    known, taken = tuple(names), tuple(targets)
    for name in overrides or {}:
        if name in taken:
            raise DataError(f"column {name!r} is the target: its kind is given by the task")
        if name not in known:
            raise DataError(f"the table has no column {name!r}: {suggest(name, known)}")
    return {name: parse_override(name, text) for name, text in (overrides or {}).items()}


def split_overrides(texts: Iterable[str]) -> dict[str, str]:
    """Read overrides as a command line has them, ``COLUMN=KIND``.

    A name may hold an equals sign itself: what counts is the last one before a kind.

    Raises
    ------
    ParameterError
        If a text has no equals sign.

    >>> split_overrides(["zip=categorical", "gap=numeric:missing=-999"])
    {'zip': 'categorical', 'gap': 'numeric:missing=-999'}
    """
    found = {}
    for text in texts:
        name, mark, kind = text.partition(f":{_MISSING}")
        name, equals, first = name.rpartition("=")
        if not equals or not name:
            raise ParameterError(
                f"expected COLUMN=KIND, such as zip=categorical, received {text!r}"
            )
        found[name] = first + mark + kind
    return found
