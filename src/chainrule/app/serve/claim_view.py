"""Printed numbers beside exact ones, from the claim files that come with the package."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from chainrule.errors import ParameterError
from chainrule.explaining.claims import EXAMPLES, check_claims, read_claims


def listing() -> list[dict[str, str]]:
    """Name the claim files, with their titles."""
    return [{"name": name, "title": read_claims(f"example:{name}").title} for name in EXAMPLES]


@lru_cache(maxsize=16)
def verdicts(name: str) -> dict[str, Any]:
    """Check a claim file.

    Raises
    ------
    ParameterError
        If there is none of that name.
    """
    if name not in EXAMPLES:
        raise ParameterError(f"there are no claims {name!r:.40}; there are {', '.join(EXAMPLES)}")
    return {"name": name, **check_claims(f"example:{name}").to_dict()}
