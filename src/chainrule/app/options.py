"""Options that several commands have, and those that are more than a word or a number, read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated

import typer

from chainrule.errors import ParameterError

Json = Annotated[bool, typer.Option("--json", help="Write one JSON object and nothing else.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Write the result alone.")]
ModelPath = Annotated[
    str, typer.Argument(metavar="MODEL", help="A .chainrule file, or the folder of a run.")
]
SOURCE = "A CSV, TSV, JSON-lines, Parquet or Arrow file (text also as .gz), or sample:NAME; a "
SOURCE += "folder of pictures, or arrays of them; a .ts file of sequences; a text."


def read_kinds(pairs: list[str]) -> dict[str, str]:
    """Read ``name=kind`` and ``name=kind:details``; the name may hold equals signs, too."""
    kinds = {}
    for pair in pairs:
        match = re.fullmatch(r"(.+?)=([a-z]+(?::.*)?)", pair)
        if match is None:
            raise ParameterError(f"--column expects NAME=KIND, as in zip=categorical, not {pair!r}")
        kinds[match[1]] = match[2]
    return kinds


def read_pixels(size: str) -> tuple[int, int]:
    """Read ``32x48``, height and width, or ``32`` for both."""
    match = re.fullmatch(r"(\d+)(?:[x×*](\d+))?", size.strip().lower())
    if match is None:
        raise ParameterError(f"--size expects height and width as in 32x32, not {size!r}")
    return int(match[1]), int(match[2] or match[1])


def read_units(hidden: str) -> tuple[int, ...]:
    """Read ``64,64``."""
    if hidden == "none":
        return ()
    try:
        units = tuple(int(each) for each in hidden.split(","))
    except ValueError:
        units = (0,)
    if min(units) < 1:
        raise ParameterError(f"--hidden expects units as in 64,64 or none, not {hidden!r}")
    return units


_LABELLED = ("table", "images", "sequence")

_MEANT_FOR: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        **dict.fromkeys(("task", "target_scaling", "split", "folds"), _LABELLED),
        **dict.fromkeys(("column", "embed", "scaling"), ("table",)),
        **dict.fromkeys(("size", "fit", "labels", "unreadable"), ("images",)),
        **dict.fromkeys(("id", "length"), ("sequence",)),
        "time": ("sequence", "forecast"),
        **dict.fromkeys(("horizon", "look_back", "season"), ("forecast",)),
        **dict.fromkeys(("tokens", "context"), ("text",)),
    }
)


def refuse_foreign(given: typer.Context, kind: str) -> None:
    """Refuse options that would be passed over, since they are for data of another kind."""
    if not any(kind in kinds for kinds in _MEANT_FOR.values()):
        return  # an unknown kind has a message of its own
    for name, kinds in _MEANT_FOR.items():
        source = given.get_parameter_source(name)
        if kind not in kinds and source is not None and source.name == "COMMANDLINE":
            meant = " and ".join(map(repr, kinds))
            raise ParameterError(
                f"--{name.replace('_', '-')} is for the kind {meant} of data, but these are taken "
                f"for {kind!r}; --kind says what they are"
            )


FIND = "find"
"""Asks to look for a learning rate."""


def read_rate(rate: str | None) -> float | str | None:
    """Read a learning rate: a number, or the word that asks to look for one."""
    if rate is None or rate == FIND:
        return rate
    try:
        return float(rate)
    except ValueError:
        raise ParameterError(
            f"--learning-rate expects a number or {FIND!r}, not {rate!r}"
        ) from None
