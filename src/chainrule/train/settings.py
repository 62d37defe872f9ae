"""What the settings of a trainer may be."""

from __future__ import annotations

from numbers import Integral
from typing import Any

from chainrule.errors import ParameterError
from chainrule.train.stop import Criterion


def check_kinds(loss: Any, optimiser: Any, stop: Any, callbacks: Any) -> None:
    """Refuse what is no loss, optimiser, criterion or callback at all."""
    for name, given, example, needed in (
        ("loss", loss, "losses.CrossEntropy()", "totals"),
        ("optimiser", optimiser, "optim.Adam(0.001)", "initial"),
    ):
        if isinstance(given, type) or not hasattr(given, needed):
            raise ParameterError(f"{name} is an object such as {example}, received {given!r}")
    if not isinstance(stop, (Criterion, list, tuple)):
        raise ParameterError(
            f"stop is a criterion such as stop.Epochs(100), or a list of several, received {stop!r}"
        )
    if not isinstance(callbacks, (list, tuple)) or not all(map(callable, callbacks)):
        raise ParameterError(
            f"callbacks is a list of functions of an EpochRecord, received {callbacks!r}"
        )


def is_count(given: Any) -> bool:
    """Whether a setting is a whole number of at least 1."""
    return isinstance(given, Integral) and not isinstance(given, bool) and int(given) >= 1


def several(given: Any) -> tuple[Any, ...]:
    """Give functions, of which a user may give one alone, as a tuple."""
    return (given,) if callable(given) else tuple(given)
